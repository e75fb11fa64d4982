"""Portraits × scene photographs as a manifest, with the rendered benchmark's biases and splits.

Files are split, not composites: every file belongs to one pool, and a split draws from one pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ccim_core.datasets.controlled.compositor import CompositeSpec, place_portraits
from ccim_core.datasets.controlled.portraits import Portrait
from ccim_core.datasets.labelled_files import LabelledFiles, deal_files
from ccim_core.detection import grow_body_box
from ccim_core.errors import InputError
from ccim_core.images import Box, clip_box
from ccim_core.labels import LabelSet, get_label_set
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
from ccim_core.rendered.curves import to_64ths

__all__ = ["POOLS", "CompositeConfig", "composite_frame", "composite_model", "deal_pools"]

POOLS: dict[str, str] = {
    "train": "train",
    "oracle_train": "train",
    "val": "val",
    "test": "test",
    "shift": "test",
    "twins": "test",
}
"""Split → pool of files. The oracle sees the files of `train` without their bias, and the three
test splits differ in their pairing of subjects with scenes alone; nothing that is trained on
shares a file with anything that is tested on."""


@dataclass(frozen=True, kw_only=True)
class CompositeConfig:
    """What to compose.

    bias, cue_agreement: as in `ControlledConfig`; cue_agreement None pastes no bystander.
    n_train … n_twins: rows a split, twins in subjects. Portraits are used many times: classes are
        balanced however unequal their numbers of files.
    share_train, share_val, share_test: shares of each class's files.
    n_scenes: how many of the scene folders, in order of name; None takes all.
    size: side of the square picture, pixels. grey: portraits without colour.
    """

    label_set: str = "photographs"
    bias: float = 0.8
    cue_agreement: float | None = 0.6
    n_train: int = 3600
    n_val: int = 600
    n_test: int = 1200
    n_shift: int = 1200
    n_twins: int = 120
    share_train: float = 0.8
    share_val: float = 0.1
    share_test: float = 0.1
    n_scenes: int | None = None
    size: int = 512
    grey: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        labels = get_label_set(self.label_set)
        if labels.kind != "single":
            raise InputError(
                f"Expected a label set with one emotion a subject, got {self.label_set!r}."
            )
        for name in ("bias", "cue_agreement"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"Expected `{name}` between 0 and 1, got {value}.")
        for name in ("n_train", "n_val", "n_test", "n_shift", "n_twins"):
            if getattr(self, name) < labels.size:
                raise InputError(
                    f"Expected `{name}` of at least {labels.size}, one for each emotion, "
                    f"got {getattr(self, name)}."
                )
        if min(self.share_train, self.share_val, self.share_test) <= 0:
            raise InputError("Expected shares of files above 0 for train, val and test.")
        if self.n_scenes is not None and self.n_scenes < 2:
            raise InputError(f"Expected `n_scenes` of at least 2, got {self.n_scenes}.")
        if not 64 <= self.size <= 2048:
            raise InputError(f"Expected `size` of 64 to 2048 pixels, got {self.size}.")
        if self.seed < 0:
            raise InputError(f"Expected `seed` of 0 or more, got {self.seed}.")

    def rows(self, split: str) -> int:
        """Drawn subjects of a split."""
        return self.n_train if split == "oracle_train" else int(getattr(self, f"n_{split}"))

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


def composite_model(config: CompositeConfig, scenes: Sequence[str]) -> BiasModel:
    """The generator's probabilities over the label set and the scene folders.

    Without bystanders cue_agreement is 1 / C: a cue that tells nothing and is not pasted.
    """
    if config.n_scenes is not None and config.n_scenes > len(scenes):
        raise InputError(
            f"Expected at most {len(scenes)} scenes, as many as there are folders, "
            f"got n_scenes = {config.n_scenes}."
        )
    labels = get_label_set(config.label_set)
    chosen = tuple(scenes)[: config.n_scenes]
    agreement = 1 / labels.size if config.cue_agreement is None else config.cue_agreement
    return BiasModel(
        emotions=labels.emotions,
        scenes=chosen,
        favourites=assign_favourites(labels.emotions, chosen),
        bias=config.bias,
        cue_agreement=agreement,
    )


def deal_pools(
    config: CompositeConfig, files: LabelledFiles, *, groups: Mapping[str, int] | None = None
) -> dict[str, str]:
    """File → "train", "val" or "test" by the config's shares and seed (`deal_files`)."""
    shares = {
        "train": config.share_train,
        "val": config.share_val,
        "test": config.share_test,
    }
    rng = np.random.default_rng([config.seed, len(SPLITS)])
    return deal_files(files.files, shares, rng=rng, groups=groups)


def composite_frame(
    config: CompositeConfig,
    subjects: LabelledFiles,
    scenes: LabelledFiles,
    portraits: Mapping[str, Portrait],
    *,
    subject_pools: Mapping[str, str] | None = None,
    scene_pools: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The manifest's rows, all six splits.

    portraits: subject file → its size and face (`find_portraits`); files without an entry, the
        unreadable ones, are left out.
    subject_pools, scene_pools: file → pool, to keep an existing division (an encoder's); by
        default dealt here. Files without a pool are left out.

    Beside the manifest's columns: scene, cue, subject_file, scene_file, cue_file, place_seed,
    favoured, context_group, twin_group, twin_kind (as `controlled_frame` has them). `source_id`
    is the subject's file. Within a twin group of kind "scene" the scene file changes and the rest
    stays. In one of kind "emotion" the portrait changes too, and with it the person, since a
    photograph has the emotion that it has; scene, place and bystander stay.
    """
    labels = get_label_set(config.label_set)
    model = composite_model(config, tuple(scenes.files))
    subject_pools = subject_pools or deal_pools(config, subjects)
    scene_pools = scene_pools or deal_pools(config, scenes)
    shelves = {
        pool: (
            _shelve(subjects, labels.emotions, subject_pools, pool, portraits),
            _shelve(scenes, model.scenes, scene_pools, pool),
        )
        for pool in dict.fromkeys(POOLS.values())
    }
    parts = [_split_frame(config, model, split, *shelves[POOLS[split]]) for split in SPLITS]
    return _add_pictures(pd.concat(parts, ignore_index=True), config, labels, portraits)


def _shelve(
    files: LabelledFiles,
    classes: Iterable[str],
    pools: Mapping[str, str],
    pool: str,
    readable: Mapping[str, Portrait] | None = None,
) -> list[list[str]]:
    """Files of one pool, a list for each class."""
    shelves = []
    for name in classes:
        mine = [
            file
            for file in files.files[name]
            if pools.get(file) == pool and (readable is None or file in readable)
        ]
        if not mine:
            raise InputError(f"Expected pictures of {name!r} in the {pool} pool, got none.")
        shelves.append(mine)
    return shelves


def _deal_evenly(
    shelves: list[list[str]], wanted: np.ndarray, rng: np.random.Generator
) -> list[str]:
    """A file for each class number in `wanted` (n,): each shelf is gone through whole, in a new
    random order each time, so that no file is used twice more than another."""
    chosen = [""] * len(wanted)
    for k, shelf in enumerate(shelves):
        rows = np.flatnonzero(wanted == k)
        turns = -(-len(rows) // len(shelf))
        order = [shelf[i] for _ in range(turns) for i in rng.permutation(len(shelf))]
        for row, file in zip(rows, order, strict=False):
            chosen[row] = file
    return chosen


def _split_frame(
    config: CompositeConfig,
    model: BiasModel,
    split: str,
    subject_shelves: list[list[str]],
    scene_shelves: list[list[str]],
) -> pd.DataFrame:
    rng = split_generator(config.seed, split)
    n = config.rows(split)
    place = rng.choice(2**28, n, replace=False)
    drawn = draw_split(model, split, n, rng)
    cue_file = np.array(_deal_evenly(subject_shelves, drawn.cue, rng), object)
    subject_file = np.array(_deal_evenly(subject_shelves, drawn.emotion, rng), object)
    scene_file = np.array(_deal_evenly(scene_shelves, drawn.scene, rng), object)
    if split == "twins":
        once = drawn
        drawn = expand_twins(once, model)
        cue_file, place = cue_file[drawn.subject], place[drawn.subject]
        subject_file = _spread(
            subject_file, once.emotion, drawn.emotion, drawn, subject_shelves, rng
        )
        scene_file = _spread(scene_file, once.scene, drawn.scene, drawn, scene_shelves, rng)
    if config.cue_agreement is None:
        cue_file = np.full(len(drawn), None, object)
    return _rows(drawn, model, split, place, subject_file, scene_file, cue_file)


def _spread(
    files: np.ndarray,
    drawn_class: np.ndarray,
    wanted: np.ndarray,
    twins: Draws,
    shelves: list[list[str]],
    rng: np.random.Generator,
) -> np.ndarray:
    """The subject's own file where the twin keeps its class, another of the class elsewhere."""
    other = np.array(_deal_evenly(shelves, wanted, rng), object)
    keeps = drawn_class[twins.subject] == wanted
    return np.where(keeps, files[twins.subject], other)


def _rows(
    drawn: Draws,
    model: BiasModel,
    split: str,
    place: np.ndarray,
    subject_file: np.ndarray,
    scene_file: np.ndarray,
    cue_file: np.ndarray,
) -> pd.DataFrame:
    emotions, scenes = np.array(model.emotions), np.array(model.scenes)
    favoured = context_groups(drawn, model)
    absent = np.full(len(drawn), None, object)
    has_cue = np.array([file is not None for file in cue_file])
    return pd.DataFrame(
        {
            "sample_id": [f"{split}-{i:06d}" for i in range(len(drawn))],
            "split": split,
            "labels": emotions[drawn.emotion],
            "scene": scenes[drawn.scene],
            "cue": np.where(has_cue, emotions[drawn.cue].astype(object), None),
            "subject_file": subject_file,
            "scene_file": scene_file,
            "cue_file": cue_file,
            "place_seed": place,
            "source_id": subject_file,
            "favoured": favoured,
            "context_group": np.where(favoured, "favoured", "other"),
            "twin_group": absent if drawn.twin_group is None else drawn.twin_group,
            "twin_kind": absent if drawn.twin_kind is None else drawn.twin_kind,
        }
    )


def _add_pictures(
    frame: pd.DataFrame,
    config: CompositeConfig,
    labels: LabelSet,
    portraits: Mapping[str, Portrait],
) -> pd.DataFrame:
    """Add `image`, the subject's face box and the body box grown from it."""
    images: list[str] = []
    boxes: list[list[float]] = []
    columns = ("subject_file", "scene_file", "cue_file", "place_seed")
    for subject, scene, cue, place in zip(*(frame[name] for name in columns), strict=True):
        spec = CompositeSpec(
            subject=subject,
            scene=scene,
            cue=cue,
            place=int(place),
            size=config.size,
            grey=config.grey,
        )
        face = _face_on_canvas(spec, portraits)
        images.append(spec.to_uri())
        boxes.append([*grow_body_box(face, config.size, config.size), *face])
    frame = frame.copy()
    frame.insert(1, "image", images)
    names = ["x1", "y1", "x2", "y2", "face_x1", "face_y1", "face_x2", "face_y2"]
    frame[names] = to_64ths(boxes)
    return frame


def _face_on_canvas(spec: CompositeSpec, portraits: Mapping[str, Portrait]) -> Box:
    subject = portraits[spec.subject]
    cue_size = None if spec.cue is None else portraits[spec.cue].size
    placement = place_portraits(spec, subject.size, cue_size)
    return clip_box(placement.on_canvas(subject.face_or_whole, subject.size), spec.size, spec.size)
