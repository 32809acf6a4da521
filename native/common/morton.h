// Order of points along a Morton curve of cubic cells: neighbours in space are near in memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace glassbotan {

inline uint64_t morton_code(const double* fraction) {
  uint64_t code = 0;
  for (int axis = 0; axis < 3; ++axis) {
    auto cell = static_cast<uint64_t>(std::clamp(fraction[axis], 0.0, 0.999999) * (1 << 20));
    for (int bit = 0; bit < 20; ++bit) code |= ((cell >> bit) & 1) << (3 * bit + axis);
  }
  return code;
}

// order: the index of every point [count][3], in the order of the curve.
inline void morton_order(const double* points, int64_t count, std::vector<int64_t>& order) {
  std::vector<uint64_t> codes(count);
  double low[3], high[3];
  for (int axis = 0; axis < 3; ++axis) {
    low[axis] = high[axis] = points[axis];
    for (int64_t i = 0; i < count; ++i) {
      low[axis] = std::min(low[axis], points[3 * i + axis]);
      high[axis] = std::max(high[axis], points[3 * i + axis]);
    }
  }
  // Cubic cells, whatever the shape of the box.
  const double width = std::max({high[0] - low[0], high[1] - low[1], high[2] - low[2], 1e-9});
  for (int64_t i = 0; i < count; ++i) {
    double fraction[3];
    for (int axis = 0; axis < 3; ++axis) fraction[axis] = (points[3 * i + axis] - low[axis]) / width;
    codes[i] = morton_code(fraction);
  }
  order.resize(count);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return codes[a] < codes[b]; });
}

}  // namespace glassbotan
