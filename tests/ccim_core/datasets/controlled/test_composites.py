"""The compositor's manifest: files are split, biases hold, boxes follow the pasted face."""

import numpy as np
import pytest

from ccim_core.datasets.controlled.composites import (
    POOLS,
    CompositeConfig,
    composite_frame,
    composite_model,
    deal_pools,
)
from ccim_core.datasets.controlled.compositor import CompositeSpec, place_portraits
from ccim_core.datasets.controlled.portraits import Portrait, find_portraits
from ccim_core.datasets.labelled_files import list_labelled_files
from ccim_core.detection import grow_body_box
from ccim_core.errors import InputError
from ccim_core.labels import get_label_set
from ccim_core.manifest import build_manifest
from ccim_core.pictures import PictureReader
from tests.ccim_core.datasets.controlled.making_pictures import EMOTIONS, SCENES, make_folders

FACE = (12.0, 15.0, 36.0, 48.0)


def make_config(**change):
    sizes = {"n_train": 240, "n_val": 24, "n_test": 60, "n_shift": 60, "n_twins": 12}
    return CompositeConfig(**{**sizes, "size": 96, **change})


class Folders:
    def __init__(self, root):
        self.roots = make_folders(root)
        self.subjects = list_labelled_files(self.roots["subjects"], what="emotion", wanted=EMOTIONS)
        self.scenes = list_labelled_files(self.roots["scenes"], what="scene")
        files = [file for names in self.subjects.files.values() for file in names]
        self.portraits, _ = find_portraits(
            self.subjects.root, files, find_face=lambda picture: FACE, quiet=True
        )

    def frame(self, config, **change):
        return composite_frame(config, self.subjects, self.scenes, self.portraits, **change)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return Folders(tmp_path_factory.mktemp("folders"))


@pytest.fixture(scope="module")
def frame(folders):
    return folders.frame(make_config())


def test_no_file_is_in_two_pools_and_every_file_is_used(folders, frame):
    pool = frame["split"].map(POOLS)
    for columns in (["subject_file", "cue_file"], ["scene_file"]):
        used = {
            name: set(np.concatenate([frame.loc[pool == name, c].to_numpy() for c in columns]))
            for name in ("train", "val", "test")
        }
        assert not used["train"] & used["val"]
        assert not used["train"] & used["test"]
        assert not used["val"] & used["test"]
        listed = folders.subjects if len(columns) == 2 else folders.scenes
        assert set.union(*used.values()) == set(listed.labels)


def test_the_manifest_is_faultless_and_its_pictures_are_there(folders, frame):
    manifest, _ = build_manifest(
        frame,
        get_label_set("photographs"),
        reader=PictureReader(folders.roots),
        check_pictures="exists",
    )
    assert manifest.splits == ["train", "val", "test", "shift", "twins", "oracle_train"]
    assert manifest.frame["split"].value_counts()["oracle_train"] == 240


def test_rows_show_the_emotion_scene_and_cue_that_they_say(folders, frame):
    emotion, scene = folders.subjects.labels, folders.scenes.labels
    assert (frame["subject_file"].map(emotion) == frame["labels"]).all()
    assert (frame["cue_file"].map(emotion) == frame["cue"]).all()
    assert (frame["scene_file"].map(scene) == frame["scene"]).all()
    spec = CompositeSpec.from_uri(frame["image"].iloc[7])
    row = frame.iloc[7]
    assert (spec.subject, spec.scene, spec.cue, spec.place) == (
        row["subject_file"],
        row["scene_file"],
        row["cue_file"],
        row["place_seed"],
    )


def test_the_bias_is_in_the_biased_splits_only(folders):
    frame = folders.frame(make_config(bias=1.0, n_shift=240))
    share = frame.groupby("split")["favoured"].mean()
    assert share["train"] == share["val"] == share["test"] == 1
    assert share["shift"] == pytest.approx(1 / 3, abs=0.12)
    assert share["oracle_train"] == pytest.approx(1 / 3, abs=0.12)
    assert (frame["context_group"] == np.where(frame["favoured"], "favoured", "other")).all()


def test_boxes_follow_the_pasted_face(frame):
    row = frame.iloc[3]
    spec = CompositeSpec.from_uri(row["image"])
    x1, y1, x2, y2 = place_portraits(spec, (48, 60), (48, 60)).subject
    across, down = (x2 - x1) / 48, (y2 - y1) / 60
    face = (x1 + 12 * across, y1 + 15 * down, x1 + 36 * across, y1 + 48 * down)
    np.testing.assert_allclose(row[[f"face_{c}" for c in ("x1", "y1", "x2", "y2")]].tolist(), face)
    np.testing.assert_allclose(row[["x1", "y1", "x2", "y2"]].tolist(), grow_body_box(face, 96, 96))


def test_rare_classes_are_drawn_as_often_and_evenly(folders):
    few = folders.subjects.files["Sad"][:3]
    portraits = {
        file: portrait
        for file, portrait in folders.portraits.items()
        if not file.startswith("Sad/") or file in few
    }
    pools = dict.fromkeys(folders.portraits, "train") | {
        f"{emotion}/{k}.png": pool for emotion in EMOTIONS for k, pool in ((1, "val"), (2, "test"))
    }
    frame = composite_frame(
        make_config(), folders.subjects, folders.scenes, portraits, subject_pools=pools
    )
    train = frame[frame["split"] == "train"]
    assert set(train["labels"].value_counts()) == {40}
    uses = train.groupby("labels")["subject_file"].value_counts()
    assert uses["Sad"].to_dict() == {"Sad/0.png": 40}
    assert uses["Happy"].max() - uses["Happy"].min() <= 1


def test_twins_change_the_scene_or_the_portrait_alone(frame):
    twins = frame[frame["split"] == "twins"]
    for kind, n, changes in (("scene", len(SCENES), "scene"), ("emotion", 6, "labels")):
        groups = twins[twins["twin_kind"] == kind].groupby("twin_group")
        assert groups.ngroups == 12
        for _, group in groups:
            assert len(group) == n
            assert group[changes].nunique() == n
            kept = ["cue", "cue_file", "place_seed"]
            kept += ["subject_file", "labels"] if kind == "scene" else ["scene_file", "scene"]
            assert (group[kept].nunique() == 1).all()


def test_without_bystanders_none_is_pasted(folders):
    frame = folders.frame(make_config(cue_agreement=None))
    assert frame["cue"].isna().all()
    assert frame["cue_file"].isna().all()
    assert "cue=" not in frame["image"].iloc[0]
    model = composite_model(make_config(cue_agreement=None), SCENES)
    assert model.cue_information_bits() == pytest.approx(0, abs=1e-12)


def test_a_given_division_is_kept_and_the_seed_decides_the_rest(folders):
    config = make_config()
    assert deal_pools(config, folders.subjects) != deal_pools(make_config(seed=1), folders.subjects)
    pools = deal_pools(make_config(seed=1), folders.subjects)
    frame = folders.frame(config, subject_pools=pools)
    assert (frame["subject_file"].map(pools) == frame["split"].map(POOLS)).all()
    assert folders.frame(config).equals(folders.frame(config))
    assert not folders.frame(config).equals(folders.frame(make_config(seed=2)))


def test_portraits_without_a_face_stand_whole(folders):
    portraits = {
        file: Portrait(size=portrait.size, face=None)
        for file, portrait in folders.portraits.items()
    }
    row = composite_frame(make_config(), folders.subjects, folders.scenes, portraits).iloc[0]
    pasted = place_portraits(CompositeSpec.from_uri(row["image"]), (48, 60), (48, 60)).subject
    assert row[[f"face_{c}" for c in ("x1", "y1", "x2", "y2")]].tolist() == list(pasted)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": 1.5}, "`bias` between 0 and 1"),
        ({"cue_agreement": -1}, "`cue_agreement` between 0 and 1"),
        ({"n_val": 5}, "`n_val` of at least 6"),
        ({"share_test": 0.0}, "shares of files above 0"),
        ({"n_scenes": 1}, "`n_scenes` of at least 2"),
        ({"size": 20}, "64 to 2048"),
        ({"label_set": "emotic"}, "one emotion a subject"),
        ({"label_set": "faces"}, "label set"),
    ],
)
def test_impossible_settings_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        make_config(**change)


def test_more_scenes_than_folders_are_refused(folders):
    with pytest.raises(InputError, match="at most 3 scenes"):
        folders.frame(make_config(n_scenes=4))


def test_a_class_too_small_to_split_is_refused(tmp_path):
    make_folders(tmp_path, n_subjects=2)
    few = list_labelled_files(tmp_path / "subjects", what="emotion", wanted=EMOTIONS)
    with pytest.raises(InputError, match=r"at least 3 .* got 2"):
        deal_pools(make_config(), few)
