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
struct VectorType {
  typedef T type __attribute__((vector_size(vector_bytes)));
};
template <class T>
using VectorOf = typename VectorType<T>::type;

template <class T>
ALWAYS_INLINE VectorOf<T> all(T value) {
  return value - VectorOf<T>{};
}

}  // namespace glassbotan::VARIANT
