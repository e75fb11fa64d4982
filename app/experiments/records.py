"""A study's runs, read once for every visitor: JSON and Parquet alone, no network is opened."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analysis.run_records import RunRecord, SplitRows, read_runs, split_rows
from analysis.run_table import run_curves, run_table
from app.stored import version
from ccim_core.evaluation.variants import run_variant
from ccim_core.study import Study

__all__ = ["curves_of", "require_runs", "rows_of", "runs_of", "stamp_of", "table_of"]

Stamp = tuple[int, ...]


def stamp_of(study: Study) -> Stamp:
    """Changes when the study's manifest, or a run or its evaluation, does."""
    files = [
        path / name
        for path in study.run_paths()
        for name in ("config.json", "evaluation.json", "predictions.parquet")
    ]
    return version(study.path / "manifest.parquet", *files)


def runs_of(study: Study) -> dict[str, RunRecord]:
    """The finished runs by name."""
    return _runs(str(study.path), stamp_of(study), study)


@st.cache_resource(max_entries=8, ttl="1h", show_spinner="Reading the runs …")
def _runs(path: str, stamp: Stamp, _study: Study) -> dict[str, RunRecord]:
    return {run.name: run for run in read_runs(_study)}


def table_of(study: Study) -> pd.DataFrame:
    """A row a run (`analysis.run_table`)."""
    return _table(str(study.path), stamp_of(study), study)


@st.cache_data(max_entries=8, ttl="1h", show_spinner="Reading the runs …")
def _table(path: str, stamp: Stamp, _study: Study) -> pd.DataFrame:
    return run_table(list(runs_of(_study).values()))


def curves_of(study: Study, name: str) -> dict[str, pd.DataFrame]:
    """Training curves of a run and of the other seeds of its variant."""
    runs = runs_of(study)
    siblings = [one for one in runs if run_variant(one) == run_variant(name)]
    return {one: frame for one in siblings if len(frame := run_curves(runs[one]))}


def rows_of(study: Study, split: str) -> SplitRows:
    """The subjects of a split."""
    return _rows(str(study.path), version(study.path / "manifest.parquet"), split, study)


@st.cache_resource(max_entries=16, ttl="1h", show_spinner=False)
def _rows(path: str, stamp: Stamp, split: str, _study: Study) -> SplitRows:
    return split_rows(_study, split)


def require_runs(study: Study) -> dict[str, RunRecord] | None:
    """The runs; None, with what to do said on the page, where there are none."""
    runs = runs_of(study)
    if not runs:
        st.info(
            "This study has no trained run yet. Train some on the Data page, or in a terminal:",
            icon=":material/model_training:",
        )
        st.code(
            f"python -m ccim_core train --study {study.path} --intervention.name ccim",
            language="bash",
            wrap_lines=True,
        )
        return None
    return runs
