r"""Ridge regressions on ever better inputs, from ever fewer snapshots: what a network has to beat.

python tools/compare_ridges.py --train botan-small/train \
    "data/published-early.zarr/snapshots/000?" "data/published-late.zarr/snapshots/000?" \
    --validation botan-small/validation "data/published-early.zarr/snapshots/001?" \
    "data/published-late.zarr/snapshots/001?" --json out/ridges.json
"""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from glassbotan.datasets import load_all_labelled
from glassbotan.datasets.public import resolve_all
from glassbotan.dynamics import Motion
from glassbotan.dynamics.ceiling import pearson
from glassbotan.models.caged.constants import FOLDS, alphas_for
from glassbotan.models.caged.inputs import assemble
from glassbotan.models.caged.settings import CagedSettings
from glassbotan.models.caged.states import states_of
from glassbotan.models.ridge import cross_fitted_ridge
from glassbotan.structure.descriptors import descriptors
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.verlet_list import moved_to

POWERS = (0.5, 1.0, 1.5, 2.0, 3.0)
COUNTS = (1, 2, 5, 10)


class Glass(NamedTuple):
    """One snapshot: columns by the name of the inputs [N_A, D], and A propensity [N_A, T]."""

    columns: dict[str, FloatArray]
    targets: FloatArray


def described(motion: Motion) -> Glass:
    """Return all inputs of the A particles."""
    snapshot, recipe = motion.snapshot, CagedSettings()
    states = states_of(snapshot, recipe)
    seen = assemble(snapshot, states, recipe).seen
    scalars, averages = seen.scalars.numpy(), seen.averages.numpy()
    cage = states.cages[0].displacement

    def moved(displacement: FloatArray) -> FloatArray:
        return descriptors(moved_to(snapshot, snapshot.positions + displacement))

    length = np.linalg.norm(cage, axis=1)[:, None] ** np.array(POWERS)
    of_cage = moved(cage)
    rest = 4 * (len(recipe.descent) + 1)
    columns = {
        "descriptors of the inherent structure": moved(states.inherent),
        "descriptors of the cage state": of_cage,
        "and the distance to it (CAGE-like)": np.hstack([of_cage, length]),
        "descent and inherent structure alone": scalars[:, :rest],
        "the caged network's scalars": scalars,
        "and their neighbourhood averages": np.hstack([scalars, averages]),
    }
    members = snapshot.species == 0
    return Glass({k: v[members] for k, v in columns.items()}, motion.propensity[:, members].T)


def scores(train: Sequence[Glass], validation: Sequence[Glass], name: str) -> FloatArray:
    """Return the correlation on each validation snapshot at each time, shape [V, T]."""
    x = [glass.columns[name] for glass in train]
    mean = np.concatenate(x).mean(axis=0)
    spread = np.concatenate([part - part.mean(axis=0) for part in x]).std(axis=0)
    spread[spread < 1e-9] = np.inf

    def scaled(columns: FloatArray) -> FloatArray:
        return (columns - mean) / spread

    groups = [(scaled(part), glass.targets) for part, glass in zip(x, train, strict=True)]
    folds = np.arange(len(train)) % FOLDS
    fitted = cross_fitted_ridge(groups, folds, FOLDS, alphas_for(len(train)))
    return np.array(
        [
            [
                pearson(scaled(glass.columns[name]) @ slopes, target)
                for slopes, target in zip(fitted.slopes[-1].T, glass.targets.T, strict=True)
            ]
            for glass in validation
        ]
    )


def main() -> None:
    """Fit, score, print a table and write it."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", nargs="+", required=True)
    parser.add_argument("--validation", nargs="+", required=True)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    load: Callable[[list[str]], list[Motion]] = lambda names: [  # noqa: E731
        labels.motion for labels in load_all_labelled(resolve_all(names))
    ]
    motions = load(arguments.train)
    train = [described(motion) for motion in motions]
    validation = [described(motion) for motion in load(arguments.validation)]
    rows = []
    for count in COUNTS:
        for name in train[0].columns:
            found = scores(train[:count], validation, name)
            rows.append({"snapshots": count, "inputs": name, "pearson_A": found.tolist()})
            means = " ".join(f"{value:.3f}" for value in found.mean(axis=0))
            print(f"{count:3d}  {name:40s} {means}")
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps({"times": motions[0].times.tolist(), "rows": rows}))


if __name__ == "__main__":
    main()
