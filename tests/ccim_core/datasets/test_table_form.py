"""A user's own table: label sets, optional columns, leaks, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest

from ccim_core.cli import main
from ccim_core.datasets.preparation import prepare_source
from ccim_core.datasets.table import TableConfig, read_table_source
from ccim_core.errors import InputError
from ccim_core.manifest import Manifest
from ccim_core.study import Study
from tests.ccim_core.datasets.builders import build_table, save_picture, table_rows


def rows(n=9, **columns):
    made = table_rows([("calm", "tense")[k % 2] for k in range(n)])
    for name, values in columns.items():
        for k, row in enumerate(made):
            row[name] = values[k] if isinstance(values, list) else values
    return made


def prepare(root, *, policy=None, check="decode", **config):
    source = read_table_source(root, TableConfig(**config))
    return prepare_source(source, policy=policy, check_pictures=check, quiet=True)


def test_the_label_set_is_what_occurs_single_or_multi(tmp_path):
    multi = prepare(build_table(tmp_path / "a")).manifest
    assert multi.labels.emotions == ("calm", "tense")
    assert (multi.labels.kind, multi.labels.link) == ("multi", "sigmoid")
    assert multi.targets()[0].tolist() == [1, 1]
    single = prepare(build_table(tmp_path / "b", rows())).manifest
    assert (single.labels.kind, single.labels.link) == ("single", "softmax")
    given = prepare(tmp_path / "b", emotions=("tense", "calm", "bored"), kind="multi").manifest
    assert given.labels.emotions == ("tense", "calm", "bored")
    assert given.labels.kind == "multi"


def test_labels_outside_a_given_vocabulary_are_named_by_row(tmp_path):
    root = build_table(tmp_path, rows())
    with pytest.raises(InputError, match="data.csv row 2: unknown_emotion: 'tense' not in"):
        prepare(root, emotions=("calm", "bored"))
    with pytest.raises(InputError, match="not in 'caer-s'"):
        prepare(root, label_set="caer-s")
    with pytest.raises(InputError, match="Expected a label set of"):
        prepare(root, label_set="nonsense")


def test_optional_columns_are_kept_and_group_is_the_context_group(tmp_path):
    columns = {
        "scene": "beach",
        "group": [f"g{k % 2}" for k in range(9)],
        "valence": 5.5,
        "face_x1": 2,
        "face_y1": 3,
        "face_x2": 12,
        "face_y2": 13,
        "camera": "007",
    }
    frame = prepare(build_table(tmp_path, rows(**columns))).manifest.frame
    assert list(frame["context_group"][:2]) == ["g0", "g1"]
    assert frame["valence"].iloc[0] == 5.5
    assert {"scene", "camera", "face_x2"} <= set(frame)
    assert frame["sample_id"].is_unique


@pytest.mark.parametrize("suffix", [".parquet", ".tsv"])
def test_other_forms_of_table_give_the_same_rows(tmp_path, suffix):
    root = build_table(tmp_path, rows())
    expected = prepare(root).manifest.frame.drop(columns=["record"])
    frame = pd.read_csv(root / "data.csv")
    (root / "data.csv").unlink()
    if suffix == ".parquet":
        frame.to_parquet(root / "data.parquet")
    else:
        frame.to_csv(root / "data.tsv", sep="\t", index=False)
    read = prepare(root).manifest.frame.drop(columns=["record"])
    pd.testing.assert_frame_equal(read, expected)


def test_a_person_or_a_file_on_both_sides_is_a_leak(tmp_path):
    persons = build_table(tmp_path / "a", rows(source_id=["p1", "p2", "p1", *"abcdef"]))
    with pytest.raises(InputError, match="source_in_two_splits: 'p1' is in test, train"):
        prepare(persons)
    files = build_table(tmp_path / "b", rows())
    (files / "1.png").write_bytes((files / "0.png").read_bytes())
    with pytest.raises(InputError, match="the same file is 0.png in train, 1.png in val"):
        prepare(files)
    kept = prepare(files, policy={"file_in_two_splits": "keep"})
    assert kept.summary.subjects == 9
    dropped = prepare(files, policy={"file_in_two_splits": "drop"})
    assert dropped.summary.subjects == 7


def test_boxes_are_held_against_the_pictures(tmp_path):
    made = rows(24)
    made[0]["x2"], made[1]["x1"], made[1]["x2"] = 100, 70, 90
    preparation = prepare(build_table(tmp_path, made))
    frame = preparation.manifest.frame.set_index("image")
    assert frame.loc["0.png", "x2"] == 60
    assert "1.png" not in frame.index
    assert preparation.summary.counts == {
        "box_outside": {"val": 1},
        "box_partly_outside": {"train": 1},
    }


def test_one_missing_picture_in_a_hundred_is_dropped(tmp_path):
    made = rows(90)
    root = build_table(tmp_path, made)
    (root / "0.png").unlink()
    for check in ("exists", "decode"):
        summary = prepare(root, check=check).summary
        assert summary.counts == {"picture_missing": {"train": 1}}
        assert summary.subjects == 89
    assert prepare(root, check="none").summary.subjects == 90


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda f: f.drop(columns=["x1", "split"]), "got none named split, x1"),
        (lambda f: f.iloc[:0], "Expected rows"),
        (lambda f: f.assign(labels="calm"), "two or more emotions"),
        (lambda f: f.assign(labels=""), "two or more emotions"),
        (lambda f: f.assign(split=["train"] * 8 + [""]), "row 9: missing_split"),
        (lambda f: f.assign(sample_id="same"), "row 2: duplicate_sample_id"),
        (lambda f: f.assign(labels=[*f["labels"][:8], ""]), "row 9: no_labels"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, change, message):
    root = build_table(tmp_path, rows())
    change(pd.read_csv(root / "data.csv")).to_csv(root / "data.csv", index=False)
    with pytest.raises(InputError, match=message):
        prepare(root)


def test_no_table_or_several_are_said(tmp_path):
    with pytest.raises(InputError, match="Expected a folder of pictures"):
        read_table_source(tmp_path / "none")
    with pytest.raises(InputError, match="got none; name it with --table"):
        read_table_source(tmp_path)
    build_table(tmp_path, rows())
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"got \['data.csv', 'other.csv'\]"):
        read_table_source(tmp_path)
    read = read_table_source(tmp_path, TableConfig(table=tmp_path / "data.csv"))
    assert len(read.frame) == 9


def test_the_command_end_to_end(tmp_path, capsys):
    root = build_table(tmp_path / "raw")
    out = tmp_path / "my study"
    command = ["prepare", "table", "--root", str(root), "--out", str(out), "--quiet"]
    assert main([*command, "--emotions", "calm, tense, bored", "--kind", "multi"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[-2:] == [
        f"Wrote {out}",
        f"Next: python -m ccim_core features --study '{out}'",
    ]
    assert Study.open(out).labels.emotions == ("calm", "tense", "bored")
    assert main([*command, "--policy", "box_empty"]) == 2
    assert "Expected a policy such as box_empty=drop" in capsys.readouterr().err
    assert main([*command, "--policy", "nonsense=drop"]) == 2
    assert main([*command, "--policy", "no_labels=clip"]) == 2
    assert "an action of ['fail', 'drop'] for no_labels" in capsys.readouterr().err
    assert main([*command[:-2], str(tmp_path / "x.csv")]) == 2
    assert "--out FILE.parquet" in capsys.readouterr().err


def test_an_undefined_share_is_null_in_json(tmp_path, capsys):
    made = rows(9)
    made[0]["split"] = "extra"
    made[0]["x2"] = 1  # no area: the split is left without a subject
    root = build_table(tmp_path, made)
    out = tmp_path / "x.parquet"
    command = ["prepare", "table", "--root", str(root), "--out", str(out), "--quiet", "--json"]
    assert main([*command, "--keep-apart", "extra"]) == 0
    splits = json.loads(capsys.readouterr().out)["summary"]["splits"]
    assert splits["extra"]["labels_per_subject"] is None
    assert splits["extra"]["subjects"] == 0
    assert splits["val"]["prevalence"] == {"calm": 1 / 3, "tense": 2 / 3}
    assert len(Manifest.load(out)) == 8


def test_a_turned_photograph_is_measured_upright_whether_decoded_or_not(tmp_path):
    from PIL import Image

    root = build_table(tmp_path, rows(30))
    save_picture(root / "0.png", 0)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(root / "0.png", exif=exif)
    for check in ("decode", "exists"):
        frame = prepare(root, check=check).manifest.frame
        assert tuple(frame.loc[0, ["width", "height"]]) == (40, 60)
