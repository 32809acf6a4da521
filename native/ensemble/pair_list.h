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

// A particle and the periodic image by which it is near: image << 32 | particle.
using Candidate = uint64_t;

// Boxes around where particles are in some of the trajectories, nested by blocks.
class Tree {
 public:
  void prepare(const System& system);
  bool ready() const { return system_ != nullptr; }
  // From lanes first to last; returns false where a position is not finite or absurdly far.
  bool measure(const Array<Place>& displacements, int first_lane, int last_lane);
  // The mean edge of the particles' extents.
  double spread() const;
  int64_t blocks() const { return extents_.size(); }
  // Finds the blocks within reach of one, which find_candidates() then looks through.
  void enter_block(int64_t block);
  // Particles after the first whose extents come within reach of its extent, in order.
  void find_candidates(int64_t first, Array<Candidate>& found);

 private:
  // Where each of a block's particles is.
  struct Extents {
    Eight low[3];
    Eight high[3];
  };
  struct Leaf {
    uint32_t block;
    uint32_t image;
  };

  void nest();
  void visit(int64_t level, int64_t index, const Box& query, int64_t block, uint32_t image);

  const System* system_ = nullptr;
  Array<Extents> extents_;
  // Level 0 holds a box for each block; every further level one for eight of the level below.
  Array<Box> boxes_;
  Array<int64_t> level_starts_, level_sizes_, level_widths_;
  Array<Leaf> leaves_;
};

class OuterListBuilder {
 public:
  // Lanes from `used` on repeat others and need no lists.
  OuterListBuilder(const System& system, int used);

  // Returns false where a position is not finite or absurdly far.
  bool build(const Array<Place>& displacements, PairList& list);

 private:
  bool build_by_lane(const Array<Place>& displacements, PairList& list);
  void add_row(int64_t first, const Array<Place>& displacements, PairList& list);

  const System& system_;
  const int used_;
  Array<Four> origins_;
  Tree common_;
  Tree of_lane_[lanes];
  Array<Candidate> candidates_, more_, merged_;
  Array<Pair> found_;
};

// inner: pairs of outer closer than cutoff + skin in any trajectory.
void prune(const System& system, const PairList& outer, double skin,
           const Array<Place>& displacements, PairList& inner);

}  // namespace glassbotan::VARIANT
