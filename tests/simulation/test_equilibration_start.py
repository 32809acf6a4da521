"""Random starts: composition, room between particles, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from glassbotan.errors import InputError
from glassbotan.simulation.equilibration.start import cubic_box, particle_species, random_start
from glassbotan.simulation.plausible import check_plausible
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure.potentials import load_mixture

MIXTURE = load_mixture("kob-andersen-3d")
PLANE = load_mixture("kob-andersen-2d")


def start(mixture, particles, density, seed):
    return random_start(mixture, particles, density, np.random.SeedSequence(seed))


@pytest.mark.parametrize(
    ("mixture", "particles", "counts"),
    [(MIXTURE, 4096, [3277, 819]), (MIXTURE, 10, [8, 2]), (PLANE, 1290, [839, 451])],
)
def test_species_are_in_the_mixtures_proportion(mixture, particles, counts):
    # 838.5 and 451.5 are rounded so that they add up.
    found = np.bincount(particle_species(mixture, particles))
    assert found.sum() == particles
    assert np.abs(found - counts).max() <= (1 if particles == 1290 else 0)


@pytest.mark.parametrize(("mixture", "density"), [(MIXTURE, 1.2), (MIXTURE, 1.6), (PLANE, 1.2)])
def test_dynamics_can_begin_at_a_random_start(mixture, density):
    snapshot = start(mixture, 320, density, 1)
    assert snapshot.density == pytest.approx(density)
    assert snapshot.dimension == mixture.dimension
    # Raises where a force would fling a particle away.
    check_plausible(snapshot, mixture.potential, DynamicsSettings(1.0))


def test_a_start_follows_from_its_seed():
    one, same, other = (start(PLANE, 200, 1.0, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.positions, same.positions)
    assert not np.allclose(one.positions, other.positions)


def test_a_start_has_no_order():
    # A lattice would show as a peak of the structure factor that grows with N; places at random
    # have S(k) of order 1 in every direction.
    snapshot = start(MIXTURE, 320, 1.2, 3)
    steps = np.stack(np.meshgrid(*[np.arange(-8, 9)] * 3), -1).reshape(-1, 3)
    waves = 2 * np.pi * steps[np.any(steps != 0, axis=1)] / snapshot.box
    structure = np.abs(np.exp(1j * snapshot.positions @ waves.T).sum(0)) ** 2 / 320
    assert structure.max() < 30


@pytest.mark.parametrize(
    ("particles", "density", "message"),
    [
        (100, 1.2, "use at least 151 particles"),
        (4096, 12.0, "beyond what this mixture's particles can be pressed to"),
    ],
)
def test_what_makes_no_box_is_refused(particles, density, message):
    with pytest.raises(InputError, match=message):
        cubic_box(MIXTURE, particles, density)


def test_the_least_number_of_particles_is_enough():
    with pytest.raises(InputError, match="at least 151 "):
        cubic_box(MIXTURE, 149, 1.2)
    cubic_box(MIXTURE, 151, 1.2)


def test_open_mixtures_are_refused():
    with pytest.raises(InputError, match="its composition is not known"):
        particle_species(replace(MIXTURE, composition=None), 500)
    with pytest.raises(InputError, match="two or three dimensions"):
        cubic_box(replace(MIXTURE, dimension=None), 500, 1.2)
    with pytest.raises(InputError, match="none would be of species B"):
        particle_species(replace(MIXTURE, composition=np.array([0.999, 0.001])), 100)
