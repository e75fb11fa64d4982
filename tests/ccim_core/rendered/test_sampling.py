"""Drawn splits against the probabilities they are drawn from."""

import numpy as np
import pytest

from ccim_core.rendered.bias import (
    SPLITS,
    context_groups,
    draw_split,
    expand_twins,
    split_generator,
)
from tests.ccim_core.rendered.test_bias import make_model


def draw(model, split, n, seed=0):
    return draw_split(model, split, n, split_generator(seed, split))


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_biased_splits_follow_scene_given_emotion(split):
    model = make_model(bias=0.7)
    drawn = draw(model, split, 30_000)
    counts = np.zeros((3, 5))
    np.add.at(counts, (drawn.emotion, drawn.scene), 1)
    # Standard error of a cell at n = 10,000 an emotion is at most 0.005.
    np.testing.assert_allclose(counts / 10_000, model.scene_given_emotion(), atol=0.025)


@pytest.mark.parametrize("split", ["shift", "oracle_train", "twins"])
def test_other_splits_cut_the_scene_loose_but_keep_its_marginal(split):
    model = make_model(bias=0.7)
    drawn = draw(model, split, 30_000)
    counts = np.zeros((3, 5))
    np.add.at(counts, (drawn.emotion, drawn.scene), 1)
    np.testing.assert_allclose(counts / 10_000, np.tile(model.scene_prior(), (3, 1)), atol=0.025)


def test_the_cue_agrees_equally_often_in_every_split_and_scene():
    model = make_model(bias=0.7, cue_agreement=0.6)
    for split in SPLITS:
        drawn = draw(model, split, 30_000)
        agree = drawn.cue == drawn.emotion
        assert agree.mean() == pytest.approx(0.6, abs=0.015)
        for scene in range(5):
            assert agree[drawn.scene == scene].mean() == pytest.approx(0.6, abs=0.04)
        others = drawn.cue[(drawn.emotion == 0) & ~agree]
        assert (others == 1).mean() == pytest.approx(0.5, abs=0.05)


def test_emotions_are_balanced_to_within_one():
    counts = np.bincount(draw(make_model(), "train", 100).emotion)
    assert counts.sum() == 100
    assert counts.max() - counts.min() == 1


def test_full_bias_leaves_favoured_scenes_only():
    model = make_model(bias=1.0)
    assert context_groups(draw(model, "train", 3000), model).all()
    assert not context_groups(draw(model, "shift", 3000), model).all()


def test_bias_strength_changes_scenes_only():
    weak, strong = (draw(make_model(bias=b), "train", 300) for b in (0.1, 0.9))
    assert np.array_equal(weak.emotion, strong.emotion)
    assert np.array_equal(weak.cue, strong.cue)
    assert not np.array_equal(weak.scene, strong.scene)


def test_splits_and_seeds_have_streams_of_their_own():
    model = make_model()
    train = draw(model, "train", 300)
    assert not np.array_equal(train.emotion, draw(model, "val", 300).emotion)
    assert not np.array_equal(train.emotion, draw(model, "train", 300, seed=1).emotion)
    assert np.array_equal(train.scene, draw(model, "train", 300).scene)


def test_twins_change_one_thing_at_a_time():
    model = make_model()
    subjects = draw(model, "twins", 6)
    twins = expand_twins(subjects, model)
    assert len(twins) == 6 * (5 + 3)
    assert twins.twin_group is not None
    assert twins.twin_kind is not None
    for group in np.unique(twins.twin_group):
        rows = np.flatnonzero(twins.twin_group == group)
        subject = twins.subject[rows[0]]
        assert (twins.subject[rows] == subject).all()
        assert (twins.cue[rows] == subjects.cue[subject]).all()
        if twins.twin_kind[rows[0]] == "scene":
            assert sorted(twins.scene[rows]) == list(range(5))
            assert (twins.emotion[rows] == subjects.emotion[subject]).all()
        else:
            assert sorted(twins.emotion[rows]) == list(range(3))
            assert (twins.scene[rows] == subjects.scene[subject]).all()
