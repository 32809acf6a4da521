// Forces of one particle's row of pairs, for all trajectories of a group at once.
#pragma once

#include "pair_list.h"
#include "random.h"

namespace glassbotan::VARIANT {

// PairTerm in single precision, as forces need it: F / r = twelve / r^14 - six / r^8 - slope / r
// - two - four r^2, or splines.
struct Coefficients {
  float twelve;
  float six;
  float cutoff2;
  float slope;
  float repulsion, attraction, shift;
  float quadratic, quartic, two, four;
  float start, scale, last;
  const float *forces, *energies;
};

inline Coefficients coefficients_of(const System& system, int pair) {
  const PairTerm& term = system.terms[pair];
  const int64_t offset = 4 * system.intervals * pair;
  return {static_cast<float>(12 * term.repulsion), static_cast<float>(6 * term.attraction),
          static_cast<float>(term.cutoff2),        static_cast<float>(term.slope),
          static_cast<float>(term.repulsion),      static_cast<float>(term.attraction),
          static_cast<float>(term.shift),          static_cast<float>(term.quadratic),
          static_cast<float>(term.quartic),        static_cast<float>(2 * term.quadratic),
          static_cast<float>(4 * term.quartic),    static_cast<float>(term.start),
          static_cast<float>(term.scale),          static_cast<float>(system.intervals - 1),
          system.spline_forces + offset,           system.spline_energies + offset};
}

// The splines' value in interval k of each trajectory.
inline Vector polynomial(const float* table, Mask k, Vector t) {
  const Mask at = 4 * k;
  return gathered(table, at) +
         t * (gathered(table + 1, at) + t * (gathered(table + 2, at) + t * gathered(table + 3, at)));
}

// F / r of pairs within the cutoff, and their energy where it is asked for.
template <Law law, bool with_energy>
ALWAYS_INLINE Vector force_over_distance(const Coefficients& term, Vector twelve, Vector six,
                                         Vector r2, Mask near, Vector& energy) {
  if constexpr (law == Law::spline) {
    const Vector u = where(near, (r2 - term.start) * term.scale);
    const Vector whole = largest(Vector{}, smallest(u, all(term.last)));
    const Mask k = __builtin_convertvector(whole, Mask);
    // Closer than the table goes, what it begins with.
    const Vector t = largest(u, Vector{}) - __builtin_convertvector(k, Vector);
    if constexpr (with_energy) energy += where(near, polynomial(term.energies, k, t));
    return where(near, polynomial(term.forces, k, t));
  } else {
    const Vector inverse = 1.0f / r2;
    const Vector inverse4 = inverse * inverse;
    const Vector inverse6 = inverse4 * inverse;
    const Vector inverse8 = inverse4 * inverse4;
    Vector strength = inverse8 * (twelve * inverse6 - six);
    if constexpr (law != Law::cut) strength -= term.slope * (square_root(r2) * inverse);
    if constexpr (law == Law::smooth) strength -= term.two + term.four * r2;
    if constexpr (with_energy) {
      Vector well = inverse6 * (term.repulsion * inverse6 - term.attraction) - term.shift;
      if constexpr (law != Law::cut) well += term.slope * square_root(r2);
      if constexpr (law == Law::smooth) well += r2 * (term.quadratic + term.quartic * r2);
      energy += where(near, well);
    }
    return where(near, strength);
  }
}

// Adds to total the force on the first particle, takes the same from the second ones in
// forces, and adds the pairs' energy where it is asked for.
template <Law law, bool with_energy>
ALWAYS_INLINE void add_row(const Coefficients& term, const Pair* pair,
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
    const Vector strength =
        force_over_distance<law, with_energy>(term, twelve, six, r2, near, energy);
    fx -= strength * x;
    fy -= strength * y;
    fz -= strength * z;
    reaction.axis[0] += strength * x;
    reaction.axis[1] += strength * y;
    reaction.axis[2] += strength * z;
  }
  total = {{fx, fy, fz}};
}

}  // namespace glassbotan::VARIANT
