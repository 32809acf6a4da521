"""Ridge regression within groups, against its equations and an explicit cross-validation."""

import numpy as np

from glassbotan.dynamics.ceiling import pearson
from glassbotan.models.ridge import cross_fitted_ridge, ridge_within_groups


def made_up_groups(n_groups=5, n_columns=30):
    """Columns, two targets and groups whose offsets outweigh what the columns explain."""
    generator = np.random.default_rng(3)
    groups = np.repeat(np.arange(n_groups), 20)
    x = generator.normal(size=(len(groups), n_columns)) * generator.uniform(0.5, 2, n_columns)
    y = x @ (generator.normal(size=(n_columns, 2)) * [1.0, 0.1])
    y += 4 * generator.normal(size=y.shape) + 50 * generator.normal(size=(n_groups, 2))[groups]
    return x + 5 * generator.normal(size=(n_groups, n_columns))[groups], y, groups


def test_slopes_solve_the_normal_equations_of_ridge_regression():
    x, y, groups = made_up_groups()
    slopes, intercepts, alphas = ridge_within_groups(x, y, groups, [7.0])
    apart = [v - np.stack([v[groups == k].mean(axis=0) for k in groups]) for v in (x, y)]
    spread = apart[0].std(axis=0)
    z = apart[0] / spread
    expected = np.linalg.solve(z.T @ z + 7.0 * np.eye(z.shape[1]), z.T @ apart[1]).T / spread
    assert np.allclose(slopes, expected, rtol=1e-8)
    assert np.allclose((x @ slopes.T + intercepts).mean(axis=0), y.mean(axis=0))
    assert alphas.tolist() == [7.0, 7.0]


def test_one_target_is_fitted_as_it_is_among_several():
    x, y, groups = made_up_groups()
    alphas = [0.1, 10.0, 1000.0]
    both = ridge_within_groups(x, y, groups, alphas)
    for k in (0, 1):
        alone = ridge_within_groups(x, y[:, [k]], groups, alphas)
        for part, among in zip(alone, both, strict=True):
            assert np.allclose(part, among[[k]])


def test_a_column_that_hardly_varies_decides_nothing():
    x, y, groups = made_up_groups()
    x[:, 4] = 3.0 + 1e-5 * y[:, 0]
    x[:, 5] = 2.0
    slopes = ridge_within_groups(x, y, groups, [0.1])[0]
    assert not slopes[:, 4:6].any()
    assert np.all(slopes[:, :4] != 0)


def test_cross_validation_chooses_as_an_explicit_loop_over_held_out_snapshots():
    x, y, groups = made_up_groups()
    alphas = 10.0 ** np.arange(-2, 5)
    scores = np.zeros((len(alphas), 2))
    for k in range(5):
        rest, held = groups != k, groups == k
        for a, alpha in enumerate(alphas):
            slopes = ridge_within_groups(x[rest], y[rest], groups[rest], [alpha])[0]
            predicted = x[held] @ slopes.T
            scores[a] += [pearson(predicted[:, t], y[held, t]) for t in (0, 1)]
    expected = alphas[np.argmax(scores, axis=0)]
    assert alphas[0] < expected[0] < alphas[-1]
    assert np.array_equal(ridge_within_groups(x, y, groups, alphas)[2], expected)


def test_cross_fitted_regressions_are_those_of_each_fold():
    from sklearn.linear_model import Ridge

    generator = np.random.default_rng(4)
    slopes = generator.normal(size=(5, 2))
    groups = []
    for shift in generator.normal(size=6):
        x = generator.normal(size=(40, 5)) + shift
        groups.append((x, x @ slopes + 3 * shift + generator.normal(size=(40, 2))))
    folds = np.array([0, 1, 2, 0, 1, 2])
    fitted = cross_fitted_ridge(groups, folds, 3, [7.0])
    for fold in (0, 1, 2, None):
        kept = [g for g, f in zip(groups, folds, strict=True) if f != fold]
        x = np.concatenate([x - x.mean(axis=0) for x, _ in kept])
        y = np.concatenate([y - y.mean(axis=0) for _, y in kept])
        expected = Ridge(7.0, fit_intercept=False).fit(x, y).coef_.T
        index = 3 if fold is None else fold
        np.testing.assert_allclose(fitted.slopes[index], expected, rtol=1e-8)
        whole_x, whole_y = (np.concatenate(part) for part in zip(*kept, strict=True))
        constant = whole_y.mean(axis=0) - whole_x.mean(axis=0) @ expected
        np.testing.assert_allclose(fitted.intercepts[index], constant, rtol=1e-8)


def test_the_penalty_that_predicts_held_out_groups_best_is_chosen():
    generator = np.random.default_rng(5)
    groups = []
    for _ in range(5):
        x = generator.normal(size=(30, 25))
        groups.append((x, x[:, :1] + 3 * generator.normal(size=(30, 1))))
    folds = np.arange(5)
    alphas = [1e-3, 1e2, 1e9]
    fitted = cross_fitted_ridge(groups, folds, 5, alphas)
    scores = [cross_fitted_ridge(groups, folds, 5, [alpha]).scores[0] for alpha in alphas]
    assert fitted.scores[0] == max(scores)
    assert fitted.alphas[0] == alphas[int(np.argmax(scores))]
