"""Finished runs as tables need them: settings, metrics and outputs, without opening a network.

`ccim_core.run.Run` holds the network too, and imports torch for it; what is read here are the
JSON and Parquet files of a run directory alone.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccim_core.errors import InputError
from ccim_core.evaluation.variants import own_estimator
from ccim_core.files import read_json
from ccim_core.labels import LabelSet
from ccim_core.study import Study
from ccim_core.training.config import RunConfig

__all__ = ["RunRecord", "SplitRows", "complete_config", "leaves", "read_runs", "split_rows"]

_DEFAULTS = asdict(RunConfig())


@dataclass(frozen=True, kw_only=True, eq=False)
class RunRecord:
    """One finished run: its completed config (nested dict), label set, and where it lies."""

    path: Path
    study: Path
    config: dict[str, Any]
    labels: LabelSet
    environment: dict[str, Any]

    @property
    def name(self) -> str:
        """The run's folder name."""
        return self.path.name

    @property
    def seed(self) -> int:
        """Training seed."""
        return int(self.config["train"]["seed"])

    @property
    def estimator(self) -> str:
        """What the run's own forward pass is called in its predictions."""
        return own_estimator(str(self.config["intervention"]["name"]))

    @cached_property
    def evaluation(self) -> dict[str, Any] | None:
        """What `evaluate` kept, or None where it has not been run."""
        path = self.path / "evaluation.json"
        return read_json(path) if path.is_file() else None

    def metrics(self, split: str, estimator: str | None = None) -> dict[str, Any] | None:
        """The evaluation's record of a split (by default of the run's own outputs), or None."""
        wanted = (split, estimator or self.estimator)
        for row in (self.evaluation or {}).get("rows", []):
            if (row["split"], row["estimator"]) == wanted:
                return row
        return None

    def controls(self, split: str) -> dict[str, Any]:
        """The evaluation's controls of a split; {} where there are none."""
        return (self.evaluation or {}).get("controls", {}).get(split, {})

    def evaluate_command(self) -> str:
        """The command that evaluates this run."""
        return f"python -m ccim_core evaluate --study {self.study} --run {self.name}"

    def outputs(self, rows: SplitRows, estimator: str | None = None) -> np.ndarray:
        """Outputs (n, C) float64 of the subjects of `rows`, in their order.

        Raises InputError when predictions are absent, or not one for each of the subjects.
        """
        path = self.path / "predictions.parquet"
        if not path.is_file():
            raise InputError(
                f"Expected predictions in {self.path}, got none; make them with "
                f"`{self.evaluate_command()}`."
            )
        key = estimator or self.estimator
        emotions = list(self.labels.emotions)
        chosen = (pc.field("split") == rows.split) & (pc.field("estimator") == key)
        try:
            table = pq.read_table(path, columns=["sample_id", *emotions], filters=chosen)
        except (KeyError, ValueError, OSError) as error:
            raise InputError(
                f"Expected a prediction a subject and emotion in {path}, got another table "
                f"({' '.join(str(error).split())[:120]}); make it again with "
                f"`{self.evaluate_command()}`."
            ) from None
        index = pd.Index(table.column("sample_id").to_pandas())
        order = index.get_indexer(rows.sample_ids) if index.is_unique else np.array([])
        covered = int((order >= 0).sum()) if index.is_unique else index.nunique()
        if not covered == len(rows.sample_ids) == len(index):
            raise InputError(
                f"Expected one prediction for each of the {len(rows.sample_ids):,} subjects of "
                f"split {rows.split!r} in {path}, got {len(index):,} rows of {covered:,} of them; "
                f"make them again with `{self.evaluate_command()}`."
            )
        columns = [table.column(name).to_numpy().astype(np.float64) for name in emotions]
        return np.stack(columns, axis=1)[order]


@dataclass(frozen=True, kw_only=True, eq=False)
class SplitRows:
    """A split's subjects: sample_ids (n,), targets (n, C) of 0/1, images (n,) as codes, and
    sources (n,), what is resampled whole: where a subject has none, its image."""

    split: str
    sample_ids: np.ndarray
    targets: np.ndarray
    images: np.ndarray
    sources: np.ndarray


def split_rows(study: Study, split: str) -> SplitRows:
    """The subjects of a study's split. Raises InputError when it has no such split."""
    part = study.manifest.split(split)
    sources = part.frame["image"].astype(object)
    if "source_id" in part.frame:
        sources = part.frame["source_id"].astype(object).fillna(sources)
    return SplitRows(
        split=split,
        sample_ids=part.frame["sample_id"].to_numpy(),
        targets=part.targets() > 0,
        images=pd.factorize(part.frame["image"])[0],
        sources=sources.to_numpy(str),
    )


def read_runs(study: Study) -> list[RunRecord]:
    """The finished runs of a study, by name. Raises InputError for a damaged one."""
    return [_read(path, study.path) for path in study.run_paths()]


def _read(path: Path, study: Path) -> RunRecord:
    info = read_json(path / "config.json")
    if not isinstance(info, dict) or not {"config", "label_set"} <= set(info):
        raise InputError(f"Expected a run's config in {path / 'config.json'}, got another.")
    environment = path / "environment.json"
    return RunRecord(
        path=path,
        study=study,
        config=complete_config(info["config"], source=str(path / "config.json")),
        labels=LabelSet.from_dict(info["label_set"]),
        environment=read_json(environment) if environment.is_file() else {},
    )


def complete_config(values: Any, *, source: str) -> dict[str, Any]:
    """A config's nested dict with the defaults of what it does not say.

    Types are left unchecked: `train` has done that, and doing it again takes a second for 20 runs.
    Raises InputError for fields that no config has.
    """
    complete = copy.deepcopy(_DEFAULTS)
    unknown = []
    for path, value in leaves(values if isinstance(values, dict) else {"": values}).items():
        group, _, name = path.rpartition(".")
        target = complete.get(group) if group else complete
        if not isinstance(target, dict) or name not in target:
            unknown.append(path)
        else:
            target[name] = value
    if unknown:
        raise InputError(
            f"Expected the settings of a run in {source}, got {', '.join(map(repr, unknown))}: "
            "it was made by another version."
        )
    return complete


def leaves(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted path to value: `{"train.seed": 0, …}`."""
    found: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            found |= leaves(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found
