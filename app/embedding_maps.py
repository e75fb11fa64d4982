"""The Embeddings page's maps: a lasso on either greys the rest on both, and fills a gallery."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from analysis.bias_text import readable_scene
from analysis.embeddings import Embedding
from analysis.figures_embeddings import COLOUR_BY, describe_embedding
from analysis.figures_maps import map_figure, map_legend
from app import layout, study_cache
from app.gallery import PictureOf, show_pictures
from app.hover_pictures import show_hover_pictures
from app.links import linked_selectbox
from app.point_maps import show_point_maps
from app.stored import version
from ccim_core.study import Study

__all__ = ["show_maps"]

SIDES = {"before": "P(Y|X)", "after": "P(Y|do(X))"}
MAX_PICTURES = 12
MANY = 5_000
"""More points than this overlap anyway: they are drawn with a quarter of the pixels."""


@dataclass
class Choice:
    """Who is chosen on the maps of one embedding (`shown`: its file)."""

    shown: str
    chosen: frozenset[str] = frozenset()

    def take(self, chosen: frozenset[str]) -> None:
        """Someone was chosen on either side, or nobody any more."""
        self.chosen = chosen

    def clear(self) -> None:
        """Nobody is chosen any more."""
        self.chosen = frozenset()


@st.fragment
def show_maps(study: Study, found: Embedding) -> None:
    """Colours, both maps, and the chosen people's pictures."""
    frame = found.frame
    known = [name for name in COLOUR_BY if name in frame and frame[name].notna().any()]
    with st.container(width=420):
        colour = linked_selectbox(
            "Colour by", known, key="colour", default="emotion", format_func=COLOUR_BY.__getitem__
        )
    choice = _choice(found)
    titles = {side: str(found.record["titles"][side]) for side in SIDES}
    stamp = version(found.path, study.path / "manifest.parquet")
    look = (str(found.path), stamp, colour, layout.ink(), study.labels.emotions)
    with st.container(key="maps"):
        show_point_maps(
            {side: _figure(side, *look, frame) for side in SIDES},
            headings={side: (what, titles[side]) for side, what in SIDES.items()},
            alternative=describe_embedding(frame, (titles["before"], titles["after"])),
            chosen=choice.chosen or None,
            take=choice.take,
            sharp=found.record["n_points"] <= MANY,
        )
    st.html(map_legend(frame, colour_by=colour, emotions=study.labels.emotions))
    record = found.record
    st.caption(
        f"{record['n_points']:,} of {record['n_subjects']:,} subjects, {record['basis']}; seed "
        f"{record['settings']['seed']}. Distances between far groups mean little."
    )
    pictures = _Pictures(study, found)
    show_hover_pictures(study, pictures.of, maps=".st-key-maps")
    _gallery(study, pictures, choice)


def _choice(found: Embedding) -> Choice:
    """People stay chosen in other colours, not on another embedding."""
    choice: Choice = st.session_state.setdefault("map_choice", Choice(str(found.path)))
    if choice.shown != str(found.path):
        choice = st.session_state["map_choice"] = Choice(str(found.path))
    return choice


@st.cache_resource(max_entries=48, ttl="1h", show_spinner=False)
def _figure(
    side: str,
    path: str,
    stamp: tuple[int, ...],
    colour: str,
    ink: str,
    emotions: tuple[str, ...],
    _frame: pd.DataFrame,
) -> str:
    """One side as JSON: thousands of points take longer to lay out and write than to send."""
    figure = map_figure(_frame, side=side, colour_by=colour, emotions=emotions, ink=ink)
    return str(figure.to_json(validate=False))


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
