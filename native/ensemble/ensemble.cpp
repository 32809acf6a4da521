// The C face of the ensemble engine: choice of the instruction set, order of the particles, and
// threads over groups of trajectories.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "../common/instruction_sets.h"
#include "../common/morton.h"
#include "system.h"

namespace glassbotan {

Group::~Group() = default;

#define DECLARE_VARIANT(name) \
  namespace name { Group* make_group(const System&, const uint64_t*, int); }
#ifdef HAVE_X86_VARIANTS
DECLARE_VARIANT(avx512)
DECLARE_VARIANT(avx512_narrow)
DECLARE_VARIANT(avx2)
#endif
DECLARE_VARIANT(generic)

namespace {

struct Loops {
  int lanes;
  MakeGroup make;
};

// Best first.
const Variant<Loops> variants[] = {
#ifdef HAVE_X86_VARIANTS
    {"avx512", has_avx512, {16, avx512::make_group}},
    {"avx512-narrow", has_avx512, {8, avx512_narrow::make_group}},
    {"avx2", has_avx2, {8, avx2::make_group}},
#endif
    {"generic", always, {4, generic::make_group}},
};

int64_t spline_size(const System& system) {
  return 4 * system.intervals * system.species_count * system.species_count;
}

// Owns the arrays of a System.
struct OwnedSystem {
  std::vector<int32_t> species;
  std::vector<int64_t> identity;
  std::vector<double> origin;
  std::vector<PairTerm> terms;
  std::vector<float> spline_forces, spline_energies;
  std::vector<double> inverse_mass, kick;
  std::vector<double> cage_centres;
  System system;

  explicit OwnedSystem(const System& given)
      : species(given.particles), origin(3 * given.particles),
        terms(given.terms, given.terms + given.species_count * given.species_count),
        spline_forces(given.spline_forces, given.spline_forces + spline_size(given)),
        spline_energies(given.spline_energies, given.spline_energies + spline_size(given)),
        inverse_mass(given.inverse_mass, given.inverse_mass + given.species_count),
        kick(given.kick, given.kick + given.species_count),
        cage_centres(given.cage_centres ? 3 * given.particles : 0), system(given) {
    morton_order(given.origin, given.particles, identity);
    for (int64_t i = 0; i < given.particles; ++i) {
      species[i] = given.species[identity[i]];
      for (int axis = 0; axis < 3; ++axis)
        origin[3 * i + axis] = given.origin[3 * identity[i] + axis];
      if (given.cage_centres)
        for (int axis = 0; axis < 3; ++axis)
          cage_centres[3 * i + axis] = given.cage_centres[3 * identity[i] + axis];
    }
    system.species = species.data();
    system.identity = identity.data();
    system.origin = origin.data();
    system.terms = terms.data();
    system.spline_forces = spline_forces.data();
    system.spline_energies = spline_energies.data();
    system.inverse_mass = inverse_mass.data();
    system.kick = kick.data();
    if (given.cage_centres) system.cage_centres = cage_centres.data();
  }
};

struct Run {
  OwnedSystem owned;
  int lanes;
  int trajectories;
  std::vector<std::unique_ptr<Group>> groups;

  int64_t stride() const { return 3 * owned.system.particles * lanes; }

  template <class Job>
  Status each_group(int threads, Job job) {
    std::vector<Status> ends(groups.size(), Status::done);
    const int workers = std::clamp<int>(threads, 1, static_cast<int>(groups.size()));
    auto work = [&](int worker) {
      for (size_t g = worker; g < groups.size(); g += workers) ends[g] = job(g);
    };
    std::vector<std::thread> pool;
    for (int worker = 1; worker < workers; ++worker) pool.emplace_back(work, worker);
    work(0);
    for (auto& thread : pool) thread.join();
    return *std::max_element(ends.begin(), ends.end());
  }
};

}  // namespace
}  // namespace glassbotan

using glassbotan::Run;
using glassbotan::Status;

// Lets the caller see whether it was written for this library.
EXPORT int64_t ensemble_system_size() { return sizeof(glassbotan::System); }
EXPORT_VARIANTS(ensemble, glassbotan::variants)
EXPORT int ensemble_variant_lanes(int index) { return glassbotan::variants[index].loops.lanes; }

EXPORT Run* ensemble_new(const glassbotan::System* system, int variant, int trajectories,
                         const uint64_t* seeds) {
  try {
    const auto& chosen = glassbotan::variants[variant].loops;
    auto run = std::unique_ptr<Run>(
        new Run{glassbotan::OwnedSystem(*system), chosen.lanes, trajectories, {}});
    for (int first = 0; first < trajectories; first += chosen.lanes)
      run->groups.emplace_back(chosen.make(run->owned.system, seeds + first,
                                           std::min(chosen.lanes, trajectories - first)));
    return run.release();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

EXPORT void ensemble_delete(Run* run) { delete run; }

EXPORT void ensemble_set_displacements(Run* run, const float* high, const float* low) {
  for (size_t g = 0; g < run->groups.size(); ++g)
    run->groups[g]->set_displacements(high + g * run->stride(), low + g * run->stride());
}
EXPORT void ensemble_get_displacements(Run* run, float* high, float* low) {
  for (size_t g = 0; g < run->groups.size(); ++g)
    run->groups[g]->get_displacements(high + g * run->stride(), low + g * run->stride());
}
EXPORT void ensemble_set_half_velocities(Run* run, const float* velocities) {
  for (size_t g = 0; g < run->groups.size(); ++g)
    run->groups[g]->set_half_velocities(velocities + g * run->stride());
}
EXPORT void ensemble_get_half_velocities(Run* run, float* velocities) {
  for (size_t g = 0; g < run->groups.size(); ++g)
    run->groups[g]->get_half_velocities(velocities + g * run->stride());
}
EXPORT void ensemble_set_step(Run* run, int64_t step) {
  for (auto& group : run->groups) group->set_step(step);
}
// The step that a group came to; less than the others' where it blew up.
EXPORT int64_t ensemble_step(Run* run) {
  int64_t step = run->groups[0]->step();
  for (auto& group : run->groups) step = std::min(step, group->step());
  return step;
}
EXPORT int ensemble_advance(Run* run, int64_t steps, int threads) {
  return static_cast<int>(
      run->each_group(threads, [&](size_t g) { return run->groups[g]->advance(steps); }));
}
EXPORT int ensemble_evaluate(Run* run, double* forces, double* potential, int threads) {
  return static_cast<int>(run->each_group(threads, [&](size_t g) {
    return run->groups[g]->evaluate(forces + g * run->stride(), potential + g * run->lanes);
  }));
}
EXPORT void ensemble_counters(Run* run, glassbotan::Counters* total) {
  *total = {};
  for (auto& group : run->groups) {
    const auto part = group->counters();
    total->steps += part.steps;
    total->outer_lists += part.outer_lists;
    total->inner_lists += part.inner_lists;
    total->outer_pairs += part.outer_pairs;
    total->inner_pairs += part.inner_pairs;
  }
}
EXPORT int64_t ensemble_pairs(Run* run, int group, int64_t* first, int64_t* second,
                              int64_t capacity) {
  return run->groups[group]->pairs(first, second, capacity);
}
