// Numbers in a vector register, of the width that the instruction set has.
//
// Compiled once for each instruction set, with LANES (floats in a vector) and VARIANT given by the
// build; everything lives in a namespace of its own, so that the linker never mixes instruction
// sets.
#pragma once

#include <cstddef>
#include <cstdint>

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define INLINED __attribute__((always_inline))

namespace glassbotan::VARIANT {

constexpr int vector_bytes = 4 * LANES;

template <class T>
struct VectorOf {
  typedef T type __attribute__((vector_size(vector_bytes)));
};
template <class T>
using Vector = typename VectorOf<T>::type;

template <class T>
constexpr int lanes = vector_bytes / sizeof(T);

// Tensors may begin anywhere, so that no alignment is assumed.
template <class T>
ALWAYS_INLINE Vector<T> load(const T* from) {
  Vector<T> value;
  __builtin_memcpy(&value, from, vector_bytes);
  return value;
}

template <class T>
ALWAYS_INLINE void store(T* to, Vector<T> value) {
  __builtin_memcpy(to, &value, vector_bytes);
}

template <class T>
ALWAYS_INLINE Vector<T> all(T value) {
  return value - Vector<T>{};
}

// Comparisons are such that NaN stays NaN.
template <class T>
ALWAYS_INLINE Vector<T> relu(Vector<T> value) {
  return value < Vector<T>{} ? Vector<T>{} : value;
}

template <class T>
ALWAYS_INLINE Vector<T> relu_gradient(Vector<T> gradient, Vector<T> output) {
  return output <= Vector<T>{} ? Vector<T>{} : gradient;
}

}  // namespace glassbotan::VARIANT
