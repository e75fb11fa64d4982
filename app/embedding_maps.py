"""Both maps of the Embeddings page: a lasso on either greys the rest on both, and fills a gallery.

The browser greys the map that is drawn on; then both figures say who is in colour, and a new
`selectionrevision` tells the browser to forget what it had greyed itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from analysis.bias_text import readable_scene
from analysis.embeddings import Embedding
from analysis.figures_embeddings import COLOUR_BY, describe_embedding
from analysis.figures_maps import map_figure, map_legend
from app import layout, study_cache
from app.gallery import PictureOf, show_pictures
from app.links import linked_selectbox
from app.map_events import report_choices, show_hover_pictures
from app.stored import version
from ccim_core.study import Study

__all__ = ["show_maps"]

SIDES = {"before": "P(Y|X)", "after": "P(Y|do(X))"}
MAX_PICTURES = 12
MANY = 10_000
"""More points than this overlap anyway: they are drawn with a quarter of the pixels."""

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "scrollZoom": True,
    # Named one by one: Streamlit leaves out the lasso where it does not itself report selections.
    "modeBarButtons": [
        ["lasso2d", "select2d", "pan2d", "zoom2d"],
        ["zoomIn2d", "zoomOut2d", "resetScale2d"],
    ],
}


@dataclass
class Choice:
    """Who is chosen on the maps of one embedding (`shown`: its file and colours).

    revision: how often that changed.
    """

    shown: tuple[str, str]
    chosen: frozenset[str] = frozenset()
    revision: int = 0

    def take(self, chosen: frozenset[str]) -> None:
        """Someone was chosen on either side, or nobody any more."""
        self.chosen = chosen
        self.revision += 1

    def clear(self) -> None:
        """Nobody is chosen any more."""
        self.take(frozenset())

    def show(self, shown: tuple[str, str]) -> None:
        """People stay chosen in other colours, not on another embedding."""
        self.take(self.chosen if shown[0] == self.shown[0] else frozenset())
        self.shown = shown


@st.fragment
def show_maps(study: Study, found: Embedding) -> None:
    """Colours, both maps, and the chosen people's pictures."""
    frame = found.frame
    known = [name for name in COLOUR_BY if name in frame and frame[name].notna().any()]
    with st.container(width=420):
        colour = linked_selectbox(
            "Colour by", known, key="colour", default="emotion", format_func=COLOUR_BY.__getitem__
        )
    choice = _choice(found, colour)
    titles = {side: found.record["titles"][side] for side in SIDES}
    alternative = describe_embedding(frame, (titles["before"], titles["after"]))
    many = found.record["n_points"] > MANY
    with st.container(key="maps"):
        for side, column in zip(SIDES, st.columns(2, gap="small"), strict=True):
            with column:
                st.markdown(f"**{SIDES[side]}**: {layout.plain(titles[side])}")
                st.plotly_chart(
                    _side(study, found, colour, side, choice),
                    key=f"map_{side}",
                    config={**CONFIG, "plotGlPixelRatio": 1 if many else 2},
                    alt=alternative,
                )
    st.html(map_legend(frame, colour_by=colour, emotions=study.labels.emotions))
    report_choices(choice.take, maps=".st-key-maps")
    record = found.record
    st.caption(
        f"{record['n_points']:,} of {record['n_subjects']:,} subjects, {record['basis']}; seed "
        f"{record['settings']['seed']}. Distances between far groups mean little."
    )
    pictures = _Pictures(study, found)
    show_hover_pictures(study, pictures.of, maps=".st-key-maps")
    _gallery(study, pictures, choice)


def _choice(found: Embedding, colour: str) -> Choice:
    shown = (str(found.path), colour)
    choice: Choice = st.session_state.setdefault("map_choice", Choice(shown))
    if choice.shown != shown:
        choice.show(shown)
    return choice


def _side(study: Study, found: Embedding, colour: str, side: str, choice: Choice) -> go.Figure:
    emotions, ink = study.labels.emotions, layout.ink()
    if not choice.chosen:
        stamp = version(found.path, study.path / "manifest.parquet")
        return _plain(str(found.path), stamp, colour, ink, side, emotions, found.frame)
    figure = map_figure(
        found.frame,
        side=side,
        colour_by=colour,
        emotions=emotions,
        highlight=choice.chosen,
        ink=ink,
    )
    return figure.update_layout(selectionrevision=choice.revision)


@st.cache_resource(max_entries=48, ttl="1h", show_spinner=False)
def _plain(
    path: str,
    stamp: tuple[int, ...],
    colour: str,
    ink: str,
    side: str,
    emotions: tuple[str, ...],
    _frame: pd.DataFrame,
) -> go.Figure:
    """One side with nothing chosen: thousands of points take longer to lay out than to send."""
    return map_figure(_frame, side=side, colour_by=colour, emotions=emotions, ink=ink)


@dataclass(frozen=True)
class _Pictures:
    """Subjects' pictures, with what each side reads from them."""

    study: Study
    found: Embedding

    def of(self, sample_id: str) -> PictureOf | None:
        """One subject's; None for a subject of another study."""
        return next(iter(self.of_many(frozenset({sample_id}))), None)

    def of_many(self, wanted: frozenset[str], most: int = MAX_PICTURES) -> list[PictureOf]:
        """Some subjects', in the order of the embedding."""
        frame = self.found.frame[self.found.frame["sample_id"].astype(str).isin(wanted)]
        before = frame[frame["side"] == "before"].head(most)
        after = frame[frame["side"] == "after"].set_index("sample_id")["predicted"]
        images = self._images()
        return [
            PictureOf(
                image=str(images[str(row["sample_id"])]),
                alternative=_who(row),
                caption=f"{_who(row)}, read as {_read_as(row['predicted'])} → "
                f"{_read_as(after[row['sample_id']])}",
            )
            for row in before.to_dict("records")
            if str(row["sample_id"]) in images
        ]

    def _images(self) -> pd.Series:
        path = self.study.path / "manifest.parquet"
        split = str(self.found.record["settings"]["split"])
        return _images_of(str(path), version(path), split)


@st.cache_resource(max_entries=8, ttl="1h", show_spinner=False)
def _images_of(path: str, stamp: tuple[int, ...], split: str) -> pd.Series:
    """The picture (values) of each subject (index) of a split."""
    table = study_cache.load_table(Path(path), ("sample_id", "image", "split"))
    if table is None:
        return pd.Series(dtype=object)
    table = table[table["split"].astype(str) == split]
    return table.set_index(table["sample_id"].astype(str))["image"]


def _gallery(study: Study, pictures: _Pictures, choice: Choice) -> None:
    chosen = choice.chosen
    if not chosen:
        st.caption("Rest on a point to see its picture; lasso or click points, on either side.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown(f"**{len(chosen):,} chosen**", width="content")
        st.button("Clear", icon=":material/close:", type="tertiary", on_click=choice.clear)
    show_pictures(study, pictures.of_many(chosen))
    some = f"The first {MAX_PICTURES}. " if len(chosen) > MAX_PICTURES else ""
    st.caption(f"{some}Under each: its label, then what is read before and after.")


def _who(row: Mapping[Hashable, Any]) -> str:
    return f"{row['emotion']} in {readable_scene(str(row['scene']))}"


def _read_as(value: object) -> str:
    return value if isinstance(value, str) else "?"
