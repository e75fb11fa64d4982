"""Grouping by likeness against a slow search."""

import numpy as np
import pytest

from ccim_core.datasets.near_duplicates import group_near_duplicates


def slow_groups(features, threshold):
    """Flood fill over all pairs."""
    unit = features - features.mean(0)
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    groups = [-1] * len(unit)
    for start in range(len(unit)):
        todo = [start] if groups[start] < 0 else []
        while todo:
            k = todo.pop()
            groups[k] = start
            todo += [
                j for j in range(len(unit)) if groups[j] < 0 and unit[k] @ unit[j] >= threshold
            ]
    return np.array(groups)


def same_partition(one, two):
    return len(set(zip(one.tolist(), two.tolist(), strict=True))) == len(set(one)) == len(set(two))


def test_groups_are_the_connected_components():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 8)) + 3  # a common mean must not make all alike
    features[10] = features[3] + rng.normal(size=8) * 0.05
    features[20] = features[10] + rng.normal(size=8) * 0.05
    groups = group_near_duplicates(features, threshold=0.9)
    assert same_partition(groups, slow_groups(features, 0.9))
    assert groups[3] == groups[10] == groups[20]
    assert len(set(groups)) > 20


def test_chains_are_followed_across_blocks():
    # More rows than are compared at once: a duplicate far away must still be found.
    rng = np.random.default_rng(0)
    features = rng.normal(size=(1500, 64))
    features[1400] = features[5]
    groups = group_near_duplicates(features, threshold=0.9)
    assert groups[1400] == groups[5]
    assert len(set(groups)) == 1499


def test_a_featureless_picture_is_like_no_other_and_nan_is_refused():
    features = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    assert len(set(group_near_duplicates(features))) == 3
    with pytest.raises(ValueError, match="finite"):
        group_near_duplicates(np.array([[np.nan, 1.0]]))
