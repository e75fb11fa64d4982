"""Embeddings: joint features under P(Y|X) beside the same subjects under P(Y|do(X))."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from analysis.embedding_sources import Side
from analysis.embeddings import Embedding, load_embedding, stored_embeddings
from analysis.figures_embeddings import COLOUR_BY, describe_embedding, embedding_figure
from app import layout, study_cache
from app.errors import shown_errors
from app.gallery import PictureOf, show_pictures
from app.links import linked_selectbox
from app.stored import nothing_stored, require_study, version
from ccim_core.files import read_json
from ccim_core.study import Study

LEAD = (
    "Each point is a person. Left, the features that answer P(Y|X); right, the same people once "
    "the context is intervened on. Lasso some on one side to find them on the other."
)
SIDES = {"before": "P(Y|X), left", "after": "P(Y|do(X)), right"}
MAX_PICTURES = 12
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "scrollZoom": True,
    "modeBarButtonsToRemove": ["toImage"],
}


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
        _maps(study, found)
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


@st.fragment
def _maps(study: Study, found: Embedding) -> None:
    frame = found.frame
    known = [name for name in COLOUR_BY if name in frame and frame[name].notna().any()]
    left, right = st.columns(2)
    with left:
        colour = linked_selectbox(
            "Colour by", known, key="colour", default="emotion", format_func=COLOUR_BY.__getitem__
        )
    with right:
        active = linked_selectbox(
            "Lasso on", list(SIDES), key="lasso", default="before", format_func=SIDES.__getitem__
        )
    titles = {side: found.record["titles"][side] for side in SIDES}
    columns = dict(zip(SIDES, st.columns(2, gap="small"), strict=True))
    alternative = describe_embedding(frame, (titles["before"], titles["after"]))
    emotions, ink = study.labels.emotions, layout.ink()
    key = (str(found.path), version(found.path, study.path / "manifest.parquet"), colour, ink)
    with columns[active]:
        st.markdown(f"**{SIDES[active].split(',')[0]}**: {titles[active]}")
        # What is chosen must not change this figure: a changed figure loses its selection.
        event = st.plotly_chart(
            _figure(*key, active, emotions, frame),
            key=f"map_{found.path.stem}_{active}_{colour}",
            on_select="rerun",
            selection_mode=("lasso", "box", "points"),
            config=CONFIG,
            alt=alternative,
        )
    chosen = {str(point["customdata"][0]) for point in event["selection"]["points"]}
    other = next(side for side in SIDES if side != active)
    with columns[other]:
        st.markdown(f"**{SIDES[other].split(',')[0]}**: {titles[other]}")
        follower = _figure(*key, other, emotions, frame)
        if chosen:
            follower = embedding_figure(
                frame,
                side=other,
                colour_by=colour,
                emotions=emotions,
                highlight=chosen,
                ink=ink,
            )
        st.plotly_chart(
            follower,
            key=f"map_{found.path.stem}_{other}_{colour}_follower",
            config=CONFIG,
            alt=alternative,
        )
    record = found.record
    st.caption(
        f"{record['n_points']:,} of {record['n_subjects']:,} subjects, {record['basis']}; seed "
        f"{record['settings']['seed']}. Distances between far groups mean little."
    )
    _gallery(study, found, chosen)


@st.cache_resource(max_entries=48, ttl="1h", show_spinner=False)
def _figure(
    path: str,
    stamp: tuple[int, ...],
    colour: str,
    ink: str,
    side: str,
    emotions: tuple[str, ...],
    _frame: pd.DataFrame,
) -> go.Figure:
    """One side with nothing chosen: thousands of points take longer to lay out than to send."""
    return embedding_figure(_frame, side=side, colour_by=colour, emotions=emotions, ink=ink)


def _gallery(study: Study, found: Embedding, chosen: set[str]) -> None:
    """Pictures of the chosen subjects, with what each side reads from them."""
    table = study_cache.load_table(study.path / "manifest.parquet", ("sample_id", "image", "split"))
    if not chosen or table is None:
        st.caption("Lasso or click points to see their pictures.")
        return
    table = table[table["split"].astype(str) == found.record["settings"]["split"]]
    images = table.set_index(table["sample_id"].astype(str))["image"]
    frame = found.frame[found.frame["sample_id"].astype(str).isin(chosen)]
    before = frame[frame["side"] == "before"]
    after = frame[frame["side"] == "after"].set_index("sample_id")["predicted"]
    st.markdown(f"**{len(chosen):,} chosen**")
    show_pictures(
        study,
        [
            PictureOf(
                image=str(images[str(row["sample_id"])]),
                alternative=f"{row['emotion']} in {row['scene']}",
                caption=f"{row['emotion']}: {_read_as(row['predicted'])} → "
                f"{_read_as(after[row['sample_id']])}",
            )
            for row in before.head(MAX_PICTURES).to_dict("records")
        ],
    )
    some = f"The first {MAX_PICTURES}. " if len(before) > MAX_PICTURES else ""
    st.caption(f"{some}Under each: its label, then what is read before and after.")


def _read_as(value: object) -> str:
    return value if isinstance(value, str) else "?"


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
