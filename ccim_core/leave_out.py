"""A study derived from another: contexts left out of training, and tested on.

Reweighting a test set (`ccim_core.metrics.shift`) asks what a model would do where emotion and
context are independent; leaving contexts out asks what it does in places that it has never seen.
The derived study has the same subjects, but for those left out of training, in these splits:
`train`, `val` (and `oracle_train`) without the contexts; every other split in two, its subjects in
contexts that training has (`test`) and those in contexts that it has not (`test_left_out`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ccim_core.errors import InputError
from ccim_core.manifest import Manifest
from ccim_core.metrics.shift import leave_contexts_out
from ccim_core.study import Study

if TYPE_CHECKING:
    from ccim_core.training.config import RunConfig
    from ccim_core.training.data import StudyData

__all__ = [
    "LeftOut",
    "choose_contexts",
    "cluster_contexts",
    "derive_study",
    "lost_emotions",
    "scene_contexts",
]

SUFFIX = "_left_out"
TRAINING_SPLITS = ("train", "val", "oracle_train")


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Which contexts are left out, and of what kind.

    Attributes:
        by: "scene" or "cluster".
        contexts: names of scenes, or numbers of clusters as text.
        made_by: what chose them, kept for the record: a fold, or the user.
        clusters: the dictionary that the clusters are of (its settings), {} for scenes.
    """

    by: str
    contexts: tuple[str, ...]
    made_by: dict[str, Any]
    clusters: dict[str, Any]


def scene_contexts(study: Study) -> np.ndarray:
    """The scene of every row of a study's manifest, (n,) text.

    Raises InputError where rows have none.
    """
    frame = study.manifest.frame
    if "scene" not in frame or frame["scene"].isna().any():
        raise InputError(
            f"Expected a scene for every row of {study.path}, got rows without; leave out clusters "
            "(--by cluster)."
        )
    return frame["scene"].to_numpy(str)


def cluster_contexts(study: Study, config: RunConfig, data: StudyData) -> np.ndarray:
    """The dictionary cluster of every row, (n,) text: nearest of those of the training rows."""
    clusters = np.full(len(study.manifest), "", object)
    data.load(config, study.manifest.splits)
    for split in study.manifest.splits:
        clusters[data.rows(split)] = data.strata(config, split).astype(str)
    return clusters.astype(str)


def choose_contexts(
    contexts: np.ndarray, splits: np.ndarray, *, n_folds: int, fold: int, seed: int = 0
) -> tuple[str, ...]:
    """One of `n_folds` sets of contexts that together are all, each with as many training subjects.

    Args:
        contexts, splits: (n,) of every row; those of `train` are counted.

    Raises InputError for more folds than contexts, or a fold that there is not.
    """
    trained = contexts[splits == "train"]
    if not 0 <= fold < n_folds:
        raise InputError(f"Expected --fold from 0 to {n_folds - 1}, got {fold}.")
    try:
        folds = leave_contexts_out(trained, n_folds=n_folds, random_state=seed)
    except ValueError as error:
        raise InputError(f"{error}") from None
    return folds[fold].held_out


def derive_study(study: Study, out: Path, contexts: np.ndarray, left_out: LeftOut) -> Study:
    """Write the study without `left_out` in training at `out`; it shares the features of `study`.

    Args:
        contexts: (n,) the context of every row.

    Raises:
        InputError: a context that no training row has, nothing left to train or to test on, or
            `out` holds something.
    """
    _check_names(contexts[study.manifest.frame["split"].to_numpy(str) == "train"], left_out)
    if out.exists() and any(out.iterdir()):
        raise InputError(f"Expected an empty folder at {out}, got something; choose another.")
    manifest, dropped = _leave_out(study.manifest, contexts, left_out)
    record = {
        "by": left_out.by,
        "contexts": list(left_out.contexts),
        "chosen": left_out.made_by,
        "clusters": left_out.clusters,
        "of": {"name": study.name, "manifest": study.manifest_hash},
        "rows_dropped": dropped,
    }
    out.mkdir(parents=True, exist_ok=True)
    if (study.path / "truth.json").is_file():
        shutil.copyfile(study.path / "truth.json", out / "truth.json")
    if study.encoders_root.is_dir():
        shutil.copytree(study.encoders_root, out / study.encoders_root.name)
    return Study.create(
        out,
        name=f"{study.name}, {len(left_out.contexts)} contexts left out",
        kind=study.kind,
        labels=study.labels,
        manifest=manifest,
        roots={name: _from(out, root) for name, root in study.roots.items()},
        settings={**study.info.get("settings", {}), "left_out": record},
        features=_from(out, study.features_root),
        into_existing=True,
    )


def _check_names(trained: np.ndarray, left_out: LeftOut) -> None:
    known = sorted(set(trained.tolist()))
    unknown = sorted(set(left_out.contexts) - set(known))
    if unknown or not left_out.contexts:
        raise InputError(
            f"Expected contexts of the training rows ({', '.join(known[:20])}"
            f"{', …' if len(known) > 20 else ''}), got {', '.join(unknown) or 'none'}."
        )


def _leave_out(
    manifest: Manifest, contexts: np.ndarray, left_out: LeftOut
) -> tuple[Manifest, dict[str, int]]:
    """The manifest with its new splits, and how many rows of each training split are gone."""
    splits = manifest.frame["split"].to_numpy(str)
    inside = np.isin(contexts, left_out.contexts)
    trained = np.isin(splits, TRAINING_SPLITS)
    dropped = {
        split: int((inside & (splits == split)).sum())
        for split in TRAINING_SPLITS
        if (splits == split).any()
    }
    renamed = np.where(inside & ~trained, np.char.add(splits, SUFFIX), splits)
    keep = ~(inside & trained)
    frame = manifest.frame.assign(split=renamed)[keep]
    kept = set(frame["split"])
    for split in dropped:
        if split not in kept:
            raise InputError(
                f"Expected subjects of {split!r} outside the contexts left out, got none; leave "
                "out fewer."
            )
    if not any(split.endswith(SUFFIX) for split in kept):
        raise InputError(
            "Expected subjects to test on in the contexts left out, got none outside "
            f"{', '.join(TRAINING_SPLITS)}; leave out others."
        )
    return Manifest(frame=frame, labels=manifest.labels), dropped


def _from(folder: Path, target: Path) -> str:
    try:
        return Path(os.path.relpath(target.resolve(), folder.resolve())).as_posix()
    except ValueError:  # on another drive of Windows
        return target.resolve().as_posix()


def lost_emotions(study: Study) -> Sequence[str]:
    """Emotions without a training row: what a derived study can no longer learn."""
    counts = study.manifest.split("train").targets().sum(axis=0)
    return [name for name, count in zip(study.labels.emotions, counts, strict=True) if not count]
