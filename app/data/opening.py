"""Studies on offer, and one more by its path."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from app import layout, study_cache, workspace
from app.links import kept_input
from ccim_core.errors import InputError

__all__ = ["show_opening"]

_FAILURE = "open_failure"


def show_opening() -> None:
    """The table of studies and the field for a path."""
    row = st.form("open_study", border=False).container(
        horizontal=True, vertical_alignment="bottom"
    )
    with row:
        kept_input(
            st.text_input,
            "Path of a study",
            key="open_path",
            default="",
            placeholder="studies/mine",
            help=f"A folder with a study.json, inside {workspace.root()}.",
        )
        st.form_submit_button("Open", type="primary", on_click=_open)
    failure = st.session_state.pop(_FAILURE, None)
    if failure:
        st.error(layout.plain(failure), icon=":material/error:")
    _table()


def _open() -> None:
    text = str(st.session_state["open_path"])
    try:
        path = workspace.resolve_path(text, "a study")
        study_cache.load_study(path)
        workspace.remember_study(path)
        st.session_state["study"] = study_cache.key_of(path)
    except InputError as error:
        st.session_state[_FAILURE] = str(error)


def _table() -> None:
    entries = study_cache.available_studies()
    names = study_cache.study_names()
    current = study_cache.current_entry()
    rows = []
    for key, entry in entries.items():
        study = study_cache.load_study(entry.path)
        table = study_cache.load_table(entry.path / "manifest.parquet", ("split",))
        rows.append(
            {
                "loaded": current is not None and entry.key == current.key,
                "name": names[key],
                "kind": study.kind,
                "subjects": None if table is None else len(table),
                "emotions": study.labels.size,
                "runs": len(study.run_paths()),
                "where": _where(entry.path),
            }
        )
    if not rows:
        st.info(
            "No study is here yet. Make one from your own pictures above, or the demo study with "
            "`python -m ccim_core demo --out studies/demo`.",
            icon=":material/folder_open:",
        )
        return
    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "loaded": st.column_config.CheckboxColumn("Loaded", width="small"),
            "name": "Study",
            "kind": "Data",
            "subjects": number("Subjects", format="localized"),
            "emotions": number("Emotions"),
            "runs": number("Trained runs"),
            "where": "Where",
        },
    )
    st.caption("The one that every page shows is chosen in the side bar.")


def _where(path: Path) -> str:
    return "ships with the app" if study_cache.is_shipped(path) else workspace.shown_path(path)
