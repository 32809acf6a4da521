// What all trajectories of an ensemble share, and the face of a group of them.
#pragma once

#include <cstdint>

namespace glassbotan {

constexpr int max_species = 16;

// How the energy of a pair follows from its distance.
enum class Law : int {
  cut = 0,      // repulsion, attraction, shift
  shifted = 1,  // and slope
  smooth = 2,   // and quadratic, quartic
  spline = 3,   // cubic polynomials of r^2 by intervals
};

// Interaction of one pair of species, for r^2 < cutoff2: V(r) = repulsion / r^12
// - attraction / r^6 - shift + slope * r + quadratic * r^2 + quartic * r^4, or splines.
struct PairTerm {
  double repulsion;
  double attraction;
  double cutoff2;
  double shift;
  double slope;  // 0, or -dV/dr at the cutoff where forces are shifted to zero there.
  double quadratic;
  double quartic;
  double start;  // of the splines, in r^2
  double scale;  // intervals in a unit of length^2
};

// Arrays are in the engine's order of particles, which follows a Morton curve.
struct System {
  int64_t particles;
  int species_count;
  const int32_t* species;      // [particles]
  const int64_t* identity;     // [particles] index of each particle in the caller's order
  const double* origin;        // [particles][3] initial configuration, folded into the box
  double box[3];               // edge lengths; 0 where space is open
  int dimension;
  const PairTerm* terms;       // [species_count][species_count]
  const double* inverse_mass;  // [species_count]
  double cutoff;               // the longest
  Law law;
  // [species_count][species_count][intervals][4]: a, b, c, d of a + b t + c t^2 + d t^3 for
  // -V'(r) / r and V(r), t from 0 to 1 in each interval of r^2; null but for splines.
  const float* spline_forces;
  const float* spline_energies;
  int64_t intervals;
  double timestep;
  bool thermostatted;
  double velocity_kept;        // exp(-friction * timestep)
  const double* kick;          // [species_count] standard deviation of the thermostat's velocities
  double largest_kinetic_energy;  // of one trajectory; beyond, it has blown up
  // [particles][3] centre of each particle's cage, as a displacement; null where all are free.
  const double* cage_centres;
  double cage_radius;     // within it a cage exerts no force ...
  double cage_stiffness;  // ... beyond it -stiffness (distance - radius)
  double outer_skin;
  double inner_skin;
};

enum class Status : int { done = 0, blown_up = 1, out_of_memory = 2 };

// How much work the pair lists were, for tuning.
struct Counters {
  int64_t steps;
  int64_t outer_lists;
  int64_t inner_lists;
  int64_t outer_pairs;  // summed over the lists made
  int64_t inner_pairs;
};

// One vector's worth of trajectories that move together. Arrays that cross this face are in the
// caller's order of particles, [trajectory][particle][3].
class Group {
 public:
  virtual ~Group();
  // Displacements from the initial configuration are high - low: low is what rounding lost.
  virtual void set_displacements(const float* high, const float* low) = 0;
  virtual void get_displacements(float* high, float* low) const = 0;
  // Velocities half a step before the positions' time (leapfrog).
  virtual void set_half_velocities(const float* velocities) = 0;
  virtual void get_half_velocities(float* velocities) const = 0;
  virtual void set_step(int64_t step) = 0;
  virtual int64_t step() const = 0;
  virtual Status advance(int64_t steps) = 0;
  // Forces [trajectory][particle][3] and potential energies [trajectory] at the positions' time.
  virtual Status evaluate(double* forces, double* potential) = 0;
  virtual Counters counters() const = 0;
  // The pairs of the inner list: first and second in the caller's order; returns how many.
  virtual int64_t pairs(int64_t* first, int64_t* second, int64_t capacity) const = 0;
};

// seeds: one for each of `used` trajectories; further lanes repeat the last one.
using MakeGroup = Group* (*)(const System& system, const uint64_t* seeds, int used);

}  // namespace glassbotan
