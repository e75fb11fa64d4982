"""The picture of the point under the mouse: Plotly's own hover boxes hold text alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app.gallery import PictureOf, thumbnail
from ccim_core.errors import InputError
from ccim_core.study import Study

__all__ = ["show_hover_pictures"]

SCRIPT = Path(__file__).with_suffix(".js")
KEY = "hover_picture"

_component = st.components.v2.component(
    "hover_pictures", js=SCRIPT.read_text(encoding="utf-8"), isolate_styles=False
)


@st.fragment
def show_hover_pictures(
    study: Study, picture_of: Callable[[str], PictureOf | None], *, maps: str
) -> None:
    """Pictures for the charts inside `maps`, a CSS selector.

    Args:
        picture_of: the picture of a point by the first of its `customdata`; None for another
            study's.
    """
    asked: str | None = st.session_state.get("hover_asked")
    picture = picture_of(asked) if asked is not None else None
    url = caption = ""
    if picture is not None:
        caption = picture.caption
        try:
            url = thumbnail(study, picture.image)
        except InputError:
            url = ""  # the gallery counts and tells of pictures that are not there
    _component(
        key=KEY,
        data={
            "id": asked,
            "url": url,
            "caption": caption,
            "maps": maps,
            "study": study.path.name,
        },
        on_asked_change=_note_asked,
    )


def _note_asked() -> None:
    st.session_state["hover_asked"] = st.session_state[KEY]["asked"]
