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

inline float least(Vector value) {
  float found = value[0];
  for (int lane = 1; lane < lanes; ++lane) found = smaller(found, value[lane]);
  return found;
}

inline float greatest(Vector value) {
  float found = value[0];
  for (int lane = 1; lane < lanes; ++lane) found = larger(found, value[lane]);
  return found;
}

OuterListBuilder::OuterListBuilder(const System& system)
    : system_(system),
      origins_(system.particles),
      extents_((system.particles + block_size - 1) / block_size) {
  for (int64_t i = 0; i < system.particles; ++i) {
    const double* origin = system.origin + 3 * i;
    origins_[i] = Four{origin[0], origin[1], origin[2], 0};
  }
  int64_t total = 0, width = 1;
  for (int64_t boxes = extents_.size();; boxes = (boxes + block_size - 1) / block_size) {
    level_starts_.push(total);
    level_sizes_.push(boxes);
    level_widths_.push(width);
    total += boxes;
    width *= block_size;
    if (boxes == 1) break;
  }
  tree_.resize(total);
}

bool OuterListBuilder::measure_extents(const Array<Place>& displacements) {
  constexpr float far_away = 1e5f;
  constexpr float nowhere = 1e9f;
  Mask sane = Mask{} - 1;
  for (int64_t i = 0; i < extents_.size() * block_size; ++i) {
    Extents& block = extents_[i / block_size];
    const int64_t k = i % block_size;
    for (int axis = 0; axis < 3; ++axis) {
      if (i >= system_.particles) {
        block.low[axis][k] = block.high[axis][k] = nowhere;
        continue;
      }
      const Vector moved = displacements[i].axis[axis];
      sane &= (moved < far_away) & (moved > -far_away);
      const double origin = system_.origin[3 * i + axis];
      block.low[axis][k] = static_cast<float>(origin + least(moved));
      block.high[axis][k] = static_cast<float>(origin + greatest(moved));
    }
  }
  return !any(~sane);
}

void OuterListBuilder::build_tree() {
  for (int64_t b = 0; b < extents_.size(); ++b)
    for (int axis = 0; axis < 3; ++axis) {
      float low = extents_[b].low[axis][0], high = extents_[b].high[axis][0];
      for (int64_t k = 1; k < block_size && b * block_size + k < system_.particles; ++k) {
        low = smaller(low, extents_[b].low[axis][k]);
        high = larger(high, extents_[b].high[axis][k]);
      }
      tree_[b].low[axis] = low;
      tree_[b].high[axis] = high;
    }
  for (int64_t level = 1; level < level_sizes_.size(); ++level) {
    const Box* children = &tree_[level_starts_[level - 1]];
    const int64_t count = level_sizes_[level - 1];
    Box* boxes = &tree_[level_starts_[level]];
    for (int64_t b = 0; b < level_sizes_[level]; ++b) {
      boxes[b] = children[block_size * b];
      for (int64_t c = block_size * b + 1; c < count && c < block_size * (b + 1); ++c)
        enclose(boxes[b], children[c]);
    }
  }
}

void OuterListBuilder::visit(int64_t level, int64_t index, const Box& query, int64_t block,
                             uint32_t image) {
  // Blocks before the one in hand have listed their pairs with it.
  if ((index + 1) * level_widths_[level] <= block) return;
  if (!overlap(tree_[level_starts_[level] + index], query)) return;
  if (level == 0) {
    leaves_.push({static_cast<uint32_t>(index), image});
    return;
  }
  const int64_t end = block_size * (index + 1);
  for (int64_t c = block_size * index; c < end && c < level_sizes_[level - 1]; ++c)
    visit(level - 1, c, query, block, image);
}

// Blocks and images that come within reach of a block, in order of image and block.
void OuterListBuilder::find_leaves(int64_t block) {
  leaves_.clear();
  images_.clear();
  shifts_.clear();
  const double reach = system_.cutoff + system_.outer_skin + slack;
  const int64_t top = level_sizes_.size() - 1;
  const Box& own = tree_[block];
  const Box& root = tree_[level_starts_[top]];
  int first[3], last[3];
  for (int axis = 0; axis < 3; ++axis) {
    const double edge = system_.box[axis];
    first[axis] = last[axis] = 0;
    if (edge <= 0) continue;
    first[axis] = static_cast<int>(__builtin_ceil((own.low[axis] - reach - root.high[axis]) / edge));
    last[axis] = static_cast<int>(__builtin_floor((own.high[axis] + reach - root.low[axis]) / edge));
  }
  Image n;
  for (n.cell[0] = first[0]; n.cell[0] <= last[0]; ++n.cell[0])
    for (n.cell[1] = first[1]; n.cell[1] <= last[1]; ++n.cell[1])
      for (n.cell[2] = first[2]; n.cell[2] <= last[2]; ++n.cell[2]) {
        Box query;
        Four shift{};
        for (int axis = 0; axis < 3; ++axis) {
          shift[axis] = n.cell[axis] * system_.box[axis];
          query.low[axis] = static_cast<float>(own.low[axis] - reach - shift[axis]);
          query.high[axis] = static_cast<float>(own.high[axis] + reach - shift[axis]);
        }
        visit(top, 0, query, block, static_cast<uint32_t>(images_.size()));
        images_.push(n);
        shifts_.push(shift);
      }
}

// Particles after the first whose extents come within reach of its extent; returns how many.
int64_t OuterListBuilder::find_candidates(int64_t first) {
  candidates_.resize(leaves_.size() * block_size + block_size);
  Candidate* out = candidates_.data();
  const Extents& block = extents_[first / block_size];
  const int64_t place = first % block_size;
  const double reach = system_.cutoff + system_.outer_skin + slack;
  const float reach2 = static_cast<float>(reach * reach);
  uint32_t image = ~0u;
  float low[3] = {}, high[3] = {};
  for (const Leaf& leaf : leaves_) {
    if (leaf.image != image) {
      image = leaf.image;
      for (int axis = 0; axis < 3; ++axis) {
        low[axis] = static_cast<float>(block.low[axis][place] - shifts_[image][axis]);
        high[axis] = static_cast<float>(block.high[axis][place] - shifts_[image][axis]);
      }
    }
    const Extents& other = extents_[leaf.block];
    Eight apart2{};
    for (int axis = 0; axis < 3; ++axis) {
      const Eight above = other.low[axis] - high[axis];
      const Eight below = low[axis] - other.high[axis];
      // One of the two at most is positive.
      const Eight gap = reinterpret_cast<Eight>((reinterpret_cast<EightMask>(above) & (above > 0.0f)) |
                                                (reinterpret_cast<EightMask>(below) & (below > 0.0f)));
      apart2 += gap * gap;
    }
    uint32_t close = bits_of(apart2 < reach2);
    if (leaf.block == first / block_size) close &= ~1u << place;
    const uint32_t start = leaf.block * block_size;
    for (; close; close &= close - 1)
      *out++ = {start + static_cast<uint32_t>(__builtin_ctz(close)), image};
  }
  return out - candidates_.data();
}

void OuterListBuilder::add_row(int64_t i, const Array<Place>& displacements, PairList& list) {
  const int species = system_.species_count;
  const int64_t count = find_candidates(i);
  found_.resize((count + 1) * species);
  Pair* out[max_species];
  Vector reach2[max_species];
  for (int s = 0; s < species; ++s) {
    const double reach =
        __builtin_sqrt(system_.terms[system_.species[i] * species + s].cutoff2) + system_.outer_skin;
    reach2[s] = all(reach * reach);
    out[s] = found_.data() + s * (count + 1);
  }
  const Place first = displacements[i];
  const Four origin = origins_[i];
  for (int64_t c = 0; c < count; ++c) {
    const Candidate& candidate = candidates_[c];
    const int64_t j = candidate.particle;
    const int s = system_.species[j];
    const FourFloats base =
        __builtin_convertvector((origins_[j] - origin) + shifts_[candidate.image], FourFloats);
    Pair* pair = out[s];
    __builtin_memcpy(pair, &base, sizeof base);
    pair->second = candidate.particle;
    const float offset[3] = {base[0], base[1], base[2]};
    out[s] += any(squared_distance(first, displacements[j], offset) < reach2[s]);
  }
  list.pairs.reserve(list.pairs.size() + count);
  for (int s = 0; s < species; ++s) {
    const Pair* start = found_.data() + s * (count + 1);
    const int64_t kept = out[s] - start;
    const int64_t before = list.pairs.size();
    list.pairs.resize(before + kept);
    __builtin_memcpy(list.pairs.data() + before, start, static_cast<size_t>(kept) * sizeof(Pair));
    list.ends[i * species + s] = static_cast<uint32_t>(before + kept);
  }
}

bool OuterListBuilder::build(const Array<Place>& displacements, PairList& list) {
  if (!measure_extents(displacements)) return false;
  build_tree();
  list.pairs.clear();
  list.ends.resize(system_.particles * system_.species_count);
  for (int64_t block = 0; block < extents_.size(); ++block) {
    find_leaves(block);
    const int64_t end = (block + 1) * block_size;
    for (int64_t i = block * block_size; i < end && i < system_.particles; ++i)
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
