"""A report as one HTML file: chapters with a table of contents, readable offline and on paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from analysis.figure_page import (
    STYLE,
    Card,
    Once,
    Section,
    card_html,
    made_by,
    rich_text,
    section_html,
)
from analysis.palette import GRID
from ccim_core.errors import InputError
from ccim_core.files import write_atomically

__all__ = ["LIMIT_BYTES", "Chapter", "write_report_page"]

LIMIT_BYTES = 15_000_000
"""Larger than this a page is slow to open and to send."""

_STYLE = f"""
html {{ scroll-behavior: smooth; }}
body {{ max-width: 1380px; display: grid; grid-template-columns: 190px minmax(0, 1fr);
  column-gap: 2.6rem; margin-top: 0; }}
header {{ grid-column: 1 / -1; padding: 2.2rem 0 1.3rem; border-bottom: 1px solid {GRID["light"]};
  margin-bottom: 1.6rem; }}
header h1 {{ font-size: 2.2rem; margin: 0 0 .35rem; }}
header p {{ color: #4A5A63; margin: 0; max-width: 60rem; }}
nav {{ position: sticky; top: 1.2rem; align-self: start; font-size: .93rem; }}
nav a {{ display: block; color: #4A5A63; text-decoration: none; padding: .3rem 0 .3rem .75rem;
  border-left: 2px solid {GRID["light"]}; }}
nav a:hover, nav a:focus-visible {{ color: #0072B2; border-left-color: #0072B2; }}
main > section {{ margin-bottom: 3.4rem; scroll-margin-top: 1rem; }}
main > section > h2 {{ font-size: 1.55rem; letter-spacing: -0.01em; margin: 0 0 .5rem; }}
main h3 {{ font-size: 1.1rem; margin: 2rem 0 .2rem; }}
main h4 {{ font-size: 1rem; margin: 0; }}
/* A chart redraws only after its card has shrunk: until then it must not widen the page. */
.plotly-graph-div {{ max-width: 100%; overflow: hidden; }}
main details {{ border-top: 0; margin-top: .6rem; padding-top: 0; }}
code {{ font-size: .9em; }}
footer {{ grid-column: 2; padding-bottom: 2rem; }}
@media (max-width: 900px) {{
  body {{ display: block; }}
  nav {{ position: static; display: flex; flex-wrap: wrap; gap: .2rem .9rem;
    margin-bottom: 1.5rem; }}
  nav a {{ border-left: 0; padding: 0; }}
}}
@media print {{
  nav {{ display: none; }}
  body {{ display: block; font-size: 12px; }}
  section {{ break-inside: avoid-page; }}
}}
"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chapter:
    """A chapter: paragraphs, cards, sections, and notes at its end. `**bold**` is understood."""

    title: str
    lead: Sequence[str] = ()
    cards: Sequence[Card] = ()
    sections: Sequence[Section] = ()
    notes: Sequence[str] = ()

    @property
    def anchor(self) -> str:
        """Where links lead."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


def write_report_page(path: Path, *, title: str, subtitle: str, chapters: Sequence[Chapter]) -> int:
    """Write the page with plotly's code in it once, whole or not at all. Returns its bytes.

    Raises InputError for a page of more than `LIMIT_BYTES`.
    """
    is_first = Once()
    links = "".join(f'<a href="#{one.anchor}">{escape(one.title)}</a>' for one in chapters)
    body = "".join(_chapter(one, is_first) for one in chapters)
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{_STYLE}</style></head><body>"
        f"<header><h1>{escape(title)}</h1><p>{rich_text(subtitle)}</p></header>"
        f'<nav aria-label="Contents">{links}</nav><main>{body}</main>'
        f"<footer>{escape(made_by())}</footer></body></html>\n"
    )
    content = page.encode("utf-8")
    if len(content) > LIMIT_BYTES:
        raise InputError(
            f"Expected a report under {LIMIT_BYTES / 1e6:.0f} MB, got {len(content) / 1e6:.1f} MB; "
            "leave the pictures out with --no-pictures."
        )
    with write_atomically(path) as temporary:
        temporary.write_bytes(content)
    return len(content)


def _chapter(chapter: Chapter, is_first: Once) -> str:
    parts = [f"<h2>{escape(chapter.title)}</h2>"]
    parts += [f'<p class="lead">{rich_text(text)}</p>' for text in chapter.lead]
    if chapter.cards:
        parts.append(f'<div class="cards">{"".join(map(card_html, chapter.cards))}</div>')
    parts += [section_html(one, is_first, heading="h3") for one in chapter.sections]
    if chapter.notes:
        items = "".join(f"<li>{rich_text(note)}</li>" for note in chapter.notes)
        parts.append(f"<h3>Notes</h3><ul>{items}</ul>")
    return f'<section id="{chapter.anchor}">{"".join(parts)}</section>'
