"""What happens on a page's maps, in the browser: who is chosen, and who is under the mouse.

Plotly's own hover boxes hold text alone, and a chart whose selections Streamlit reports is made
anew whenever its figure changes: WebGL starts again, and zoom is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app.gallery import PictureOf, thumbnail
from ccim_core.errors import InputError
from ccim_core.study import Study

__all__ = ["report_choices", "show_hover_pictures"]

SCRIPT = Path(__file__).with_suffix(".js")
CHOICE, PICTURE = "map_choices", "hover_picture"

_component = st.components.v2.component(
    "map_events", js=SCRIPT.read_text(encoding="utf-8"), isolate_styles=False
)


def report_choices(take: Callable[[frozenset[str]], None], *, maps: str) -> None:
    """Report lassos, boxes and clicks on the charts inside `maps`, a CSS selector.

    Args:
        take: called with the first of the `customdata` of those who are chosen on one of them;
            with nobody where a choice was undone.
    """

    def note() -> None:
        take(frozenset(str(one) for one in st.session_state[CHOICE]["chosen"]))

    _component(key=CHOICE, data={"pictures": False, "maps": maps}, on_chosen_change=note)


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
        key=PICTURE,
        data={
            "pictures": True,
            "id": asked,
            "url": url,
            "caption": caption,
            "maps": maps,
            "study": study.path.name,
        },
        on_asked_change=_note_asked,
    )


def _note_asked() -> None:
    st.session_state["hover_asked"] = st.session_state[PICTURE]["asked"]
