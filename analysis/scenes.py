"""The scene of each image: recognised by a Places365 network, or a context cluster in its place.

Pictures are encoded through the feature store, so none is encoded twice under the same mask,
preprocessing and weights; scenes follow from the stored features and the network's own classifier.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import softmax

from ccim_core.errors import InputError
from ccim_core.manifest import Manifest
from ccim_core.manifest.checks import is_blank
from ccim_core.manifest.schema import REQUIRED_COLUMNS

if TYPE_CHECKING:
    from ccim_core.backbones import Encoder
    from ccim_core.labels import LabelSet
    from ccim_core.pictures import PictureReader

__all__ = [
    "RECOGNISED",
    "VIEWS",
    "SceneChoice",
    "SceneMass",
    "as_manifest",
    "cluster_names",
    "encode_contexts",
    "recognise_scenes",
]

VIEWS = {"masked": "the context, subject masked", "whole": "the whole image"}
"""What a scene can be recognised on."""

RECOGNISED = "recognised_scene"
"""Column of scenes that the table itself does not name."""

_ROWS = 65_536  # classified at a time


@dataclass(frozen=True, kw_only=True, eq=False)
class SceneChoice:
    """The scene of each image, and where it comes from.

    frame: the split's rows; `column` of it names the scene, unless there are `weights`: soft
    scenes, a row an image, a column a scene. source: in words; record: in data.
    """

    frame: pd.DataFrame
    column: str
    source: str
    weights: pd.DataFrame | None = None
    record: dict[str, Any] = field(default_factory=dict)

    def assignment(self) -> pd.Series | None:
        """The scene of each image (index), where no column of the table itself names it."""
        if self.column != RECOGNISED or self.weights is not None:
            return None
        counts = self.frame.groupby(["image", self.column]).size().rename("n").reset_index()
        most = counts.sort_values("n", kind="stable").drop_duplicates("image", keep="last")
        return most.set_index("image")[self.column].sort_index()


@dataclass(frozen=True, kw_only=True, eq=False)
class SceneMass:
    """How much of each image is each scene.

    mass: a row an image (index), a column a scene, float32; rows sum to 1. An image with several
    subjects was seen once per subject, masked; its row is the mean of these.
    record: the encoder's provenance and the view.
    """

    mass: pd.DataFrame
    record: dict[str, Any]

    def top(self) -> pd.Series:
        """The scene with most mass, by image."""
        columns = np.array(self.mass.columns, object)
        return pd.Series(columns[self.mass.to_numpy().argmax(axis=1)], index=self.mass.index)

    def describe(self, *, soft: bool) -> str:
        """Where the scenes come from, in words, with the first digits of the weights' hash."""
        kind = "posterior mass" if soft else "top-1"
        encoder = self.record["encoder"]
        return (
            f"Places365 {kind} by {encoder['name']} (weights {encoder['sha256'][:12]}) on "
            f"{VIEWS[self.record['view']]}"
        )


def as_manifest(frame: pd.DataFrame, labels: LabelSet) -> Manifest:
    """Rows of any table as far as encoding its pictures needs them, in their order.

    Columns that are absent are filled: rows are numbered, and boxes are unknown, which the views
    that need one say.
    """
    filled = frame.reset_index(drop=True)
    for column in REQUIRED_COLUMNS:
        if column not in filled:
            values: Any = np.nan
            if column == "sample_id":
                values = [f"row {k + 1}" for k in range(len(filled))]
            elif column in ("split", "labels"):
                values = "all"
            filled = filled.assign(**{column: values})
    return Manifest(frame=filled, labels=labels)


def encode_contexts(
    frame: pd.DataFrame,
    labels: LabelSet,
    reader: PictureReader,
    encoder: Encoder,
    *,
    view: str,
    root: Path,
    **options: Any,
) -> np.ndarray:
    """Pooled features (n, d) of each row's context, from the store at `root` or encoded now.

    Args:
        view: of `VIEWS`.
        options: as `ccim_core.features.extract_features` takes them (device, batch_size, …).

    Raises:
        InputError: no column `image`, a picture or box that cannot be used, an unknown view.
    """
    from ccim_core.features import View, extract_features

    if view not in VIEWS:
        raise InputError(f"Expected a view of {list(VIEWS)}, got {view!r}.")
    if "image" not in frame or is_blank(frame["image"]).any():
        raise InputError(
            "Expected the picture of each row in a column `image`, got rows without; pictures "
            "cannot be encoded for these."
        )
    manifest = as_manifest(frame, labels)
    kind: Any = view
    store = extract_features(manifest, reader, encoder, View(kind=kind), root=root, **options)
    return store.gather(manifest, reader)


def recognise_scenes(
    frame: pd.DataFrame,
    labels: LabelSet,
    reader: PictureReader,
    encoder: Encoder,
    *,
    view: str = "masked",
    root: Path,
    **options: Any,
) -> SceneMass:
    """Scene posteriors of every image of a table by an encoder with a scene classifier.

    Rows without a picture's name are left out. Arguments as of `encode_contexts`.

    Raises:
        InputError: an encoder that names no scenes, or whose names are not there; else as
            `encode_contexts`.
    """
    names = encoder.class_names
    if "image" in frame:
        frame = frame[~is_blank(frame["image"])]
    if not len(frame):
        raise InputError("Expected rows with a picture to recognise scenes in, got none.")
    features = encode_contexts(frame, labels, reader, encoder, view=view, root=root, **options)
    image, images = pd.factorize(frame["image"].astype(str))
    share = (1 / np.bincount(image))[image].astype(np.float32)
    shape = (len(images), len(features))
    gather = sparse.csc_array((share, (image, np.arange(len(features)))), shape=shape)
    mass = np.zeros((len(images), len(names)), np.float32)
    for start in range(0, len(features), _ROWS):
        rows = slice(start, start + _ROWS)
        mass += gather[:, rows] @ _posterior(encoder, features[rows])
    return SceneMass(
        mass=pd.DataFrame(mass, index=pd.Index(images, name="image"), columns=list(names)),
        record={"encoder": encoder.provenance.to_dict(), "view": view},
    )


def _posterior(encoder: Encoder, features: np.ndarray) -> np.ndarray:
    """P(scene | picture) (n, S), float32, of pooled features (n, d)."""
    import torch

    with torch.inference_mode():
        logits = encoder.classify(torch.from_numpy(np.ascontiguousarray(features)))
    return softmax(logits.double().numpy(), axis=1).astype(np.float32)


def cluster_names(cluster: np.ndarray) -> np.ndarray:
    """Clusters (n,) as pseudo-scenes: `cluster 0`, `cluster 1`, …"""
    return np.array([f"cluster {k}" for k in cluster.tolist()], object)
