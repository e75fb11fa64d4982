import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ccim_core.metrics.groups import (
    group_means,
    group_proportions,
    outranked_negatives,
    reweighted_average,
    worst_group,
)

NAMES = ("Happy", "Sad")


@pytest.fixture
def groups():
    correct = [1, 1, 0, 1, 0, 0, 0, 1]
    emotions = [0, 0, 0, 0, 1, 1, 1, 0]
    contexts = ["beach", "beach", "bar", "bar", "bar", "bar", "beach", "beach"]
    return group_means(correct, emotions, contexts, names=NAMES)


def test_every_group_with_its_size(groups):
    assert [(g.emotion, g.context, g.size, g.value) for g in groups] == [
        ("Happy", "bar", 2, 0.5),
        ("Happy", "beach", 3, 1.0),
        ("Sad", "bar", 2, 0.0),
        ("Sad", "beach", 1, 0.0),
    ]


def test_worst_group_respects_the_minimum_size(groups):
    worst = worst_group(groups, min_size=2)
    assert (worst.value, worst.group.emotion, worst.group.context) == (0.0, "Sad", "bar")
    assert (worst.group.size, worst.n_groups, worst.n_small) == (2, 3, 1)
    assert worst_group(groups, min_size=3).value == 1.0
    # Both Sad groups have 0: the larger one is named.
    assert worst_group(groups, min_size=1).group.context == "bar"


def test_no_group_is_large_enough(groups):
    worst = worst_group(groups, min_size=10)
    assert np.isnan(worst.value)
    assert worst.group is None
    assert worst.reason == "no group has 10 subjects (the largest has 3)"
    assert worst.n_small == 4
    assert "largest has 0" in worst_group([]).reason
    with pytest.raises(ValueError, match="`min_size` to be 1 or more, got 0"):
        worst_group(groups, min_size=0)


def test_reweighting_to_the_splits_own_mix_is_the_plain_average():
    generator = np.random.default_rng(0)
    correct, emotions = generator.random(200) < 0.7, generator.integers(2, size=200)
    contexts = generator.choice(["a", "b", "c"], 200)
    groups = group_means(correct, emotions, contexts, names=NAMES)
    own = reweighted_average(groups, group_proportions(emotions, contexts, names=NAMES))
    assert own.value == pytest.approx(correct.mean())
    assert own.covered == pytest.approx(1)


def test_reweighting_says_what_it_could_not_cover(groups):
    average = reweighted_average(
        groups, {("Happy", "beach"): 0.6, ("Sad", "bar"): 0.2, ("Sad", "office"): 0.2}
    )
    assert average.value == pytest.approx(0.75)
    assert average.covered == pytest.approx(0.8)
    nothing = reweighted_average(groups, {("Sad", "office"): 1.0})
    assert np.isnan(nothing.value)
    assert nothing.covered == 0
    with pytest.raises(ValueError, match="`proportions` to be zero or more"):
        reweighted_average(groups, {("Sad", "bar"): -1.0})


def test_outranked_negatives_average_to_the_roc_area():
    generator = np.random.default_rng(0)
    targets = generator.random((300, 3)) < [0.1, 0.5, 0.8]
    scores = np.round(generator.normal(size=(300, 3)) + targets, 1)
    shares = outranked_negatives(targets, scores)
    np.testing.assert_array_equal(np.isnan(shares), ~targets)
    areas = [roc_auc_score(targets[:, c], scores[:, c]) for c in range(3)]
    np.testing.assert_allclose(np.nanmean(shares, axis=0), areas)


def test_outranked_negatives_without_negatives_is_nan():
    assert np.isnan(outranked_negatives([[1], [1]], [[0.1], [0.2]])).all()


def test_a_subject_without_a_context_is_refused():
    with pytest.raises(ValueError, match="`contexts` to be given for every subject, got 1 without"):
        group_means([1, 0], [0, 1], ["a", None], names=NAMES)
