from itertools import combinations
from statistics import mean

import numpy as np
import pytest

from ccim_core.metrics.average_precision import AP_KINDS, average_precision
from ccim_core.metrics.chance import chance_average_precision
from ccim_core.metrics.mean_average_precision import mean_average_precision


def every_ranking(positives, n, kind):
    """Mean AP over all places that the positives can take."""
    scores = -np.arange(float(n))[:, None]
    values = []
    for places in combinations(range(n), positives):
        targets = np.zeros((n, 1))
        targets[list(places)] = 1
        values.append(average_precision(targets, scores, kind=kind)[0])
    return mean(values)


@pytest.mark.parametrize(("positives", "n"), [(1, 1), (1, 7), (3, 8), (8, 8)])
def test_closed_form_is_the_mean_over_every_ranking(positives, n):
    chance = chance_average_precision([positives], n)
    assert chance.mean[0] == pytest.approx(every_ranking(positives, n, "step"))
    assert chance.standard_error[0] == 0


@pytest.mark.parametrize("kind", AP_KINDS)
def test_simulation_agrees_with_every_ranking(kind):
    counts = [1, 2, 4]
    chance = chance_average_precision(counts, 9, kind=kind, method="simulated", n_simulations=4000)
    for count, level, error in zip(counts, *chance, strict=True):
        assert abs(level - every_ranking(count, 9, kind)) < 4 * error


def test_simulation_agrees_with_the_closed_form_and_exceeds_prevalence():
    counts, n = [40, 400, 1500], 3000
    closed = chance_average_precision(counts, n)
    simulated = chance_average_precision(counts, n, method="simulated")
    assert (np.abs(simulated.mean - closed.mean) < 4 * simulated.standard_error).all()
    eleven = chance_average_precision(counts, n, kind="eleven_point").mean
    # This is why prevalence is not the chance level of the eleven-point AP.
    assert (eleven > closed.mean + 0.005).all()
    assert (closed.mean > np.array(counts) / n).all()


def test_same_numbers_whatever_else_is_asked_for_and_nan_without_positives():
    together = chance_average_precision([5, 0, 20, 5], 50, kind="eleven_point")
    alone = chance_average_precision([5], 50, kind="eleven_point")
    assert together.mean[0] == together.mean[3] == pytest.approx(alone.mean[0], rel=1e-12)
    assert np.isnan(together.mean[1])
    assert np.isnan(chance_average_precision([0], 50).mean[0])


@pytest.mark.parametrize(
    ("positives", "options", "message"),
    [
        ([60], {}, "counts from 0 to 50"),
        ([-1], {}, "counts from 0 to 50"),
        ([3], {"kind": "roc"}, "`kind`"),
        ([3], {"kind": "interpolated", "method": "closed"}, "'simulated'"),
        ([3], {"n_simulations": 1}, "2 or more"),
    ],
)
def test_bad_input(positives, options, message):
    with pytest.raises(ValueError, match=message):
        chance_average_precision(positives, 50, **options)


def test_map_carries_what_one_needs_to_read_it():
    generator = np.random.default_rng(0)
    targets = generator.random((400, 3)) < [0.1, 0.4, 0.0]
    scores = generator.normal(size=(400, 3)) + targets
    result = mean_average_precision(targets, scores, kind="eleven_point", n_simulations=100)
    assert result.n_defined == 2
    assert result.n_subjects == 400
    assert result.value == pytest.approx(result.per_class[:2].mean())
    assert np.isnan(result.per_class[2])
    np.testing.assert_array_equal(result.positives, targets.sum(axis=0))
    np.testing.assert_allclose(result.prevalence, targets.mean(axis=0))
    assert result.chance_value == pytest.approx(result.chance[:2].mean())
    nothing = mean_average_precision(np.zeros((5, 2)), np.zeros((5, 2)))
    assert np.isnan(nothing.value)
    assert nothing.n_defined == 0
    assert np.isnan(mean_average_precision(np.zeros((0, 2)), np.zeros((0, 2))).prevalence).all()
