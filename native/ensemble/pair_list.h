// Verlet lists that all trajectories of a group share.
//
// A pair is in a list if any trajectory needs it. The outer list is found with a tree of boxes
// that hold where particles are in all trajectories; the inner list is what the outer list leaves
// within a shorter reach. Rows are ordered by (species, image, particle) of the second particle
// whatever the reach, so that sums of forces do not depend on when lists were made.
#pragma once

#include "system.h"
#include "vector.h"

namespace glassbotan::VARIANT {

// More than what single precision may hide of a displacement or distance.
constexpr double slack = 1e-4;

struct Pair {
  float base[3];    // r_second - r_first in the initial configuration, by the image that interacts
  uint32_t second;  // particle
};

struct PairList {
  Array<Pair> pairs;
  Array<uint32_t> ends;  // [particles][species]: where each first particle's pairs of a species end
};

inline Vector squared_distance(const Place& first, const Place& second, const float* base) {
  const Vector x = (second.axis[0] - first.axis[0]) + base[0];
  const Vector y = (second.axis[1] - first.axis[1]) + base[1];
  const Vector z = (second.axis[2] - first.axis[2]) + base[2];
  return x * x + y * y + z * z;
}

// Consecutive particles are kept in blocks of so many, and blocks in larger ones.
constexpr int block_size = 8;
using Eight = float __attribute__((vector_size(4 * block_size)));
using EightMask = int32_t __attribute__((vector_size(4 * block_size)));
using Four = double __attribute__((vector_size(32)));
using FourFloats = float __attribute__((vector_size(16)));

struct Box {
  float low[3];
  float high[3];
};

class OuterListBuilder {
 public:
  explicit OuterListBuilder(const System& system);

  // Returns false where a position is not finite or absurdly far.
  bool build(const Array<Place>& displacements, PairList& list);

 private:
  // Where each of a block's particles is in all trajectories.
  struct Extents {
    Eight low[3];
    Eight high[3];
  };
  struct Leaf {
    uint32_t block;
    uint32_t image;
  };
  struct Image {
    int cell[3];
  };
  struct Candidate {
    uint32_t particle;
    uint32_t image;
  };

  bool measure_extents(const Array<Place>& displacements);
  void build_tree();
  void find_leaves(int64_t block);
  void visit(int64_t level, int64_t index, const Box& query, int64_t block, uint32_t image);
  int64_t find_candidates(int64_t first);
  void add_row(int64_t first, const Array<Place>& displacements, PairList& list);

  const System& system_;
  Array<Four> origins_;
  Array<Extents> extents_;
  // Level 0 holds a box for each block; every further level one for eight of the level below.
  Array<Box> tree_;
  Array<int64_t> level_starts_, level_sizes_, level_widths_;
  // Of the block in hand: blocks and images within reach; of the particle in hand: particles.
  Array<Leaf> leaves_;
  Array<Image> images_;
  Array<Four> shifts_;
  Array<Candidate> candidates_;
  Array<Pair> found_;
};

// inner: pairs of outer closer than cutoff + skin in any trajectory.
void prune(const System& system, const PairList& outer, double skin,
           const Array<Place>& displacements, PairList& inner);

}  // namespace glassbotan::VARIANT
