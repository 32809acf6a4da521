// Products of tall matrices with small ones, whose results go through a function of the caller
// while they are still in registers.
#pragma once

#include <type_traits>

#include "vector.h"

namespace glassbotan::VARIANT {

// A tile of results that fills the registers, with room for one row of weights.
#if LANES == 16
constexpr int tile_rows = 6, tile_vectors = 4;
#elif LANES == 8
constexpr int tile_rows = 4, tile_vectors = 2;
#elif defined(__aarch64__)
constexpr int tile_rows = 4, tile_vectors = 4;
#else
constexpr int tile_rows = 4, tile_vectors = 2;
#endif

// A matrix of which one element of each row meets one row of weights at a time.
template <class T>
struct Left {
  const T* data;
  int64_t row_stride;
  int64_t depth_stride;
};

// result(row, column) = start(row, column) + sum_k left(row, k) right(k, column) for R rows and
// V vectors of columns, each given to end(row, column, result).
template <class T, int R, int V, class Start, class End>
ALWAYS_INLINE void tile(const Left<T>& left, int64_t row, const T* right, int64_t right_stride,
                        int64_t depth, int64_t column, const Start& start, const End& end) {
  Vector<T> result[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) result[r][v] = start(row + r, column + v * lanes<T>);
  const T* x = left.data + row * left.row_stride;
  for (int64_t k = 0; k < depth; ++k) {
    Vector<T> weights[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) weights[v] = load(right + v * lanes<T>);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vector<T> factor = all(x[r * left.row_stride]);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) result[r][v] += factor * weights[v];
    }
    x += left.depth_stride;
    right += right_stride;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) end(row + r, column + v * lanes<T>, result[r][v]);
}

template <class T, int R, int V, class Start, class End>
ALWAYS_INLINE void all_rows(const Left<T>& left, int64_t rows, const T* right,
                            int64_t right_stride, int64_t depth, int64_t column,
                            const Start& start, const End& end) {
  int64_t row = 0;
  for (; row + R <= rows; row += R)
    tile<T, R, V>(left, row, right, right_stride, depth, column, start, end);
  for (; row + 2 <= rows; row += 2)
    tile<T, 2, V>(left, row, right, right_stride, depth, column, start, end);
  for (; row < rows; ++row)
    tile<T, 1, V>(left, row, right, right_stride, depth, column, start, end);
}

// Columns in panels of tile_vectors vectors: panel(column, vectors) with vectors a constant.
template <class T, class Panel>
ALWAYS_INLINE void each_panel(int64_t width, const Panel& panel) {
  int64_t column = 0;
  constexpr int64_t full = tile_vectors * lanes<T>;
  for (; column + full <= width; column += full)
    panel(column, std::integral_constant<int, tile_vectors>{});
  // Widths are multiples of 16, which leaves a part of a panel only where a panel is wider.
  if constexpr (full > 16)
    for (; column < width; column += 16) panel(column, std::integral_constant<int, 16 / lanes<T>>{});
}

// right: packed by panels, so that it is read from end to end.
template <class T, class Start, class End>
ALWAYS_INLINE void multiply(const T* left, int64_t rows, const T* packed, int64_t depth,
                            int64_t width, const Start& start, const End& end) {
  each_panel<T>(width, [&](int64_t column, auto vectors) INLINED {
    constexpr int V = decltype(vectors)::value;
    all_rows<T, tile_rows, V>({left, depth, 1}, rows, packed + column * depth, V * lanes<T>, depth,
                              column, start, end);
  });
}

// sums [left_width][width] += left^T right, over rows.
template <class T>
ALWAYS_INLINE void add_outer_product(const T* left, int64_t left_width, const T* right,
                                     int64_t width, int64_t rows, T* sums) {
  const auto start = [=](int64_t row, int64_t column) { return load(sums + row * width + column); };
  const auto end = [=](int64_t row, int64_t column, Vector<T> value) {
    store(sums + row * width + column, value);
  };
  each_panel<T>(width, [&](int64_t column, auto vectors) INLINED {
    all_rows<T, tile_rows, decltype(vectors)::value>({left, 1, left_width}, left_width, right + column,
                                             width, rows, column, start, end);
  });
}

// packed: element(k, column) in the order in which multiply reads it.
template <class T, class Element>
ALWAYS_INLINE void pack(int64_t depth, int64_t width, const Element& element, T* packed) {
  each_panel<T>(width, [&](int64_t column, auto vectors) {
    constexpr int panel = decltype(vectors)::value * lanes<T>;
    T* to = packed + column * depth;
    for (int64_t k = 0; k < depth; ++k)
      for (int c = 0; c < panel; ++c) *to++ = element(k, column + c);
  });
}

}  // namespace glassbotan::VARIANT
