"""Subjects gathered into images with a scene: counts, label mass, soft scenes, equal images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.contingency import build_table, group_images
from analysis.counting import count_frame, infer_labels
from ccim_core.errors import InputError
from ccim_core.labels import get_label_set
from tests.analysis.independent import random_table


def test_counts_are_those_of_a_loop_over_subjects() -> None:
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1]])
    image, scene = np.array([0, 0, 1, 2]), np.array([1, 0, 1])
    table = build_table(targets, image, emotions="abc", scenes=["x", "y"], scene=scene)
    counts, mass = np.zeros((2, 3)), np.zeros((2, 3))
    for row, of_image in zip(targets, image, strict=True):
        counts[scene[of_image]] += row
        mass[scene[of_image]] += row / row.sum()
    np.testing.assert_allclose(table.counts, counts)
    np.testing.assert_allclose(table.label_mass, mass)
    assert table.label_mass.sum() == pytest.approx(table.n_subjects)
    assert table.totals.tolist() == [1, 3]
    assert table.images.tolist() == [1, 2]
    assert table.positives.tolist() == [2, 2, 2]
    assert (table.n_images, table.n_subjects) == (3, 4)
    assert not table.one_subject
    assert not table.one_label


def test_one_label_a_subject_needs_no_second_table() -> None:
    table = build_table(np.eye(2), np.arange(2), emotions="ab", scenes="x", scene=np.zeros(2, int))
    assert table.one_label
    assert table.one_subject
    assert table.label_mass is table.counts


def test_soft_scenes_spread_an_image_and_are_normalised() -> None:
    weights = np.array([[2.0, 2.0], [0.0, 5.0]])
    image = np.array([0, 0, 1])
    table = build_table(
        np.array([[1, 0], [0, 1], [1, 0]]), image, emotions="ab", scenes="xy", weights=weights
    )
    assert table.is_soft
    np.testing.assert_allclose(table.totals, [1, 2])
    np.testing.assert_allclose(table.counts, [[0.5, 0.5], [1.5, 0.5]])
    hard = build_table(
        np.array([[1, 0], [0, 1], [1, 0]]),
        image,
        emotions="ab",
        scenes="xy",
        scene=np.array([0, 1]),
    )
    certain = build_table(
        np.array([[1, 0], [0, 1], [1, 0]]), image, emotions="ab", scenes="xy", weights=np.eye(2)
    )
    np.testing.assert_allclose(certain.counts, hard.counts)


@pytest.mark.parametrize("weights", [[[0, 0]], [[-1, 2]], [[np.nan, 1]], [[np.inf, 1]]])
def test_weights_that_are_none_are_refused(weights: list[list[float]]) -> None:
    with pytest.raises(InputError, match="scene weights"):
        build_table(
            np.eye(2)[:1], np.zeros(1, int), emotions="ab", scenes="xy", weights=np.array(weights)
        )


@pytest.mark.parametrize("by_scene", [False, True])
def test_equal_images_are_one_group_and_different_ones_are_not(by_scene: bool) -> None:
    table = random_table(3, n_images=200)
    groups = group_images(table, by_scene=by_scene)
    assert groups.size.sum() == 200
    keys: dict[int, set[tuple[object, ...]]] = {}
    labels = table.labels.toarray()
    mass = table.mass.toarray().round(9)
    assert table.scene is not None
    for i in range(200):
        key = (table.sizes[i], *labels[i], *mass[i], *([table.scene[i]] if by_scene else []))
        keys.setdefault(int(groups.code[i]), set()).add(key)
    assert all(len(found) == 1 for found in keys.values())
    assert len(set.union(*keys.values())) == len(keys)


FRAME = pd.DataFrame(
    {
        "image": ["a", "a", "b", "c", "c", "c", None],
        "labels": ["Happy", "Sad", "Happy", "Sad", "", "Sad|Happy", "Sad"],
        "scene": ["bar", "bar", "bar", "park", "park", "bar", "park"],
    }
)


def test_what_cannot_be_counted_is_left_out_with_a_sentence() -> None:
    table, notes = count_frame(FRAME, infer_labels(FRAME))
    assert table.emotions == ("Happy", "Sad")
    assert (table.n_subjects, table.n_images) == (5, 3)
    assert table.scenes == ("bar", "park")  # by falling number of subjects
    assert [note.split(" rows")[0] for note in notes[:2]] == ["1 of 7", "1 of 7"]
    assert "no `image`" in notes[0]
    assert "no `labels`" in notes[1]
    # c has one subject in each scene: the commoner one wins.
    assert "different scenes" in notes[2]
    assert table.totals.tolist() == [5, 0]


def test_an_image_is_in_the_scene_of_most_of_its_subjects() -> None:
    frame = pd.DataFrame({"image": list("aaabb"), "labels": list("xxyxy"), "scene": list("ppqqq")})
    table, notes = count_frame(frame, infer_labels(frame))
    assert dict(zip(table.scenes, table.totals.tolist(), strict=True)) == {"q": 2, "p": 3}
    assert len(notes) == 1


def test_soft_weights_are_matched_by_image() -> None:
    weights = pd.DataFrame({"x": [1.0, 3.0], "y": [1.0, 1.0]}, index=["b", "a"])
    frame = FRAME.dropna(subset=["image"])
    table, notes = count_frame(frame, infer_labels(FRAME), scene_weights=weights)
    assert table.n_images == 2
    np.testing.assert_allclose(table.totals, [2 * 0.75 + 0.5, 2 * 0.25 + 0.5])
    assert any("without scene weights" in note for note in notes)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (FRAME.drop(columns="scene"), "--scenes places365"),
        (FRAME.drop(columns="image"), "column `image`"),
        (FRAME.assign(labels=np.nan), "at least one row"),
        (FRAME.assign(scene=" "), "at least one row"),
    ],
)
def test_tables_that_cannot_be_counted_are_one_sentence(frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(InputError, match=said):
        count_frame(frame, infer_labels(FRAME))


def test_unknown_labels_and_too_few_names_are_refused() -> None:
    with pytest.raises(InputError, match="'Happy'"):
        count_frame(FRAME.assign(labels="Happy"), get_label_set("emotic"))
    with pytest.raises(InputError, match="two emotions"):
        infer_labels(FRAME.assign(labels="Happy"))
    with pytest.raises(InputError, match="`labels` column"):
        infer_labels(FRAME.drop(columns="labels"))
    assert infer_labels(FRAME).kind == "multi"
    assert infer_labels(FRAME[:4]).kind == "single"
