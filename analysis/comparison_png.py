"""One comparison as a PNG to show to others: the picture with its subject, the bars, the source.

Drawn with Pillow, so that it needs no browser on the server (plotly's own export does), and with
the font that Pillow carries, so that it looks alike everywhere. That font knows ASCII: other
characters lose their accents, and arrows are drawn.
"""

from __future__ import annotations

import io
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence

import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from analysis.figures_prediction import unit_of
from ccim_core.images import Box, Picture, shrink_picture

__all__ = ["comparison_png"]

WIDTH = 1200
MARGIN = 36
PICTURE_SIDE = 430
ROW = 46
BAR = 15
BARS_FROM = MARGIN + PICTURE_SIDE + 40
NAMES_WIDTH = 130
CHANGES_WIDTH = 110
VALUES_WIDTH = 62
MAX_ROWS = 10
INK, SOFT, BOX = (28, 43, 51), (96, 110, 118), (242, 178, 77)


def comparison_png(
    picture: Picture,
    box: Box,
    frame: pd.DataFrame,
    *,
    before: str,
    after: str,
    colours: Mapping[str, str],
    link: str,
    notes: Sequence[str] = (),
) -> bytes:
    """The bytes of a PNG of 1200 pixels' width, on white.

    Args:
        picture: (H, W, 3) uint8.
        box: the subject's, in the picture's pixels.
        frame: emotion, before, after, change (`prediction_tables.comparison_table`), in the order
            of the bars; the first ten are drawn.
        before, after: titles of the two estimates.
        colours: emotion to "#rrggbb".
        link: "identity" for scores; otherwise values are shown as percentages.
        notes: lines below: which runs, which data, what such a reading is not.
    """
    rows = frame.head(MAX_ROWS)
    small = shrink_picture(picture, PICTURE_SIDE)
    body = max(small.shape[0], ROW * len(rows) + 92)
    lines = [line for note in notes for line in textwrap.wrap(_plain(note), 132)]
    page = Image.new("RGB", (WIDTH, 2 * MARGIN + body + 26 + 21 * len(lines)), "white")
    draw = ImageDraw.Draw(page)
    page.paste(Image.fromarray(small), (MARGIN, MARGIN))
    scale = small.shape[1] / picture.shape[1]
    corners = [MARGIN + value * scale for value in box]
    draw.rectangle(corners, outline=(0, 0, 0), width=6)
    draw.rectangle([c + d for c, d in zip(corners, (1, 1, -1, -1), strict=True)], None, BOX, 4)
    _legend(draw, before, after)
    _bars(draw, rows, colours, link)
    for i, line in enumerate(lines):
        draw.text((MARGIN, MARGIN + body + 26 + 21 * i), line, SOFT, _font(15))
    stream = io.BytesIO()
    page.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _plain(text: str) -> str:
    """What the font can write: accents are dropped, and "?" stands for what has no such form."""
    for mark, stand_in in (("–", "-"), ("—", "-"), ("−", "-"), ("→", "to"), ("×", "x"), ("·", "-")):
        text = text.replace(mark, stand_in)
    bare = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text)
        if not unicodedata.combining(letter)
    )
    return bare.encode("ascii", "replace").decode("ascii")


def _legend(draw: ImageDraw.ImageDraw, before: str, after: str) -> None:
    y = MARGIN
    for title, solid in ((before, False), (after, True)):
        draw.rectangle(
            (BARS_FROM, y + 3, BARS_FROM + 26, y + 3 + BAR),
            fill=SOFT if solid else (245, 245, 245),
            outline=SOFT,
            width=2,
        )
        draw.text((BARS_FROM + 36, y), _plain(title), INK, _font(18))
        y += 28


def _bars(
    draw: ImageDraw.ImageDraw, rows: pd.DataFrame, colours: Mapping[str, str], link: str
) -> None:
    factor, suffix, change_suffix = unit_of(link)
    digits = 2 if link == "identity" else 1
    start = BARS_FROM + NAMES_WIDTH
    room = WIDTH - MARGIN - CHANGES_WIDTH - VALUES_WIDTH - start
    top = max(float(rows[["before", "after"]].max().max()), 1e-12)
    y = MARGIN + 76
    for row in rows.to_dict("records"):
        colour = colours[row["emotion"]]
        draw.text((start - 10, y + BAR), _plain(row["emotion"])[:16], INK, _font(18), anchor="rm")
        for role, offset in (("before", 0), ("after", BAR + 1)):
            length = max(2.0, room * max(0.0, row[role]) / top)
            draw.rectangle(
                (start, y + offset, start + length, y + offset + BAR - 1),
                fill=colour if role == "after" else (245, 245, 245),
                outline=colour,
                width=2,
            )
            draw.text(
                (start + length + 6, y + offset + BAR / 2),
                f"{row[role] * factor:.{digits}f}{suffix}",
                INK,
                _font(14),
                anchor="lm",
            )
        _change(draw, row["change"] * factor, digits, change_suffix, y + BAR)
        y += ROW


def _change(
    draw: ImageDraw.ImageDraw, change: float, digits: int, suffix: str, middle: float
) -> None:
    """The change at the right edge, with a triangle that points where it went."""
    text = f"{abs(change):.{digits}f}{suffix}"
    right = WIDTH - MARGIN
    if float(f"{change:.{digits}f}") == 0:
        draw.text((right, middle), f"±0{suffix}", SOFT, _font(18), anchor="rm")
        return
    draw.text((right, middle), text, INK, _font(18), anchor="rm")
    x = right - draw.textlength(text, _font(18)) - 14
    rise = 5 if change > 0 else -5
    draw.polygon([(x - 6, middle + rise), (x + 6, middle + rise), (x, middle - rise)], INK)
