"""Colours: arithmetic on RGB triples, and the coherent sets that people are dressed from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = [
    "CLOTHES",
    "EYES",
    "HAIR",
    "SKIN",
    "TROUSERS",
    "Colour",
    "blush_of",
    "hexa",
    "jitter",
    "lips_of",
    "luminance",
    "mix",
    "pick",
    "scaled",
]

Colour = tuple[int, int, int]


def hexa(text: str) -> Colour:
    """`"f0c8a0"` to (240, 200, 160)."""
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`a` with `share` of `b` mixed in."""
    rest = 1 - share
    return (
        int(a[0] * rest + b[0] * share + 0.5),
        int(a[1] * rest + b[1] * share + 0.5),
        int(a[2] * rest + b[2] * share + 0.5),
    )


def scaled(colour: Colour, factor: float | Sequence[float]) -> Colour:
    """Each channel times `factor` (one number or three), clipped to 0–255."""
    r, g, b = (factor, factor, factor) if isinstance(factor, float | int) else factor
    return (
        min(255, int(colour[0] * r + 0.5)),
        min(255, int(colour[1] * g + 0.5)),
        min(255, int(colour[2] * b + 0.5)),
    )


def jitter(rng: np.random.Generator, colour: Colour, spread: float = 10.0) -> Colour:
    """A neighbour of `colour`: brightness and hue move by about `spread` of 255."""
    common, r, g, b = rng.standard_normal(4).tolist()
    return (
        min(255, max(0, round(colour[0] + spread * (common + 0.5 * r)))),
        min(255, max(0, round(colour[1] + spread * (common + 0.5 * g)))),
        min(255, max(0, round(colour[2] + spread * (common + 0.5 * b)))),
    )


def pick(rng: np.random.Generator, colours: Sequence[Colour]) -> Colour:
    """One of `colours`, each as likely."""
    return colours[int(rng.integers(len(colours)))]


def luminance(colour: Colour) -> float:
    """Relative brightness in [0, 1]."""
    return (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255


SKIN: tuple[Colour, ...] = tuple(
    hexa(code)
    for code in (
        "fbdcc4", "f5cdae", "eebd98", "e3ab82", "d39a70",
        "c68b60", "b0764f", "986442", "805238", "6c452f",
    )
)  # fmt: skip

HAIR: dict[str, Colour] = {
    "black": hexa("2a2428"),
    "espresso": hexa("3d2a22"),
    "brown": hexa("5d3d2a"),
    "chestnut": hexa("7d4a2e"),
    "auburn": hexa("97502f"),
    "ginger": hexa("c3703a"),
    "dark_blond": hexa("a98052"),
    "blond": hexa("dcb873"),
    "grey": hexa("9b9aa0"),
    "white": hexa("dcd9d6"),
}

EYES: tuple[Colour, ...] = tuple(
    hexa(code) for code in ("4a2f20", "5d3b22", "38261d", "6b5530", "4f7a8f", "5b7b58")
)

CLOTHES: tuple[Colour, ...] = tuple(
    hexa(code)
    for code in (
        "264653", "2a7f86", "e0a84f", "d9734e", "b8434b", "6d597a",
        "355070", "88a07d", "f1e4cf", "8ab6d6", "3f3f4e", "d98fa3",
        "59728f", "7a9e6b", "ede9e3", "9c6644", "4b6b5d", "c9b458",
    )
)  # fmt: skip

TROUSERS: tuple[Colour, ...] = tuple(
    hexa(code) for code in ("34435e", "2d2f38", "5a4a3f", "6f7f93", "8a7b66", "474a52", "3d5a6c")
)


def lips_of(skin: Colour) -> Colour:
    """A lip colour that goes with a skin: redder, and less bright on light skin."""
    return mix(scaled(skin, (0.93, 0.66, 0.64)), hexa("a8434a"), 0.28)


def blush_of(skin: Colour) -> Colour:
    """The colour of flushed cheeks on a skin."""
    return mix(scaled(skin, (1.0, 0.74, 0.70)), hexa("e0604f"), 0.25)
