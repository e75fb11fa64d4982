"""The rendered benchmark as a manifest: subjects × scenes with one planted bias and a causal cue.

Nothing is drawn here: every row's `image` is a `rendered:` address from which the renderer
redraws the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccim_core.errors import InputError
from ccim_core.files import read_json, write_json
from ccim_core.labels import LABEL_SETS
from ccim_core.progress import progress
from ccim_core.rendered.bias import (
    SPLITS,
    BiasModel,
    Draws,
    assign_favourites,
    context_groups,
    draw_split,
    expand_twins,
    split_generator,
)

TRUTH_FILE = "truth.json"
_SEED_BITS = 28  # a row seed is split number · 2^28 + a number no other row of the split has


@dataclass(frozen=True, kw_only=True)
class ControlledConfig:
    """What to render.

    bias: share of P(scene | emotion) on the emotion's favoured scenes, 0 to 1 (`BiasModel`).
    cue_agreement: P(bystanders' emotion = subject's), the same in every split.
    clarity_low, clarity_high: range (0 < low ≤ high ≤ 1) of how fully a face shows its emotion.
    n_train … n_twins: rows a split; `oracle_train` has n_train rows; n_twins counts *subjects*,
        each of which becomes a row per scene and a row per emotion.
    n_scenes: how many of the renderer's scenes, in its order.
    size: side of the square picture, pixels.
    seed: of everything random.
    """

    bias: float = 0.8
    cue_agreement: float = 0.75
    clarity_low: float = 0.3
    clarity_high: float = 1.0
    n_train: int = 4000
    n_val: int = 1000
    n_test: int = 1400
    n_shift: int = 1400
    n_twins: int = 140
    n_scenes: int = 14
    size: int = 224
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("bias", "cue_agreement"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"Expected `{name}` between 0 and 1, got {getattr(self, name)}.")
        if not 0 < self.clarity_low <= self.clarity_high <= 1:
            raise InputError(
                "Expected 0 < clarity_low <= clarity_high <= 1 (a face without clarity shows no "
                f"emotion), got {self.clarity_low} and {self.clarity_high}."
            )
        n_emotions = len(LABEL_SETS["controlled"].emotions)
        for name in ("n_train", "n_val", "n_test", "n_shift", "n_twins"):
            if not n_emotions <= getattr(self, name) < 2**_SEED_BITS // 8:
                raise InputError(
                    f"Expected `{name}` of at least {n_emotions}, one for each emotion, "
                    f"got {getattr(self, name)}."
                )
        if not 64 <= self.size <= 1024:
            raise InputError(f"Expected `size` of 64 to 1024 pixels, got {self.size}.")
        if self.n_scenes < 2:
            raise InputError(f"Expected `n_scenes` of at least 2, got {self.n_scenes}.")
        if self.seed < 0:
            raise InputError(f"Expected `seed` of 0 or more, got {self.seed}.")

    def rows(self, split: str) -> int:
        """Drawn subjects of a split."""
        return self.n_train if split == "oracle_train" else int(getattr(self, f"n_{split}"))

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


def controlled_model(config: ControlledConfig, scenes: Sequence[str] | None = None) -> BiasModel:
    """The generator's probabilities. `scenes` defaults to the renderer's first `n_scenes`."""
    if scenes is None:
        from ccim_core.rendered.rendering import SCENES

        if config.n_scenes > len(SCENES):
            raise InputError(
                f"Expected at most {len(SCENES)} scenes, as many as can be painted, "
                f"got n_scenes = {config.n_scenes}."
            )
        scenes = tuple(SCENES)[: config.n_scenes]
    emotions = LABEL_SETS["controlled"].emotions
    return BiasModel(
        emotions=emotions,
        scenes=tuple(scenes),
        favourites=assign_favourites(emotions, scenes),
        bias=config.bias,
        cue_agreement=config.cue_agreement,
    )


def controlled_frame(config: ControlledConfig, *, quiet: bool = True) -> pd.DataFrame:
    """The manifest's rows, all six splits.

    Beside the manifest's columns: scene, cue (the bystanders' emotion), clarity, subject_seed,
    place_seed, cue_seed, favoured (bool), context_group ("favoured" or "other": with the emotion
    it names the group of worst-group metrics), and on `twins` twin_group and twin_kind ("scene":
    only the scene differs within the group; "emotion": only the emotion does).
    Every subject is its own source_id and is in one split only.
    """
    model = controlled_model(config)
    parts = [_split_frame(config, model, split) for split in SPLITS]
    frame = pd.concat(parts, ignore_index=True)
    return _add_pictures(frame, config.size, quiet=quiet)


def _split_frame(config: ControlledConfig, model: BiasModel, split: str) -> pd.DataFrame:
    rng = split_generator(config.seed, split)
    n = config.rows(split)
    seeds = SPLITS.index(split) * 2**_SEED_BITS + np.stack(
        [rng.choice(2**_SEED_BITS, n, replace=False) for _ in range(3)]
    )
    # Four decimals keep the picture's address short.
    clarity = np.round(rng.uniform(config.clarity_low, config.clarity_high, n), 4)
    drawn = draw_split(model, split, n, rng)
    if split == "twins":
        drawn = expand_twins(drawn, model)
    return _rows(drawn, model, split, seeds[:, drawn.subject], clarity[drawn.subject])


def _rows(
    drawn: Draws, model: BiasModel, split: str, seeds: np.ndarray, clarity: np.ndarray
) -> pd.DataFrame:
    emotions, scenes = np.array(model.emotions), np.array(model.scenes)
    favoured = context_groups(drawn, model)
    absent = np.full(len(drawn), None, object)
    return pd.DataFrame(
        {
            "sample_id": [f"{split}-{i:06d}" for i in range(len(drawn))],
            "split": split,
            "labels": emotions[drawn.emotion],
            "scene": scenes[drawn.scene],
            "cue": emotions[drawn.cue],
            "clarity": clarity,
            "subject_seed": seeds[0],
            "place_seed": seeds[1],
            "cue_seed": seeds[2],
            "seed": seeds[0],
            "source_id": [f"subject-{seed}" for seed in seeds[0]],
            "favoured": favoured,
            "context_group": np.where(favoured, "favoured", "other"),
            "twin_group": absent if drawn.twin_group is None else drawn.twin_group,
            "twin_kind": absent if drawn.twin_kind is None else drawn.twin_kind,
        }
    )


def _add_pictures(frame: pd.DataFrame, size: int, *, quiet: bool) -> pd.DataFrame:
    """Add `image` and the boxes, which the renderer lays out without painting."""
    from ccim_core.rendered.rendering import RenderSpec, layout

    names = ("scene", "labels", "cue", "clarity", "subject_seed", "place_seed", "cue_seed")
    rows = zip(*(frame[name].tolist() for name in names), strict=True)
    images: list[str] = []
    boxes: list[tuple[float, ...]] = []
    # Where a subject stands does not depend on the scene: twins are laid out once.
    known: dict[tuple[int, str, float], tuple[float, ...]] = {}
    for scene, emotion, cue, clarity, subject_seed, place_seed, cue_seed in progress(
        rows, "Lay out", total=len(frame), unit="picture", quiet=quiet
    ):
        spec = RenderSpec(
            scene=scene,
            emotion=emotion,
            cue=cue,
            clarity=clarity,
            subject_seed=subject_seed,
            place_seed=place_seed,
            cue_seed=cue_seed,
            size=size,
        )
        key = (subject_seed, emotion, clarity)
        if key not in known:
            placed = layout(spec)
            known[key] = (*placed.box, *placed.face_box)
        images.append(spec.to_uri())
        boxes.append(known[key])
    columns = ["x1", "y1", "x2", "y2", "face_x1", "face_y1", "face_x2", "face_y2"]
    frame = frame.copy()
    frame.insert(1, "image", images)
    frame[columns] = np.array(boxes, float)
    return frame


def write_truth(model: BiasModel, config: ControlledConfig, folder: Path | str) -> Path:
    """Write the closed forms beside the generator's settings. Returns the file's path."""
    path = Path(folder) / TRUTH_FILE
    write_json(path, {**model.to_truth(), "generator": config.to_dict()})
    return path


def load_truth(folder: Path | str) -> BiasModel:
    """The `BiasModel` of a folder that `write_truth` wrote to. Raises InputError otherwise."""
    return BiasModel.from_truth(read_json(Path(folder) / TRUTH_FILE))
