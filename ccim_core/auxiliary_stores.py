"""What kinds of knowledge beside the pixels there are, and where a study keeps each.

A kind comes from one source in a folder of features: the renderer, the user's files, or one
network. Two of them are never mixed, in a split or between splits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ccim_core.errors import InputError
from ccim_core.features.store import FeatureStore
from ccim_core.features.views import View
from ccim_core.manifest import Manifest
from ccim_core.weights import Preprocessing, Provenance

__all__ = [
    "AUXILIARY",
    "AUXILIARY_VIEW",
    "DEPTH_SIDE",
    "FILES",
    "AuxiliaryKind",
    "AuxiliarySpec",
    "auxiliary_store",
    "check_auxiliary",
    "filled_store",
    "other_source",
    "require_known",
]

AuxiliaryKind = Literal["landmarks", "face_points", "keypoints", "depth"]

DEPTH_SIDE = 64

FILES = "files"
"""The source of what users take in. Others are "renderer", and the name of a network's weights."""

AUXILIARY_VIEW = View(kind="subject")
"""A row's picture and subject box are what its values belong to."""

_STAGE = "auxiliary"


@dataclass(frozen=True, kw_only=True)
class AuxiliarySpec:
    """One kind: the shape and the type of a row on disk, and how a row of raw values is given."""

    shape: tuple[int, ...]
    dtype: str
    raw: str


AUXILIARY: dict[AuxiliaryKind, AuxiliarySpec] = {
    "landmarks": AuxiliarySpec(shape=(68, 2), dtype="float32", raw="(68, 2)"),
    "face_points": AuxiliarySpec(shape=(5, 2), dtype="float32", raw="(5, 2)"),
    "keypoints": AuxiliarySpec(shape=(17, 3), dtype="float32", raw="(17, 3)"),
    "depth": AuxiliarySpec(shape=(DEPTH_SIDE, DEPTH_SIDE), dtype="float16", raw="(H, W)"),
}


def check_auxiliary(kind: AuxiliaryKind, values: np.ndarray, *, source: str) -> np.ndarray:
    """`values` of one subject if they are of the kind's shape and finite, else InputError."""
    spec = AUXILIARY[kind]
    fits = values.ndim == 2 if kind == "depth" else values.shape == spec.shape
    if not fits or values.dtype.kind not in "fiu" or not values.size:
        raise InputError(
            f"Expected {kind} as numbers of shape {spec.raw} in {source}, got "
            f"{values.dtype} of shape {values.shape}."
        )
    if not np.isfinite(values).all():
        raise InputError(f"Expected finite {kind} in {source}, got NaN or infinity.")
    return values


def auxiliary_store(root: Path, kind: AuxiliaryKind, source: str) -> FeatureStore:
    """The store of a kind from one source, made if it is not there."""
    spec = AUXILIARY[kind]
    identity = hashlib.sha256(f"{kind} {spec.shape} {source}".encode()).hexdigest()
    return FeatureStore.create(
        root,
        provenance=Provenance(
            name=kind,
            source=source,
            sha256=identity,
            preprocessing=Preprocessing(size=DEPTH_SIDE, mean=(0.0,) * 3, std=(1.0,) * 3),
        ),
        fingerprint=identity,
        view=AUXILIARY_VIEW,
        stage=_STAGE,
        precision="fp32",
        dtype=spec.dtype,
        shape=spec.shape,
    )


def filled_store(root: Path, kind: AuxiliaryKind) -> FeatureStore | None:
    """The store of a kind of pictures that are not rendered, or None where nothing is in any.

    Raises InputError if two sources have filled one each.
    """
    found = []
    for path in sorted(root.glob(f"{kind}-{DEPTH_SIDE}px-*-{_STAGE}-*/store.json")):
        store = FeatureStore.open(path.parent)
        if store.provenance.source != "renderer" and len(store):
            found.append(store)
    if len(found) > 1:
        raise InputError(
            f"Expected {kind} of one source in {root}, got those of "
            f"{' and '.join(store.provenance.source for store in found)}; delete the folder of "
            f"all but one ({', '.join(store.path.name for store in found)})."
        )
    return found[0] if found else None


def other_source(root: Path, kind: AuxiliaryKind, source: str) -> None:
    """Raise InputError if the kind has been filled from another source than this."""
    found = filled_store(root, kind)
    if found is not None and found.provenance.source != source:
        raise InputError(
            f"Expected {kind} of one source, got those of {found.provenance.source} already; "
            f"delete {found.path} to take others."
        )


def require_known(kind: AuxiliaryKind, manifest: Manifest, known: np.ndarray, root: Path) -> None:
    """Raise InputError, naming the commands that make them, unless all rows' values are known.

    known: (n,) bool. root: the study's features.
    """
    if known.all():
        return
    absent = np.flatnonzero(~known)
    first = ", ".join(str(name) for name in manifest.frame["sample_id"].iloc[absent[:3]])
    command = f"python -m ccim_core auxiliary --study {root.parent} --kind {kind}"
    raise InputError(
        f"Expected {kind} of every subject, got none for {len(absent)} of {len(manifest)} (first: "
        f"{first}); {_ADVICE[kind].format(command=command)}."
    )


_ADVICE: dict[AuxiliaryKind, str] = {
    "landmarks": "take yours in with `{command} --files FOLDER`, or read the five points that a "
    "face detector finds (--model.landmarks 5)",
    "face_points": "find them with `{command} --estimate` (rows without a face are left out by "
    "`detect --drop-faceless`), or take yours in with `{command} --files FOLDER`",
    "keypoints": "find them with `{command} --estimate`, or take yours in with "
    "`{command} --files FOLDER`",
    "depth": "estimate them with `{command} --estimate`, take yours in with "
    "`{command} --files FOLDER`, or train without them (--model.depth false)",
}
