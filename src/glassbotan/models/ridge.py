"""Ridge regression on the differences within groups, its penalty chosen on held-out groups.

Hoerl, Kennard, Technometrics 12, 55 (1970). Not by scikit-learn: every fold's regressions for all
penalties come from one diagonalisation of sums over its groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """Ridge regressions, each without one fold of the groups, and one with all.

    Attributes
    ----------
    slopes, intercepts
        Shapes [F + 1, D, T] and [F + 1, T]; the last is fitted to all groups.
    alphas
        The penalty chosen for each target, shape [T].

    """

    slopes: FloatArray
    intercepts: FloatArray
    alphas: FloatArray


def cross_fitted_ridge(
    groups: Sequence[tuple[FloatArray, FloatArray]],
    folds: IntArray,
    n_folds: int,
    alphas: Sequence[float],
) -> CrossFitted:
    """Fit targets to columns by the differences within groups, with and without each fold.

    Parameters
    ----------
    groups
        Columns [N_g, D] of comparable size and targets [N_g, T] of each group g.
    folds
        The fold of each group, 0 to n_folds - 1, shape [G].
    n_folds
        F. A fold that holds no group, or all, is fitted to all.
    alphas
        Penalties. For each target that one is taken which correlates best, on average, within
        groups that were held out.

    """
    parts = [_sums_of(x, y) for x, y in groups]
    every = range(len(groups))
    penalties = np.asarray(alphas, dtype=np.float64)
    scores = np.zeros((len(penalties), parts[0].products.shape[1]))
    paths = []
    for fold in range(n_folds):
        held = [g for g in every if folds[g] == fold]
        solve = _Solver([parts[g] for g in every if folds[g] != fold] or parts)
        paths.append(solve)
        for a, alpha in enumerate(penalties):
            slopes = solve.slopes(np.full(scores.shape[1], alpha))
            scores[a] += sum((parts[g].correlations(slopes) for g in held), np.zeros(1))
    chosen = penalties[np.argmax(scores / len(groups), axis=0)]
    paths.append(_Solver(parts))
    fits = [(solve, solve.slopes(chosen)) for solve in paths]
    return CrossFitted(
        np.stack([slopes for _, slopes in fits]),
        np.stack([solve.mean_y - solve.mean_x @ slopes for solve, slopes in fits]),
        chosen,
    )


@dataclass(frozen=True, eq=False)
class _Sums:
    """What ridge regression needs to know of a group: mean products of its deviations."""

    count: int
    mean_x: FloatArray
    mean_y: FloatArray
    squares: FloatArray
    products: FloatArray
    targets: FloatArray

    def correlations(self, slopes: FloatArray) -> FloatArray:
        """Return the correlation of each target with its prediction; 0 without variance."""
        variance = np.einsum("dt,dt->t", slopes, self.squares @ slopes)
        covariance = np.einsum("dt,dt->t", slopes, self.products)
        norm = np.sqrt(np.maximum(variance, 0.0) * self.targets)
        return np.asarray(np.divide(covariance, norm, out=np.zeros_like(norm), where=norm > 0))


def _sums_of(x: FloatArray, y: FloatArray) -> _Sums:
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    dx, dy = x - mean_x, y - mean_y
    return _Sums(len(x), mean_x, mean_y, dx.T @ dx, dx.T @ dy, np.einsum("nt,nt->t", dy, dy))


class _Solver:
    """Ridge regressions of one set of groups for any penalty."""

    def __init__(self, parts: Sequence[_Sums]) -> None:
        total = sum(part.count for part in parts)
        self.mean_x = sum((p.count * p.mean_x for p in parts), np.zeros(1)) / total
        self.mean_y = sum((p.count * p.mean_y for p in parts), np.zeros(1)) / total
        squares = sum((p.squares for p in parts), np.zeros((1, 1)))
        products = sum((p.products for p in parts), np.zeros((1, 1)))
        self.values, self.axes = np.linalg.eigh(squares)
        self.along = self.axes.T @ products

    def slopes(self, alphas: FloatArray) -> FloatArray:
        """Return the slopes [D, T] for a penalty of each target, shape [T]."""
        weights = self.along / (np.maximum(self.values, 0.0)[:, None] + alphas)
        return np.asarray(self.axes @ weights)
