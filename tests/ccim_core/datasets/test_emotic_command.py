"""`prepare emotic` as a user calls it: what it writes, refuses, and takes at the real size."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ccim_core.cli import main
from ccim_core.labels import get_label_set
from ccim_core.manifest import Manifest
from ccim_core.study import Study
from tests.ccim_core.datasets.builders import (
    EMOTIONS,
    build_emotic,
    emotic_person,
    emotic_record,
    save_emotic_mat,
)

# Its own peak memory: `ru_maxrss` of a child counts the parent that it was forked from.
MEASURED = """
import re, sys, time
from ccim_core.cli import main
code = main(sys.argv[1:])
peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())
print(time.process_time(), peak[1], file=sys.stderr)
sys.exit(code)
"""


def test_the_command_writes_a_manifest_and_its_account(tmp_path, capsys, faulty, prepared):
    out = tmp_path / "made" / "emotic.parquet"
    options = ["prepare", "emotic", "--root", str(faulty.root), "--out", str(out), "--quiet"]
    policies = ["--policy", "unknown_emotion=drop", "--policy", "file_in_two_splits=drop"]
    assert main([*options, *policies]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[-2] == f"Wrote {out}"
    pictures = faulty.root / "emotic"
    assert text.splitlines()[-1] == (
        f"Next: python -m ccim_core features --manifest {out} --images {pictures}"
    )
    assert len(Manifest.load(out)) == prepared.summary.subjects
    account = json.loads((out.parent / "emotic.summary.json").read_text())
    assert {fault["record"] for fault in account["faults"]} >= set(faulty.planted)
    assert main([*options, *policies, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["summary"] == account
    assert answer["out"] == str(out)


def test_the_command_makes_a_study_that_reads_its_pictures(tmp_path, capsys):
    root = build_emotic(tmp_path / "raw")
    out = tmp_path / "study"
    command = ["prepare", "emotic", "--root", str(root), "--out", str(out), "--quiet"]
    assert main([*command, "--soft-labels", "--name", "EMOTIC, small"]) == 0
    assert capsys.readouterr().out.endswith(f"python -m ccim_core features --study {out}\n")
    study = Study.open(out)
    assert (study.kind, study.name) == ("emotic", "EMOTIC, small")
    assert study.info["settings"]["prepare"]["soft_labels"] is True
    assert study.reader.read(study.manifest.frame["image"].iloc[0]).shape == (40, 60, 3)
    assert main([*command, "--soft-labels"]) == 0  # again


def test_nothing_is_written_where_the_input_is_refused(tmp_path, capsys, faulty):
    out = tmp_path / "study"
    assert main(["prepare", "emotic", "--root", str(faulty.root), "--out", str(out)]) == 2
    assert capsys.readouterr().err.count("error:") == 1
    assert not list(tmp_path.iterdir())
    assert main(["prepare", "emotic", "--root", str(tmp_path / "no"), "--out", str(out)]) == 2
    other = Study.create(
        tmp_path / "other", name="x", kind="caer-s", labels=get_label_set("caer-s")
    )
    command = ["prepare", "emotic", "--root", str(faulty.root), "--out", str(other.path)]
    assert main(command) == 2
    assert "got one of 'caer-s'" in capsys.readouterr().err


@pytest.mark.slow
def test_annotations_of_the_real_size_take_under_20_seconds_and_1_gb(tmp_path):
    """23,571 pictures, 34,320 subjects, several annotators in val and test; CPU seconds."""
    rng = np.random.default_rng(0)
    sizes = {"train": (17_077, 23_706, 1), "val": (2_088, 3_334, 5), "test": (4_406, 7_280, 3)}
    records = {}
    for split, (pictures, persons, annotators) in sizes.items():
        counts = 1 + np.bincount(rng.integers(0, pictures, persons - pictures), minlength=pictures)
        records[split] = [
            emotic_record(
                split,
                "mscoco/images",
                f"COCO_{split}_{k:012d}.jpg",
                [
                    emotic_person(split, rng.choice(EMOTIONS, (annotators, 2)).tolist())
                    for _ in range(count)
                ],
            )
            for k, count in enumerate(counts)
        ]
    save_emotic_mat(tmp_path / "Annotations/Annotations.mat", records)
    (tmp_path / "emotic/mscoco").mkdir(parents=True)
    out = tmp_path / "out.parquet"
    command = ["prepare", "emotic", "--root", str(tmp_path), "--out", str(out)]
    options = ["--check-pictures", "none", "--soft-labels", "--quiet"]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command, *options],
        cwd=Path(__file__).parents[3],
        check=True,
        capture_output=True,
        text=True,
    )
    wall = time.perf_counter() - start
    seconds, kilobytes = map(float, done.stderr.split()[-2:])
    print(f"{wall:.1f} s wall, {seconds:.1f} s CPU, {kilobytes / 1e6:.2f} GB")
    manifest = Manifest.load(out)
    assert len(manifest) == 34_320
    assert manifest.frame["image"].nunique() == 23_571
    assert seconds < 20  # CPU time: a busy machine must not fail it
    assert kilobytes < 1_000_000
