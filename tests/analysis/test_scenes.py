"""Scenes by a Places365 head: on the context or the whole image, hard and soft, encoded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.bias import bias_study
from analysis.bias_report import BiasSettings
from analysis.scenes import SceneMass, as_manifest, cluster_names, recognise_scenes
from ccim_core.backbones import build_encoder
from ccim_core.errors import InputError
from ccim_core.labels import get_label_set
from ccim_core.pictures import PictureReader
from tests.analysis.scene_pictures import COLOURS, colour_encoder, picture_table
from tests.ccim_core.places365_files import NAMES

LABELS = get_label_set("controlled")
RED, GREEN, BLUE = COLOURS


def recognise(folder: Path, frame: pd.DataFrame, **options) -> SceneMass:
    reader = PictureReader({"images": folder})
    options = {"encoder": colour_encoder(), "root": folder / "features", "quiet": True} | options
    return recognise_scenes(frame, LABELS, reader, **options)


def test_the_scene_is_that_of_the_context_and_not_of_the_subject(tmp_path: Path) -> None:
    frame = picture_table(tmp_path, [RED, GREEN, GREEN], subject=(0, 0, 250))
    found = recognise(tmp_path, frame)
    assert found.top().to_dict() == {"000.png": RED, "001.png": GREEN, "002.png": GREEN}
    assert found.mass.shape == (3, 365)
    assert list(found.mass.columns) == list(NAMES)
    np.testing.assert_allclose(found.mass.sum(axis=1), 1, rtol=1e-5)
    whole = recognise(tmp_path, frame, view="whole")
    assert set(whole.top()) == {BLUE}  # the subject covers most of each picture
    words = found.describe(soft=False)
    assert words.startswith("Places365 top-1 by resnet18-places365 (weights 0123456789ab)")
    assert words.endswith("on the context, subject masked")
    assert whole.describe(soft=True).startswith("Places365 posterior mass by")
    assert "whole image" in whole.describe(soft=True)


def test_the_mass_is_the_softmax_of_the_classifier(tmp_path: Path) -> None:
    frame = picture_table(tmp_path, [RED], subject=(0, 250, 0))
    share = (48 / 64) ** 2
    logits = 40 * np.array([1 - share, share, 0]) * 250 / 255
    expected = np.exp(logits - logits.max())
    expected /= expected.sum()
    found = recognise(tmp_path, frame, view="whole").mass.to_numpy()[0]
    np.testing.assert_allclose(found[:3], expected, atol=2e-3)


def test_an_image_of_several_subjects_has_one_scene_the_mean_of_their_masks(tmp_path: Path) -> None:
    frame = picture_table(tmp_path, [RED, GREEN], subjects=2)
    frame.loc[1, ["x1", "y1", "x2", "y2"]] = [0.0, 0.0, 4.0, 4.0]  # leaves the black box in view
    both = recognise(tmp_path, frame).mass
    assert list(both.index) == ["000.png", "001.png"]
    alone = [recognise(tmp_path, frame.iloc[[k]]).mass.to_numpy()[0] for k in (0, 1)]
    np.testing.assert_allclose(both.to_numpy()[0], np.mean(alone, axis=0), atol=1e-6)


def test_no_picture_is_encoded_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = picture_table(tmp_path, [RED, GREEN])
    first = recognise(tmp_path, frame)

    def refuse(self: PictureReader, image: str) -> np.ndarray:
        raise AssertionError(f"{image} was read again")

    monkeypatch.setattr(PictureReader, "read", refuse)
    pd.testing.assert_frame_equal(recognise(tmp_path, frame).mass, first.mass)


def test_hard_and_soft_scenes_go_into_the_study(tmp_path: Path) -> None:
    scenes = [RED, GREEN] * 10
    frame = picture_table(tmp_path, scenes)
    found = recognise(tmp_path, frame)
    settings = BiasSettings(n_null=39, n_bootstrap=39, scene_column="recognised", min_support=5)
    hard = bias_study(
        frame.assign(recognised=frame["image"].map(found.top())), LABELS, settings=settings
    )
    given = bias_study(frame.assign(recognised=frame["scene"]), LABELS, settings=settings)
    assert hard.dataset["mutual_information"] == given.dataset["mutual_information"] == 1
    soft = bias_study(frame, LABELS, settings=settings, scene_weights=found.mass)
    assert soft.dataset["soft_scenes"]
    assert soft.dataset["mutual_information"] == pytest.approx(1, abs=1e-3)
    assert set(soft.cells["method"]) <= {"permutation", "permutation moments"}
    assert len(soft.cells) == 365 * LABELS.size


def test_a_table_needs_no_more_than_pictures_for_the_whole_image(tmp_path: Path) -> None:
    frame = picture_table(tmp_path, [RED, BLUE])[["image", "labels"]]
    assert list(recognise(tmp_path, frame, view="whole").top()) == [RED, BLUE]
    manifest = as_manifest(frame, LABELS)
    assert list(manifest.frame["sample_id"]) == ["row 1", "row 2"]
    with pytest.raises(InputError, match="subject box in every row"):
        recognise(tmp_path, frame)


def test_rows_without_a_picture_are_left_out(tmp_path: Path) -> None:
    frame = picture_table(tmp_path, [RED, BLUE])
    frame.loc[0, "image"] = None
    assert list(recognise(tmp_path, frame).top()) == [BLUE]
    with pytest.raises(InputError, match="got none"):
        recognise(tmp_path, frame.iloc[:1])
    with pytest.raises(InputError, match="column `image`"):
        recognise(tmp_path, frame.drop(columns="image"))


def test_what_cannot_name_scenes_says_what_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))
    frame = picture_table(tmp_path, [RED])
    with pytest.raises(InputError, match="weights get places365-categories"):
        recognise(tmp_path, frame, encoder=colour_encoder(named=False))
    with pytest.raises(InputError, match="resnet18-places365"):
        recognise(tmp_path, frame, encoder=build_encoder("efficientnet-lite0", size=32))
    with pytest.raises(InputError, match="a view of"):
        recognise(tmp_path, frame, view="face")
    (tmp_path / "000.png").unlink()
    with pytest.raises(InputError, match=r"picture at .*000\.png"):
        recognise(tmp_path, frame)


def test_clusters_have_names() -> None:
    assert cluster_names(np.array([0, 11], np.int32)).tolist() == ["cluster 0", "cluster 11"]
