// Vectors of floats or doubles.
#pragma once

#include "../common/vector.h"

namespace glassbotan::VARIANT {

template <class T>
using Vector = VectorOf<T>;

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
