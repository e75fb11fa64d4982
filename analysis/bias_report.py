"""What a bias study is asked (`BiasSettings`) and what it answers (`BiasReport`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from analysis.association import FalseDiscovery
from analysis.entropy import Negatives, SelectedBy, band_ranks
from ccim_core.errors import InputError
from ccim_core.files import read_json, write_atomically, write_json

__all__ = ["BiasReport", "BiasSettings"]

TABLES = ("emotions", "scenes", "cells", "histogram")


@dataclass(frozen=True, kw_only=True)
class BiasSettings:
    """Every choice that the numbers depend on; it is written beside them.

    top_k: scenes looked at per emotion (the paper: 200).
    selected_by: the most frequent ones over all subjects (`"overall"`), or among the subjects
        with the emotion (`"positives"`, the paper's words). The share of zero-entropy scenes
        that chance gives depends on this choice more than on anything else.
    negatives: `"all"`, or `"balanced"` to weigh them so that they are as many as the positives.
    min_support: subjects that a scene needs for its cells to be tested; untested cells stay in
        the table, with the reason.
    fdr: how q is computed (see `analysis.multiplicity`); level: q below which a cell counts.
    confidence: of every interval and band.
    n_null, n_bootstrap: null tables and resampled tables; 39 or more, 0 leaves the intervals out.
    beta_prior: a of the Beta(a, a) prior on p(e|s).
    scene_column: which column names the scene; scene_source: where it came from, in words.
    split: rows to use; None for all.
    """

    top_k: int = 200
    selected_by: SelectedBy = "overall"
    negatives: Negatives = "all"
    min_support: int = 10
    fdr: FalseDiscovery = "discrete"
    level: float = 0.05
    confidence: float = 0.95
    n_null: int = 199
    n_bootstrap: int = 199
    beta_prior: float = 0.5
    scene_column: str = "scene"
    scene_source: str = "given"
    split: str | None = None

    def __post_init__(self) -> None:
        for name, choices in (
            ("selected_by", get_args(SelectedBy)),
            ("negatives", get_args(Negatives)),
            ("fdr", get_args(FalseDiscovery)),
        ):
            if getattr(self, name) not in choices:
                raise InputError(
                    f"Expected `{name}` to be one of {list(choices)}, got {getattr(self, name)!r}."
                )
        for name in ("level", "confidence"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"Expected `{name}` between 0 and 1, got {getattr(self, name)}.")
        for name, least in (("top_k", 1), ("min_support", 1)):
            if getattr(self, name) < least:
                raise InputError(
                    f"Expected `{name}` to be {least} or more, got {getattr(self, name)}."
                )
        if not self.beta_prior > 0:
            raise InputError(f"Expected `beta_prior` above 0, got {self.beta_prior}.")
        for name in ("n_null", "n_bootstrap"):
            if getattr(self, name):
                try:
                    band_ranks(getattr(self, name), self.confidence)
                except ValueError as error:
                    raise InputError(f"`{name}`: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> BiasSettings:
        """Inverse of `to_dict`; unknown keys raise InputError."""
        try:
            return cls(**value)
        except TypeError as error:
            raise InputError(
                f"Expected settings of a bias study, got {value!r} ({error})."
            ) from None


@dataclass(frozen=True, kw_only=True, eq=False)
class BiasReport:
    """What a bias study found.

    emotions: a row an emotion; cells: a row per scene × emotion, none left out; scenes: a row a
    scene; histogram: selected scenes by H(Y|s) per emotion, data and null (Figure 2 of the
    paper); dataset: numbers of the whole; notes: what could not be computed, and why.
    Columns are described in `analysis.bias_tables`.
    """

    emotions: pd.DataFrame
    cells: pd.DataFrame
    scenes: pd.DataFrame
    histogram: pd.DataFrame
    dataset: dict[str, Any]
    settings: BiasSettings
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values, NaN as None; `BiasReport.from_json` reads them back."""
        return {
            "format": "ccim-bias",
            "version": 1,
            "dataset": _plain(self.dataset),
            "significant_cells": int(self.dataset["significant_cells"]),
            "settings": self.settings.to_dict(),
            "notes": list(self.notes),
            **{name: _records(getattr(self, name)) for name in TABLES},
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> BiasReport:
        """Inverse of `to_json`. Raises InputError for another file."""
        if value.get("format") != "ccim-bias" or value.get("version") != 1:
            raise InputError("Expected the JSON of a bias study of this version, got another.")
        return cls(
            **{name: _frame(value[name]) for name in TABLES},
            dataset=value["dataset"],
            settings=BiasSettings.from_dict(value["settings"]),
            notes=tuple(value["notes"]),
        )

    def save(self, directory: Path | str, *, record: Mapping[str, Any] | None = None) -> Path:
        """Write bias.json and a CSV per table; returns the directory.

        Args:
            record: more to say in bias.json (the seed, what recognised the scenes).
        """
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            with write_atomically(directory / f"{name}.csv") as temporary:
                getattr(self, name).to_csv(temporary, index=False)
        write_json(directory / "bias.json", {**self.to_json(), **(record or {})})
        return directory

    @classmethod
    def load(cls, directory: Path | str) -> BiasReport:
        """Read what `save` wrote."""
        return cls.from_json(read_json(Path(directory) / "bias.json"))


def _plain(value: Any) -> Any:
    """NumPy values to Python ones, NaN and infinities to None, for JSON."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as objects; columns `x_low` and `x_high` become one `x_interval`."""
    columns: dict[str, list[Any]] = {}
    for name in frame.columns:
        values = _plain(frame[name].tolist())
        if name.endswith("_low"):
            high = _plain(frame[f"{name[:-4]}_high"].tolist())
            columns[f"{name[:-4]}_interval"] = [
                list(pair) for pair in zip(values, high, strict=True)
            ]
        elif not name.endswith("_high"):
            columns[name] = values
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _frame(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Inverse of `_records`."""
    columns: dict[str, list[Any]] = {}
    for name in records[0] if records else ():
        values = [record[name] for record in records]
        if name.endswith("_interval"):
            base = name.removesuffix("_interval")
            columns[f"{base}_low"] = [pair[0] for pair in values]
            columns[f"{base}_high"] = [pair[1] for pair in values]
        else:
            columns[name] = values
    frame = pd.DataFrame(columns)
    for name in frame.columns:  # a column of numbers with None in it comes back as objects
        if frame[name].dtype == object and name not in ("emotion", "scene"):
            numbers = pd.to_numeric(frame[name], errors="coerce")
            if numbers.isna().eq(frame[name].isna()).all():
                frame[name] = numbers
    return frame
