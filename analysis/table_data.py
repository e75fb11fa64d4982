"""The runs of one dataset, checked to be comparable: what every table is made from.

Runs are comparable when they agree on the vocabulary, the manifest and the subjects predicted.
Whatever does not is refused in one sentence, never averaged in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from analysis.run_families import ModelRuns, known_models, model_runs
from analysis.run_records import RunRecord, SplitRows, read_runs, split_rows
from analysis.table_settings import MODELS, dataset_title
from ccim_core.errors import InputError
from ccim_core.labels import LabelSet
from ccim_core.metrics.comparison import PairedMetric
from ccim_core.metrics.influence import metric_influence
from ccim_core.study import Study

__all__ = ["TableData", "open_studies"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TableData:
    """Studies of one dataset with their runs.

    Attributes:
        studies: of the same manifest; missing runs are trained in the first.
        runs: the finished runs of all of them.
    """

    studies: tuple[Study, ...]
    runs: tuple[RunRecord, ...]
    _outputs: dict[tuple[Path, str], np.ndarray] = field(default_factory=dict, repr=False)
    _rows: dict[str, SplitRows] = field(default_factory=dict, repr=False)
    _models: dict[str, ModelRuns] = field(default_factory=dict, repr=False)
    _influences: dict[tuple[Path, str], np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def labels(self) -> LabelSet:
        """The studies' label set."""
        return self.studies[0].labels

    @property
    def dataset(self) -> str:
        """Title of the dataset."""
        return dataset_title(self.labels.name)

    @property
    def metric(self) -> PairedMetric:
        """The headline metric."""
        return self.labels.headline

    @cached_property
    def splits(self) -> list[str]:
        """The splits that a table shows: the test, and beside it what tells how far to trust it.

        On the rendered benchmark that is the shift test, whose truth is interventional; elsewhere
        the validation split, since published gains may come from the gap between the two.
        """
        present = self.studies[0].manifest.splits
        wanted = ["test", "shift"] if "shift" in present else ["test", "val"]
        return [split for split in wanted if split in present] or present[-1:]

    @property
    def models(self) -> list[str]:
        """The paper's models, and any other that has runs."""
        return [*MODELS, *(name for name in known_models(self.runs) if name not in MODELS)]

    def model(self, name: str) -> ModelRuns:
        """A model's runs by setting."""
        if name not in self._models:
            self._models[name] = model_runs(
                self.runs, name, label_set=self.labels.name, study=self.studies[0].path
            )
        return self._models[name]

    def rows(self, split: str) -> SplitRows:
        """The subjects of a split."""
        if split not in self._rows:
            self._rows[split] = split_rows(self.studies[0], split)
        return self._rows[split]

    def outputs(self, run: RunRecord, split: str) -> np.ndarray:
        """A run's own outputs (n, C) on a split; raises InputError unless every subject has one."""
        key = (run.path, split)
        if key not in self._outputs:
            self._outputs[key] = run.outputs(self.rows(split))
        return self._outputs[key]

    def influence(self, run: RunRecord, split: str) -> np.ndarray:
        """How much each subject moves a run's headline, (n,)."""
        key = (run.path, split)
        if key not in self._influences:
            targets, outputs = self.rows(split).targets, self.outputs(run, split)
            self._influences[key] = metric_influence(targets, outputs, metric=self.metric)
        return self._influences[key]


def open_studies(paths: Sequence[Path | str]) -> dict[str, TableData]:
    """Label set's name to the studies and runs with it, in the order given.

    Raises:
        InputError: runs or studies that no table can hold together.
    """
    by_labels: dict[str, list[Study]] = {}
    for path in dict.fromkeys(Path(path) for path in paths):
        study = Study.open(path)
        by_labels.setdefault(study.labels.name, []).append(study)
    return {name: _open(studies) for name, studies in by_labels.items()}


def _open(studies: list[Study]) -> TableData:
    first = studies[0]
    for other in studies[1:]:
        if other.labels.emotions != first.labels.emotions:
            raise InputError(
                f"Expected studies of one label set in a table, got {first.path} and {other.path}, "
                f"which both call theirs {first.labels.name!r} but list different emotions."
            )
        if other.manifest.content_hash() != first.manifest.content_hash():
            raise InputError(
                f"Expected studies of one manifest in a table, got {first.path} and {other.path}, "
                "whose subjects or splits differ; make a table of each."
            )
    runs = [run for study in studies for run in read_runs(study)]
    _check_runs(runs, first)
    return TableData(studies=tuple(studies), runs=tuple(runs))


def _check_runs(runs: Sequence[RunRecord], study: Study) -> None:
    for run in runs:
        if run.labels.emotions != study.labels.emotions:
            raise InputError(
                f"Expected runs of the label set {study.labels.name!r} in a table, got {run.path} "
                f"with {run.labels.name!r} ({len(run.labels.emotions)} emotions)."
            )
    own = study.manifest_hash
    strangers = [
        run.name for run in runs if not study.same_manifest(run.environment.get("manifest", own))
    ]
    if strangers:
        more = f" and {len(strangers) - 3} more" if len(strangers) > 3 else ""
        raise InputError(
            f"Expected runs of the study's present manifest in a table, got "
            f"{', '.join(strangers[:3])}{more}, trained on another (subjects or splits differ); "
            f"train them again, or move them out of {study.runs_root}."
        )
