"""Ridge regression on the differences within groups, its penalty chosen on held-out groups."""

from collections.abc import Sequence
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
    covariance = (x * y).sum(axis=0)
    correlations: FloatArray = np.divide(covariance, norm, out=np.zeros_like(norm), where=norm > 0)
    return correlations
