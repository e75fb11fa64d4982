"""From choices on the page to the commands of a job: the ones a terminal would be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from ccim_core.datasets.vocabulary import Answers
from ccim_core.errors import InputError
from ccim_core.jobs import Step

__all__ = ["INTERVENTIONS", "MakeChoice", "TrainChoice", "default_prototypes", "train_steps"]

INTERVENTIONS = {
    "none": "plain, P(Y|X)",
    "ccim": "CCIM, the paper's",
    "counterfactual": "counterfactual",
    "logit_adjusted": "logit-adjusted",
    "inverse_propensity": "inverse propensity",
    "group_dro": "group DRO",
}
"""Trained-in interventions with what to call them."""

MAX_PROTOTYPES = 64
_ROWS_A_PROTOTYPE = 10
_SIZE = "112"  # pixels; what `train` takes by default, so that features are not made twice


@dataclass(frozen=True, kw_only=True)
class MakeChoice:
    """A study to make. form: "folders" or "table"; boxes: "faces", "picture" or "columns";
    columns: our name → the table's; policy: cause → action; kind: "auto" until it is answered."""

    form: Literal["folders", "table"]
    root: Path
    out: Path
    boxes: Literal["columns", "faces", "picture"]
    table: Path | None = None
    split: Literal["column", "deal"] = "column"
    columns: dict[str, str] = field(default_factory=dict)
    label_set: str | None = None
    kind: Literal["auto", "single", "multi"] = "auto"
    answers: Answers = field(default_factory=Answers)
    policy: dict[str, str] = field(default_factory=dict)
    seed: int = 0

    def step(self) -> Step:
        """The command that makes it."""
        words = ["prepare", self.form, "--root", str(self.root), "--out", str(self.out)]
        words += ["--name", self.out.name, "--boxes", self.boxes, "--seed", str(self.seed)]
        if self.table is not None:
            words += ["--table", str(self.table), "--split", self.split]
            words += [f"--column={ours}={theirs}" for ours, theirs in self.columns.items()]
            words += ["--label-set", self.label_set] if self.label_set else []
            words += ["--kind", self.kind] if self.kind != "auto" else []
        words += [f"--rename={old}={new}" for old, new in self.answers.rename.items()]
        words += [f"--rename-split={old}={new}" for old, new in self.answers.rename_splits.items()]
        words += [f"--keep-apart={name}" for name in self.answers.keep_apart]
        words += [
            word
            for cause, action in self.policy.items()
            for word in ("--policy", f"{cause}={action}")
        ]
        return Step(title="Make the study", module="ccim_core", arguments=tuple(words))


@dataclass(frozen=True, kw_only=True)
class TrainChoice:
    """Small models to train on a study. masked: whether the subject is masked in the contexts that
    the dictionary is made of."""

    study: Path
    interventions: tuple[str, ...]
    prototypes: int
    epochs: int = 15
    seed: int = 0
    masked: bool = True
    maps: bool = False

    def __post_init__(self) -> None:
        if not self.interventions:
            raise InputError("Expected one model or more to train, got none; choose one.")


def default_prototypes(rows: int) -> int:
    """How many prototypes a dictionary of so many training rows is given: ten rows each, at
    least two prototypes, at most 64."""
    return max(2, min(MAX_PROTOTYPES, rows // _ROWS_A_PROTOTYPE))


def train_steps(choice: TrainChoice) -> tuple[Step, ...]:
    """Features, dictionary, a run for each intervention, evaluation, and what the pages read."""
    where = ("--study", str(choice.study))
    context = "masked" if choice.masked else "whole"
    views = dict.fromkeys([context, "whole", "subject"])
    number, components = str(choice.prototypes), str(choice.prototypes)
    steps = [
        _step("Encode the pictures", "features", *where, "--size", _SIZE, "--view", *views),
        _step(
            "Build the confounder dictionary",
            *("dictionary", *where, "--size", _SIZE, "--view", context),
            *("--prototypes", number, "--components", components),
        ),
    ]
    for name in choice.interventions:
        # Named by what differs, so that other settings make another run and not a complaint.
        stem = f"emot_net-{name}-n{number}-e{choice.epochs}" + ("" if choice.masked else "-whole")
        words = ["train", *where, "--name", stem, "--intervention.name", name]
        words += ["--dictionary.size", number, "--dictionary.components", components]
        words += [] if choice.masked else ["--dictionary.masked", "false"]
        words += ["--train.epochs", str(choice.epochs), "--train.seed", str(choice.seed)]
        steps.append(_step(f"Train: {INTERVENTIONS[name]}", *words))
    steps.append(_step("Evaluate", "evaluate", *where, "--embeddings", "test"))
    method = "aligned_umap" if choice.maps else "pca"
    steps.append(
        Step(
            title="Keep what the pages show",
            module="analysis",
            arguments=("store", *where, "--method", method),
        )
    )
    return tuple(steps)


def _step(title: str, *words: str) -> Step:
    return Step(title=title, module="ccim_core", arguments=words)


def training_rows(manifest: pd.DataFrame) -> int:
    """Rows of the training split."""
    return int((manifest["split"] == "train").sum())
