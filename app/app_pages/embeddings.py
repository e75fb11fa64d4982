"""Embeddings: joint features under P(Y|X) beside the same subjects under P(Y|do(X))."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from analysis.embedding_sources import Side
from analysis.embeddings import Embedding, load_embedding, stored_embeddings
from app import layout
from app.embedding_maps import show_maps
from app.errors import shown_errors
from app.links import linked_selectbox
from app.stored import nothing_stored, require_study, version
from ccim_core.files import read_json
from ccim_core.study import Study

LEAD = (
    "Each point is a person. Left, the features that answer P(Y|X); right, the same people once "
    "the context is intervened on. Lasso some on either side to find them on the other."
)


def main() -> None:
    """The page."""
    layout.header("Embeddings", LEAD)
    with shown_errors("reading the embeddings"):
        study = require_study()
        if study is None:
            return
        paths = {path.stem: path for path in stored_embeddings(study)}
        if not paths:
            nothing_stored(study, "No coordinates are kept for this data set yet.", "embed")
            return
        titles = {name: _title(path) for name, path in paths.items()}
        name = linked_selectbox(
            "Compare",
            list(paths),
            key="pair",
            default=next(iter(paths)),
            format_func=titles.__getitem__,
        )
        found = _embedding(study, paths[name])
        show_maps(study, found)
        _measures(study, found)


def _title(path: Path) -> str:
    record = read_json(path.with_suffix(".json"))
    before, after = (
        f"{record['titles'][side]} ({record[side]['run']})" for side in ("before", "after")
    )
    return f"{before} → {after}, split {record['settings']['split']}"


def _embedding(study: Study, path: Path) -> Embedding:
    sidecar = path.with_suffix(".json")
    stamp = version(path, sidecar, study.path / "manifest.parquet")
    return _read(str(path), stamp, study)


@st.cache_resource(max_entries=8, ttl="1h", show_spinner="Reading the coordinates …")
def _read(path: str, stamp: tuple[int, ...], _study: Study) -> Embedding:
    return load_embedding(_study, Path(path))


def _measures(study: Study, found: Embedding) -> None:
    from analysis.figures_separation import describe_separation, separation_figure
    from analysis.separation_study import load_separation, stored_separations

    st.subheader("How the features are organised", anchor=False)
    wanted = (found.before, found.after, found.record["settings"]["split"])
    for path in stored_separations(study):
        if _compared(path) == wanted:
            measured = load_separation(study, path)
            titles = (found.record["titles"]["before"], found.record["titles"]["after"])
            st.plotly_chart(
                separation_figure(measured.frame, titles=titles, ink=layout.ink()),
                key="separation",
                config={"displayModeBar": False},
                alt=describe_separation(measured.frame),
            )
            st.caption(
                f"Measured in the full feature space, not on the map, over "
                f"{measured.record['n_measured']:,} subjects, with 95% intervals; the grey line "
                "is chance. Fewer neighbours of the same scene with as many of the same emotion "
                "is what an intervention should bring."
            )
            return
    nothing_stored(study, "The measures of this pair are not kept yet.", "embed")


def _compared(path: Path) -> tuple[Side, Side, str]:
    record = read_json(path)
    return Side(**record["before"]), Side(**record["after"]), record["split"]


main()
