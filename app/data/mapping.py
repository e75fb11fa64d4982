"""Which column of a table is what: guessed from its name, and chosen on the page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.links import kept_input
from ccim_core.datasets.table import KNOWN_COLUMNS
from ccim_core.manifest import BOX_COLUMNS

__all__ = ["choose_columns", "guess_columns"]

NONE = "—"
_BESIDES = ("scene", "source_id")
_TITLES = {
    "image": "Picture file",
    "labels": "Emotions",
    "split": "Split",
    "scene": "Scene (optional)",
    "source_id": "Person or video (optional)",
    "x1": "Box, left",
    "y1": "Box, top",
    "x2": "Box, right",
    "y2": "Box, bottom",
}
_HELP = {
    "image": "Path of the picture, from the folder above.",
    "labels": "One emotion, or several separated by |.",
    "split": "train, val, test.",
    "scene": "What the context-bias pages count by.",
    "source_id": "What must not be in two splits.",
}
_OTHER_NAMES = {
    "image": ("file", "filename", "file_name", "path", "picture", "img", "image_path", "photo"),
    "labels": ("label", "emotion", "emotions", "feeling", "expression", "category", "class"),
    "split": ("set", "subset", "fold", "partition"),
    "scene": ("place", "location", "setting"),
    "source_id": ("person", "person_id", "subject", "subject_id", "video", "identity"),
    "x1": ("xmin", "left", "x_min", "bbox_x1"),
    "y1": ("ymin", "top", "y_min", "bbox_y1"),
    "x2": ("xmax", "right", "x_max", "bbox_x2"),
    "y2": ("ymax", "bottom", "y_max", "bbox_y2"),
}


def guess_columns(columns: Sequence[str]) -> dict[str, str]:
    """Our name → the table's column that means it by its name, for those that are found."""
    by_name = {str(column).strip().lower(): str(column) for column in reversed(columns)}
    guesses = {}
    for ours, others in _OTHER_NAMES.items():
        found = [by_name[name] for name in (ours, *others) if name in by_name]
        if found:
            guesses[ours] = found[0]
    return guesses


def choose_columns(columns: Sequence[str], *, split: bool, boxes: bool, key: str) -> dict[str, str]:
    """Select boxes for the columns that are needed; our name → the table's, those chosen.

    split, boxes: whether the table is to have them. Columns of our own names that are not asked
    for (a face's box, valence, …) are taken as they are, and so are splits to be discarded, which
    the check then counts.
    """
    guesses = guess_columns(columns)
    asked = ["image", "labels", *(["split"] if split else []), *_BESIDES]
    chosen = _selects(asked, columns, guesses, key)
    if boxes:
        chosen |= _selects(list(BOX_COLUMNS), columns, guesses, key)
    kept = [str(name) for name in columns if name in KNOWN_COLUMNS and name not in _TITLES]
    discarded = {"split": guesses["split"]} if not split and "split" in guesses else {}
    return {**{name: name for name in kept}, **discarded, **chosen}


def _selects(
    asked: Sequence[str], columns: Sequence[str], guesses: dict[str, str], key: str
) -> dict[str, str]:
    chosen = {}
    options = [NONE, *(str(column) for column in columns)]
    for start in range(0, len(asked), 3):
        row = asked[start : start + 3]
        for place, ours in zip(st.columns(3), row, strict=False):
            with place:
                theirs = kept_input(
                    st.selectbox,
                    _TITLES[ours],
                    key=f"{key}_{ours}",
                    default=guesses.get(ours, NONE),
                    options=options,
                    help=_HELP.get(ours),
                )
            if theirs != NONE:
                chosen[ours] = theirs
    return chosen
