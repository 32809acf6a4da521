// A float of every trajectory of a group: one vector register.
#pragma once

#include <cstdlib>
#include <new>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "../common/vector.h"

namespace glassbotan::VARIANT {

constexpr int lanes = LANES;

using Vector = VectorOf<float>;
using Mask = VectorOf<int32_t>;
using Bits = VectorOf<uint32_t>;

// A position, velocity or force in every trajectory.
struct Place {
  Vector axis[3];
};

inline Vector all(double value) { return static_cast<float>(value) - Vector{}; }

// The value where the mask holds, otherwise 0.
inline Vector where(Mask mask, Vector value) {
  return reinterpret_cast<Vector>(mask & reinterpret_cast<Mask>(value));
}

inline Vector pick(Mask mask, Vector yes, Vector no) {
  return reinterpret_cast<Vector>((mask & reinterpret_cast<Mask>(yes)) |
                                  (~mask & reinterpret_cast<Mask>(no)));
}

inline Vector smallest(Vector a, Vector b) { return pick(a < b, a, b); }
inline Vector largest(Vector a, Vector b) { return pick(a > b, a, b); }

// table[at] of every lane.
inline Vector gathered(const float* table, Mask at) {
#if LANES == 16 && defined(__AVX512F__)
  return reinterpret_cast<Vector>(_mm512_mask_i32gather_ps(
      _mm512_setzero_ps(), 0xFFFF, reinterpret_cast<__m512i>(at), table, sizeof(float)));
#elif LANES == 8 && defined(__AVX2__)
  return reinterpret_cast<Vector>(
      _mm256_i32gather_ps(table, reinterpret_cast<__m256i>(at), sizeof(float)));
#else
  Vector values;
  for (int lane = 0; lane < lanes; ++lane) values[lane] = table[at[lane]];
  return values;
#endif
}

inline bool any(Mask mask) {
#if LANES == 16 && defined(__AVX512DQ__)
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask)) != 0;
#elif LANES == 8 && defined(__AVX__)
  return _mm256_movemask_ps(reinterpret_cast<__m256>(mask)) != 0;
#elif LANES == 4 && defined(__SSE2__)
  return _mm_movemask_ps(reinterpret_cast<__m128>(mask)) != 0;
#else
  int32_t found = 0;
  for (int lane = 0; lane < lanes; ++lane) found |= mask[lane];
  return found != 0;
#endif
}

// A growing array of plain values, aligned for vectors.
template <class T>
class Array {
 public:
  Array() = default;
  explicit Array(int64_t size) { resize(size); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() { std::free(data_); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  int64_t size() const { return size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](int64_t index) { return data_[index]; }
  const T& operator[](int64_t index) const { return data_[index]; }
  void clear() { size_ = 0; }
  void swap(Array& other) {
    exchange(data_, other.data_);
    exchange(size_, other.size_);
    exchange(capacity_, other.capacity_);
  }

  // New elements are zero bytes only after fill_zero(); old ones are kept.
  void resize(int64_t size) {
    reserve(size);
    size_ = size;
  }
  void reserve(int64_t capacity) {
    if (capacity <= capacity_) return;
    const int64_t grown = capacity_ + capacity_ / 2;
    if (capacity < grown) capacity = grown;
    const size_t bytes = (static_cast<size_t>(capacity) * sizeof(T) + 127) / 64 * 64;
    T* fresh = static_cast<T*>(std::aligned_alloc(64, bytes));
    if (!fresh) throw std::bad_alloc();
    if (size_) __builtin_memcpy(fresh, data_, static_cast<size_t>(size_) * sizeof(T));
    std::free(data_);
    data_ = fresh;
    capacity_ = capacity;
  }
  void push(const T& value) {
    if (size_ == capacity_) reserve(size_ + 16);
    data_[size_++] = value;
  }
  void fill_zero() {
    if (size_) __builtin_memset(static_cast<void*>(data_), 0, static_cast<size_t>(size_) * sizeof(T));
  }

 private:
  template <class Value>
  static void exchange(Value& a, Value& b) {
    const Value kept = a;
    a = b;
    b = kept;
  }
  T* data_ = nullptr;
  int64_t size_ = 0;
  int64_t capacity_ = 0;
};

}  // namespace glassbotan::VARIANT
