import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from ccim_core.metrics.average_precision import AP_KINDS, average_precision, average_precisions


def slow_average_precision(targets, scores, kind, weights=None):
    """The definitions read aloud: every distinct score is a threshold."""
    weights = np.ones(len(targets)) if weights is None else weights
    positives = weights[targets].sum()
    if not positives > 0:
        return np.nan
    points = []
    for threshold in sorted(set(scores), reverse=True):
        admitted = scores >= threshold
        if weights[admitted].sum() > 0:
            found = weights[admitted & targets].sum()
            points.append((found / positives, found / weights[admitted].sum()))
    if kind == "eleven_point":
        best = [
            max(precision for recall, precision in points if recall >= t / 10 - 1e-9)
            for t in range(11)
        ]
        return sum(best) / 11
    area, before = 0.0, 0.0
    for k, (recall, precision) in enumerate(points):
        height = precision if kind == "step" else max(p for _, p in points[k:])
        area, before = area + (recall - before) * height, recall
    return area


def random_problem(seed, n=60, n_classes=4, n_levels=None):
    generator = np.random.default_rng(seed)
    targets = generator.random((n, n_classes)) < [0.05, 0.2, 0.5, 0.9][:n_classes]
    scores = generator.normal(size=(n, n_classes)) + targets
    if n_levels:
        scores = np.round(scores * n_levels) / n_levels
    return targets, scores


def test_by_hand():
    targets = np.array([[1], [0], [1], [0], [1]])
    scores = np.array([[0.9], [0.8], [0.7], [0.6], [0.5]])
    values = average_precisions(targets, scores)
    assert values["step"][0] == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    assert values["interpolated"][0] == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    # Recall reaches 0…0.3 at precision 1, 0.4…0.6 at 2/3, 0.7…1 at 3/5.
    assert values["eleven_point"][0] == pytest.approx((4 * 1 + 3 * 2 / 3 + 4 * 3 / 5) / 11)


def test_interpolation_lifts_a_dip():
    targets = np.array([0, 1, 1])[:, None]
    scores = np.array([3.0, 2.0, 1.0])[:, None]
    assert average_precision(targets, scores)[0] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert average_precision(targets, scores, kind="interpolated")[0] == pytest.approx(2 / 3)
    assert average_precision(targets, scores, kind="eleven_point")[0] == pytest.approx(2 / 3)


def test_a_recall_of_three_in_ten_reaches_0_3():
    # Ten positives first, then nothing: recall 0.3 is 3/10 whatever the floating point says.
    targets = np.array([1] * 3 + [0] * 7 + [1] * 7)[:, None]
    scores = -np.arange(17.0)[:, None]
    expected = (4 * 1 + 7 * 10 / 17) / 11
    assert average_precision(targets, scores, kind="eleven_point")[0] == pytest.approx(expected)


@pytest.mark.parametrize("n_levels", [None, 2])
@pytest.mark.parametrize("seed", range(5))
def test_step_equals_scikit_learn(seed, n_levels):
    targets, scores = random_problem(seed, n=300, n_levels=n_levels)
    weights = np.random.default_rng(seed).exponential(size=300)
    for sample_weight in (None, weights):
        expected = [
            average_precision_score(y, s, sample_weight=sample_weight)
            for y, s in zip(targets.T, scores.T, strict=True)
        ]
        actual = average_precision(targets, scores, sample_weight=sample_weight)
        np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", AP_KINDS)
@pytest.mark.parametrize("n_levels", [None, 2])
def test_equals_the_slow_reference(kind, n_levels):
    for seed in range(5):
        targets, scores = random_problem(seed, n_levels=n_levels)
        weights = np.random.default_rng(seed).integers(0, 3, size=targets.shape).astype(float)
        plain = average_precision(targets, scores, kind=kind)
        weighted = average_precision(targets, scores, kind=kind, sample_weight=weights)
        for c in range(targets.shape[1]):
            y, s, w = targets[:, c], scores[:, c], weights[:, c]
            np.testing.assert_allclose(plain[c], slow_average_precision(y, s, kind))
            np.testing.assert_allclose(weighted[c], slow_average_precision(y, s, kind, w))


@pytest.mark.parametrize("kind", AP_KINDS)
def test_integer_weights_repeat_rows(kind):
    targets, scores = random_problem(3)
    counts = np.random.default_rng(0).integers(0, 4, size=len(targets))
    repeated = average_precision(
        np.repeat(targets, counts, axis=0), np.repeat(scores, counts, axis=0), kind=kind
    )
    weighted = average_precision(targets, scores, kind=kind, sample_weight=counts)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-12)


@pytest.mark.parametrize("kind", AP_KINDS)
def test_undefined_is_nan_and_extremes_are_exact(kind):
    targets = np.array([[0, 1, 1], [0, 1, 0], [0, 1, 0]])
    scores = np.array([[0.1, 0.2, 0.9], [0.3, 0.1, 0.5], [0.2, 0.4, 0.1]])
    values = average_precision(targets, scores, kind=kind)
    assert np.isnan(values[0])
    np.testing.assert_array_equal(values[1:], [1, 1])
    weightless = average_precision(targets, scores, kind=kind, sample_weight=[0, 1, 1])
    assert np.isnan(weightless[2])
    assert np.isnan(average_precision(np.zeros((0, 2)), np.zeros((0, 2)), kind=kind)).all()


@pytest.mark.parametrize("kind", AP_KINDS)
def test_a_constant_score_gets_the_prevalence(kind):
    targets = np.random.default_rng(0).random((200, 1)) < 0.3
    value = average_precision(targets, np.ones((200, 1)), kind=kind)[0]
    assert value == pytest.approx(targets.mean())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(-5, 5)), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_properties(rows, random):
    targets = np.array([[positive] for positive, _ in rows])
    scores = np.array([[float(score)] for _, score in rows])
    values = average_precisions(targets, scores)
    step, interpolated = values["step"][0], values["interpolated"][0]
    assert np.isnan(step) == (not targets.any())
    if targets.any():
        assert 0 < step <= interpolated + 1e-12 <= 1 + 1e-9
    # Neither a monotone change of the scores nor the order of the rows matters.
    order = random.sample(range(len(rows)), len(rows))
    moved = average_precisions(targets[order], np.exp(scores[order]))
    for kind in AP_KINDS:
        np.testing.assert_allclose(moved[kind], values[kind])


@pytest.mark.parametrize(
    ("targets", "scores", "options", "message"),
    [
        (np.zeros((3, 2)), np.zeros(3), {}, r"`scores` to be a matrix \(n, C\), got shape \(3,\)"),
        (np.zeros((3, 1)), np.zeros((3, 2)), {}, r"`targets` to be of shape \(3, 2\)"),
        (np.full((3, 2), 0.5), np.zeros((3, 2)), {}, "`targets` to be 0 or 1"),
        (np.zeros((3, 2)), [[0, 1], [np.nan, 0], [0, 0]], {}, "NaN or infinity in 1 rows"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"kind": "auc"}, "`kind` to be one of .*'auc'"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"sample_weight": [1, 1]}, r"shape \(3,\)"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"sample_weight": [1, -1, 1]}, "not negative"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"sample_weight": np.ones((2, 2))}, "got .2, 2."),
    ],
)
def test_bad_input(targets, scores, options, message):
    with pytest.raises(ValueError, match=message):
        average_precision(targets, scores, **options)
