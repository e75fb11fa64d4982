from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from ccim_core.cli import main
from ccim_core.errors import InputError
from ccim_core.labels import LABEL_SETS
from ccim_core.manifest import build_manifest
from ccim_core.models.emot_net import EmotNet
from ccim_core.pictures import PictureReader
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.config import replace_field
from ccim_core.training.train import train_run
from tests.ccim_core.training.tiny import tiny_config

EMOTIONS = ("Angry", "Happy", "Neutral", "Sad")


def make_study(path: Path, *, multi: bool = False, n: int = 24) -> Study:
    """Pictures on disk: coloured noise, the emotion in the body's colour."""
    generator = np.random.default_rng(0)
    labels = LABEL_SETS["emotic" if multi else "groupwalk"]
    rows = []
    (path / "images").mkdir(parents=True)
    for i in range(n):
        emotion = i % 4
        picture = generator.integers(0, 80, (48, 48, 3), np.uint8)
        picture[10:40, 12:36, emotion % 3] += np.uint8(60 + 40 * (emotion // 3))
        Image.fromarray(picture).save(path / "images" / f"{i}.png")
        text = f"Anger|{labels.emotions[emotion]}" if multi else EMOTIONS[emotion]
        rows.append(
            {
                "sample_id": f"s{i}",
                "image": f"{i}.png",
                "split": "train" if i < n * 2 // 3 else "val",
                **dict(zip(("x1", "y1", "x2", "y2"), (12, 10, 36, 40), strict=True)),
                "labels": text.replace("Anger|Anger", "Anger"),
            }
        )
    manifest, _ = build_manifest(
        pd.DataFrame(rows), labels, reader=PictureReader({"images": path / "images"})
    )
    return Study.create(
        path,
        name="tiny",
        kind="table",
        labels=labels,
        manifest=manifest,
        roots={"images": "images"},
        into_existing=True,
    )


FIELDS = {
    "encoder__subject_size": 32,
    "encoder__context_size": 32,
    "dictionary__size": 3,
    "train__batch_size": 8,
    "train__epochs": 2,
}


@pytest.mark.parametrize("name", ["none", "ccim", "group_dro", "inverse_propensity"])
def test_several_labels_a_subject_train_and_answer(tmp_path: Path, name: str) -> None:
    study = make_study(tmp_path / "s", multi=True)
    config = tiny_config(**FIELDS, intervention__name=name)
    run = Run.open(train_run(study, config, device="cpu", quiet=True))
    assert run.labels.link == "sigmoid"
    u = v = torch.randn(2, run.config.model.d_h)
    with torch.no_grad():
        assert run.outputs(u, v).shape == (2, 26)


def test_the_weighted_l2_gives_scores_that_no_prior_divides(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s", multi=True)
    config = tiny_config(**FIELDS, train__loss="weighted_l2")
    run = Run.open(train_run(study, config, device="cpu", quiet=True))
    assert (run.labels.loss, run.labels.link) == ("weighted_l2", "identity")
    assert study.labels.link == "sigmoid"
    u = v = torch.randn(2, 16)
    with torch.no_grad():
        assert torch.equal(run.outputs(u, v), run.network.logits(u, v))
    assert "scores" in str(run.estimators()["prior_correction"])
    for name in ("logit_adjusted", "counterfactual"):
        with pytest.raises(InputError, match="scores"):
            train_run(study, replace_field(config, "intervention.name", name), quiet=True)


def test_a_refit_records_its_penalty_and_groups_and_is_not_corrected_again(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s", n=48)
    config = tiny_config(**FIELDS, train__refit=True, intervention__min_group_size=6)
    run = Run.open(train_run(study, config, device="cpu", quiet=True))
    record = json.loads((run.path / "environment.json").read_text())["refit"]
    assert record["score"] == min(record["scores"].values())
    assert record["folds"] == 5
    assert record["smallest_group"] >= 2
    assert "twice" in str(run.estimators()["prior_correction"])


def test_a_log_sigmoid_fusion_answers_for_one_label_and_is_refused_for_several(
    tmp_path: Path,
) -> None:
    config = tiny_config(
        **FIELDS, intervention__name="counterfactual", intervention__fusion="log_sigmoid"
    )
    study = make_study(tmp_path / "s")
    run = Run.open(train_run(study, config, device="cpu", quiet=True))
    u, v = torch.randn(2, 1, 16), torch.randn(1, 3, 16)
    with torch.no_grad():
        total = run.network.logits(u, v)
        assert (total <= 0).all()
        branch = run.network.counterfactual
        assert branch is not None
        difference = total - branch.natural_direct_effect(v)
        torch.testing.assert_close(run.network.counterfactual_logits(u, v), difference)
    with pytest.raises(InputError, match="log_sigmoid"):
        train_run(make_study(tmp_path / "m", multi=True), config, device="cpu", quiet=True)


TWO_PROCESSES = """
import hashlib, sys
from pathlib import Path
import torch
from ccim_core.confounders import ConfounderDictionary
from ccim_core.study import Study
from ccim_core.training.accelerator import make_accelerator
from ccim_core.training.train import study_data
from tests.ccim_core.training.test_train import FIELDS
from tests.ccim_core.training.tiny import tiny_config

accelerator = make_accelerator(device="cpu")
fit, seen = ConfounderDictionary.fit, []

def fit_here(self, features):
    seen.append("fit")
    return fit(self, features)

ConfounderDictionary.fit = fit_here
config = tiny_config(**FIELDS)
data = study_data(Study.open(Path(sys.argv[1])), accelerator, config, quiet=True)
for seed in (0, 1):
    dictionary = data.dictionary(tiny_config(**FIELDS, dictionary__seed=seed))
    seen.append(hashlib.sha256(dictionary.centers_.tobytes()).hexdigest())
Path(f"rank{accelerator.process_index}.txt").write_text("\\n".join(seen))
accelerator.end_training()
"""


def test_two_processes_share_the_first_ones_dictionary(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s")
    script = tmp_path / "script.py"
    script.write_text(TWO_PROCESSES)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc_per_node", "2", str(script), str(study.path)),
        ],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "ACCELERATE_USE_CPU": "true",
            "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
            "OMP_NUM_THREADS": "1",
        },
        timeout=240,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = ((tmp_path / f"rank{i}.txt").read_text().split("\n") for i in (0, 1))
    assert first.count("fit") == 2
    assert second == [line for line in first if line != "fit"]


def test_finetuned_encoders_change_and_travel_with_the_run(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s")
    config = tiny_config(**FIELDS, encoder__finetune=True, train__workers=1)
    run = Run.open(train_run(study, config, device="cpu", quiet=True))
    again = Run.open(run.path)
    pictures = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        a = run.network.project({"subject": pictures, "context": pictures})
        b = again.network.project({"subject": pictures, "context": pictures})
    torch.testing.assert_close(a[0], b[0])
    from ccim_core.backbones import build_encoder

    fresh = build_encoder("efficientnet-lite0", size=32)
    encoder = run.network.model.subject_encoder
    assert encoder is not None
    moved = [
        not torch.equal(p, q)
        for p, q in zip(encoder.parameters(), fresh.parameters(), strict=False)
    ]
    assert any(moved)


def test_erased_directions_travel_with_the_run_and_are_not_seen(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s")
    config = tiny_config(**FIELDS, model__subject_erase=2)
    model = Run.open(train_run(study, config, device="cpu", quiet=True)).network.model
    assert isinstance(model, EmotNet)
    directions = model.erased_directions
    assert directions is not None
    torch.testing.assert_close(directions.T @ directions, torch.eye(2))
    s = torch.randn(5, len(directions))
    with torch.no_grad():
        u, moved = model.project_subject(s), model.project_subject(s + directions[:, 1])
        other = model.project_subject(s + torch.randn(len(directions)))
    torch.testing.assert_close(moved, u)
    assert (other - u).abs().max() > 0.01


def test_a_finished_run_is_returned_and_other_settings_are_refused(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s")
    config = tiny_config(**FIELDS)
    path = train_run(study, config, device="cpu", quiet=True)
    stamp = (path / "model.safetensors").stat().st_mtime_ns
    assert train_run(study, config, device="cpu", quiet=True) == path
    assert (path / "model.safetensors").stat().st_mtime_ns == stamp
    with pytest.raises(InputError, match="other settings"):
        train_run(study, replace_field(config, "optim.lr", 0.5), device="cpu", quiet=True)


def test_half_precision_weights_answer_nearly_alike(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s")
    config = tiny_config(**FIELDS, intervention__name="ccim")
    full = Run.open(train_run(study, config, device="cpu", quiet=True))
    named = replace_field(config, "name", "half")
    half = Run.open(train_run(study, named, device="cpu", half=True, quiet=True))
    u = v = torch.randn(3, config.model.d_h)
    with torch.no_grad():
        torch.testing.assert_close(full.outputs(u, v), half.outputs(u, v), atol=5e-3, rtol=0)


def test_train_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = make_study(tmp_path / "s")
    options = [
        f"--{name.replace('__', '.')}={value}"
        for name, value in {**FIELDS, "model__d_h": 8, "dictionary__components": 4}.items()
    ]
    command = ["train", "--study", str(study.path), "--device", "cpu", "--quiet", *options]
    assert main(command) == 0
    assert "next: " in capsys.readouterr().out
    environment = json.loads((study.run_paths()[0] / "environment.json").read_text())
    assert environment["packages"]["torch"] == torch.__version__.split("+")[0] or (
        environment["packages"]["torch"].startswith(torch.__version__.split("+")[0])
    )
    assert main([*command, "--train.sed=3"]) == 2
    assert main([*command, "--name=other", "--train.split=nothing"]) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 2
    assert all(line.startswith("error: Expected") for line in errors)
    assert len(study.run_paths()) == 1
