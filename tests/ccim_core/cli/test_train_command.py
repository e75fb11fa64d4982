"""`train` and `evaluate`, as a user runs them: recipes, going on, what comes next, bad input."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision.models import resnet18

from ccim_core.cli import main
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training import loop
from ccim_core.training.config import RunConfig, to_dict
from tests.ccim_core.training.test_train import make_study

SIZES = [
    *("--encoder.subject_size", "32", "--encoder.context_size", "32"),
    *("--dictionary.size", "3", "--dictionary.components", "4"),
]
QUIET = ["--device", "cpu", "--quiet"]
RECIPE = """\
model: {d_h: 8}
train: {epochs: 2, batch_size: 8}
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    torch.set_num_threads(1)
    return make_study(tmp_path_factory.mktemp("commands") / "study")


@pytest.fixture(scope="module")
def command(study: Study) -> list[str]:
    recipe = study.path / "recipe.yaml"
    recipe.write_text(RECIPE)
    return ["train", "--study", str(study.path), "--config", str(recipe), *SIZES, *QUIET]


def test_a_recipe_is_overridden_and_the_next_command_evaluates(
    study: Study, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--intervention.name", "ccim", "--train.seed", "3"]) == 0
    run, following = capsys.readouterr().out.splitlines()
    path = study.runs_root / "emot_net-ccim-seed3"
    assert run == f"run: {path}"
    config = Run.open(path).config
    assert (config.model.d_h, config.train.epochs, config.train.seed) == (8, 2, 3)
    words = shlex.split(following.removeprefix("next: python -m ccim_core "))
    assert main([*words, *QUIET, "--bootstrap", "5", "--embeddings", "val"]) == 0
    out = capsys.readouterr().out
    assert "backdoor" in out
    assert f"next: python -m analysis bias --study {study.path}" in out
    assert {file.name for file in (path / "embeddings").iterdir()} >= {"ccim.npy"}
    assert (path / "evaluation.json").is_file()


def test_weights_in_half_precision_take_half_the_room(study: Study, command: list[str]) -> None:
    sizes = []
    for name, options in (("full", []), ("half", ["--half"])):
        assert main([*command, "--name", name, *options]) == 0
        sizes.append((study.runs_root / f"{name}-seed0" / "model.safetensors").stat().st_size)
    assert sizes[1] < 0.6 * sizes[0]


def test_interrupted_and_started_again_it_ends_as_one_uninterrupted(
    study: Study,
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*command, "--name", "whole"]) == 0
    steps, update = 0, loop._Loop._update

    def interrupted(self: Any) -> None:
        nonlocal steps
        steps += 1
        if steps == 4:
            raise KeyboardInterrupt
        update(self)

    parts = [*command, "--name", "parts", "--train.checkpoint_steps", "1"]
    monkeypatch.setattr(loop._Loop, "_update", interrupted)
    assert main(parts) == 130
    assert "run the same command again" in capsys.readouterr().err
    assert main(["evaluate", "--study", str(study.path), "--run", "parts-seed0", *QUIET]) == 2
    assert "Expected a finished run of" in capsys.readouterr().err
    monkeypatch.setattr(loop._Loop, "_update", update)
    assert main(parts) == 0
    states = [
        Run.open(study.run_path(f"{name}-seed0")).network.state_dict()
        for name in ("whole", "parts")
    ]
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value)
    assert not list(study.run_path("parts-seed0").glob("checkpoint*"))


def test_evaluate_prints_a_row_an_estimator_as_json(
    study: Study, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--name", "told"]) == 0
    capsys.readouterr()
    words = ["evaluate", "--study", str(study.path), "--run", "told-seed0", "--splits", "val"]
    options = ["--bootstrap", "0", "--embeddings", "test", "--json", *QUIET]
    assert main([*words, *options]) == 0
    captured = capsys.readouterr()
    rows = [row for row in json.loads(captured.out) if row["variant"] == "told"]
    assert {row["estimator"] for row in rows} == {"likelihood", "backdoor", "prior_correction"}
    assert {row["split"] for row in rows} == {"val"}
    warning, following = captured.err.splitlines()
    assert warning.startswith("warning: no embeddings of 'test'")
    assert following.startswith("next: ")


@pytest.fixture(scope="module")
def other_weights(study: Study) -> Path:
    path = study.path / "resnet18.pth"
    torch.save(resnet18().state_dict(), path)
    return path


@pytest.mark.parametrize(
    "options, message",
    [
        (["--encoder.context", "resnet50", "--encoder.context_weights", "{weights}"], "another"),
        (["--encoder.context", "resnet152"], "weights get resnet152-imagenet"),
        (["--encoder.subject", "resnet19"], "'resnet18'"),
        (["--encoder.context_weights", "no.pth"], "no such file"),
        (["--model.name", "resnet"], "'emot_net'"),
        (["--model.nam", "emot_net"], "model.nam"),
        (["--model.name", "caer_net", "--model.d_h", "null"], "run `detect`"),
        (["--model.name", "emoticon", "--model.d_h", "null"], "auxiliary --study"),
        (["--model.context_parts", "people"], "rendered pictures"),
        (["--intervention.name", "magic"], "magic"),
        (["--name", "a:b"], "a run's name that can name a folder"),
        (["--train.epochs", "0"], "positive"),
        (["--train.epochs", "many"], "train.epochs"),
        (["--train.split", "nothing"], "got 'nothing'"),
        (["--train.loss", "weighted_l2"], "Expected"),
        (["--dictionary.size", "99"], "take fewer prototypes"),
        (["--config", "no.yaml"], "no.yaml"),
    ],
)
def test_bad_settings_are_one_sentence_and_leave_no_run(
    study: Study,
    command: list[str],
    other_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    monkeypatch.setenv("CCIM_HOME", str(study.path / "home"))
    words = [word.format(weights=other_weights) for word in options]
    runs = sorted(study.runs_root.glob("*")) if study.runs_root.is_dir() else []
    assert main([*command, "--name", "bad", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Expected")
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert (sorted(study.runs_root.glob("*")) if study.runs_root.is_dir() else []) == runs


@pytest.mark.parametrize(
    "options, message",
    [
        (["--run", "nothing"], "Expected a finished run of"),
        (["--splits", "nothing"], "got 'nothing'"),
        (["--bootstrap", "-1"], "Expected --bootstrap of 0 or more, got -1."),
    ],
)
def test_what_cannot_be_evaluated_is_one_sentence(
    study: Study,
    command: list[str],
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    assert main([*command, "--name", "whole"]) == 0
    capsys.readouterr()
    run = [] if "--run" in options else ["--run", "whole-seed0"]
    assert main(["evaluate", "--study", str(study.path), *run, *options, *QUIET]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: Expected")
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1


def _dotted(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        nested = isinstance(value, dict)
        found |= _dotted(value, f"{prefix}{name}.") if nested else {prefix + name: value}
    return found


@pytest.mark.parametrize("name", ["train", "sweep", "leave-out"])
def test_help_lists_every_setting_with_its_default(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    settings = _dotted(to_dict(RunConfig()))
    assert len(settings) > 50
    for field, default in settings.items():
        ending = "" if default == "" else re.escape(f" (default: {default})")
        assert re.search(rf"--{re.escape(field)} [^()]+{ending}", shown), field
    assert "`finetune` trains them with the run" in shown
    with pytest.raises(SystemExit):
        main([name, "--device", "none"])
    assert "--optim.lr" not in capsys.readouterr().err  # an error has a line of usage alone
