"""Rendered pictures that tests ask for: a specification of a seed, its picture, a cut."""

from __future__ import annotations

import numpy as np

from ccim_core.rendered.rendering import EMOTIONS, SCENES, RenderSpec, render_picture

SIZE = 96


def make_spec(seed: int = 0, **changes: object) -> RenderSpec:
    names = list(SCENES)
    fields: dict[str, object] = {
        "scene": names[seed % len(names)],
        "emotion": EMOTIONS[seed % 7],
        "cue": EMOTIONS[(3 * seed + 1) % 7],
        "clarity": 0.8,
        "subject_seed": 1000 + seed,
        "place_seed": 2000 + seed,
        "cue_seed": 3000 + seed,
        "size": SIZE,
    }
    return RenderSpec(**{**fields, **changes})  # type: ignore[arg-type]


def picture(spec: RenderSpec) -> np.ndarray:
    return render_picture(spec.to_uri())


def inside(box: tuple[float, ...], mask: np.ndarray) -> np.ndarray:
    x1, y1, x2, y2 = (round(v) for v in box)
    return mask[y1:y2, x1:x2]
