"""Potentials as data: the bundled mixtures and a user's own file."""

import numpy as np
import pytest

from glassbotan.errors import InputError
from glassbotan.structure.potential import KOB_ANDERSEN, KOB_ANDERSEN_CUT
from glassbotan.structure.potentials import load_mixture, load_potential, mixture_names

OWN = """
species: [Ni, P, C]
epsilon: {Ni-Ni: 1.0, P-Ni: 1.5, PP: 0.5, Ni-C: 0.9, PC: 0.8, CC: 0.7}
sigma: {Ni-Ni: 1.0, Ni-P: 0.8, PP: 0.88, Ni-C: 0.9, CP: 0.85, CC: 0.94}
cutoff: {Ni-Ni: 2.5, Ni-P: 2.0, PP: 2.2, Ni-C: 2.25, PC: 2.1, CC: 2.3}
mass: {Ni: 2.0, P: 1.0, C: 0.5}
composition: {Ni: 0.5, P: 0.3, C: 0.2}
shift: force
"""


def same_interaction(first, second):
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("epsilon", "sigma", "cutoff", "masses")
    ) and (first.shift == second.shift)


def test_bundled_mixtures():
    known = {"glassbench-2d", "kob-andersen-2d", "kob-andersen-3d", "kob-andersen-ternary"}
    assert known <= set(mixture_names())
    solid, plane = (load_mixture(f"kob-andersen-{d}d") for d in (3, 2))
    assert same_interaction(solid.potential, KOB_ANDERSEN)
    assert same_interaction(plane.potential, KOB_ANDERSEN_CUT)
    assert same_interaction(load_potential("kob-andersen-3d-cut"), KOB_ANDERSEN_CUT)
    assert (solid.dimension, solid.density, solid.species) == (3, 1.2, ("A", "B"))
    assert solid.composition.tolist() == [0.8, 0.2]
    assert (plane.dimension, plane.density) == (2, None)
    assert plane.composition.tolist() == [0.65, 0.35]


def test_the_third_species_lies_halfway_between_the_others():
    ternary = load_mixture("kob-andersen-ternary")
    assert (ternary.species, ternary.dimension, ternary.composition) == (
        ("A", "B", "C"),
        None,
        None,
    )
    for name in ("epsilon", "sigma"):
        table, binary = getattr(ternary.potential, name), getattr(KOB_ANDERSEN, name)
        assert np.array_equal(table[:2, :2], binary)
        assert table[:2, 2] == pytest.approx(binary.mean(axis=1))
        assert table[2, 2] == pytest.approx((binary[0, 0] + binary[1, 1]) / 2)
    assert ternary.potential.cutoff == pytest.approx(2.5 * ternary.potential.sigma)


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "nickel.yaml"
    path.write_text(OWN)
    mixture = load_mixture(path)
    assert (mixture.name, mixture.species) == ("nickel", ("Ni", "P", "C"))
    potential = load_potential(str(path))
    assert potential.epsilon.tolist() == [[1.0, 1.5, 0.9], [1.5, 0.5, 0.8], [0.9, 0.8, 0.7]]
    assert potential.sigma[1, 2] == potential.sigma[2, 1] == 0.85
    assert potential.masses.tolist() == [2.0, 1.0, 0.5]
    assert potential.shift == "force"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("PC: 0.8, ", "", "epsilon: the pair PC is missing"),
        ("CC: 0.94", "CC: 0.94, CD: 1", "sigma: 'CD' is no pair of the species Ni, P, C"),
        ("Ni-P: 2.0", "Ni-P: 2.0, P-Ni: 2.1", "cutoff: Ni and P have two different values"),
        ("PP: 2.2", "PP: 0.2", "cutoff: PP is 0.2, shorter than its sigma of 0.88"),
        ("PP: 0.88", "PP: -0.88", "sigma.PP: input should be greater than 0"),
        ("PP: 0.88", "PP: .inf", "sigma.PP: input should be a finite number"),
        ("P: 1.0,", "", "mass: the species P is missing"),
        ("C: 0.5}", "X: 0.5, C: 0.5}", "mass: 'X' is none of the species"),
        ("C: 0.2}", "C: 0.3}", "composition: the fractions add up to 1.1"),
        ("shift: force", "shift: smooth", "shift: input should be 'energy', 'force' or 'none'"),
        (
            "shift: force",
            "form: morse",
            "pair potential: no form is called 'morse'; there are .*inverse-power, lennard-jones",
        ),
        ("shift", "shfit", "unknown entry 'shfit'"),
        ("[Ni, P, C]", "[Ni, P, P]", "species: P is listed twice"),
        ("species", "# species", "the entry 'species' is missing"),
        ("{Ni: 2.0", "{{Ni: 2.0", "not YAML"),
        (OWN, "- 1", "expected a mapping"),
    ],
)
def test_mistakes_are_named(tmp_path, old, new, message):
    path = tmp_path / "own.yaml"
    path.write_text(OWN.replace(old, new, 1))
    with pytest.raises(InputError, match=f"own.yaml: ({message})"):
        load_potential(path)


def test_unknown_names_and_missing_files():
    with pytest.raises(InputError, match="no mixture has this name; there are .*kob-andersen-2d"):
        load_potential("wahnstrom")
    with pytest.raises(InputError, match=r"gone.yaml: cannot be read \(No such file"):
        load_potential("gone.yaml")
