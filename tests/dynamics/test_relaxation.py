"""The relaxation of gases and of a liquid, and what belongs together."""

import numpy as np
import pytest

import glassbotan as gb
from conftest import Told
from dynamics.gases import ballistic_gas, ensemble_of, gas_snapshot, within_errors
from glassbotan.dynamics import (
    Trajectories,
    mean_squared_displacement,
    non_gaussian_parameter,
    relaxation_of,
    self_intermediate_scattering,
    tau_alpha,
)


@pytest.mark.parametrize("dimension", [2, 3])
def test_ballistic_flight(dimension):
    ensembles = [ballistic_gas(dimension=dimension, seed=k) for k in range(6)]
    (found,) = relaxation_of(ensembles, wave_number=[2.0, 4.0])
    assert found.temperature == 0.44
    assert [s.name for s in found.species] == ["A", "B"]
    assert [s.n_particles for s in found.species] == [400, 100]
    assert found.snapshots.tolist() == [6, 6, 6]
    assert found.trajectories.tolist() == [96, 96, 96]
    t = found.times
    for species, q in zip(found.species, (2.0, 4.0), strict=True):
        assert species.wave_number == q
        assert within_errors(species.squared_displacement, dimension * 0.44 * t**2)
        assert within_errors(species.scattering, np.exp(-(q**2) * 0.44 * t**2 / 2))
        assert within_errors(species.non_gaussian, 0.0)
        # As exact as a gas of so many particles can be.
        number = 6 * 16 * species.n_particles
        error = species.squared_displacement.error / species.squared_displacement.value
        assert np.all(error < 3 * np.sqrt(2 / dimension / number))


def test_tau_alpha_of_a_gaussian_and_its_error():
    times = np.geomspace(0.1, 4.0, 30)
    ensembles = [ballistic_gas(100, times=times, trajectories=4, seed=k) for k in range(60)]
    (found,) = relaxation_of(ensembles, wave_number=2.0)
    expected = np.sqrt(2 / (2.0**2 * 0.44))
    for number, species in enumerate(found.species):
        tau = species.tau_alpha
        assert tau.value == pytest.approx(expected, abs=4 * tau.error + 0.002)
        alone = [
            tau_alpha(times, self_intermediate_scattering(e, wave_number=2.0, species=number))
            for e in ensembles
        ]
        assert tau.error == pytest.approx(np.std(alone) / np.sqrt(60), rel=0.3)
        assert species.tau_alpha_text.startswith(f"{tau.value:.4f}(")


def test_tau_alpha_that_is_not_within_the_times():
    (slow,) = relaxation_of([ballistic_gas(times=(0.1, 0.2))], wave_number=1.0)
    (fast,) = relaxation_of([ballistic_gas(times=(10.0, 20.0))], wave_number=1.0)
    assert np.isnan(slow.species[0].tau_alpha.value)
    assert slow.species[0].tau_alpha_text == "not reached"
    assert fast.species[0].tau_alpha_text == "before the first time"


@pytest.mark.parametrize("dimension", [2, 3])
def test_the_non_gaussian_parameter_of_known_distributions(dimension):
    assert non_gaussian_parameter(dimension, dimension * (dimension + 2), dimension=dimension) == 0
    # Steps of one length, in any direction.
    flat = non_gaussian_parameter(1.0, 1.0, dimension=dimension)
    assert flat == pytest.approx(dimension / (dimension + 2) - 1)
    assert np.isnan(non_gaussian_parameter(0.0, 0.0, dimension=dimension))
    # Half of all particles stand still: <r^4> / <r^2>^2 is twice as large.
    generator = np.random.default_rng(0)
    moved = generator.normal(size=(1, 50, 400, dimension))
    moved[:, :, ::2] = 0
    (found,) = relaxation_of([ensemble_of(moved)])
    assert within_errors(found.species[0].non_gaussian, 1.0)


@pytest.mark.parametrize("dimension", [2, 3])
def test_it_agrees_with_the_averages_of_one_ensemble(dimension):
    ensemble = ballistic_gas(60, dimension=dimension)
    (found,) = relaxation_of([ensemble], wave_number=3.0)
    for k, species in enumerate(found.species):
        scattering = self_intermediate_scattering(ensemble, wave_number=3.0, species=k)
        assert np.allclose(species.scattering.value, scattering)
        squared = mean_squared_displacement(ensemble, species=k)
        assert np.allclose(species.squared_displacement.value, squared)


def test_particles_that_never_move_have_no_non_gaussian_parameter():
    (found,) = relaxation_of([ensemble_of(np.zeros((2, 3, 10, 3)))])
    species = found.species[0]
    assert species.scattering.value.tolist() == [1, 1]
    assert species.scattering.error.tolist() == [0, 0]
    assert np.isnan(species.non_gaussian.value).all()
    assert species.susceptibility.isoconfigurational.value.tolist() == [0, 0]


def test_a_single_trajectory_has_values_without_errors():
    (found,) = relaxation_of([ballistic_gas(trajectories=1)])
    assert np.isfinite(found.species[0].scattering.value).all()
    assert np.isnan(found.species[0].scattering.error).all()
    assert np.isnan(found.species[0].susceptibility.isoconfigurational.value).all()


def test_one_species_alone():
    ensemble = ballistic_gas(50)
    only = gb.Snapshot(ensemble.snapshot.positions, np.ones(50, int), ensemble.snapshot.box)
    (found,) = relaxation_of(
        [gb.IsoconfigurationalEnsemble(only, ensemble.times, ensemble.positions)]
    )
    (species,) = found.species
    assert (species.name, species.n_particles, found.temperature) == ("B", 50, None)
    assert np.allclose(species.overlap.value, found.overlap.value)


def ending(seed: int, counts=(4, 4, 2), **changes) -> Trajectories:
    """Trajectories of which some end early."""
    ensemble = ballistic_gas(50, trajectories=4, seed=seed, **changes)
    whole = Trajectories.of(ensemble)
    masses = np.array([1.0, 2.0])
    return Trajectories(
        whole.snapshot, whole.times, lambda t: whole.displacements(t)[: counts[t]], masses
    )


def test_trajectories_that_ended_early_count_while_they_ran():
    (found,) = relaxation_of([ending(0), ending(1, counts=(4, 1, 1))])
    assert found.snapshots.tolist() == [2, 2, 2]
    assert found.trajectories.tolist() == [8, 5, 3]
    assert [s.mass for s in found.species] == [1.0, 2.0]
    moved = [ending(0).displacements(2), ending(1).displacements(2)[:1]]
    of_a = gas_snapshot(50).species == 0
    means = [np.mean(np.sum(m[:, of_a] ** 2, axis=-1)) for m in moved]
    a = found.species[0].squared_displacement
    assert a.value[2] == pytest.approx(np.mean(means))
    assert a.error[2] == pytest.approx(np.std(means, ddof=1) / np.sqrt(2))


def test_one_time_after_another_is_read_and_progress_told():
    told, read = Told(), []
    ensemble = ballistic_gas(20)

    def displacements(time):
        read.append(time)
        return ensemble.displacements(time)

    one = Trajectories(ensemble.snapshot, ensemble.times, displacements)
    relaxation_of([one, ballistic_gas(20, seed=1)], progress=told)
    assert read == [0, 1, 2]
    assert [done for done, *_ in told] == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2])
    assert told[-1][1] == 2


def test_temperatures_are_kept_apart():
    ensembles = [
        ballistic_gas(20, temperature=t, seed=k) for k, t in enumerate((0.6, None, 0.44, 0.6))
    ]
    found = relaxation_of(ensembles)
    assert [r.temperature for r in found] == [0.44, 0.6, None]
    assert [r.snapshots[0] for r in found] == [1, 2, 1]


def test_times_of_several_files_are_brought_together():
    both = ballistic_gas(20, times=(1.0, 2.0))
    early = gb.IsoconfigurationalEnsemble(both.snapshot, both.times[:1], both.positions[:1])
    late = gb.IsoconfigurationalEnsemble(both.snapshot, both.times[1:], both.positions[1:])
    other = ballistic_gas(20, times=(1.0 + 1e-9, 3.0), seed=1)
    (found,) = relaxation_of([late, other, early])
    (expected,) = relaxation_of([both, other])
    assert found.times.tolist() == expected.times.tolist()
    assert np.allclose(found.times, [1, 2, 3])
    assert found.snapshots.tolist() == [2, 1, 1]
    for one, another in zip(found.species, expected.species, strict=True):
        assert np.array_equal(one.scattering.value, another.scattering.value)
        assert np.array_equal(one.scattering.error, another.scattering.error)


def test_the_order_of_snapshots_does_not_matter():
    ensembles = [ballistic_gas(30, seed=k) for k in range(4)]
    (one,), (other,) = relaxation_of(ensembles), relaxation_of(ensembles[::-1])
    for a, b in zip(one.species, other.species, strict=True):
        for x, y in (
            (a.non_gaussian, b.non_gaussian),
            (a.susceptibility.total, b.susceptibility.total),
        ):
            assert np.allclose(x.value, y.value)
            assert np.allclose(x.error, y.error)


def test_what_does_not_belong_together_is_refused():
    gas = ballistic_gas(20)
    for other in (ballistic_gas(25, seed=1), ballistic_gas(20, dimension=2, seed=1)):
        with pytest.raises(gb.InputError, match="gas 1: is another system than gas 0"):
            relaxation_of([gas, other])
    with pytest.raises(gb.InputError, match="starts from the same snapshot as gas 0, and both"):
        relaxation_of([gas, gas])
    with pytest.raises(gb.InputError, match="no trajectories"):
        relaxation_of([])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wave_number": [1.0, 2.0, 3.0]}, "3 wave numbers were given; expected one, or one for"),
        ({"wave_number": -1.0}, "must be positive"),
        ({"wave_number": np.inf}, "must be positive"),
        ({"overlap_length": 0.0}, "overlap length is 0; it must be a positive number"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(gb.InputError, match=message):
        relaxation_of([ballistic_gas(20)], **changes)


def test_the_published_relaxation_time(published):
    # Where F_s of A at q = 7.25 is about 1/e, by definition of the published time.
    (found,) = relaxation_of(gb.read_ensemble(path) for path in published)
    assert found.times.tolist() == [4120.0]
    a = found.species[0].scattering
    assert a.value[0] == pytest.approx(np.exp(-1), abs=max(2 * a.error[0], 0.03))
    assert found.snapshots.tolist() == [2]
