"""Cached reading of what `python -m analysis store` keeps in a study, and what to say without it.

Objects are shared between visitors (`cache_resource`): pages read them and never change them.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from analysis.bias_report import BiasReport
from analysis.stored import StoredClusters, load_assignment, load_bias, load_clusters
from app import study_cache
from ccim_core.study import Study

__all__ = [
    "bias_report",
    "cluster_report",
    "nothing_stored",
    "require_study",
    "scene_assignment",
    "version",
]


def version(*paths: Path) -> tuple[int, ...]:
    """Modification times in ns (0 where there is no file): the part of a cache key that changes."""
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


def require_study() -> Study | None:
    """The loaded study; None, with what to do said on the page, where there is none."""
    study = study_cache.current_study()
    if study is None:
        st.info(
            "No study is loaded. Make the demo study with `python -m ccim_core demo`, or open "
            "yours with `streamlit run app/main.py -- --study DIR`.",
            icon=":material/folder_open:",
        )
    return study


def nothing_stored(study: Study, what: str, command: str) -> None:
    """An empty state: what is missing, the command that makes it, and that it is quick."""
    st.info(
        f"{what} Make it in a terminal, then reload this page:", icon=":material/hourglass_empty:"
    )
    st.code(f"python -m analysis {command} --study {study.path}", language="bash", wrap_lines=True)


def bias_report(study: Study) -> BiasReport | None:
    """The study's bias report, or None where none is kept."""
    record = study.analysis_root / "bias" / "stored.json"
    return _bias(str(study.path), version(record, study.path / "manifest.parquet"), study)


@st.cache_resource(max_entries=8, ttl="1h", show_spinner=False)
def _bias(path: str, stamp: tuple[int, ...], _study: Study) -> BiasReport | None:
    return load_bias(_study)


def scene_assignment(study: Study) -> pd.Series | None:
    """The scene of each image that the kept bias report is about, where no column names it."""
    record = study.analysis_root / "bias" / "stored.json"
    return _assignment(str(study.path), version(record, study.path / "manifest.parquet"), study)


@st.cache_resource(max_entries=8, ttl="1h", show_spinner=False)
def _assignment(path: str, stamp: tuple[int, ...], _study: Study) -> pd.Series | None:
    return load_assignment(_study)


def cluster_report(study: Study, dictionary: str) -> StoredClusters | None:
    """The cluster study of one dictionary, or None where none is kept."""
    record = study.analysis_root / "clusters" / dictionary / "stored.json"
    stamp = version(record, study.path / "manifest.parquet")
    return _clusters(str(study.path), dictionary, stamp, study)


@st.cache_resource(max_entries=8, ttl="1h", show_spinner=False)
def _clusters(
    path: str, dictionary: str, stamp: tuple[int, ...], _study: Study
) -> StoredClusters | None:
    return load_clusters(_study, dictionary)
