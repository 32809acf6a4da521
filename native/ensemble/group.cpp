// A group of trajectories: state, lists and the integrators. Compiled once for each instruction
// set.
#include <type_traits>

#include "forces.h"
#include "pair_list.inl"
#include "system.h"

namespace glassbotan::VARIANT {

constexpr int64_t steps_between_rests = 1000;

// What a function of the law, as a constant, returns.
template <class Function>
auto with_law(Law law, const Function& function) {
  switch (law) {
    case Law::cut: return function(std::integral_constant<Law, Law::cut>{});
    case Law::shifted: return function(std::integral_constant<Law, Law::shifted>{});
    case Law::smooth: return function(std::integral_constant<Law, Law::smooth>{});
    default: return function(std::integral_constant<Law, Law::spline>{});
  }
}

class VectorGroup final : public Group {
 public:
  VectorGroup(const System& system, const uint64_t* seeds, int used)
      : system_(system),
        used_(used),
        builder_(system, used),
        positions_(system.particles),
        lost_(system.particles),
        velocities_(system.particles),
        forces_(system.particles),
        outer_reference_(system.particles),
        inner_reference_(system.particles) {
    positions_.fill_zero();
    lost_.fill_zero();
    velocities_.fill_zero();
    forces_.fill_zero();
    for (int lane = 0; lane < lanes; ++lane) {
      const uint64_t seed = seeds[source(lane)];
      key_.word[0][lane] = static_cast<uint32_t>(seed);
      key_.word[1][lane] = static_cast<uint32_t>(seed >> 32);
    }
    const int pairs_of_species = system.species_count * system.species_count;
    for (int k = 0; k < pairs_of_species; ++k) terms_.push(coefficients_of(system, k));
  }

  void set_displacements(const float* high, const float* low) override {
    scatter(high, positions_);
    scatter(low, lost_);
    inner_stale_ = outer_stale_ = true;
  }
  void get_displacements(float* high, float* low) const override {
    gather(positions_, high);
    gather(lost_, low);
  }
  void set_half_velocities(const float* velocities) override { scatter(velocities, velocities_); }
  void get_half_velocities(float* velocities) const override { gather(velocities_, velocities); }
  void set_step(int64_t step) override { step_ = step; }
  int64_t step() const override { return step_; }
  Counters counters() const override { return counters_; }

  Status advance(int64_t steps) override {
    const bool conserves_momentum = !system_.thermostatted && !system_.cage_centres;
    const auto pass = with_law(system_.law, [this](auto law) {
      return system_.thermostatted ? &VectorGroup::step_all<true, law()>
                                   : &VectorGroup::step_all<false, law()>;
    });
    try {
      for (int64_t k = 0; k < steps; ++k) {
        if (!bring_lists_up_to_date()) return Status::blown_up;
        inner_stale_ = (this->*pass)();
        ++step_;
        ++counters_.steps;
        if (conserves_momentum && step_ % steps_between_rests == 0) bring_to_rest();
      }
      return bring_lists_up_to_date() ? Status::done : Status::blown_up;
    } catch (const std::bad_alloc&) {
      return Status::out_of_memory;
    }
  }

  Status evaluate(double* forces, double* potential) override {
    try {
      if (!bring_lists_up_to_date()) return Status::blown_up;
    } catch (const std::bad_alloc&) {
      return Status::out_of_memory;
    }
    with_law(system_.law, [&](auto law) { evaluate_all<law()>(potential); });
    gather(forces_, forces);
    forces_.fill_zero();
    return Status::done;
  }

  int64_t pairs(int64_t* first, int64_t* second, int64_t capacity) const override {
    int64_t count = 0;
    int64_t pair = 0;
    for (int64_t i = 0; i < system_.particles; ++i)
      for (; pair < inner_.ends[(i + 1) * system_.species_count - 1]; ++pair, ++count) {
        if (count >= capacity) continue;
        first[count] = system_.identity[i];
        second[count] = system_.identity[inner_.pairs[pair].second];
      }
    return count;
  }

 private:
  int source(int lane) const { return lane < used_ ? lane : used_ - 1; }

  void scatter(const float* from, Array<Place>& to) {
    for (int lane = 0; lane < lanes; ++lane)
      for (int64_t i = 0; i < system_.particles; ++i)
        for (int axis = 0; axis < 3; ++axis)
          to[i].axis[axis][lane] =
              from[3 * (source(lane) * system_.particles + system_.identity[i]) + axis];
  }
  template <class T>
  void gather(const Array<Place>& from, T* to) const {
    for (int lane = 0; lane < used_; ++lane)
      for (int64_t i = 0; i < system_.particles; ++i)
        for (int axis = 0; axis < 3; ++axis)
          to[3 * (lane * system_.particles + system_.identity[i]) + axis] = from[i].axis[axis][lane];
  }

  bool moved_further(const Array<Place>& reference, double distance) const {
    const Vector limit2 = all(distance * distance);
    Mask beyond{};
    for (int64_t i = 0; i < system_.particles; ++i) {
      Vector moved2{};
      for (int axis = 0; axis < 3; ++axis) {
        const Vector moved = positions_[i].axis[axis] - reference[i].axis[axis];
        moved2 += moved * moved;
      }
      beyond |= ~(moved2 < limit2);
    }
    return any(beyond);
  }

  // Sums of forces in single precision leave the centre of mass a random walk. What it has
  // gathered, some 1e-8 a particle, goes to a few particles: shared by all it would be less than
  // the last bit of their velocities.
  void bring_to_rest() {
    const int64_t stride = system_.particles / 64 + 1;
    const int64_t sharers = (system_.particles + stride - 1) / stride;
    for (int axis = 0; axis < system_.dimension; ++axis) {
      double momentum[lanes] = {};
      for (int64_t i = 0; i < system_.particles; ++i)
        for (int lane = 0; lane < lanes; ++lane)
          momentum[lane] += static_cast<double>(velocities_[i].axis[axis][lane]) /
                            system_.inverse_mass[system_.species[i]];
      for (int64_t i = 0; i < system_.particles; i += stride)
        for (int lane = 0; lane < lanes; ++lane)
          velocities_[i].axis[axis][lane] -= static_cast<float>(
              momentum[lane] / static_cast<double>(sharers) *
              system_.inverse_mass[system_.species[i]]);
    }
  }

  bool too_hot() const {
    double kinetic[lanes] = {};
    for (int64_t i = 0; i < system_.particles; ++i) {
      Vector speed2{};
      for (const Vector component : velocities_[i].axis) speed2 += component * component;
      const double half_mass = 0.5 / system_.inverse_mass[system_.species[i]];
      for (int lane = 0; lane < lanes; ++lane)
        kinetic[lane] += half_mass * static_cast<double>(speed2[lane]);
    }
    for (const double energy : kinetic)
      if (!(energy <= system_.largest_kinetic_energy)) return true;
    return false;
  }

  // Returns false where positions are not finite, absurdly far, or further from the last step's
  // than any sound trajectory goes: a particle's images would soon be too many to list.
  bool bring_lists_up_to_date() {
    if (!inner_stale_) return true;
    const double largest_move = 0.5 * system_.inner_skin + 0.1 * system_.cutoff;
    if (!outer_stale_ && (moved_further(inner_reference_, largest_move) || too_hot())) return false;
    // The outer list must hold every pair within the inner list's reach of now.
    const double spare = 0.5 * (system_.outer_skin - system_.inner_skin) - slack;
    if (outer_stale_ || moved_further(outer_reference_, spare)) {
      if (!builder_.build(positions_, outer_)) return false;
      copy(positions_, outer_reference_);
      outer_stale_ = false;
      ++counters_.outer_lists;
      counters_.outer_pairs += outer_.pairs.size();
    }
    prune(system_, outer_, system_.inner_skin, positions_, inner_);
    copy(positions_, inner_reference_);
    inner_stale_ = false;
    ++counters_.inner_lists;
    counters_.inner_pairs += inner_.pairs.size();
    return true;
  }

  static void copy(const Array<Place>& from, Array<Place>& to) {
    __builtin_memcpy(to.data(), from.data(), static_cast<size_t>(from.size()) * sizeof(Place));
  }

  template <Law law, bool with_energy>
  ALWAYS_INLINE void force_on(int64_t i, Place& total, Vector& energy) {
    const int species = system_.species_count;
    const Coefficients* terms = terms_.data() + system_.species[i] * species;
    const uint32_t* ends = inner_.ends.data() + i * species;
    const Pair* pair = inner_.pairs.data() + (i ? ends[-1] : 0);
    for (int s = 0; s < species; ++s) {
      const Pair* end = inner_.pairs.data() + ends[s];
      add_row<law, with_energy>(terms[s], pair, end, positions_[i], positions_.data(),
                                          forces_.data(), total, energy);
      pair = end;
    }
  }

  // Adds the force that keeps a particle in its cage, and the energy of it where it is asked for.
  template <bool with_energy>
  ALWAYS_INLINE void hold_back(int64_t i, Place& total, Vector& energy) {
    const double* centre = system_.cage_centres + 3 * i;
    Place off;
    Vector distance2{};
    for (int axis = 0; axis < 3; ++axis) {
      off.axis[axis] = positions_[i].axis[axis] - static_cast<float>(centre[axis]);
      distance2 += off.axis[axis] * off.axis[axis];
    }
    const float radius = static_cast<float>(system_.cage_radius);
    const float stiffness = static_cast<float>(system_.cage_stiffness);
    const Mask outside = distance2 > all(radius * radius);
    if (!any(outside)) return;
    const Vector distance = square_root(distance2);
    const Vector pull = where(outside, stiffness * (1.0f - radius / distance));
    for (int axis = 0; axis < 3; ++axis) total.axis[axis] -= pull * off.axis[axis];
    if constexpr (with_energy) {
      const Vector excess = distance - radius;
      energy += where(outside, 0.5f * stiffness * excess * excess);
    }
  }

  template <Law law>
  void evaluate_all(double* potential) {
    double sums[lanes] = {};
    for (int64_t i = 0; i < system_.particles; ++i) {
      Place total{};
      Vector energy{};
      force_on<law, true>(i, total, energy);
      if (system_.cage_centres) hold_back<true>(i, total, energy);
      for (int axis = 0; axis < 3; ++axis) forces_[i].axis[axis] += total.axis[axis];
      for (int lane = 0; lane < lanes; ++lane) sums[lane] += static_cast<double>(energy[lane]);
    }
    for (int lane = 0; lane < used_; ++lane) potential[lane] = sums[lane];
  }

  // One step of leapfrog (velocity Verlet at half steps), or of BAOAB with its two half kicks
  // joined: Leimkuhler, Matthews, Appl. Math. Res. Express 2013, 34 (2013). Rows only look
  // forward, so a particle moves as soon as its own row is done. Returns whether some particle
  // has left its half of the inner skin.
  template <bool thermostatted, Law law>
  bool step_all() {
    const float timestep = static_cast<float>(system_.timestep);
    const double half_skin = 0.5 * system_.inner_skin - slack;
    const Vector limit2 = all(half_skin * half_skin);
    const float kept = static_cast<float>(system_.velocity_kept);
    Mask beyond{};
    for (int64_t i = 0; i < system_.particles; ++i) {
      Place total = forces_[i];
      forces_[i] = Place{};
      Vector none{};
      force_on<law, false>(i, total, none);
      if (system_.cage_centres) hold_back<false>(i, total, none);
      const int32_t kind = system_.species[i];
      const float kick = static_cast<float>(system_.timestep * system_.inverse_mass[kind]);
      Vector noise[4];
      if constexpr (thermostatted) {
        const auto now = static_cast<uint32_t>(step_);
        const auto place = 2 * static_cast<uint32_t>(system_.identity[i]);
        normal_pair(key_, now, place, noise);
        normal_pair(key_, now, place + 1, noise + 2);
      }
      Vector moved2{};
      for (int axis = 0; axis < 3; ++axis) {
        Vector velocity = velocities_[i].axis[axis] + kick * total.axis[axis];
        Vector drift = timestep * velocity;
        if constexpr (thermostatted) {
          const float strength = axis < system_.dimension ? static_cast<float>(system_.kick[kind]) : 0;
          const Vector before = velocity;
          velocity = kept * velocity + strength * noise[axis];
          drift = (0.5f * timestep) * (before + velocity);
        }
        velocities_[i].axis[axis] = velocity;
        // Kahan's sum: what rounding takes from the displacement is kept for the next step.
        const Vector old = positions_[i].axis[axis];
        const Vector increment = drift - lost_[i].axis[axis];
        const Vector now = old + increment;
        lost_[i].axis[axis] = (now - old) - increment;
        positions_[i].axis[axis] = now;
        const Vector moved = now - inner_reference_[i].axis[axis];
        moved2 += moved * moved;
      }
      beyond |= ~(moved2 < limit2);
    }
    return any(beyond);
  }

  const System& system_;
  const int used_;
  OuterListBuilder builder_;
  Array<Place> positions_, lost_, velocities_, forces_;
  Array<Place> outer_reference_, inner_reference_;
  Array<Coefficients> terms_;
  PairList outer_, inner_;
  Key key_;
  bool outer_stale_ = true;
  bool inner_stale_ = true;
  int64_t step_ = 0;
  Counters counters_{};
};

Group* make_group(const System& system, const uint64_t* seeds, int used) {
  return new VectorGroup(system, seeds, used);
}

}  // namespace glassbotan::VARIANT
