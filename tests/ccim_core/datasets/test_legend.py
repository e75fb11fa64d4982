"""The public collection's reader on small clones with its known faults."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from ccim_core.cli import main
from ccim_core.datasets.legend import (
    LegendConfig,
    legend_manifest,
    read_legend,
    write_folders,
)
from ccim_core.errors import InputError
from ccim_core.labels import get_label_set
from ccim_core.manifest import Manifest, find_faults


def jpeg(seed, size=(64, 64)):
    pixels = np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def make_clone(root, rows, files=None, header="user.id,image,emotion"):
    (root / "images").mkdir(parents=True)
    (root / "data").mkdir()
    text = "\n".join([header, *(",".join(row) for row in rows)])
    (root / "data" / "legend.csv").write_text(text + "\n")
    names = {row[1] for row in rows if row[1]}
    contents = {name: jpeg(k) for k, name in enumerate(sorted(names))} | (files or {})
    for name, content in contents.items():
        if content is not None:
            (root / "images" / name).write_bytes(content)
    return root


def read(root, **options):
    return read_legend(root, LegendConfig(**options), quiet=True)


def test_spellings_and_case_come_to_one_label(tmp_path):
    rows = [("u", "a.jpg", "HAPPINESS"), ("u", "b.jpg", "anger "), ("u", "c.jpg", "Sadness")]
    kept, summary = read(make_clone(tmp_path / "c", rows))
    assert dict(zip(kept["file"], kept["label"], strict=True)) == {
        "a.jpg": "Happy",
        "b.jpg": "Anger",
        "c.jpg": "Sad",
    }
    assert summary.pictures_kept["Happy"] == 1
    assert summary.pictures_kept["Fear"] == 0


def test_votes_are_counted_by_user_and_ties_left_out(tmp_path):
    rows = [
        ("u1", "a.jpg", "happiness"),
        ("u1", "a.jpg", "Happiness"),  # the same vote again: no second vote
        ("u2", "a.jpg", "neutral"),  # so this ties
        ("u1", "b.jpg", "neutral"),
        ("u2", "b.jpg", "NEUTRAL"),
        ("u3", "b.jpg", "sadness"),
        ("u1", "c.jpg", "contempt"),
        ("u1", "d.jpg", "surprise"),
        ("u2", "d.jpg", "contempt"),  # no vote, so no conflict
    ]
    root = make_clone(tmp_path / "c", rows)
    kept, summary = read(root)
    assert list(kept["file"]) == ["b.jpg", "d.jpg"]
    assert list(kept["votes"]) == [2, 1]
    assert list(kept["voters"]) == [3, 1]
    assert summary.rows_repeated == 1
    assert summary.rows_of_other_emotions == {"contempt": 2}
    assert summary.pictures_in_conflict == 1
    strict, _ = read(root, conflicts="drop")
    assert list(strict["file"]) == ["d.jpg"]


def test_same_bytes_are_one_picture_with_the_votes_of_all_its_names(tmp_path):
    rows = [("u1", "a.jpg", "anger"), ("u2", "b.jpg", "anger"), ("u3", "c.jpg", "disgust")]
    same = jpeg(9)
    root = make_clone(tmp_path / "c", rows, files=dict.fromkeys(("a.jpg", "b.jpg", "c.jpg"), same))
    kept, summary = read(root)
    assert list(kept["file"]) == ["a.jpg"]
    assert (kept["votes"][0], kept["voters"][0]) == (2, 3)
    assert summary.pictures_duplicate == 2


def test_bad_files_are_left_out_and_counted(tmp_path):
    rows = [("u", f"{name}.jpg", "fear") for name in "abcde"] + [("u", "", "fear")]
    files = {
        "a.jpg": None,
        "b.jpg": b"",
        "c.jpg": jpeg(1)[:200],
        "d.jpg": jpeg(2, size=(20, 90)),
    }
    kept, summary = read(make_clone(tmp_path / "c", rows, files=files))
    assert list(kept["file"]) == ["e.jpg"]
    assert summary.pictures_missing == 1
    assert summary.pictures_unreadable == 2
    assert summary.pictures_tiny == 1
    assert summary.rows_without_name == 1
    # Every named picture is accounted for.
    assert summary.pictures_named == 5 == 1 + 2 + 1 + len(kept)
    assert "2 unreadable" in str(summary)


def test_the_cap_holds_by_class_and_seed(tmp_path):
    rows = [("u", f"{i:02d}.jpg", "happiness") for i in range(12)] + [("u", "x.jpg", "sadness")]
    root = make_clone(tmp_path / "c", rows)
    kept, summary = read(root, cap=5)
    assert (summary.pictures_kept["Happy"], summary.pictures_kept["Sad"]) == (5, 1)
    assert summary.pictures_over_cap == 7
    assert list(kept["file"]) == sorted(kept["file"])
    assert list(read(root, cap=5, seed=3)[0]["file"]) != list(kept["file"])


def test_a_name_that_leads_out_of_the_clone_is_refused(tmp_path):
    (tmp_path / "outside.jpg").write_bytes(jpeg(0))
    root = make_clone(tmp_path / "c", [("u", "a.jpg", "fear")])
    with open(root / "data" / "legend.csv", "a", encoding="utf-8") as stream:
        stream.write("u,../../outside.jpg,fear\n")
    with pytest.raises(InputError, match="leads out of it"):
        read(root)


@pytest.mark.parametrize(
    ("header", "message"),
    [("user,picture,label", "none named user.id, image, emotion"), ("", "none named")],
)
def test_another_table_is_refused(tmp_path, header, message):
    root = make_clone(tmp_path / "c", [("u", "a.jpg", "fear")], header=header)
    with pytest.raises(InputError, match=message):
        read(root)


def test_what_is_no_clone_is_refused(tmp_path):
    with pytest.raises(InputError, match="folder images/"):
        read(tmp_path)
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match="collection's labels"):
        read(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "legend.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="Expected a CSV table"):
        read(tmp_path)


def test_nothing_left_is_an_error(tmp_path):
    with pytest.raises(InputError, match="got none"):
        read(make_clone(tmp_path / "c", [("u", "a.jpg", "contempt")]))


def test_folders_are_written_whole_with_the_summary(tmp_path):
    root = make_clone(tmp_path / "c", [("u", "a.jpg", "fear"), ("u", "b.jpg", "neutral")])
    kept, summary = read(root)
    out = write_folders(kept, summary, root, tmp_path / "out")
    assert (out / "Fear" / "a.jpg").read_bytes() == (root / "images" / "a.jpg").read_bytes()
    assert json.loads((out / "summary.json").read_text())["pictures_kept"]["Neutral"] == 1
    with pytest.raises(InputError, match="new or empty folder"):
        write_folders(kept, summary, root, out)


def test_an_interrupted_copy_leaves_nothing(tmp_path):
    root = make_clone(tmp_path / "c", [("u", "a.jpg", "fear"), ("u", "b.jpg", "neutral")])
    kept, summary = read(root)
    (root / "images" / "b.jpg").unlink()
    with pytest.raises(FileNotFoundError):
        write_folders(kept, summary, root, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c"]


def test_the_manifest_has_no_fault_and_splits_each_label(tmp_path):
    rows = [("u", f"{i:02d}.jpg", "happiness") for i in range(20)]
    rows += [("u", f"s{i}.jpg", "sadness") for i in range(10)]
    kept, _ = read(make_clone(tmp_path / "c", rows))
    frame = legend_manifest(kept)
    assert find_faults(frame, get_label_set("controlled")) == []
    counts = frame.groupby(["labels", "split"]).size()
    assert counts["Happy"].to_dict() == {"train": 16, "val": 2, "test": 2}
    assert counts["Sad"].to_dict() == {"train": 8, "val": 1, "test": 1}


def test_the_command_writes_either_form_and_says_what_comes_next(tmp_path, capsys):
    rows = [("u", f"{i}.jpg", "happiness") for i in range(4)]
    root = make_clone(tmp_path / "c", rows)
    base = ["prepare", "legend", "--root", str(root), "--quiet"]
    assert main([*base, "--out", str(tmp_path / "folders")]) == 0
    assert len(list((tmp_path / "folders" / "Happy").iterdir())) == 4
    assert "Next: python -m ccim_core photo-model" in capsys.readouterr().out
    assert main([*base, "--out", str(tmp_path / "table"), "--form", "manifest"]) == 0
    path = tmp_path / "table" / "manifest.parquet"
    assert len(Manifest.load(path)) == 4
    following = capsys.readouterr().out.partition("Next: python -m ccim_core ")[2]
    assert following == f"detect --manifest {path} --images {root / 'images'}\n"
    # It is a command that runs, and what comes before it would refuse to mask whole portraits.
    size = ["--size", "32", "--quiet", "--device", "cpu"]
    assert main(["features", *following.split()[1:], *size]) == 2
    assert "python -m ccim_core detect" in capsys.readouterr().err
    assert main([*following.split(), "--persons", "none", "--quiet", "--device", "cpu"]) == 0
    assert main([*base, "--out", str(tmp_path / "folders")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Expected a new or empty folder")
    assert "Traceback" not in error
