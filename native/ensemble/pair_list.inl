// Definitions of pair_list.h, included where they are compiled for one instruction set.
#include "pair_list.h"

namespace glassbotan::VARIANT {

inline float smaller(float a, float b) { return a < b ? a : b; }
inline float larger(float a, float b) { return a > b ? a : b; }

inline void enclose(Box& box, const Box& part) {
  for (int axis = 0; axis < 3; ++axis) {
    box.low[axis] = smaller(box.low[axis], part.low[axis]);
    box.high[axis] = larger(box.high[axis], part.high[axis]);
  }
}

inline bool overlap(const Box& a, const Box& b) {
  bool apart = false;
  for (int axis = 0; axis < 3; ++axis)
    apart |= a.low[axis] > b.high[axis] || b.low[axis] > a.high[axis];
  return !apart;
}

// Bit k is set where element k of the mask holds.
inline uint32_t bits_of(EightMask mask) {
#if defined(__AVX__)
  return static_cast<uint32_t>(_mm256_movemask_ps(reinterpret_cast<__m256>(mask)));
#else
  uint32_t bits = 0;
  for (int k = 0; k < block_size; ++k) bits |= (mask[k] & 1u) << k;
  return bits;
#endif
}

// Images are counted from -image_range to image_range - 1 along each axis.
constexpr int image_range = 512;

inline uint32_t image_code(const int* cell) {
  return (static_cast<uint32_t>(cell[0] + image_range) << 20) |
         (static_cast<uint32_t>(cell[1] + image_range) << 10) |
         static_cast<uint32_t>(cell[2] + image_range);
}

inline Four image_shift(uint32_t code, const double* box) {
  const auto cell = [code](int bits) {
    return static_cast<double>(static_cast<int>((code >> bits) & 1023u) - image_range);
  };
  return Four{cell(20) * box[0], cell(10) * box[1], cell(0) * box[2], 0};
}

void Tree::prepare(const System& system) {
  system_ = &system;
  extents_.resize((system.particles + block_size - 1) / block_size);
  int64_t total = 0, width = 1;
  for (int64_t boxes = extents_.size();; boxes = (boxes + block_size - 1) / block_size) {
    level_starts_.push(total);
    level_sizes_.push(boxes);
    level_widths_.push(width);
    total += boxes;
    width *= block_size;
    if (boxes == 1) break;
  }
  boxes_.resize(total);
}

bool Tree::measure(const Array<Place>& displacements, int first_lane, int last_lane) {
  constexpr float nowhere = 1e9f;
  bool sane = true;
  for (int64_t i = 0; i < extents_.size() * block_size; ++i) {
    Extents& block = extents_[i / block_size];
    const int64_t k = i % block_size;
    for (int axis = 0; axis < 3; ++axis) {
      if (i >= system_->particles) {
        block.low[axis][k] = block.high[axis][k] = nowhere;
        continue;
      }
      const double edge = system_->box[axis];
      const float far_away = static_cast<float>(edge > 0 ? 0.4 * image_range * edge : 1e5);
      const Vector moved = displacements[i].axis[axis];
      float low = moved[first_lane], high = low;
      for (int lane = first_lane; lane <= last_lane; ++lane) {
        low = smaller(low, moved[lane]);
        high = larger(high, moved[lane]);
        sane &= moved[lane] > -far_away && moved[lane] < far_away;
      }
      const double origin = system_->origin[3 * i + axis];
      block.low[axis][k] = static_cast<float>(origin + low);
      block.high[axis][k] = static_cast<float>(origin + high);
    }
  }
  if (sane) nest();
  return sane;
}

void Tree::nest() {
  for (int64_t b = 0; b < extents_.size(); ++b)
    for (int axis = 0; axis < 3; ++axis) {
      float low = extents_[b].low[axis][0], high = extents_[b].high[axis][0];
      for (int64_t k = 1; k < block_size && b * block_size + k < system_->particles; ++k) {
        low = smaller(low, extents_[b].low[axis][k]);
        high = larger(high, extents_[b].high[axis][k]);
      }
      boxes_[b].low[axis] = low;
      boxes_[b].high[axis] = high;
    }
  for (int64_t level = 1; level < level_sizes_.size(); ++level) {
    const Box* children = &boxes_[level_starts_[level - 1]];
    const int64_t count = level_sizes_[level - 1];
    Box* boxes = &boxes_[level_starts_[level]];
    for (int64_t b = 0; b < level_sizes_[level]; ++b) {
      boxes[b] = children[block_size * b];
      for (int64_t c = block_size * b + 1; c < count && c < block_size * (b + 1); ++c)
        enclose(boxes[b], children[c]);
    }
  }
}

double Tree::spread() const {
  double sum = 0;
  for (int64_t i = 0; i < system_->particles; ++i)
    for (int axis = 0; axis < 3; ++axis) {
      const Extents& block = extents_[i / block_size];
      sum += block.high[axis][i % block_size] - block.low[axis][i % block_size];
    }
  return sum / static_cast<double>(system_->dimension * system_->particles);
}

void Tree::visit(int64_t level, int64_t index, const Box& query, int64_t block, uint32_t image) {
  // Blocks before the one in hand have listed their pairs with it.
  if ((index + 1) * level_widths_[level] <= block) return;
  if (!overlap(boxes_[level_starts_[level] + index], query)) return;
  if (level == 0) {
    leaves_.push({static_cast<uint32_t>(index), image});
    return;
  }
  const int64_t end = block_size * (index + 1);
  for (int64_t c = block_size * index; c < end && c < level_sizes_[level - 1]; ++c)
    visit(level - 1, c, query, block, image);
}

void Tree::enter_block(int64_t block) {
  leaves_.clear();
  const double reach = system_->cutoff + system_->outer_skin + slack;
  const int64_t top = level_sizes_.size() - 1;
  const Box& own = boxes_[block];
  const Box& root = boxes_[level_starts_[top]];
  int first[3], last[3];
  for (int axis = 0; axis < 3; ++axis) {
    const double edge = system_->box[axis];
    first[axis] = last[axis] = 0;
    if (edge <= 0) continue;
    first[axis] = static_cast<int>(__builtin_ceil((own.low[axis] - reach - root.high[axis]) / edge));
    last[axis] = static_cast<int>(__builtin_floor((own.high[axis] + reach - root.low[axis]) / edge));
  }
  int n[3];
  for (n[0] = first[0]; n[0] <= last[0]; ++n[0])
    for (n[1] = first[1]; n[1] <= last[1]; ++n[1])
      for (n[2] = first[2]; n[2] <= last[2]; ++n[2]) {
        Box query;
        for (int axis = 0; axis < 3; ++axis) {
          const double shift = n[axis] * system_->box[axis];
          query.low[axis] = static_cast<float>(own.low[axis] - reach - shift);
          query.high[axis] = static_cast<float>(own.high[axis] + reach - shift);
        }
        visit(top, 0, query, block, image_code(n));
      }
}

void Tree::find_candidates(int64_t first, Array<Candidate>& found) {
  found.resize(leaves_.size() * block_size);
  Candidate* out = found.data();
  const Extents& block = extents_[first / block_size];
  const int64_t place = first % block_size;
  const double reach = system_->cutoff + system_->outer_skin + slack;
  const float reach2 = static_cast<float>(reach * reach);
  uint32_t image = ~0u;
  float low[3] = {}, high[3] = {};
  for (const Leaf& leaf : leaves_) {
    if (leaf.image != image) {
      image = leaf.image;
      const Four shift = image_shift(image, system_->box);
      for (int axis = 0; axis < 3; ++axis) {
        low[axis] = static_cast<float>(block.low[axis][place] - shift[axis]);
        high[axis] = static_cast<float>(block.high[axis][place] - shift[axis]);
      }
    }
    const Extents& other = extents_[leaf.block];
    Eight apart2{};
    for (int axis = 0; axis < 3; ++axis) {
      const Eight above = other.low[axis] - high[axis];
      const Eight below = low[axis] - other.high[axis];
      // One of the two at most is positive.
      const Eight gap =
          reinterpret_cast<Eight>((reinterpret_cast<EightMask>(above) & (above > 0.0f)) |
                                  (reinterpret_cast<EightMask>(below) & (below > 0.0f)));
      apart2 += gap * gap;
    }
    uint32_t close = bits_of(apart2 < reach2);
    if (leaf.block == first / block_size) close &= ~1u << place;
    const Candidate start = (static_cast<Candidate>(image) << 32) | (leaf.block * block_size);
    for (; close; close &= close - 1) *out++ = start + static_cast<uint32_t>(__builtin_ctz(close));
  }
  found.resize(out - found.data());
}

OuterListBuilder::OuterListBuilder(const System& system, int used)
    : system_(system), used_(used), origins_(system.particles) {
  common_.prepare(system);
  for (int64_t i = 0; i < system.particles; ++i) {
    const double* origin = system.origin + 3 * i;
    origins_[i] = Four{origin[0], origin[1], origin[2], 0};
  }
}

// Adds the candidates' pairs that are within reach in any trajectory.
void OuterListBuilder::add_row(int64_t i, const Array<Place>& displacements, PairList& list) {
  const int species = system_.species_count;
  const int64_t count = candidates_.size();
  found_.resize((count + 1) * species);
  Pair* out[max_species];
  Vector reach2[max_species];
  for (int s = 0; s < species; ++s) {
    const double cutoff2 = system_.terms[system_.species[i] * species + s].cutoff2;
    const double reach = __builtin_sqrt(cutoff2) + system_.outer_skin;
    reach2[s] = all(reach * reach);
    out[s] = found_.data() + s * (count + 1);
  }
  const Place first = displacements[i];
  uint32_t image = ~0u;
  Four from{};
  for (const Candidate candidate : candidates_) {
    const auto j = static_cast<uint32_t>(candidate);
    if (static_cast<uint32_t>(candidate >> 32) != image) {
      image = static_cast<uint32_t>(candidate >> 32);
      from = origins_[i] - image_shift(image, system_.box);
    }
    const FourFloats base = __builtin_convertvector(origins_[j] - from, FourFloats);
    const float offset[3] = {base[0], base[1], base[2]};
    Pair*& pair = out[system_.species[j]];
    *pair = {{offset[0], offset[1], offset[2]}, j};
    pair += any(squared_distance(first, displacements[j], offset) < reach2[system_.species[j]]);
  }
  for (int s = 0; s < species; ++s) {
    const Pair* start = found_.data() + s * (count + 1);
    const int64_t kept = out[s] - start;
    const int64_t before = list.pairs.size();
    list.pairs.resize(before + kept);
    __builtin_memcpy(list.pairs.data() + before, start, static_cast<size_t>(kept) * sizeof(Pair));
    list.ends[i * species + s] = static_cast<uint32_t>(before + kept);
  }
}

// to: what a or b hold, in order and each once.
inline void merge(const Array<Candidate>& a, const Array<Candidate>& b, Array<Candidate>& to) {
  to.resize(a.size() + b.size());
  Candidate* out = to.data();
  const Candidate *x = a.begin(), *y = b.begin();
  while (x != a.end() && y != b.end()) {
    const Candidate next = *x < *y ? *x : *y;
    x += *x == next;
    y += *y == next;
    *out++ = next;
  }
  while (x != a.end()) *out++ = *x++;
  while (y != b.end()) *out++ = *y++;
  to.resize(out - to.data());
}

// Where trajectories have gone far apart, extents over all of them say little: every
// trajectory's own candidates are found and merged.
bool OuterListBuilder::build_by_lane(const Array<Place>& displacements, PairList& list) {
  for (int lane = 0; lane < used_; ++lane) {
    if (!of_lane_[lane].ready()) of_lane_[lane].prepare(system_);
    if (!of_lane_[lane].measure(displacements, lane, lane)) return false;
  }
  for (int64_t i = 0; i < system_.particles; ++i) {
    candidates_.clear();
    for (int lane = 0; lane < used_; ++lane) {
      if (i % block_size == 0) of_lane_[lane].enter_block(i / block_size);
      of_lane_[lane].find_candidates(i, more_);
      merge(candidates_, more_, merged_);
      candidates_.swap(merged_);
    }
    add_row(i, displacements, list);
  }
  return true;
}

bool OuterListBuilder::build(const Array<Place>& displacements, PairList& list) {
  // Edge of the extents from which the common tree finds too many particles.
  constexpr double wide = 4;
  list.pairs.clear();
  list.ends.resize(system_.particles * system_.species_count);
  if (!common_.measure(displacements, 0, used_ - 1)) return false;
  if (common_.spread() > wide) return build_by_lane(displacements, list);
  for (int64_t i = 0; i < system_.particles; ++i) {
    if (i % block_size == 0) common_.enter_block(i / block_size);
    common_.find_candidates(i, candidates_);
    add_row(i, displacements, list);
  }
  return true;
}

void prune(const System& system, const PairList& outer, double skin,
           const Array<Place>& displacements, PairList& inner) {
  const int species = system.species_count;
  inner.pairs.resize(outer.pairs.size());
  inner.ends.resize(outer.ends.size());
  Pair* out = inner.pairs.data();
  const Pair* pair = outer.pairs.data();
  for (int64_t i = 0; i < system.particles; ++i) {
    const Place first = displacements[i];
    for (int s = 0; s < species; ++s) {
      const double reach =
          __builtin_sqrt(system.terms[system.species[i] * species + s].cutoff2) + skin;
      const Vector reach2 = all(reach * reach);
      const Pair* end = outer.pairs.data() + outer.ends[i * species + s];
      for (; pair != end; ++pair) {
        const Vector apart2 = squared_distance(first, displacements[pair->second], pair->base);
        *out = *pair;
        out += any(apart2 < reach2);
      }
      inner.ends[i * species + s] = static_cast<uint32_t>(out - inner.pairs.data());
    }
  }
  inner.pairs.resize(out - inner.pairs.data());
}

}  // namespace glassbotan::VARIANT
