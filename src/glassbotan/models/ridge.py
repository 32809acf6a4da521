"""Ridge regression on the differences within groups, its penalty chosen on held-out groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray

FOLDS = 10
"""Of the cross-validation, unless there are fewer groups."""

SMALLEST_SPREAD = 1e-3
"""A column that hardly varies in training must not decide a prediction where it varies."""


def ridge_within_groups(
    x: FloatArray, y: FloatArray, groups: IntArray, alphas: Sequence[float]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fit y = intercept + slopes x to the deviations from the means of each group.

    Hoerl, Kennard, Technometrics 12, 55 (1970), with standardised columns.

    Parameters
    ----------
    x, y
        Columns [N, D] and targets [N, T].
    groups
        Which group each row belongs to, increasing, shape [N].
    alphas
        Penalties. Of several, that one is taken for each target which correlates best, on average,
        within groups that were held out; this takes two groups or more.

    Returns
    -------
    slopes, intercepts, alphas
        Shapes [T, D], [T] and [T]. With the intercepts the means over all rows are right.

    """
    x_within, y_within = _deviations(x, groups), _deviations(y.astype(np.float64), groups)
    x_within[:, x_within.std(axis=0) < SMALLEST_SPREAD] = 0.0
    chosen = (
        np.repeat(alphas, y.shape[1])
        if len(alphas) == 1
        else _best_alphas(x_within, y_within, groups, np.array(alphas))
    )
    # Without an intercept the pipeline is a matrix: what it makes of the identity.
    matrix = _pipeline(chosen).fit(x_within, y_within).predict(np.eye(x.shape[1]))
    slopes = matrix.reshape(x.shape[1], y.shape[1]).T
    return slopes, y.mean(axis=0) - slopes @ x.mean(axis=0), chosen


def _deviations(values: FloatArray, groups: IntArray) -> FloatArray:
    _, first, which, counts = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    means = np.add.reduceat(values, first, axis=0) / counts[:, None]
    deviations: FloatArray = values - means[which]
    return deviations


def _pipeline(alphas: FloatArray) -> Any:
    """Return ridge regression with an alpha for each target."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(with_mean=False), Ridge(alphas, fit_intercept=False))


def _best_alphas(x: FloatArray, y: FloatArray, groups: IntArray, alphas: FloatArray) -> FloatArray:
    """Return the alpha for each target, shape [T]."""
    from sklearn.model_selection import GroupKFold, cross_val_predict

    numbers, n_targets = np.unique(groups), y.shape[1]
    # One regression with a target for each alpha costs little more than one alpha.
    y = np.tile(y, len(alphas))
    model = _pipeline(np.repeat(alphas, n_targets))
    folds = GroupKFold(min(FOLDS, len(numbers)))
    predicted = cross_val_predict(model, x, y, groups=groups, cv=folds)
    scores = np.mean(
        [_correlations(predicted[groups == k], y[groups == k]) for k in numbers], axis=0
    )
    best: FloatArray = alphas[np.argmax(scores.reshape(len(alphas), n_targets), axis=0)]
    return best


def _correlations(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the Pearson correlation of columns whose means are zero; 0 without variance."""
    norm = np.sqrt((x * x).sum(axis=0) * (y * y).sum(axis=0))
    return _ratio((x * y).sum(axis=0), norm)


def _ratio(covariance: FloatArray, norm: FloatArray) -> FloatArray:
    ratio: FloatArray = np.divide(covariance, norm, out=np.zeros_like(norm), where=norm > 0)
    return ratio


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """Ridge regressions, each without one fold of the groups, and one with all.

    Attributes
    ----------
    slopes, intercepts
        Shapes [F + 1, D, T] and [F + 1, T]; the last is fitted to all groups.
    alphas
        The penalty chosen for each target, shape [T].
    scores
        Correlation within held-out groups, averaged over them, shape [T].

    """

    slopes: FloatArray
    intercepts: FloatArray
    alphas: FloatArray
    scores: FloatArray


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
    scores /= len(groups)
    best = np.argmax(scores, axis=0)
    chosen = penalties[best]
    paths.append(_Solver(parts))
    fits = [(solve, solve.slopes(chosen)) for solve in paths]
    return CrossFitted(
        np.stack([slopes for _, slopes in fits]),
        np.stack([solve.mean_y - solve.mean_x @ slopes for solve, slopes in fits]),
        chosen,
        scores[best, np.arange(len(best))],
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
        return _ratio(covariance, np.sqrt(np.maximum(variance, 0.0) * self.targets))


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
