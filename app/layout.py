"""Pieces that every page shares: header, cards, notes, pictures as data URLs."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import streamlit as st

from analysis.palette import INK
from ccim_core.images import encode_jpeg, shrink_picture

__all__ = [
    "LOGO",
    "cards",
    "data_url",
    "header",
    "ink",
    "logo",
    "plain",
    "responsible_use",
    "style",
    "theme_type",
]

LOGO = Path(__file__).parent / "assets" / "logo.svg"
STYLE = Path(__file__).parent / "style.css"

RESPONSIBLE_USE = (
    "A label is a guess at how a person would look to annotators, not what the person feels. "
    "Do not judge, rank or monitor people by it. The EU AI Act (Art. 5(1)(f)) forbids inferring "
    "emotions at work and in schools; other places have rules of their own."
)


def style() -> None:
    """The app's style sheet, once a page run."""
    st.html(STYLE)


def header(title: str, lead: str) -> None:
    """A page's title and the sentence under it."""
    st.title(title, anchor=False)
    with st.container(key="lead"):
        st.markdown(lead)


def responsible_use() -> None:
    """The note on what predictions are and are not; always in sight in the sidebar."""
    st.markdown("**Responsible use**")
    st.caption(RESPONSIBLE_USE)


def cards(items: Sequence[tuple[str, str, str] | tuple[str, str, str, str]]) -> None:
    """Metric cards: (label, value, help) each, and what is said under it. They wrap when narrow."""
    with st.container(horizontal=True, gap="small"):
        for label, value, help_text, *under in items:
            with st.container(width=164):
                st.metric(
                    label,
                    value,
                    delta=under[0] if under else None,
                    delta_color="off",
                    delta_arrow="off",
                    help=help_text or None,
                    border=True,
                    height="stretch",
                )


def theme_type() -> Literal["light", "dark"]:
    """The visitor's theme, for drawings that cannot follow it by themselves."""
    return "dark" if st.context.theme.get("type") == "dark" else "light"


def ink() -> str:
    """The colour of text in the visitor's theme, for figures."""
    return INK[theme_type()]


def logo() -> None:
    """The mark and the name, at the top of the sidebar."""
    mark = LOGO.read_text(encoding="utf-8").split(">", 1)[1].removesuffix("</svg>\n")
    st.logo(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 64" width="300" height="64">'
        f'{mark}<text x="80" y="42" font-size="29" font-weight="600" fill="{ink()}" '
        "font-family=\"'Source Sans 3','Segoe UI',Helvetica,Arial,sans-serif\">CCIM Studio</text>"
        "</svg>",
        size="large",
        icon_image=str(LOGO),
    )


def data_url(pixels: np.ndarray, longest: int) -> tuple[str, tuple[int, int]]:
    """A reduced copy as a JPEG data URL, with its (width, height) in pixels."""
    small = shrink_picture(pixels, longest)
    content = base64.b64encode(encode_jpeg(small)).decode("ascii")
    return f"data:image/jpeg;base64,{content}", (int(small.shape[1]), int(small.shape[0]))


def plain(text: str) -> str:
    """Escape what Markdown would read as formatting: file names may hold `*`, `_` or `$`."""
    for character in "\\`*_~$[]<>#":
        text = text.replace(character, f"\\{character}")
    return text
