"""Figures and tables on one self-contained HTML page: it opens without a network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analysis.palette import GRID, INK, MUTED, template
from ccim_core.environment import describe_environment
from ccim_core.files import write_atomically

__all__ = [
    "STYLE",
    "Card",
    "Once",
    "Picture",
    "Section",
    "card_html",
    "made_by",
    "rich_text",
    "section_html",
    "settings_html",
    "table_html",
    "write_page",
]

_CONFIG = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["lasso2d"]}
_ACCENT = "#0072B2"
STYLE = f"""
:root {{ color-scheme: light; }}
body {{ font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  color: {INK["light"]}; background: #fff; max-width: 1120px; margin: 2rem auto 3rem;
  padding: 0 1.25rem; }}
h1 {{ font-size: 1.9rem; letter-spacing: -0.015em; line-height: 1.2; margin: 0 0 .6rem; }}
h2 {{ font-size: 1.2rem; margin: 2.4rem 0 .3rem; }}
p {{ margin: .4rem 0; max-width: 56rem; }}
.lead {{ font-size: 1.08rem; }}
.caption {{ color: #4A5A63; font-size: .93rem; }}
.cards {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: .8rem;
  margin: 1.3rem 0 .4rem; }}
.card {{ border: 1px solid {GRID["light"]}; border-radius: 10px; padding: .75rem .95rem; }}
.card b {{ display: block; font-size: 1.45rem; font-weight: 600; line-height: 1.25; }}
.card span {{ color: #4A5A63; font-size: .86rem; }}
/* A path has no spaces to break at; the cells of a table scroll instead. */
body {{ overflow-wrap: anywhere; }}
table {{ overflow-wrap: normal; }}
.scroll {{ overflow-x: auto; margin: .8rem 0; }}
table {{ border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .32rem .8rem .32rem 0; text-align: right; white-space: nowrap;
  border-bottom: 1px solid {GRID["light"]}; }}
th {{ font-weight: 600; border-bottom-color: {MUTED}; }}
th:first-child, td:first-child, td.text, th.text {{ text-align: left; }}
h3 {{ font-size: 1.02rem; margin: 0; }}
.tiles {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr));
  gap: 1rem; margin: 1rem 0; }}
.tiles > section {{ border: 1px solid {GRID["light"]}; border-radius: 10px; padding: .8rem 1rem;
  min-width: 0; }}
.pictures {{ display: flex; flex-wrap: wrap; gap: .4rem; margin-top: .4rem; }}
.pictures img {{ width: 84px; height: 84px; object-fit: cover; border-radius: 6px; }}
details {{ margin-top: 1.6rem; border-top: 1px solid {GRID["light"]}; padding-top: .8rem; }}
summary {{ cursor: pointer; color: {_ACCENT}; }}
ul {{ padding-left: 1.2rem; max-width: 56rem; }}
footer {{ margin-top: 2.2rem; color: #5B6B74; font-size: .84rem; }}
"""


@dataclass(frozen=True, kw_only=True)
class Card:
    """A number that the page opens with: what it is, its value, and a line below it."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture in the page itself: its data URL and its text alternative."""

    url: str
    alternative: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Section:
    """A part of the page: a title, words, and what they are about.

    Points of a list, a figure, a table of texts and numbers, small pictures in a row, and `tiles`:
    parts of this part, side by side. With `folded`, words to click on, the table is hidden first.
    """

    title: str
    caption: str = ""
    points: Sequence[str] = ()
    figure: go.Figure | None = None
    table: pd.DataFrame | None = None
    pictures: Sequence[Picture] = ()
    tiles: Sequence[Section] = ()
    folded: str = ""


def write_page(
    path: Path,
    *,
    title: str,
    figures: Sequence[go.Figure] = (),
    notes: Sequence[str] = (),
    lead: Sequence[str] = (),
    cards: Sequence[Card] = (),
    sections: Sequence[Section] = (),
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write a page with plotly's code in it, whole or not at all.

    Args:
        figures: figures without words, below the sections.
        notes: what could not be computed, and the like, as a list.
        lead: paragraphs above everything; `**bold**` is understood.
        settings: choices that the numbers depend on, shown folded.
    """
    parts = [f'<p class="lead">{rich_text(text)}</p>' for text in lead]
    if cards:
        parts.append(f'<div class="cards">{"".join(map(card_html, cards))}</div>')
    is_first = Once()
    for section in (*sections, *(Section(title="", figure=figure) for figure in figures)):
        parts.append(section_html(section, is_first))
    if notes:
        items = "".join(f"<li>{rich_text(note)}</li>" for note in notes)
        parts.append(f"<h2>Notes</h2><ul>{items}</ul>")
    if settings:
        parts.append(settings_html(settings))
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1>{''.join(parts)}<footer>{escape(made_by())}</footer>"
        "</body></html>\n"
    )
    with write_atomically(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


class Once:
    """True on the first call alone: plotly's code goes with a page's first figure."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        first, self.asked = not self.asked, True
        return first


def section_html(section: Section, is_first: Once, *, heading: str = "h2") -> str:
    """A section's HTML; `is_first` is shared by all sections of a page."""
    parts = [f"<{heading}>{escape(section.title)}</{heading}>"] if section.title else []
    if section.caption:
        parts.append(f'<p class="caption">{rich_text(section.caption)}</p>')
    if section.points:
        parts.append(f"<ul>{''.join(f'<li>{rich_text(one)}</li>' for one in section.points)}</ul>")
    if section.figure is not None:
        section.figure.update_layout(template=template())
        parts.append(
            section.figure.to_html(full_html=False, include_plotlyjs=is_first(), config=_CONFIG)
        )
    if section.pictures:
        shown = "".join(
            f'<img src="{escape(one.url)}" alt="{escape(one.alternative)}">'
            for one in section.pictures
        )
        parts.append(f'<div class="pictures">{shown}</div>')
    if section.table is not None:
        table = f'<div class="scroll">{table_html(section.table)}</div>'
        if section.folded:
            table = f"<details><summary>{escape(section.folded)}</summary>{table}</details>"
        parts.append(table)
    if section.tiles:
        tiles = "".join(
            section_html(tile, is_first, heading="h4" if heading == "h3" else "h3")
            for tile in section.tiles
        )
        parts.append(f'<div class="tiles">{tiles}</div>')
    return f"<section>{''.join(parts)}</section>"


def card_html(card: Card) -> str:
    """A card's HTML."""
    note = f"<span>{escape(card.note)}</span>" if card.note else ""
    return (
        f'<div class="card"><span>{escape(card.label)}</span><b>{escape(card.value)}</b>{note}'
        "</div>"
    )


def table_html(table: pd.DataFrame) -> str:
    """Columns of text to the left, numbers (and texts made of them) to the right."""
    texts = {
        name
        for name in table.columns
        if not pd.api.types.is_numeric_dtype(table[name])
        and not table[name].astype(str).str.match(r"^[\[–−+\-.\d]|^$").all()
    }
    head = "".join(_cell("th", name, name in texts) for name in table.columns)
    body = "".join(
        f"<tr>{''.join(_cell('td', v, n in texts) for n, v in row.items())}</tr>"
        for row in table.to_dict("records")
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(tag: str, value: Any, is_text: bool) -> str:
    kind = ' class="text"' if is_text else ""
    return f"<{tag}{kind}>{escape(str(value))}</{tag}>"


def settings_html(settings: Mapping[str, Any]) -> str:
    """A folded table of settings."""
    frame = pd.DataFrame(
        {
            "setting": [name.replace("_", " ") for name in settings],
            "value": ["all" if value is None else str(value) for value in settings.values()],
        }
    )
    return f"<details><summary>Settings</summary>{table_html(frame)}</details>"


def made_by() -> str:
    """Versions that made the page."""
    made = describe_environment(device="cpu")
    packages = made.get("packages", {})
    versions = ", ".join(
        f"{name} {packages[name]}" for name in ("numpy", "scipy") if name in packages
    )
    commit = made.get("commit")
    return " · ".join(
        part
        for part in ("CCIM Studio", f"commit {commit[:12]}" if commit else "", versions)
        if part
    )


def rich_text(text: str) -> str:
    """Escaped, with `**bold**` and `code` marked."""
    marked = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text))
    return re.sub(r"`(.+?)`", r"<code>\1</code>", marked)
