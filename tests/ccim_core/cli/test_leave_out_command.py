from __future__ import annotations

from pathlib import Path

import pytest

from ccim_core.cli import main
from ccim_core.study import Study
from tests.ccim_core.training.test_train import make_study


def test_a_fold_of_scenes_is_left_out(
    tiny_study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["leave-out", "--study", str(tiny_study.path), "--out", str(tmp_path / "left")]
    assert main([*words, "--folds", "2", "--fold", "1"]) == 0
    out = capsys.readouterr().out
    derived = Study.open(tmp_path / "left")
    record = derived.info["settings"]["left_out"]
    assert f"left out: {', '.join(record['contexts'])}" in out
    assert len(record["contexts"]) == 2  # of four scenes
    assert record["chosen"] == {"how": "fold", "folds": 2, "fold": 1, "seed": 0}
    assert out.splitlines()[-1].startswith(
        f"next: python -m ccim_core sweep --study {derived.path}"
    )


def test_clusters_are_those_of_the_config(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(tmp_path / "study")
    frame = study.manifest.frame.copy()
    frame.loc[frame.index[-4:], "split"] = "test"
    type(study.manifest)(frame=frame, labels=study.labels).save(study.path / "manifest.parquet")
    words = ["leave-out", "--study", str(study.path), "--by", "cluster", "--device", "cpu"]
    words += ["--dictionary.size", "2", "--encoder.context_size", "32", "--quiet"]
    words += ["--encoder.subject_size", "32"]
    made = []
    for cluster in ("0", "1"):
        out = tmp_path / f"without{cluster}"
        if main([*words, "--out", str(out), "--contexts", cluster]) == 0:
            made.append(Study.open(out))
    # The test's four subjects may all be in one cluster; the other then has nobody to test on.
    assert made
    for derived in made:
        assert "test_left_out" in derived.manifest.splits
        assert derived.info["settings"]["left_out"]["clusters"]["dictionary"]["size"] == 2
    train = sum(len(derived.manifest.split("train")) for derived in made)
    assert len(made) == 1 or train == 16  # each row is in one cluster
    assert main([*words, "--out", str(tmp_path / "x"), "--contexts", "7"]) == 2
    assert "Expected contexts of the training rows (0, 1), got 7" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--contexts", "atlantis"], "got atlantis"),
        (["--contexts", ","], "got none"),
        (["--folds", "9"], "n_folds"),
        (["--folds", "2", "--fold", "2"], "--fold from 0 to 1"),
        (["--contexts", "beach", "--dictionary.size", "4"], "--by cluster only"),
    ],
)
def test_what_cannot_be_left_out_is_one_sentence(
    tiny_study: Study,
    tmp_path: Path,
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "left"
    assert main(["leave-out", "--study", str(tiny_study.path), "--out", str(out), *options]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert not out.exists()
