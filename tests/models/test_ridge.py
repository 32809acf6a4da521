"""Ridge regression within groups, against scikit-learn's and an explicit cross-validation."""

import numpy as np

from glassbotan.models.ridge import cross_fitted_ridge


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
    scores = []
    for alpha in alphas:
        slopes = cross_fitted_ridge(groups, folds, 5, [alpha]).slopes
        held_out = zip(groups, slopes[:-1], strict=True)
        scores.append(
            np.mean([np.corrcoef((x @ w)[:, 0], y[:, 0])[0, 1] for (x, y), w in held_out])
        )
    assert fitted.alphas[0] == alphas[int(np.argmax(scores))]
