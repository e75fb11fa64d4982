import time

import numpy as np
import pytest
from scipy import stats
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score

from ccim_core.metrics import resampling
from ccim_core.metrics.average_precision import AP_KINDS, average_precision, nan_mean
from ccim_core.metrics.comparison import (
    PAIRED_METRICS,
    bootstrap_metric,
    compare_outputs,
    metric_value,
)
from ccim_core.metrics.resampling import (
    bootstrap_average_precision,
    bootstrap_interval,
    bootstrap_ratio,
    bootstrap_statistic,
    cluster_counts,
    mcnemar_exact,
    paired_bootstrap,
    seed_interval,
)
from tests.ccim_core.metrics.simulation import simulate_outputs


def test_each_resample_draws_as_many_clusters_as_there_are():
    counts = np.concatenate(list(cluster_counts(50, 200, 0)), axis=1)
    assert counts.shape == (50, 200)
    np.testing.assert_array_equal(counts.sum(axis=0), 50)
    # Multinomial: mean 1, variance 1 − 1/50.
    assert counts.var() == pytest.approx(1 - 1 / 50, abs=0.03)


def test_resamples_do_not_depend_on_the_block(monkeypatch):
    before = np.concatenate(list(cluster_counts(20, 70, 5)), axis=1)
    monkeypatch.setattr(resampling, "_BLOCK", 7)
    np.testing.assert_array_equal(before, np.concatenate(list(cluster_counts(20, 70, 5)), axis=1))


@pytest.mark.parametrize("kind", AP_KINDS)
def test_average_precision_equals_copying_the_images(kind):
    data = simulate_outputs(0, n_images=25)
    scores = np.round(data.first, 1)  # ties across images
    draws = bootstrap_average_precision(
        data.targets, scores, clusters=data.images, n_resamples=40, kind=kind, random_state=3
    )
    counts = np.concatenate(list(cluster_counts(25, 40, 3)), axis=1).astype(int)
    for b in range(40):
        rows = np.concatenate(
            [np.flatnonzero(data.images == image) for image in range(25)
             for _ in range(counts[image, b])]
        )  # fmt: skip
        expected = average_precision(data.targets[rows], scores[rows], kind=kind)
        np.testing.assert_allclose(draws[b], expected, rtol=1e-5)
        if kind == "step":
            reference = average_precision_score(data.targets[rows, 0], scores[rows, 0])
            assert draws[b, 0] == pytest.approx(reference, rel=1e-5)


def test_ratio_equals_the_general_form():
    data = simulate_outputs(1, n_images=30)
    top, bottom = data.targets[:, :1] & (data.first[:, :1] > 0), data.targets[:, :1]
    draws = bootstrap_ratio(top, bottom, clusters=data.images, n_resamples=50)

    def recall(weight):
        return (weight * top[:, 0]).sum() / (weight * bottom[:, 0]).sum()

    slow = bootstrap_statistic(recall, clusters=data.images, n_resamples=50)
    np.testing.assert_allclose(draws[:, 0], slow)


def test_clusters_may_be_named_in_any_order():
    data = simulate_outputs(2, n_images=20)
    names = np.array([f"image-{i:03d}" for i in range(20)])[data.images]
    by_name = bootstrap_average_precision(data.targets, data.first, clusters=names, n_resamples=9)
    by_number = bootstrap_average_precision(
        data.targets, data.first, clusters=data.images, n_resamples=9
    )
    np.testing.assert_array_equal(by_name, by_number)


def test_a_class_that_loses_its_positives_is_nan_in_that_resample():
    targets, scores = np.array([[1], [0], [0]]), np.array([[0.9], [0.5], [0.1]])
    draws = bootstrap_average_precision(targets, scores, clusters=[0, 1, 2], n_resamples=200)[:, 0]
    lost = np.concatenate(list(cluster_counts(3, 200, 0)), axis=1)[0] == 0
    np.testing.assert_array_equal(np.isnan(draws), lost)
    np.testing.assert_array_equal(draws[~lost], 1)
    interval = bootstrap_interval(draws, 1.0)
    assert interval.n_undefined == lost.sum()
    assert interval.n_resamples == 200 - lost.sum()
    assert np.isnan(bootstrap_ratio([[0], [0]], [[0], [0]], clusters=[0, 1])).all()


def test_interval_is_the_percentiles_and_nan_when_mostly_undefined():
    draws = np.arange(101.0)
    interval = bootstrap_interval(draws, 50.0, level=0.9)
    assert (interval.low, interval.high) == pytest.approx((5.0, 95.0))
    draws[:60] = np.nan
    interval = bootstrap_interval(draws, 50.0)
    assert np.isnan(interval.low)
    assert interval.n_undefined == 60
    assert np.isnan(bootstrap_interval(np.arange(9.0), np.nan).low)


def test_a_basic_interval_takes_off_the_bias_that_resampling_adds():
    draws = np.linspace(0.3, 0.5, 101)
    interval = bootstrap_interval(draws, 0.35, level=0.9, kind="basic")
    assert (interval.low, interval.high) == pytest.approx((0.21, 0.39))
    # Inside what the metric can be, and never without the estimate itself.
    interval = bootstrap_interval(draws, 0.15, level=0.9, kind="basic")
    assert (interval.low, interval.high) == pytest.approx((0, 0.15))
    assert bootstrap_interval(draws, 0.8, level=0.9, kind="basic").low == pytest.approx(0.8)
    assert bootstrap_interval(draws, 0.8, level=0.9, kind="basic").high == 1


def test_clustered_interval_is_wider_than_one_that_ignores_images():
    data = simulate_outputs(4, n_images=150)
    options = {"metric": "map", "n_resamples": 300}
    clustered = bootstrap_metric(data.targets, data.first, clusters=data.images, **options)
    alone = bootstrap_metric(
        data.targets, data.first, clusters=np.arange(len(data.images)), **options
    )
    assert clustered.std() > 1.25 * alone.std()


@pytest.mark.parametrize("metric", PAIRED_METRICS)
def test_bootstrap_metric_equals_the_metric_on_copied_rows(metric):
    generator = np.random.default_rng(0)
    targets = np.eye(3)[generator.choice(3, 60, p=[0.5, 0.45, 0.05])]
    outputs = generator.dirichlet(np.ones(3), 60) + 0.3 * targets
    images = np.arange(60) // 3
    draws = bootstrap_metric(targets, outputs, metric=metric, clusters=images, n_resamples=30)
    counts = np.concatenate(list(cluster_counts(20, 30, 0)), axis=1).astype(int)
    for b in range(30):
        rows = np.repeat(np.arange(60), counts[images, b])
        expected = metric_value(targets[rows], outputs[rows], metric=metric)
        assert draws[b] == pytest.approx(expected, rel=1e-5)


def test_paired_comparison_is_much_sharper_than_two_intervals():
    generator = np.random.default_rng(0)
    targets = np.eye(2)[generator.integers(2, size=400)]
    first = generator.random((400, 2)) + 0.5 * targets
    second = first + 0.1 * targets
    comparison = compare_outputs(
        targets, first, second, metric="accuracy", clusters=np.arange(400) // 2
    )
    assert comparison.difference == pytest.approx(
        metric_value(targets, second, metric="accuracy")
        - metric_value(targets, first, metric="accuracy")
    )
    assert comparison.low > 0
    assert comparison.p_value < 0.01
    swapped = compare_outputs(
        targets, second, first, metric="accuracy", clusters=np.arange(400) // 2
    )
    assert (swapped.low, swapped.high) == pytest.approx((-comparison.high, -comparison.low))
    assert swapped.p_value == comparison.p_value


def test_an_estimator_against_itself_is_no_difference():
    data = simulate_outputs(0, n_images=20)
    comparison = compare_outputs(
        data.targets, data.first, data.first, metric="map", clusters=data.images, n_resamples=50
    )
    assert (comparison.low, comparison.difference, comparison.high) == (0, 0, 0)
    assert comparison.p_value == 1


def test_p_value_by_hand():
    draws = np.r_[np.full(3, -1.0), np.full(96, 1.0)]
    assert paired_bootstrap(np.zeros(99), draws, difference=1.0).p_value == pytest.approx(
        2 * 4 / 100
    )


@pytest.mark.parametrize(("b", "c"), [(0, 0), (3, 3), (1, 8), (40, 21), (0, 5)])
def test_mcnemar_is_the_exact_binomial(b, c):
    first = np.r_[np.ones(b), np.zeros(c), np.ones(10), np.zeros(4)]
    second = np.r_[np.zeros(b), np.ones(c), np.ones(10), np.zeros(4)]
    result = mcnemar_exact(first, second)
    assert (result.only_first, result.only_second) == (b, c)
    expected = binomtest(b, b + c).pvalue if b + c else 1.0
    assert result.p_value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bootstrap_ratio([[1]], [[1]], clusters=[0]), "two or more, got 1"),
        (lambda: bootstrap_ratio([[1], [1]], [[1], [1]], clusters=[0]), r"shape \(2,\)"),
        (lambda: bootstrap_ratio([[1], [1]], [[1, 1]], clusters=[0, 1]), "`denominators`"),
        (lambda: next(cluster_counts(5, 0, 0)), "`n_resamples` to be 1 or more, got 0"),
        (lambda: bootstrap_interval([], 0.0), "vector of resamples"),
        (lambda: bootstrap_interval([1.0, 2.0], 0.0, kind="normal"), "`kind` to be one of"),
        (lambda: bootstrap_interval([1.0, 2.0], 0.0, level=95), "`level` to be between 0 and 1"),
        (lambda: mcnemar_exact([1, 0], [1]), "`correct_second` to be of shape"),
        (lambda: metric_value([[1, 1]], [[0.5, 0.5]], metric="accuracy"), "one 1 a row"),
        (lambda: metric_value([[1, 0]], [[0.5, 0.5]], metric="f1"), "`metric` to be one of"),
        (
            lambda: bootstrap_average_precision([[1], [0]], [[1], [0]], clusters=[0, 1], kind="x"),
            "`kind` to be one of",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.slow
def test_a_thousand_resamples_of_emotics_size_in_thirty_seconds():
    generator = np.random.default_rng(0)
    targets = generator.random((34_000, 26)) < np.linspace(0.005, 0.5, 26)
    scores = generator.normal(size=targets.shape) + targets
    # Seconds of the processor, however busy the machine is: one thread works.
    start = time.process_time()
    draws = bootstrap_average_precision(
        targets, scores, clusters=generator.integers(23_000, size=34_000), n_resamples=1000
    )
    assert time.process_time() - start < 30
    np.testing.assert_allclose(
        nan_mean(draws), nan_mean(average_precision(targets, scores)), atol=0.01
    )


def test_a_seed_interval_is_that_of_the_draws_for_one_seed_and_t_for_seeds_alone() -> None:
    draws = np.random.default_rng(0).normal(0.5, 0.02, (1, 4000))
    one = seed_interval([0.5], draws)
    assert (one.low, one.high) == pytest.approx((0.5 - 1.96 * 0.02, 0.5 + 1.96 * 0.02), abs=2e-3)
    values = np.array([0.4, 0.5, 0.6])
    still = seed_interval(values, np.repeat(values[:, None], 10, axis=1))
    half = stats.t.ppf(0.975, 2) * 0.1 / np.sqrt(3)
    assert (still.low, still.high) == pytest.approx((0.5 - half, 0.5 + half))
    assert still.excludes_zero
    assert not seed_interval([0.1, -0.1], np.zeros((2, 10))).excludes_zero


def test_a_seed_interval_covers_the_mean_over_other_subjects_and_other_seeds() -> None:
    """Three seeds, 300 subjects: each source alone would be covered by far too few intervals."""
    generator = np.random.default_rng(0)
    inside, trials = 0, 400
    for _ in range(trials):
        subject = generator.normal(0, 0.5, 300)
        seeds = generator.normal(0, 0.03, 3)
        values = seeds[:, None] + subject + generator.normal(0, 0.2, (3, 300))
        drawn = generator.integers(300, size=(200, 300))
        draws = values[:, drawn].mean(axis=2)
        found = seed_interval(values.mean(axis=1), draws)
        inside += found.low <= 0 <= found.high
    assert 0.92 <= inside / trials <= 0.99
