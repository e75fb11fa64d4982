from pathlib import Path

import numpy as np
import pytest

from ccim_core.errors import InputError
from ccim_core.features import View
from ccim_core.manifest import Manifest
from ccim_core.preprocessing import Preprocessing
from tests.ccim_core.features.toys import make_manifest

PREPROCESSING = Preprocessing(size=16, mean=(0.4, 0.5, 0.6), std=(0.2,) * 3)
ROW = {
    "x1": 2.0,
    "y1": 4.0,
    "x2": 12.0,
    "y2": 20.0,
    "face_x1": 4,
    "face_y1": 6,
    "face_x2": 8,
    "face_y2": 10,
}


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)


def test_whole_is_the_picture(picture: np.ndarray) -> None:
    assert View(kind="whole").apply(picture, {}) is picture


def test_masked_fills_the_box_and_nothing_else(picture: np.ndarray) -> None:
    before = picture.copy()
    masked = View(kind="masked", fill=(1, 2, 3)).apply(picture, ROW)
    expected = picture.copy()
    expected[4:20, 2:12] = (1, 2, 3)
    np.testing.assert_array_equal(masked, expected)
    np.testing.assert_array_equal(picture, before)


def test_the_face_alone_can_be_masked(picture: np.ndarray) -> None:
    masked = View(kind="face_masked", fill=(0, 0, 0)).apply(picture, ROW)
    expected = picture.copy()
    expected[6:10, 4:8] = 0
    np.testing.assert_array_equal(masked, expected)
    with pytest.raises(InputError, match="face_masked"):
        View(kind="face_masked", fill=(0, 0, 0)).apply(picture, {"x1": 1, "x2": 3})


def test_mean_fill_is_the_encoders(picture: np.ndarray) -> None:
    masked = View(kind="masked").apply(picture, ROW, PREPROCESSING)
    assert masked[10, 10].tolist() == [102, 128, 153]
    with pytest.raises(ValueError, match="encoder"):
        View(kind="masked").apply(picture, ROW)


def test_crops_and_growth(picture: np.ndarray) -> None:
    np.testing.assert_array_equal(View(kind="subject").apply(picture, ROW), picture[4:20, 2:12])
    np.testing.assert_array_equal(View(kind="face").apply(picture, ROW), picture[6:10, 4:8])
    grown = View(kind="face", grow=1.5).apply(picture, ROW)
    np.testing.assert_array_equal(grown, picture[5:11, 3:9])
    # (2, 4, 12, 20) twice as large is (-3, -4, 17, 28), clipped to the picture.
    grown = View(kind="subject", grow=2.0).apply(picture, ROW)
    np.testing.assert_array_equal(grown, picture[0:28, 0:17])


@pytest.mark.parametrize(
    "view", [View(kind="masked", grow=1.3), View(kind="subject"), View(kind="face", grow=0.7)]
)
def test_a_row_and_a_manifest_are_prepared_alike(
    tmp_path: Path, picture: np.ndarray, view: View
) -> None:
    manifest = make_manifest(tmp_path, 2, subjects=2)
    resolved = view.resolve(PREPROCESSING)
    for record, box in zip(
        manifest.frame.to_dict("records"), resolved.boxes(manifest), strict=True
    ):
        np.testing.assert_array_equal(
            view.apply(picture, record, PREPROCESSING), resolved.prepare(picture, box)
        )


def test_resolved_views_are_equal_exactly_if_their_pictures_are() -> None:
    mean = View(kind="masked").resolve(PREPROCESSING)
    assert mean == View(kind="masked", fill=(102, 128, 153)).resolve(PREPROCESSING)
    assert mean != View(kind="masked", fill=(0, 0, 0)).resolve(PREPROCESSING)
    assert View(kind="whole", grow=2.0, fill=(1, 2, 3)).resolve(PREPROCESSING) == View(kind="whole")
    assert View(kind="face", fill=(1, 2, 3)).resolve(PREPROCESSING) == View(kind="face")
    assert View(kind="face", grow=1.3).resolve(PREPROCESSING) != View(kind="face")


def test_rows_without_a_box_are_named(tmp_path: Path, picture: np.ndarray) -> None:
    manifest = make_manifest(tmp_path, 3)
    frame = manifest.frame.copy()
    frame.loc[1, "face_x1"] = np.nan
    faulty = Manifest(frame=frame, labels=manifest.labels)
    with pytest.raises(InputError, match=r"1 of 3 \(first: 1-0\)"):
        View(kind="face").boxes(faulty)
    without = frame.drop(columns=["face_x1", "face_y1", "face_x2", "face_y2"])
    with pytest.raises(InputError, match="3 of 3"):
        View(kind="face").boxes(Manifest(frame=without, labels=manifest.labels))
    assert View(kind="whole").boxes(faulty).shape == (3, 0)
    for row in ({}, {**ROW, "face_y2": np.nan}):
        with pytest.raises(InputError, match="'face'"):
            View(kind="face").apply(picture, row)
    with pytest.raises(InputError, match="outside"):
        View(kind="subject").apply(picture, {**ROW, "x1": 100, "x2": 120})


def test_dict_round_trip() -> None:
    for view in (
        View(kind="whole"),
        View(kind="masked", fill=(1, 2, 3)),
        View(kind="face", grow=1.3),
    ):
        assert View.from_dict(view.to_dict()) == view
    for wrong in ({}, {"kind": "whole", "more": 1}, {"kind": "back"}):
        with pytest.raises(InputError):
            View.from_dict(wrong)


@pytest.mark.parametrize(
    "settings",
    [{"fill": (1, 2)}, {"fill": (1, 2, 300)}, {"fill": "grey"}, {"grow": 0}, {"grow": np.nan}],
)
def test_bad_settings_are_refused(settings: dict) -> None:
    with pytest.raises(InputError, match="Expected"):
        View(kind="masked", **settings)


@pytest.mark.parametrize("kind", ["whole", "subject", "face", "face_masked"])
def test_a_whole_picture_for_want_of_a_box_can_be_seen_but_not_masked(
    tmp_path: Path, kind: str
) -> None:
    manifest = make_manifest(tmp_path, 4)
    frame = manifest.frame.assign(box_source=["picture", "face", None, "picture"])
    found = Manifest(frame=frame, labels=manifest.labels)
    assert len(View(kind=kind).boxes(found)) == 4
    with pytest.raises(InputError, match=r"in 2 of 4 \(first: 0-0, 3-0\).* detect") as error:
        View(kind="masked").boxes(found)
    assert "--drop-boxless" in str(error.value)
    others = Manifest(frame=frame.iloc[1:3], labels=manifest.labels)
    assert len(View(kind="masked").boxes(others)) == 2
