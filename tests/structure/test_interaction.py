"""Pair forms: derivatives, splines, records, and one that is added from outside."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from conftest import random_snapshot
from glassbotan.errors import InputError
from glassbotan.simulation.engine import Task
from glassbotan.simulation.engines import available, start_task
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure.inherent import inherent_structure
from glassbotan.structure.interaction import PairForm, form_named, form_names, register
from glassbotan.structure.interaction.forms.inverse_power import InversePower
from glassbotan.structure.interaction.forms.lennard_jones import LennardJones
from glassbotan.structure.interaction.spline import INNERMOST, spline_table
from glassbotan.structure.potential import (
    KOB_ANDERSEN,
    PairPotential,
    energies_and_forces,
    interacting_pairs,
    potential_energy,
)
from glassbotan.structure.potentials import load_potential

EPSILON, SIGMA = [[1.0, 1.5], [1.5, 0.5]], np.array([[1.0, 0.8], [0.8, 0.88]])
SMOOTH = PairPotential(
    LennardJones(EPSILON, SIGMA, c0=0.04049023795, c2=-0.00970155098, c4=0.00062012616),
    2.5 * SIGMA,
    shift="none",
)
SOFT = PairPotential(InversePower(np.ones((2, 2)), SIGMA, 18.0), 1.6 * SIGMA, shift="force")


@register("harmonic")
@dataclass(frozen=True, eq=False)
class Harmonic(PairForm):
    """Spheres that touch: V(r) = epsilon (1 - r/sigma)^2 / 2. All that a new form takes."""

    def energy(self, r):
        return 0.5 * self.epsilon * (1 - r / self.sigma) ** 2

    def slope(self, r):
        return self.epsilon * (r / self.sigma - 1) / self.sigma

    def curvature(self, r):
        return self.epsilon / self.sigma**2 + 0 * r


SPHERES = PairPotential(Harmonic(100.0 * np.ones((2, 2)), SIGMA), SIGMA, shift="none")
ALL = [replace(KOB_ANDERSEN, shift="force"), SMOOTH, SOFT, SPHERES]


def packed(potential, dimension=3, seed=4):
    """A liquid's worth of particles that do not overlap."""
    edge = 8.4 if dimension == 2 else 5.4
    crowd = random_snapshot(
        72 if dimension == 2 else 160, dimension=dimension, edge=edge, seed=seed
    )
    return replace(
        inherent_structure(crowd, potential, method="fire", force_tolerance=0.5), fields={}
    )


@pytest.mark.parametrize("potential", ALL)
def test_slope_and_curvature_are_the_derivatives(potential):
    form, cutoff = potential.form, potential.cutoff
    r, step = np.linspace(0.7, 1.0, 60)[:, None, None] * cutoff, 1e-5
    for function, derivative in ((form.energy, form.slope), (form.slope, form.curvature)):
        numerical = (function(r + step) - function(r - step)) / (2 * step)
        assert np.allclose(derivative(r), numerical, rtol=1e-6, atol=1e-6)
    assert np.allclose(potential.energy(cutoff), 0, atol=1e-5)


def test_a_sum_of_powers_is_the_form():
    for potential in (KOB_ANDERSEN, SMOOTH):
        repulsion, attraction, shift, slope, quadratic, quartic = potential.powers
        r = np.linspace(0.4, 1.0, 50)[:, None, None] * potential.cutoff
        value = repulsion / r**12 - attraction / r**6 - shift + slope * r
        assert np.allclose(
            value + quadratic * r**2 + quartic * r**4, potential.energy(r), rtol=1e-9
        )


@pytest.mark.parametrize("potential", ALL)
def test_splines_are_the_potential_to_a_millionth(potential):
    table = spline_table(potential)
    for a, b in ((0, 0), (0, 1), (1, 1)):
        first = max(INNERMOST * potential.sigma[a, b], np.sqrt(table.start[a, b]))
        r = np.linspace(1.2 * first, potential.cutoff[a, b] * (1 - 1e-9), 5000)
        u = (r**2 - table.start[a, b]) * table.scale[a, b]
        k = np.minimum(u.astype(int), table.force.shape[2] - 1)
        powers = (u - k)[:, None] ** np.arange(4)
        at = np.zeros((len(r), 2, 2)) + r[:, None, None]
        energy, slope = potential.energy(at)[:, a, b], potential.slope(at)[:, a, b]
        found = [np.sum(part[a, b, k] * powers, axis=1) for part in (table.energy, table.force)]
        assert np.allclose(found[0], energy, rtol=1e-7, atol=1e-8)
        assert np.allclose(found[1] * r, -slope, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("potential", [SMOOTH, SOFT, SPHERES], ids=["smooth", "soft", "spheres"])
@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("engine", ["ensemble", "lammps", "cpu-plain"])
def test_every_engine_runs_every_form(engine, dimension, potential):
    name, device = ("ensemble", engine) if engine == "cpu-plain" else (engine, "cpu")
    if available()[name] is not None:
        pytest.skip(available()[name])
    glass = packed(potential, dimension)
    task = Task(glass, potential, DynamicsSettings(0.2, 0.002), (0, 3), seed=5)
    run = start_task(task, name, 1, device)
    before = np.sum(run.energies(), axis=0)
    assert run.energies()[0] == pytest.approx(potential_energy(glass, potential), rel=2e-5)
    steps = 100 if engine == "cpu-plain" else 2000
    run.advance(steps)
    potential_now, kinetic = run.energies()
    assert np.abs(potential_now + kinetic - before).max() < 2e-3 * kinetic.min()
    for displacement, energy in zip(run.displacements(), potential_now, strict=True):
        moved = replace(glass, positions=glass.positions + displacement)
        assert energy == pytest.approx(potential_energy(moved, potential), rel=2e-5)
    run.close()


@pytest.mark.parametrize("potential", [SMOOTH, SOFT], ids=["smooth", "soft"])
def test_both_minimisers_find_the_same(potential):
    if available()["lammps"] is not None:
        pytest.skip(available()["lammps"])
    glass = packed(potential)
    own, theirs = (inherent_structure(glass, potential, method=m) for m in ("fire", "lammps"))
    assert np.allclose(own.positions, theirs.positions, rtol=0, atol=1e-5)
    forces = energies_and_forces(own.positions, interacting_pairs(own, potential))[1]
    assert np.abs(forces).max() < 1e-6


@pytest.mark.parametrize("potential", [KOB_ANDERSEN, *ALL])
def test_a_record_is_the_whole_potential(potential):
    record = json.loads(json.dumps(potential.to_json()))
    again = PairPotential.from_json(record)
    assert again.to_json(complete=True) == potential.to_json(complete=True)
    others = [replace(potential, shift="none" if potential.shift == "energy" else "energy")]
    others += [replace(potential, masses=[1.0, 2.0]), replace(potential, cutoff=2.6 * SIGMA)]
    for name in potential.form.parameters():
        more = getattr(potential.form, name) + 1
        others.append(replace(potential, form=replace(potential.form, **{name: more})))
    records = [json.dumps(one.to_json(), sort_keys=True) for one in [potential, *others]]
    assert len(set(records)) == len(records)


def test_todays_stores_and_keys_name_lennard_jones_as_before():
    assert list(KOB_ANDERSEN.to_json()) == ["epsilon", "sigma", "cutoff", "masses", "shift"]
    assert SOFT.to_json()["form"] == "inverse-power"
    assert "c0" in SMOOTH.to_json()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"form": "morse"},
            "no form is called 'morse'; there are harmonic, inverse-power",
        ),
        ({"exponent": 3}, "the form lennard-jones has no 'exponent'"),
        ({"sigma": None}, "sigma must be a positive number"),
        ({"sigma": "wide"}, "its tables must be of numbers"),
    ],
)
def test_bad_records_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        PairPotential.from_json(KOB_ANDERSEN.to_json() | change)
    with pytest.raises(InputError, match="cutoff is missing"):
        PairPotential.from_json({"epsilon": EPSILON, "sigma": SIGMA, "shift": "none"})


def test_files_give_a_form_and_its_parameters(tmp_path):
    path = tmp_path / "soft.yaml"
    path.write_text(
        "species: [A, B]\nform: inverse-power\nepsilon: 1.0\nexponent: {AA: 12, AB: 12, BB: 18}\n"
        "sigma: {AA: 1.0, AB: 1.1, BB: 1.2}\ncutoff: 3.0\nshift: force\n"
    )
    potential = load_potential(path)
    assert potential.form.exponent.tolist() == [[12, 12], [12, 18]]
    assert potential.epsilon.tolist() == [[1, 1], [1, 1]]
    path.write_text(path.read_text().replace("exponent", "steepness"))
    with pytest.raises(InputError, match="unknown entry 'steepness'; there are .*exponent"):
        load_potential(path)


def test_forms_are_found_by_name():
    assert form_names() == ["harmonic", "inverse-power", "lennard-jones"]
    assert form_named("inverse-power") is InversePower
