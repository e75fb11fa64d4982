"""Who a person is: looks, clothes and build, drawn from a seed and never from an emotion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccim_core.rendered.colours import (
    Colour,
    hexa,
    jitter,
    luminance,
    mix,
    pick,
)

AGES = ("child", "young", "adult", "elder")
GARMENTS = (
    "tee", "shirt", "hoodie", "sweater", "blazer", "vneck", "dress", "turtleneck", "jacket",
)  # fmt: skip
PATTERNS = ("plain", "stripes", "dots", "block")
BEARDS = ("none", "stubble", "moustache", "goatee", "full")
GLASSES = ("none", "round", "square", "cat")

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

_FRAMES = tuple(hexa(code) for code in ("2b2b31", "5b3a29", "3b4a66", "8a2f3a", "b08d57"))
_SHOES = tuple(hexa(code) for code in ("2b2b31", "e8e4dc", "6b4226", "7c7f88"))

_SPREADS = np.array(
    [0.035, 0.045, 0.025, 0.05, 0.03, 0.02, 0.08, 0.1, 0.05, 0.05, 0.12, 0.08, 0.03, 0.09]
)

# style → how likely for a soft (build 0) and a square (build 1) figure
HAIR_STYLES: dict[str, tuple[float, float]] = {
    "short": (0.4, 3.0),
    "side_part": (0.5, 2.6),
    "quiff": (0.1, 1.8),
    "buzz": (0.2, 1.4),
    "curly": (1.0, 1.6),
    "afro": (0.9, 1.0),
    "bald": (0.0, 1.0),
    "pixie": (1.1, 0.3),
    "bob": (1.7, 0.1),
    "fringe_bob": (1.3, 0.1),
    "long": (2.0, 0.3),
    "wavy": (1.9, 0.2),
    "ponytail": (1.4, 0.1),
    "bun": (1.2, 0.25),
    "braids": (1.0, 0.1),
    "scarf": (0.8, 0.0),
}


@dataclass(frozen=True, kw_only=True)
class Person:
    """Everything about a person but the expression, the place in the picture and the light.

    `build` runs from 0 (soft, narrow-shouldered) to 1 (square, broad-shouldered). Face and body
    proportions are factors about 1. `elderly` in [0, 1] is the depth of lines.
    """

    age: str
    build: float
    elderly: float
    skin: Colour
    hair_style: str
    hair: Colour
    brow: Colour
    beard: str
    part: int
    glasses: str
    frames: Colour
    iris: Colour
    freckles: bool
    earrings: bool
    made_up: bool
    face_width: float
    jaw: float
    chin: float
    eye_size: float
    eye_gap: float
    eye_tilt: float
    brow_weight: float
    nose_width: float
    nose_length: float
    mouth_width: float
    lip_fullness: float
    ears: float
    garment: str
    cloth: Colour
    trim: Colour
    pattern: str
    lower: str
    trousers: Colour
    shoes: Colour
    shoulders: float
    girth: float
    texture: int


def _choice(rng: np.random.Generator, names: tuple[str, ...], weights: list[float]) -> str:
    left = rng.random() * sum(weights)
    for name, weight in zip(names, weights, strict=True):
        left -= weight
        if left < 0:
            return name
    return names[-1]


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _hair_colour(rng: np.random.Generator, skin: Colour, age: str) -> Colour:
    greying = {"elder": 0.85, "adult": 0.06}.get(age, 0.0)
    if rng.random() < greying:
        return jitter(rng, HAIR["white" if rng.random() < 0.5 else "grey"], 6)
    light = luminance(skin)
    fair = max(0.0, (light - 0.6) * 2.2)
    weights = [1.5, 1.4, 1.1, fair, 0.6 * fair, 0.5 * fair, 0.8 * fair, 0.9 * fair]
    return jitter(rng, HAIR[_choice(rng, tuple(HAIR)[:8], weights)], 6)


def _hair_style(rng: np.random.Generator, age: str, build: float) -> str:
    weights = []
    for style, (soft, square) in HAIR_STYLES.items():
        weight = soft + (square - soft) * build
        if (style == "bald" and age in ("child", "young")) or (style == "scarf" and age == "child"):
            weight = 0.0
        weights.append(weight)
    return _choice(rng, tuple(HAIR_STYLES), weights)


def _distinct(rng: np.random.Generator, other: Colour) -> Colour:
    """A clothing colour that stands apart from `other`."""
    for _ in range(8):
        colour = pick(rng, CLOTHES)
        if sum(abs(a - b) for a, b in zip(colour, other, strict=True)) > 120:
            return colour
    return mix(other, (255, 255, 255), 0.7)


def draw_person(rng: np.random.Generator, *, grown: bool = False) -> Person:
    """A person from `rng`; `grown` leaves children out."""
    age = _choice(rng, AGES, [0.0 if grown else 0.12, 0.32, 0.36, 0.2])
    build = _within((0.16, 0.84)[int(rng.integers(2))] + rng.normal(0, 0.14), 0.0, 1.0)
    skin = jitter(rng, pick(rng, SKIN), 3)
    style = _hair_style(rng, age, build)
    hair = _hair_colour(rng, skin, age)
    cloth = pick(rng, CLOTHES)
    bearded = build > 0.5 and age in ("adult", "elder", "young")
    beard = _choice(rng, BEARDS, [5.0, 1.2, 0.7, 0.7, 1.5]) if bearded else "none"
    garment = _choice(
        rng, GARMENTS, [2.0, 1.5, 1.4, 1.4, 1.0, 1.2, 1.2 if build < 0.5 else 0.0, 0.8, 1.2]
    )
    if style == "scarf" and garment in ("hoodie", "blazer"):
        garment = "turtleneck"
    child = age == "child"
    # One draw for all proportions: a call each would take most of the time spent here.
    vary = rng.normal(0, _SPREADS).tolist()
    lower = (
        "dress"
        if garment == "dress"
        else _choice(rng, ("trousers", "skirt", "shorts"), [4.0, 1.2 if build < 0.5 else 0.0, 0.8])
    )
    return Person(
        age=age,
        build=build,
        elderly=float(
            {"elder": rng.uniform(0.65, 1), "adult": rng.uniform(0.1, 0.4)}.get(age, 0.0)
        ),
        skin=skin,
        hair_style=style,
        hair=hair,
        brow=mix(hair, (40, 28, 26), 0.35 if luminance(hair) < 0.6 else 0.25),
        beard=beard,
        part=(-1, 1)[int(rng.integers(2))],
        glasses=_choice(
            rng, GLASSES, [5.2 if age != "elder" else 2.0, 0.8, 1.0, 0.5 * (1 - build)]
        ),
        frames=pick(rng, _FRAMES),
        iris=pick(rng, EYES[:4] if luminance(skin) < 0.62 else EYES),
        freckles=bool(rng.random() < 0.12 and luminance(skin) > 0.6),
        earrings=bool(rng.random() < 0.5 * (1 - build)),
        made_up=bool(build < 0.5 and not child and rng.random() < 0.5),
        face_width=float((1.03 if child else 1.0) + vary[0]),
        jaw=float(0.9 + 0.16 * build + vary[1] - (0.03 if child else 0)),
        chin=float((0.93 if child else 0.98) + 0.05 * build + vary[2]),
        eye_size=float((1.12 if child else 1.06 - 0.12 * build) + vary[3]),
        eye_gap=float(1 + vary[4]),
        eye_tilt=float(0.01 + vary[5]),
        brow_weight=float((0.7 if child else 0.85) + 0.35 * build + vary[6]),
        nose_width=float((0.85 if child else 1.0) + 0.08 * build + vary[7]),
        nose_length=float((0.82 if child else 0.97) + 0.06 * build + vary[8]),
        mouth_width=float((0.93 if child else 1.0) + vary[9]),
        lip_fullness=float(1.12 - 0.25 * build + vary[10]),
        ears=float(1 + vary[11]),
        garment=garment,
        cloth=jitter(rng, cloth, 4),
        trim=jitter(rng, _distinct(rng, cloth), 4),
        pattern=_choice(rng, PATTERNS, [5.0, 1.6, 0.7, 0.9]),
        lower=lower,
        trousers=jitter(rng, pick(rng, TROUSERS), 5),
        shoes=pick(rng, _SHOES),
        shoulders=float((0.74 if child else 0.86 + 0.2 * build) + vary[12]),
        girth=_within(1 + vary[13], 0.85, 1.22),
        texture=int(rng.integers(2**31)),
    )
