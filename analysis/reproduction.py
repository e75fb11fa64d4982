"""The paper's tables and figures from run directories: what each target is made of.

Everything comes from `config.json`, `evaluation.json`, `predictions.parquet` and the manifest; no
picture and no network is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from analysis.missing_runs import missing_runs
from analysis.published import ABLATION_DATASETS, TABLES
from analysis.reproduction_parts import (
    Options,
    Part,
    ablation_parts,
    examples_parts,
    figure5_parts,
    results_parts,
    sizes_parts,
)
from analysis.table_data import TableData, open_studies
from analysis.table_notes import data_notes, interval_note, provenance, seed_notes
from analysis.table_settings import CONTROLS, SIZES, ablations
from analysis.tables_ablation import ABLATION_MODELS
from ccim_core.errors import InputError

__all__ = ["TARGETS", "Options", "Part", "Reproduction", "reproduce"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reproduction:
    """A target's tables (the first is the target itself), missing runs and notes."""

    target: str
    title: str
    parts: tuple[Part, ...]
    missing: pd.DataFrame
    notes: tuple[str, ...]
    provenance: pd.DataFrame
    datasets: Mapping[str, TableData] = field(repr=False)

    @property
    def table(self) -> pd.DataFrame:
        """The target's own table, with numbers."""
        return self.parts[0].frame

    def part(self, name: str) -> Part:
        """A part by name. Raises KeyError."""
        return {part.name: part for part in self.parts}[name]


@dataclass(frozen=True, kw_only=True)
class _Target:
    """How a target is made: `dataset` where it is about one of the paper's, None where of all."""

    title: str
    dataset: str | None
    models: Sequence[str] | None
    settings: Callable[[str], Sequence[str]]
    make: Callable[[Mapping[str, TableData], str | None, Options], list[Part]]
    note: str = ""


def reproduce(
    target: str, studies: Sequence[Path | str], *, options: Options | None = None
) -> Reproduction:
    """Make a table or figure of the paper from the runs of some studies.

    Args:
        target: one of `TARGETS`.
        studies: directories; of several datasets where the target is about several.

    Raises:
        InputError: no such target, studies of other datasets, or runs that do not go together.
    """
    if target not in TARGETS:
        raise InputError(f"Expected a target of {list(TARGETS)}, got {target!r}.")
    options = options or Options()
    described = TARGETS[target]
    everything = open_studies(studies)
    datasets = _of_target(everything, target, described)
    _check_splits(datasets, options.splits)
    table = _published_table(described, datasets)
    parts = described.make(everything if described.dataset else datasets, table, options)
    notes = [interval_note()]
    if described.note:
        notes.append(described.note)
    for data in datasets.values():
        published = data.dataset in ABLATION_DATASETS
        notes += data_notes(data, options.ap, published=published)
        models = described.models or data.models
        notes += seed_notes(data, models, described.settings(data.labels.name))
    names = ", ".join(dict.fromkeys(data.dataset for data in datasets.values()))
    own = any(data.dataset in ABLATION_DATASETS for data in datasets.values())
    return Reproduction(
        target=target,
        title=f"{'' if own else 'As '}{described.title}: {names}",
        parts=tuple(parts),
        missing=missing_runs(
            datasets,
            models=described.models or next(iter(datasets.values())).models,
            settings=described.settings,
            seeds=options.seeds,
        ),
        notes=tuple(notes),
        provenance=provenance(datasets),
        datasets=datasets,
    )


def _of_target(
    everything: Mapping[str, TableData], target: str, described: _Target
) -> dict[str, TableData]:
    """The datasets that a target shows: its own, or in its place one that the paper has not."""
    if described.dataset is None:
        return dict(everything)
    own = {k: data for k, data in everything.items() if data.dataset == described.dataset}
    if own:
        return own
    others = {k: d for k, d in everything.items() if d.dataset not in ABLATION_DATASETS}
    if len(others) == 1:
        return others
    found = ", ".join(data.dataset for data in everything.values())
    raise InputError(
        f"Expected a study of {described.dataset} for {target} (or one study of data that the "
        f"paper does not have), got {found or 'none'}; give it with --study DIR."
    )


def _check_splits(datasets: Mapping[str, TableData], splits: Sequence[str]) -> None:
    for data in datasets.values():
        present = data.studies[0].manifest.splits
        for split in splits:
            if split not in present:
                raise InputError(
                    f"Expected splits of {present} in {data.studies[0].path}, got {split!r}."
                )


def _published_table(described: _Target, datasets: Mapping[str, TableData]) -> str | None:
    """Which published table stands beside: none for data that the paper does not have."""
    names = {data.dataset for data in datasets.values()}
    by_dataset = {dataset: table for table, dataset in TABLES.items()}
    return by_dataset[described.dataset] if described.dataset in names else None


_COMPARED = ("none", "ccim")
_WITH_CONTROLS = (*_COMPARED, *CONTROLS[:2])


def _table(number: int, dataset: str) -> _Target:
    return _Target(
        title=f"Table {number}",
        dataset=dataset,
        models=None,
        settings=lambda _: _WITH_CONTROLS,
        make=results_parts,
    )


TARGETS: dict[str, _Target] = {
    "table1": _table(1, "EMOTIC"),
    "table2": _table(2, "GroupWalk"),
    "table3": _table(3, "CAER-S"),
    "table4": _Target(
        title="Table 4",
        dataset=None,
        models=ABLATION_MODELS,
        settings=lambda label_set: ("none", *ablations(label_set), "constant_g"),
        make=ablation_parts,
    ),
    "figure5": _Target(
        title="Figure 5",
        dataset="CAER-S",
        models=None,
        settings=lambda _: _WITH_CONTROLS,
        make=figure5_parts,
        note="The paper draws Figure 5 and prints none of its numbers: there is nothing to "
        "compare ours with.",
    ),
    "figure6": _Target(
        title="Figure 6",
        dataset=None,
        models=ABLATION_MODELS,
        settings=lambda _: (*_WITH_CONTROLS, *(f"size_{n}" for n in SIZES)),
        make=sizes_parts,
        note="The paper draws Figure 6 and prints none of its numbers: there is nothing to "
        "compare ours with.",
    ),
    "figure8": _Target(
        title="Figure 8",
        dataset=None,
        models=("emot_net",),
        settings=lambda _: _WITH_CONTROLS,
        make=examples_parts,
        note="The paper's examples are chosen by its authors, and show EMOT-Net.",
    ),
}
"""What can be reproduced from runs."""
