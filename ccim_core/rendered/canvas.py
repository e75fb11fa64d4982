"""Painting: anti-aliased shapes, soft shading and exact coverage over a part of a picture.

Shapes are given in fractions of the picture's side. A `Canvas` holds a region of the picture
enlarged by a whole factor; folding it back averages each block, so that untouched pixels keep
their exact value and edges come out smooth. Shading stretches soft tiles of alpha over shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from ccim_core.rendered.colours import Colour
from ccim_core.rendered.curves import Points

_TILE = 72
_CLEAR = 0.375  # the share of the tiles "left" and "right" that shades nothing


@lru_cache(maxsize=16)
def _tile(kind: str) -> Image.Image:
    """A cached grey tile of soft alpha, stretched over a shape when it is shaded."""
    axis = (np.arange(_TILE) + 0.5) / _TILE * 2 - 1
    x, y = np.meshgrid(axis, axis)
    if kind == "glow":
        alpha = np.clip(1 - (x**2 + y**2), 0, 1) ** 2
    elif kind == "down":
        alpha = (y + 1) / 2
    elif kind == "up":
        alpha = (1 - y) / 2
    elif kind == "right":
        alpha = np.clip((x + 0.25) / 1.25, 0, 1) ** 1.3
    elif kind == "left":
        alpha = np.clip((0.25 - x) / 1.25, 0, 1) ** 1.3
    elif kind in ("ball_right", "ball_left"):
        # A ball lit from the other side and from above: its shadow gathers at the lower rim.
        side = x if kind == "ball_right" else -x
        z = np.sqrt(np.clip(1.15 - x**2 - y**2, 0, 1))
        alpha = np.clip(0.62 + 0.52 * side + 0.30 * y - 0.66 * z, 0, 1)
    elif kind == "vignette":
        alpha = np.clip((x**2 + y**2 - 0.55) / 1.45, 0, 1) ** 1.5
    else:
        raise ValueError(f"Expected a known tile, got {kind!r}")
    return Image.fromarray((alpha * 255).round().astype(np.uint8))


_LEVELS = 64


@lru_cache(maxsize=1024)
def _faint_tile(kind: str, level: int) -> Image.Image:
    """A tile at `level` of `_LEVELS` of its opacity."""
    return _tile(kind).point([value * level / _LEVELS for value in range(256)])


class Box(NamedTuple):
    """The bounds of a shape in canvas pixels, and the part of them that lies on the canvas."""

    whole: tuple[int, int, int, int]
    visible: tuple[int, int, int, int]


def stretched(kind: str, alpha: float, box: Box) -> Image.Image:
    """The visible part of a soft tile stretched over `box`."""
    (left, top, right, bottom), clip = box
    across, down = _TILE / (right - left), _TILE / (bottom - top)
    part = (
        (clip[0] - left) * across,
        (clip[1] - top) * down,
        (clip[2] - left) * across,
        (clip[3] - top) * down,
    )
    size = (clip[2] - clip[0], clip[3] - clip[1])
    tile = _faint_tile(kind, round(alpha * _LEVELS))
    return tile.resize(size, Image.Resampling.BILINEAR, box=part)


def shaded_part(kind: str, box: Box) -> Box | None:
    """`box` without the half where the tile `kind` is clear; None if nothing is left to see."""
    (left, _, right, _), (x0, y0, x1, y1) = box
    if kind == "right":
        x0 = max(x0, left + round(_CLEAR * (right - left)))
    elif kind == "left":
        x1 = min(x1, right - round(_CLEAR * (right - left)))
    return Box(box.whole, (x0, y0, x1, y1)) if x0 < x1 else None


def run_of(colours: tuple[Colour, ...], length: int) -> np.ndarray:
    """`colours` spread evenly over `length` steps: (length, 3) uint8."""
    stops = np.array(colours, np.float64)
    where = np.linspace(0, len(stops) - 1, length)
    low = np.minimum(where.astype(np.intp), len(stops) - 2)
    share = (where - low)[:, None]
    return (stops[low] * (1 - share) + stops[low + 1] * share + 0.5).astype(np.uint8)


class Canvas:
    """A region of a picture to paint on.

    `picture` is the RGB picture (painted on at `fold`), or None to gather coverage only, in
    which case colours cost nothing. `region` is (left, top, right, bottom) in whole pixels.
    With `coverage`, shapes drawn with `solid` are also gathered in a grey mask.
    `blank` starts from black in place of the picture, for what will be painted over whole.
    With `depth`, shapes are also written there at `distance` (metres; 0 leaves depth as it is).
    """

    def __init__(
        self,
        picture: Image.Image | None,
        *,
        size: int,
        scale: int,
        region: tuple[int, int, int, int] | None = None,
        coverage: bool = False,
        depth: Image.Image | None = None,
        blank: bool = False,
    ) -> None:
        self.size = size
        self.scale = scale
        self.region = region or (0, 0, size, size)
        left, top, right, bottom = self.region
        self._shape = ((right - left) * scale, (bottom - top) * scale)
        self._gain = float(size * scale)
        self._start = (left * scale + 0.5, top * scale + 0.5)
        self._origin = np.array(self._start)
        self._picture = picture
        self._image: Image.Image | None = None
        if picture is not None:
            if blank:
                self._image = Image.new("RGB", self._shape)
            else:
                part = picture.crop(self.region)
                self._image = part.resize(self._shape, Image.Resampling.NEAREST)
            self._opaque = ImageDraw.Draw(self._image)
            self._blend = ImageDraw.Draw(self._image, "RGBA")
        self._coverage: Image.Image | None = None
        if coverage:
            self._coverage = Image.new("L", self._shape)
            self._cover = ImageDraw.Draw(self._coverage)
        self.distance = 0.0
        self._depth = ImageDraw.Draw(depth) if depth is not None else None

    @property
    def colours(self) -> bool:
        """Whether colours are wanted, or only coverage."""
        return self._image is not None

    def _flat(self, points: Points) -> list[float]:
        flat: list[float] = (points * self._gain - self._origin).ravel().tolist()
        return flat

    def fill(self, points: Points, colour: Colour, alpha: float = 1.0) -> None:
        """Fill a polygon (n, 2); `alpha` below 1 blends."""
        if self._image is None:
            return
        if self._depth is not None and self.distance and alpha > 0.6:
            self._depth.polygon(
                (points * self.size - 0.5).ravel().tolist(), fill=float(self.distance)
            )
        if alpha >= 1:
            self._opaque.polygon(self._flat(points), fill=colour)
        elif alpha > 0.004:
            self._blend.polygon(self._flat(points), fill=(*colour, round(alpha * 255)))

    def solid(self, points: Points, colour: Colour) -> None:
        """Fill a polygon that belongs to the figure's silhouette."""
        if self._coverage is not None:
            self._cover.polygon(self._flat(points), fill=255)
        self.fill(points, colour)

    def rect(
        self, x0: float, y0: float, x1: float, y1: float, colour: Colour, alpha: float = 1.0
    ) -> None:
        """Fill an upright rectangle."""
        if self._image is None or x1 <= x0 or y1 <= y0:
            return
        (ox, oy), k = self._start, self._gain
        box = (x0 * k - ox, y0 * k - oy, x1 * k - ox, y1 * k - oy)
        if alpha >= 1:
            self._opaque.rectangle(box, fill=colour)
        else:
            self._blend.rectangle(box, fill=(*colour, round(alpha * 255)))
        if self._depth is not None and self.distance and alpha > 0.6:
            edges = [v * self.size - 0.5 for v in (x0, y0, x1, y1)]
            self._depth.rectangle(edges, fill=float(self.distance))

    def disc(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: Colour,
        alpha: float = 1.0,
        *,
        solid: bool = False,
    ) -> None:
        """Fill an upright ellipse; `solid` as in the method of that name."""
        (ox, oy), k = self._start, self._gain
        box = ((x - rx) * k - ox, (y - ry) * k - oy, (x + rx) * k - ox, (y + ry) * k - oy)
        if solid and self._coverage is not None:
            self._cover.ellipse(box, fill=255)
        if self._image is None:
            return
        if alpha >= 1:
            self._opaque.ellipse(box, fill=colour)
        elif alpha > 0.004:
            self._blend.ellipse(box, fill=(*colour, round(alpha * 255)))
        if self._depth is not None and self.distance and alpha > 0.6:
            edges = [v * self.size - 0.5 for v in (x - rx, y - ry, x + rx, y + ry)]
            self._depth.ellipse(edges, fill=float(self.distance))

    def boxes(self, corners: Points, colours: Sequence[Colour]) -> None:
        """Fill many upright rectangles, rows (x0, y0, x1, y1), each in its own colour."""
        if self._image is None:
            return
        twice = np.concatenate([self._origin, self._origin])
        pixels = (corners * self._gain - twice).tolist()
        for box, colour in zip(pixels, colours, strict=True):
            self._opaque.rectangle(box, fill=colour)
        if self._depth is not None and self.distance:
            for box in (corners * self.size - 0.5).tolist():
                self._depth.rectangle(box, fill=float(self.distance))

    def discs(self, circles: Points, colours: Sequence[Colour]) -> None:
        """Fill many ellipses, rows (x, y, rx, ry), each in its own colour."""
        if self._image is None:
            return
        corners = np.concatenate(
            [circles[:, :2] - circles[:, 2:], circles[:, :2] + circles[:, 2:]], axis=1
        )
        twice = np.concatenate([self._origin, self._origin])
        for box, colour in zip((corners * self._gain - twice).tolist(), colours, strict=True):
            self._opaque.ellipse(box, fill=colour)
        if self._depth is not None and self.distance:
            for box in (corners * self.size - 0.5).tolist():
                self._depth.ellipse(box, fill=float(self.distance))

    def _box(self, x0: float, y0: float, x1: float, y1: float) -> Box | None:
        """A shape's bounds on the canvas and the part of it that is visible, or None."""
        ox, oy = self._start
        left, top = int(x0 * self._gain - ox), int(y0 * self._gain - oy)
        right, bottom = int(x1 * self._gain - ox) + 2, int(y1 * self._gain - oy) + 2
        clip = (max(left, 0), max(top, 0), min(right, self._shape[0]), min(bottom, self._shape[1]))
        if clip[0] >= clip[2] or clip[1] >= clip[3]:
            return None
        return Box((left, top, right, bottom), clip)

    def gradient(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        *colours: Colour,
        across: bool = False,
    ) -> None:
        """Fill a rectangle with a smooth run of colours, downwards or (`across`) rightwards."""
        box = self._box(x0, y0, x1, y1)
        if self._image is None or box is None:
            return
        if self._depth is not None and self.distance:
            corners = [v * self.size - 0.5 for v in (x0, y0, x1, y1)]
            self._depth.rectangle(corners, fill=float(self.distance))
        (left, top, right, bottom), clip = box
        width, height = clip[2] - clip[0], clip[3] - clip[1]
        if across:
            strip = run_of(colours, right - left)[None, clip[0] - left : clip[2] - left]
        else:
            strip = run_of(colours, bottom - top)[clip[1] - top : clip[3] - top, None]
        self._image.paste(
            Image.fromarray(np.ascontiguousarray(strip)).resize(
                (width, height), Image.Resampling.NEAREST
            ),
            clip[:2],
        )

    def glow(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, alpha: float = 1.0
    ) -> None:
        """A soft round patch of `colour`, opaque by `alpha` at its centre and fading out."""
        box = self._box(x - rx, y - ry, x + rx, y + ry)
        if self._image is None or box is None or alpha <= 0.004:
            return
        tile = stretched("glow", min(alpha, 1.0), box)
        self._image.paste(colour, box.visible, tile)

    def shade(self, points: Points, kind: str, colour: Colour, alpha: float) -> None:
        """Shade within a polygon: the soft tile `kind` stretched over the polygon's bounds."""
        if self._image is None or alpha <= 0.004:
            return
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        box = self._box(x0, y0, x1, y1)
        if box is None:
            return
        if (box := shaded_part(kind, box)) is None:
            return
        left, top, right, bottom = box.visible
        mask = Image.new("L", (right - left, bottom - top))
        local = points * self._gain - self._origin - (left, top)
        ImageDraw.Draw(mask).polygon(local.ravel().tolist(), fill=255)
        tile = stretched(kind, min(alpha, 1.0), box)
        self._image.paste(colour, box.visible, ImageChops.multiply(mask, tile))

    def ground_depth(self, horizon: float, *, eye_height: float = 1.6, far: float = 60.0) -> None:
        """Write the distance of level ground below `horizon`, and `far` above it."""
        if self._depth is None:
            return
        for row in range(self.size):
            drop = (row + 0.5) / self.size - horizon
            distance = far if drop <= 0 else min(far, eye_height / drop)
            self._depth.line([(0, row), (self.size, row)], fill=float(distance))

    def fold(self) -> None:
        """Average the canvas back onto its picture."""
        if self._image is not None and self._picture is not None:
            reduced = self._image.reduce(self.scale) if self.scale > 1 else self._image
            self._picture.paste(reduced, self.region[:2])

    def coverage(self) -> np.ndarray:
        """How much of each picture pixel the solid shapes cover: (size, size) uint8, 0–255."""
        if self._coverage is None:
            raise ValueError("Expected a canvas made with coverage=True")
        whole = np.zeros((self.size, self.size), np.uint8)
        left, top, right, bottom = self.region
        whole[top:bottom, left:right] = np.asarray(self._coverage.reduce(self.scale))
        return whole
