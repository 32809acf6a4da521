// Lennard-Jones forces of one particle's row of pairs, for all trajectories of a group at once.
#pragma once

#include "pair_list.h"
#include "random.h"

namespace glassbotan::VARIANT {

// PairTerm in single precision, as forces need it: F / r = twelve / r^14 - six / r^8 - slope / r.
struct Coefficients {
  float twelve;
  float six;
  float cutoff2;
  float slope;
  float repulsion, attraction, shift;
};

inline Coefficients coefficients_of(const PairTerm& term) {
  return {static_cast<float>(12 * term.repulsion), static_cast<float>(6 * term.attraction),
          static_cast<float>(term.cutoff2),        static_cast<float>(term.slope),
          static_cast<float>(term.repulsion),      static_cast<float>(term.attraction),
          static_cast<float>(term.shift)};
}

// Adds to total the force on the first particle, takes the same from the second ones in
// forces, and adds the pairs' energy where it is asked for.
template <bool force_shifted, bool with_energy>
inline __attribute__((always_inline)) void add_row(const Coefficients& term, const Pair* pair,
                                                   const Pair* end, const Place& first,
                                                   const Place* positions, Place* forces,
                                                   Place& total, Vector& energy) {
  const Vector twelve = all(term.twelve), six = all(term.six), cutoff2 = all(term.cutoff2);
  Vector fx = total.axis[0], fy = total.axis[1], fz = total.axis[2];
  for (; pair != end; ++pair) {
    const Place& second = positions[pair->second];
    Place& reaction = forces[pair->second];
    const Vector x = (second.axis[0] - first.axis[0]) + pair->base[0];
    const Vector y = (second.axis[1] - first.axis[1]) + pair->base[1];
    const Vector z = (second.axis[2] - first.axis[2]) + pair->base[2];
    const Vector r2 = x * x + y * y + z * z;
    const Mask near = r2 < cutoff2;
    const Vector inverse = 1.0f / r2;
    const Vector inverse4 = inverse * inverse;
    const Vector inverse6 = inverse4 * inverse;
    const Vector inverse8 = inverse4 * inverse4;
    Vector strength = inverse8 * (twelve * inverse6 - six);
    if constexpr (force_shifted) strength -= term.slope * (square_root(r2) * inverse);
    strength = where(near, strength);
    fx -= strength * x;
    fy -= strength * y;
    fz -= strength * z;
    reaction.axis[0] += strength * x;
    reaction.axis[1] += strength * y;
    reaction.axis[2] += strength * z;
    if constexpr (with_energy) {
      Vector well = inverse6 * (term.repulsion * inverse6 - term.attraction) - term.shift;
      if constexpr (force_shifted) well += term.slope * square_root(r2);
      energy += where(near, well);
    }
  }
  total = {{fx, fy, fz}};
}

}  // namespace glassbotan::VARIANT
