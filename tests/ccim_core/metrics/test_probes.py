import numpy as np
import pytest

from ccim_core.metrics.probes import linear_probe


def clouds(seed, *, separation, n=400, width=20, n_labels=4):
    generator = np.random.default_rng(seed)
    labels = generator.integers(n_labels, size=n)
    centres = generator.normal(size=(n_labels, width)) * separation
    return generator.normal(size=(n, width)) + centres[labels], labels


def test_reads_what_is_there_and_nothing_more():
    there = linear_probe(*clouds(0, separation=2.0))
    assert there.accuracy > 0.95
    assert there.low > there.chance
    absent = linear_probe(*clouds(0, separation=0.0))
    assert absent.low < 0.25 + 0.06
    assert absent.accuracy < 0.4
    assert there.n_train + there.n_test == 400
    assert there.n_labels == 4


def test_chance_is_the_most_frequent_label():
    features, labels = clouds(1, separation=0.0)
    probe = linear_probe(features, np.where(labels < 3, "bar", "beach"))
    assert probe.chance == pytest.approx((labels < 3).mean())
    assert probe.accuracy == pytest.approx(probe.chance, abs=0.1)


def test_features_are_standardised():
    features, labels = clouds(2, separation=1.0)
    stretched = features * np.logspace(-4, 4, features.shape[1])
    plain, scaled = linear_probe(features, labels), linear_probe(stretched, labels)
    assert scaled.accuracy == pytest.approx(plain.accuracy, abs=0.02)


def test_whole_groups_are_held_out():
    # Labels attach to groups at random: only a probe that met the group could know them.
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(100), 6)
    labels = generator.integers(4, size=100)[groups]
    features = np.repeat(generator.normal(size=(100, 300)), 6, axis=0)
    features += 0.01 * generator.normal(size=features.shape)
    assert linear_probe(features, labels, strengths=(0.1,)).accuracy > 0.95
    assert linear_probe(features, labels, groups=groups, strengths=(0.1,)).accuracy < 0.45


def test_same_seed_same_probe():
    features, labels = clouds(3, separation=0.5)
    assert linear_probe(features, labels, seed=1) == linear_probe(features, labels, seed=1)
    assert linear_probe(features, labels, seed=1) != linear_probe(features, labels, seed=2)


def test_nothing_to_tell_apart_is_nan_with_a_reason():
    features = np.random.default_rng(0).normal(size=(50, 3))
    probe = linear_probe(features, np.zeros(50, int))
    assert np.isnan(probe.accuracy)
    assert probe.reason == "fewer than two labels to tell apart in training"
    probe = linear_probe(features, np.arange(50) % 2, groups=np.zeros(50, int))
    assert "too few groups" in probe.reason


@pytest.mark.parametrize("options", [{"test_share": 0}, {"test_share": 1}, {"strengths": [0.0]}])
def test_bad_input(options):
    with pytest.raises(ValueError, match="`test_share` to be between 0 and 1"):
        linear_probe(np.zeros((9, 2)), np.arange(9) % 2, **options)
