"""Contact sheets of rendered pictures, to look at: by emotion, by scene or by clarity.

python -m ccim_core.rendered.contact_sheet --by emotion --out sheet.png
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ccim_core.errors import InputError
from ccim_core.files import write_atomically
from ccim_core.rendered.rendering import EMOTIONS, SCENES, RenderSpec, render_picture

SHEETS = ("emotion", "scene", "clarity", "twins")
_GAP = 4
_CLARITIES = (0.2, 0.4, 0.6, 0.8, 1.0)
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def contact_sheet(specs: Sequence[RenderSpec], columns: int) -> NDArray[np.uint8]:
    """The pictures of `specs`, all of one size, row by row with a thin gap: (H, W, 3) uint8."""
    if not specs or columns < 1:
        raise InputError("Expected one picture or more, in one column or more.")
    size = specs[0].size
    if any(spec.size != size for spec in specs):
        raise InputError("Expected pictures of one size on a contact sheet.")
    rows = -(-len(specs) // columns)
    step = size + _GAP
    sheet = np.full((rows * step - _GAP, columns * step - _GAP, 3), 255, np.uint8)
    for index, spec in enumerate(specs):
        y, x = divmod(index, columns)
        picture = render_picture(spec.to_uri())
        sheet[y * step : y * step + size, x * step : x * step + size] = picture
    return sheet


def sheet_specs(
    by: str, *, seed: int = 0, size: int = 224, rows: int = 4
) -> list[list[RenderSpec]]:
    """Specifications for a sheet, row by row.

    "emotion": a column an emotion, other people in each row; "scene": a row a scene, several
    places; "clarity": a row an emotion, one person from faint to clear; "twins": a row a subject
    with its bystanders, in one scene after another.
    """
    rng = np.random.default_rng(seed)
    names = tuple(SCENES)

    def spec(
        scene: str, emotion: str, seeds: Sequence[int], clarity: float = 1.0, cue: str | None = None
    ) -> RenderSpec:
        return RenderSpec(
            scene=scene,
            emotion=emotion,
            cue=cue or emotion,
            clarity=clarity,
            subject_seed=seeds[0],
            place_seed=seeds[1],
            cue_seed=seeds[2],
            size=size,
        )

    def seeds() -> list[int]:
        return [int(value) for value in rng.integers(2**31, size=3)]

    def pick(options: Sequence[str]) -> str:
        return options[int(rng.integers(len(options)))]

    if by == "emotion":
        return [[spec(pick(names), e, seeds()) for e in EMOTIONS] for _ in range(rows)]
    if by == "scene":
        return [[spec(name, pick(EMOTIONS), seeds()) for _ in range(7)] for name in names]
    if by == "clarity":
        table = []
        for emotion in EMOTIONS:
            fixed, scene = seeds(), pick(names)
            table.append([spec(scene, emotion, fixed, c, cue="Neutral") for c in _CLARITIES])
        return table
    if by == "twins":
        table = []
        for _ in range(rows):
            fixed, emotion = seeds(), pick(EMOTIONS)
            table.append([spec(name, emotion, fixed) for name in names[:8]])
        return table
    raise InputError(f"Expected a sheet of {', '.join(SHEETS)}, got {by!r}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one sheet. Returns the exit code: 2 for input that can't be used."""
    parser = argparse.ArgumentParser(prog="contact_sheet", description=__doc__.split("\n")[0])
    parser.add_argument("--by", choices=SHEETS, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a .png, .jpg or .webp file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=224, help="side of a picture, pixels")
    parser.add_argument("--rows", type=int, default=4, help="rows, where the sheet leaves it open")
    options = parser.parse_args(arguments)
    try:
        if options.out.suffix.lower() not in _SUFFIXES:
            raise InputError(f"Expected a file that ends in {', '.join(_SUFFIXES)}.")
        table = sheet_specs(options.by, seed=options.seed, size=options.size, rows=options.rows)
        sheet = contact_sheet([spec for row in table for spec in row], len(table[0]))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    with write_atomically(options.out) as temporary:
        Image.fromarray(sheet).save(temporary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
