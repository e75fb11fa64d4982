"""`detect`, as a user runs it, with a small network that finds what is in the pictures."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from ccim_core.cli import main
from ccim_core.manifest import Manifest
from ccim_core.persons import networks
from ccim_core.persons.networks import NetworkSpec
from ccim_core.study import Study
from ccim_core.weights import WEIGHTS
from tests.ccim_core.file_server import serve_files
from tests.ccim_core.persons.tiny import ColourDetector, draw

TALL, SHORT = (8, 6, 24, 48), (52, 20, 66, 48)
ONE, TWO, NOBODY = [TALL], [TALL, SHORT], []
QUIET = ["--quiet", "--device", "cpu"]
NETWORK = ["--persons", "tiny", "--weights", "{root}/tiny.pth"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five pictures in a table without boxes, and a checkpoint that knows what is in them."""
    torch.set_num_threads(1)
    (tmp_path / "data").mkdir()
    rows = []
    for index, persons in enumerate((ONE, TWO, ONE, TWO, NOBODY)):
        picture = draw(persons, squares=[(30, 44, 44, 58)], seed=index)
        Image.fromarray(picture).save(tmp_path / "data" / f"{index}.png")
        split = "train" if index < 3 else "test"
        rows.append({"image": f"{index}.png", "split": split, "labels": ["A", "B"][index % 2]})
    pd.DataFrame(rows).to_csv(tmp_path / "data" / "t.csv", index=False)
    spec = NetworkSpec(make=ColourDetector, weights="fasterrcnn-resnet50-coco")
    monkeypatch.setitem(networks.NETWORKS, "tiny", spec)
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))
    torch.save(ColourDetector.trained().state_dict(), tmp_path / "tiny.pth")
    save_file({"a": torch.zeros(1)}, tmp_path / "m-00002-of-00003.safetensors")
    return tmp_path


def run(root: Path, *options: str) -> int:
    return main([option.format(root=root) for option in options])


def prepare(root: Path, out: str) -> None:
    options = ["prepare", "table", "--root", "{root}/data", "--boxes", "picture", "--quiet"]
    assert run(root, *options, "--out", f"{{root}}/{out}") == 0


def frame_of(path: Path) -> pd.DataFrame:
    return Manifest.load(path).frame


def test_a_table_without_boxes_gets_them_and_is_then_masked(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(root, "study")
    assert f"Next: python -m ccim_core detect --study {root}/study" in capsys.readouterr().out
    assert run(root, "detect", "--study", "{root}/study", *NETWORK, *QUIET) == 0
    out = capsys.readouterr().out
    study = Study.open(root / "study")
    frame = study.manifest.frame
    assert frame["box_source"].tolist() == ["detector"] * 4 + ["picture"]
    assert frame["box_choice"].tolist()[:4] == ["only", "largest", "only", "largest"]
    for box in study.manifest.boxes()[:4]:  # the taller of two, too
        assert box.tolist() == list(TALL)
    assert "1 of 5 subjects still have the whole picture" in out
    assert out.endswith(f"next: python -m ccim_core features --study {root}/study\n")
    record = json.loads((root / "study" / "manifest.detect.json").read_text())
    assert record["networks"]["persons"]["name"] == "tiny"
    assert record["networks"]["persons"]["source"] == "local file tiny.pth"
    assert len(record["networks"]["persons"]["sha256"]) == 64
    again = run(root, "detect", "--study", "{root}/study", *NETWORK, *QUIET, "--drop-boxless")
    assert again == 0
    assert len(frame_of(root / "study" / "manifest.parquet")) == 4
    options = ["--size", "32", "--view", "masked", *QUIET]
    assert run(root, "features", "--study", "{root}/study", *options) == 0


def test_what_was_found_is_kept_beside_a_manifest(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(root, "m/mine.parquet")
    source = ["--manifest", "{root}/m/mine.parquet", "--images", "{root}/data"]
    capsys.readouterr()
    assert run(root, "detect", *source, *NETWORK, *QUIET, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["written"]
    assert answer["summary"]["boxes"] == {"detector": 4, "picture": 1}
    assert answer["next"].endswith(f"--images {root}/data")
    stages = {path.name.split("-")[-2] for path in (root / "m" / "features").iterdir()}
    assert stages == {"persons", "faces"}
    assert (root / "m" / "mine.detect.json").is_file()
    found = frame_of(root / "m" / "mine.parquet")

    def refuse(*_: Any) -> None:
        raise AssertionError("a picture was looked at twice")

    monkeypatch.setattr("ccim_core.persons.detectors.PersonDetector.detect", refuse)
    monkeypatch.setattr("ccim_core.detection.FaceDetector.detect_all", refuse)
    assert run(root, "detect", *source, *NETWORK, *QUIET) == 0
    assert "Nothing changed" in capsys.readouterr().out
    pd.testing.assert_frame_equal(frame_of(root / "m" / "mine.parquet"), found)


def test_boxes_go_out_to_a_labelling_tool_and_come_back(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(root, "study")
    coco = root / "boxes.json"
    options = ["detect", "--study", "{root}/study", "--no-faces", *QUIET]
    assert run(root, *options, *NETWORK, "--export-coco", str(coco)) == 0
    assert f"Wrote 4 boxes and 0 faces to {coco}" in capsys.readouterr().out
    found = frame_of(root / "study" / "manifest.parquet")
    content = json.loads(coco.read_text())
    content["annotations"][1]["bbox"] = [50, 18, 20, 32]  # the shorter of the two
    corrected = {"id": 99, "image_id": 5, "category_id": 1, "bbox": [1, 2, 30, 40]}
    content["annotations"].append(corrected)
    coco.write_text(json.dumps(content))
    assert run(root, *options, "--import-coco", str(coco)) == 0
    frame = frame_of(root / "study" / "manifest.parquet")
    columns = ["x1", "y1", "x2", "y2"]
    assert frame["box_source"].tolist() == ["imported"] * 5
    assert frame.loc[1, columns].tolist() == [50, 18, 70, 50]
    assert frame.loc[4, columns].tolist() == [1, 2, 31, 42]
    pd.testing.assert_frame_equal(frame.loc[[0, 2, 3], columns], found.loc[[0, 2, 3], columns])
    # A network does not take back what a person corrected.
    assert run(root, *options, *NETWORK) == 0
    pd.testing.assert_frame_equal(frame_of(root / "study" / "manifest.parquet"), frame)


def test_weights_are_downloaded_by_their_name_checked_and_recorded(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    content = (root / "tiny.pth").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    file = f"/tiny-{digest[:8]}.pth"
    prepare(root, "study")
    detect = ["detect", "--study", "{root}/study", "--persons", "tiny", *QUIET]
    with serve_files({file: content}) as server:
        entry = WEIGHTS["fasterrcnn-resnet50-coco"]
        monkeypatch.setitem(WEIGHTS, entry.name, replace(entry, address=server.url + file))
        assert run(root, *detect) == 2
        error = capsys.readouterr().err
        assert "python -m ccim_core weights get fasterrcnn-resnet50-coco" in error
        assert str(root / "home" / "weights" / file[1:]) in error
        assert "--persons none" in error
        assert run(root, "weights", "get", entry.name, "--quiet") == 0
        assert "next: python -m ccim_core detect --study DIR" in capsys.readouterr().out
        assert run(root, *detect) == 0
    record = json.loads((root / "study" / "manifest.detect.json").read_text())
    assert record["networks"]["persons"]["sha256"] == digest
    assert record["networks"]["persons"]["source"] == server.url + file


@pytest.mark.parametrize(
    "options, message",
    [
        ([], "weights get fasterrcnn-resnet50-coco"),
        (["--persons", "fasterrcnn-mobilenet"], "{root}/home/weights/fasterrcnn_mobilenet"),
        (["--persons", "yolo"], "fasterrcnn-resnet50-v2"),
        (["--persons", "none", "--weights", "x.pth"], "--weights with a network"),
        (["--persons", "tiny", "--weights", "{root}/absent.pth"], "no such file"),
        (["--persons", "tiny", "--weights", "{root}/data/t.csv"], "truncated, damaged"),
        (["--persons", "tiny", "--weights", "{root}/data"], "got a folder"),
        (["--persons", "tiny", "--weights", "{root}/m-00002-of-00003.safetensors"], "part 2 of 3"),
        (["--persons", "fasterrcnn-mobilenet", "--weights", "{root}/tiny.pth"], "another network"),
        (["--min-score", "2"], "min_score"),
        (["--batch-size", "0"], "--batch-size"),
        (["--import-coco", "{root}/absent.json"], "no such file"),
        (["--import-coco", "{root}/data/t.csv"], "Expected JSON"),
        (["--images", "x"], "with --manifest only"),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    prepare(root, "study")
    capsys.readouterr()
    before = (root / "study" / "manifest.parquet").read_bytes()
    assert run(root, "detect", "--study", "{root}/study", *options, *QUIET) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Expected")
    assert message.format(root=root) in error
    assert len(error.strip().splitlines()) == 1
    assert (root / "study" / "manifest.parquet").read_bytes() == before
