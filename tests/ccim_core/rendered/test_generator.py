"""The rendered benchmark's manifest: splits, seeds, twins, and its truth on disk."""

import numpy as np
import pytest

from ccim_core.errors import InputError
from ccim_core.labels import get_label_set
from ccim_core.manifest import build_manifest
from ccim_core.rendered.generator import (
    ControlledConfig,
    controlled_frame,
    controlled_model,
    load_truth,
    write_truth,
)
from ccim_core.rendered.rendering import SCENES, RenderSpec, layout, render

SEEDS = ["subject_seed", "place_seed", "cue_seed"]


def make_config(**change):
    sizes = {"n_train": 70, "n_val": 14, "n_test": 21, "n_shift": 21, "n_twins": 7}
    return ControlledConfig(**{**sizes, "n_scenes": 4, "size": 96, **change})


@pytest.fixture(scope="module")
def frame():
    return controlled_frame(make_config())


def test_the_manifest_is_faultless_with_all_six_splits(frame):
    manifest, _ = build_manifest(frame, get_label_set("controlled"))
    counts = manifest.frame["split"].value_counts().to_dict()
    twins = 7 * (4 + 7)
    assert counts == {
        "train": 70,
        "val": 14,
        "test": 21,
        "shift": 21,
        "twins": twins,
        "oracle_train": 70,
    }


def test_rows_say_what_their_address_draws(frame):
    for _, row in frame.iloc[[0, 80, 130, -1]].iterrows():
        spec = RenderSpec.from_uri(row["image"])
        assert (spec.scene, spec.emotion, spec.cue, spec.size) == (
            row["scene"],
            row["labels"],
            row["cue"],
            96,
        )
        assert spec.clarity == row["clarity"]
        assert [getattr(spec, name) for name in SEEDS] == row[SEEDS].tolist()


def test_boxes_are_the_renderers(frame):
    row = frame.iloc[5]
    drawn = render(RenderSpec.from_uri(row["image"]))
    assert tuple(row[["x1", "y1", "x2", "y2"]]) == pytest.approx(drawn.box)
    assert tuple(row[[f"face_{c}" for c in ("x1", "y1", "x2", "y2")]]) == pytest.approx(
        drawn.face_box
    )


def test_twins_boxes_are_their_own(frame):
    # They are looked up by subject, which must not mix up emotions or clarities.
    twins = frame[(frame["split"] == "twins") & (frame["twin_kind"] == "emotion")]
    for _, row in twins.iloc[:7].iterrows():
        placed = layout(RenderSpec.from_uri(row["image"]))
        assert tuple(row[["x1", "y1", "x2", "y2"]]) == pytest.approx(placed.box)


def test_no_subject_place_or_crowd_is_in_two_splits(frame):
    for name in SEEDS:
        assert (frame.groupby(name)["split"].nunique() == 1).all()
    singles = frame[frame["split"] != "twins"]
    assert singles[SEEDS].nunique().tolist() == [len(singles)] * 3


def test_twins_differ_in_one_thing_only(frame):
    twins = frame[frame["split"] == "twins"]
    constant = ["cue", "clarity", *SEEDS, "source_id"]
    for kind, n, changes, kept in (
        ("scene", 4, "scene", "labels"),
        ("emotion", 7, "labels", "scene"),
    ):
        groups = twins[twins["twin_kind"] == kind].groupby("twin_group")
        assert groups.ngroups == 7
        for _, group in groups:
            assert len(group) == group[changes].nunique() == n
            assert (group[[*constant, kept]].nunique() == 1).all()


def test_favoured_rows_are_those_in_a_scene_of_their_emotion(frame):
    model = controlled_model(make_config())
    expected = [
        scene in model.favourites[emotion]
        for scene, emotion in zip(frame["scene"], frame["labels"], strict=True)
    ]
    assert frame["favoured"].tolist() == expected
    assert set(frame["context_group"]) == {"favoured", "other"}


def test_clarity_is_within_its_range_and_tells_nothing(frame):
    clear = controlled_frame(make_config(clarity_low=0.5, clarity_high=0.6, n_train=210))
    assert clear["clarity"].between(0.5, 0.6).all()
    means = clear[clear["split"] == "train"].groupby("labels")["clarity"].mean()
    assert np.ptp(means) < 0.03


def test_one_seed_one_manifest_and_sizes_do_not_disturb_other_splits(frame):
    assert controlled_frame(make_config()).equals(frame)
    larger = controlled_frame(make_config(n_val=28))
    for split in ("train", "test", "twins"):
        one, two = (f[f["split"] == split].reset_index(drop=True) for f in (frame, larger))
        assert one.equals(two)
    other = controlled_frame(make_config(seed=1))
    assert not set(other["image"]) & set(frame["image"])


def test_the_bias_moves_scenes_only(frame):
    unbiased = controlled_frame(make_config(bias=0.0))
    columns = ["labels", "cue", "clarity", *SEEDS]
    assert unbiased[columns].equals(frame[columns])
    train = frame["split"] == "train"
    assert frame.loc[train, "favoured"].mean() > unbiased.loc[train, "favoured"].mean() + 0.3


def test_the_truth_is_written_and_read_back(tmp_path):
    config = make_config()
    model = controlled_model(config)
    path = write_truth(model, config, tmp_path / "study")
    assert load_truth(tmp_path / "study") == model
    assert '"seed": 0' in path.read_text()
    with pytest.raises(InputError, match="no such file"):
        load_truth(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": -0.1}, "`bias` between 0 and 1"),
        ({"cue_agreement": 1.1}, "`cue_agreement` between 0 and 1"),
        ({"clarity_low": 0.0}, "0 < clarity_low"),
        ({"clarity_low": 0.9, "clarity_high": 0.5}, "clarity_low <= clarity_high"),
        ({"clarity_high": 1.5}, "<= 1"),
        ({"n_train": 6}, "`n_train` of at least 7"),
        ({"n_twins": 0}, "`n_twins` of at least 7"),
        ({"n_scenes": 1}, "`n_scenes` of at least 2"),
        ({"size": 8}, "64 to 1024"),
        ({"seed": -1}, "`seed` of 0 or more"),
    ],
)
def test_impossible_settings_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        make_config(**change)


def test_more_scenes_than_can_be_painted_are_refused():
    with pytest.raises(InputError, match=f"at most {len(SCENES)} scenes"):
        controlled_frame(make_config(n_scenes=len(SCENES) + 1))
