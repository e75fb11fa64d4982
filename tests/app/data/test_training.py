"""Training from the page."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import workspace
from app.data.steps import INTERVENTIONS, TrainChoice, default_prototypes, train_steps
from ccim_core.errors import InputError
from ccim_core.jobs import JobSpec
from ccim_core.training.config import InterventionName, parse_config
from tests.app.data.acts import press

RunPage = Callable[..., AppTest]


def test_training_choices_become_commands_that_parse(tmp_path: Path) -> None:
    assert tuple(INTERVENTIONS) == get_args(InterventionName)
    choice = TrainChoice(
        study=tmp_path, interventions=tuple(INTERVENTIONS), prototypes=8, masked=False, seed=3
    )
    steps = train_steps(choice)
    assert [step.arguments[0] for step in steps] == [
        *("features", "dictionary"),
        *["train"] * 6,
        *("evaluate", "store"),
    ]
    for step in steps[2:8]:
        config = parse_config(list(step.arguments[3:]))
        assert (config.dictionary.size, config.dictionary.masked, config.train.seed) == (
            8,
            False,
            3,
        )
        assert step.title.endswith(INTERVENTIONS[config.intervention.name])
        assert config.run_name == f"emot_net-{config.intervention.name}-n8-e15-whole-seed3"
    with pytest.raises(InputError, match="one model or more"):
        TrainChoice(study=tmp_path, interventions=(), prototypes=8)
    assert [default_prototypes(n) for n in (6, 100, 5000)] == [2, 10, 64]


def test_a_shipped_study_is_left_alone_and_an_own_one_trained(
    root: Path, demo: Any, run_page: RunPage, started: list[JobSpec]
) -> None:
    assert "ships with the app" in run_page("data", do="train").info[0].value
    os.rename(demo.path, root / "mine")
    workspace.remember_study(root / "mine")
    test = run_page("data", do="train", study="mine")
    assert not test.error
    assert {metric.label: metric.value for metric in test.metric}["Trained runs"] == "1"
    test.multiselect(key="train_interventions").set_value([]).run()
    assert "one model or more" in test.error[0].value
    test.multiselect(key="train_interventions").set_value(["group_dro"]).run()
    test = press(test, "Train")
    assert not test.error
    assert started[0].subject == str(root / "mine")
    assert "--intervention.name group_dro" in started[0].steps[2].command
    assert "--dictionary.size 2" in started[0].steps[2].command  # 7 training subjects


def test_manifest_with_missing_splits_says_so(root: Path, demo: Any, run_page: RunPage) -> None:
    frame = demo.manifest.frame
    kept = frame[frame["split"] != "val"].reset_index(drop=True)
    type(demo.manifest)(frame=kept, labels=demo.labels).save(demo.path / "manifest.parquet")
    assert "val" not in pd.read_parquet(demo.path / "manifest.parquet")["split"].unique()
    os.rename(demo.path, root / "mine")
    workspace.remember_study(root / "mine")
    assert "no rows of split val" in run_page("data", do="train", study="mine").info[0].value
