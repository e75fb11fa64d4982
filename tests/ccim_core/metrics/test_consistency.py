from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccim_core.metrics.consistency import (
    debias_recovery,
    top_change_rate,
    twin_movement,
    within_group_movement,
)


def slow_movement(probabilities, groups, multi_label):
    distances, changes = [], []
    for group in sorted(set(groups)):
        rows = np.flatnonzero(np.asarray(groups) == group)
        pairs = list(combinations(rows, 2))
        if pairs:
            gaps = [np.abs(probabilities[i] - probabilities[j]) for i, j in pairs]
            distances.append(np.mean([g.mean() if multi_label else g.sum() / 2 for g in gaps]))
            changes.append(
                np.mean([probabilities[i].argmax() != probabilities[j].argmax() for i, j in pairs])
            )
    return np.mean(distances), np.mean(changes)


@pytest.mark.parametrize("multi_label", [False, True])
def test_equals_the_slow_reference(multi_label):
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(4), size=80)
    groups = generator.integers(30, size=80)
    moved = within_group_movement(probabilities, groups, multi_label=multi_label)
    distance, change = slow_movement(probabilities, groups, multi_label)
    assert moved.total_variation == pytest.approx(distance)
    assert moved.top_change == pytest.approx(change)
    sizes = np.bincount(groups)
    assert moved.n_groups == (sizes > 1).sum()
    assert moved.n_pairs == (sizes * (sizes - 1) // 2).sum()


def test_by_hand():
    probabilities = [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]
    moved = within_group_movement(probabilities, ["a", "a", "b"], multi_label=False)
    assert (moved.total_variation, moved.top_change, moved.n_groups) == (1.0, 1.0, 1)


def test_no_twins_is_nan_and_scores_have_no_total_variation():
    moved = within_group_movement([[0.2, 0.8], [0.5, 0.5]], [0, 1], multi_label=False)
    assert np.isnan(moved.total_variation)
    assert np.isnan(moved.top_change)
    assert (moved.n_groups, moved.n_pairs) == (0, 0)
    scores = [[3.0, -1.0], [-2.0, 5.0]]
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        within_group_movement(scores, [0, 0], multi_label=False)
    moved = within_group_movement(scores, [0, 0], multi_label=False, probabilities=False)
    assert np.isnan(moved.total_variation)
    assert moved.top_change == 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_properties(seed, size):
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(3), size=size)
    groups = np.zeros(size, int)
    moved = within_group_movement(probabilities, groups, multi_label=False)
    assert 0 <= moved.total_variation <= 1
    same = within_group_movement(np.repeat(probabilities[:1], size, 0), groups, multi_label=False)
    assert same.total_variation == pytest.approx(0, abs=1e-12)
    assert same.top_change == 0
    order = generator.permutation(size)
    shuffled = within_group_movement(probabilities[order], groups, multi_label=False)
    assert shuffled.total_variation == pytest.approx(moved.total_variation)


def test_a_model_that_reads_only_the_scene_moves_only_with_the_scene():
    subjects, scenes, emotions = (x.ravel() for x in np.meshgrid(range(3), range(4), range(2)))
    outputs = np.eye(4)[scenes]
    moved = twin_movement(outputs, subjects=subjects, scenes=scenes, emotions=emotions)
    assert (moved.scene.total_variation, moved.emotion.total_variation) == (1, 0)
    assert (moved.scene.n_groups, moved.emotion.n_groups) == (6, 12)
    outputs = np.eye(2)[emotions]
    moved = twin_movement(outputs, subjects=subjects, scenes=scenes, emotions=emotions)
    assert (moved.scene.top_change, moved.emotion.top_change) == (0, 1)


def test_top_change_rate():
    first, second = np.array([[1, 0], [0, 1], [1, 0]]), np.array([[2, 1], [1, 0], [0, 9]])
    assert top_change_rate(first, second) == pytest.approx(2 / 3)
    assert top_change_rate(first, first) == 0
    assert np.isnan(top_change_rate(np.zeros((0, 2)), np.zeros((0, 2))))
    with pytest.raises(ValueError, match="`second` to be of shape"):
        top_change_rate(first, second[:2])


def test_recovery():
    recovery = debias_recovery([0.30, 0.32], [0.20, 0.22], [0.40, 0.42])
    assert recovery.value == pytest.approx(0.5)
    assert recovery.gap == pytest.approx(0.2)
    assert recovery.deviation == pytest.approx(0, abs=1e-9)
    assert recovery.reason == ""
    # Welch with two seeds each: sd 0.01414, standard error 0.01414, two degrees of freedom.
    assert recovery.noise == pytest.approx(4.302653 * 0.0141421, rel=1e-4)
    assert debias_recovery(0.2, 0.2, 0.4, noise=0.01).value == 0
    assert debias_recovery(0.5, 0.2, 0.4, noise=0.01).value == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("method", "vanilla", "oracle", "options", "reason"),
    [
        ([0.3, 0.3], [0.2, 0.3], [0.25, 0.31], {}, "is within its noise"),
        (0.3, 0.2, 0.4, {}, "one seed only"),
        (0.3, 0.4, 0.2, {"noise": 0.01}, "the oracle is below vanilla"),
        (0.3, 0.4, 0.4, {"noise": 0.0}, "is within its noise"),
        ([0.3, None], [0.2, 0.2], [0.4, 0.4], {}, "a metric is undefined in one of the runs"),
    ],
)
def test_recovery_is_nan_with_a_reason(method, vanilla, oracle, options, reason):
    recovery = debias_recovery(method, vanilla, oracle, **options)
    assert np.isnan(recovery.value)
    assert reason in recovery.reason


def test_recovery_needs_a_value():
    with pytest.raises(ValueError, match="`vanilla` to be one value a seed"):
        debias_recovery(0.3, [], 0.4)
