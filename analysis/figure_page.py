"""Figures on one self-contained HTML page: it opens without a network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import plotly.graph_objects as go

from ccim_core.files import write_atomically

__all__ = ["write_page"]

_STYLE = "body{font-family:system-ui,sans-serif;max-width:1200px;margin:1.5rem auto;padding:0 1rem}"


def write_page(
    path: Path, *, title: str, figures: Sequence[go.Figure], notes: Sequence[str] = ()
) -> None:
    """Write the figures below each other, with plotly's code in the page, whole or not at all.

    Args:
        notes: paragraphs above the figures.
    """
    parts = [
        figure.to_html(full_html=False, include_plotlyjs=place == 0)
        for place, figure in enumerate(figures)
    ]
    text = "".join(f"<p>{escape(note)}</p>" for note in notes)
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{text}{''.join(parts)}"
        "</body></html>\n"
    )
    with write_atomically(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
