"""Coordinates of a run's features before and after an intervention, computed once and stored.

`<study>/analysis/embeddings/<name>.parquet` holds the coordinates, `<name>.json` beside it what
they were made from (hashes of the features, settings, versions, seed) and vouches for them. The
name ends in a hash of all that decides the coordinates, so equal work is never done twice.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from analysis.embedding_points import describe_points
from analysis.embedding_sources import (
    ARRAYS,
    PairedFeatures,
    Side,
    read_pair,
    source_hashes,
)
from analysis.projection import project_aligned_umap, project_pca
from ccim_core.environment import describe_environment
from ccim_core.errors import InputError
from ccim_core.files import read_json, sha256_file, write_atomically, write_json
from ccim_core.study import Study

__all__ = [
    "EmbedSettings",
    "Embedding",
    "embed",
    "embeddings_root",
    "load_embedding",
    "package_versions",
    "stored_embeddings",
]

Method = Literal["aligned_umap", "pca"]

FORMAT = "ccim-embedding"
FORMAT_VERSION = 1
_PACKAGES = ("umap-learn", "numba", "scikit-learn", "numpy")


@dataclass(frozen=True, kw_only=True)
class EmbedSettings:
    """Everything but the features that the coordinates depend on.

    split: whose subjects are shown. method: "aligned_umap", or "pca" (instant). seed: of the
    layout and of the choice of subjects. max_points: subjects shown at most, chosen at random.
    n_neighbors, min_dist, n_epochs, alignment: see `analysis.projection.project_aligned_umap`;
    PCA ignores them.
    """

    split: str = "shift"
    method: Method = "aligned_umap"
    seed: int = 0
    max_points: int = 4000
    n_neighbors: int = 15
    min_dist: float = 0.1
    n_epochs: int = 200
    alignment: float = 0.01

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise InputError(
                f"Expected `method` to be one of {list(get_args(Method))}, got {self.method!r}."
            )
        if not 0 <= self.seed < 2**32:
            raise InputError(f"Expected `seed` between 0 and 2^32 − 1, got {self.seed}.")
        for name, least in (("max_points", 3), ("n_neighbors", 2), ("n_epochs", 1)):
            if getattr(self, name) < least:
                raise InputError(
                    f"Expected `{name}` of {least} or more, got {getattr(self, name)}."
                )
        if not 0 <= self.min_dist < 1 or not self.alignment >= 0:
            raise InputError(
                "Expected `min_dist` in [0, 1) and `alignment` of 0 or more, "
                f"got {self.min_dist} and {self.alignment}."
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedding:
    """Points of both sides, what they were made from, and where they are stored.

    frame: a row per subject × side, as `analysis.embedding_points.describe_points` makes it.
    record: the sidecar. computed: whether `embed` had to compute them.
    """

    frame: pd.DataFrame
    record: dict[str, Any]
    path: Path
    computed: bool = False

    @property
    def before(self) -> Side:
        """The side before the intervention."""
        return Side(**self.record["before"])

    @property
    def after(self) -> Side:
        """The side after it."""
        return Side(**self.record["after"])


def embed(
    study: Study, before: Side, after: Side, *, settings: EmbedSettings | None = None
) -> Embedding:
    """Coordinates of two sides, from disk when the same were made before, else computed and kept.

    Stored ones that were changed since, or that other features made, are computed again.

    Raises:
        InputError: features that were not stored or cannot be matched, or too few for a layout.
    """
    settings = settings or EmbedSettings()
    sources = {name: source_hashes(study, side) for name, side in _named(before, after)}
    key = _content_key(sources, settings, shared=before.shares_space(after))
    path = embeddings_root(study) / f"{_stem(before, after, settings)}-{key}.parquet"
    if path.is_file() and not isinstance(found := _read(study, path), str):
        return found
    pair = read_pair(study, before, after, split=settings.split)
    coordinates, n_left_out = _coordinates(pair, settings, shared=before.shares_space(after))
    with write_atomically(path) as temporary:
        coordinates.to_parquet(temporary, index=False, compression="zstd")
    record = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "key": key,
        "before": asdict(before),
        "after": asdict(after),
        "titles": {name: ARRAYS[side.array].title for name, side in _named(before, after)},
        "settings": asdict(settings),
        "basis": _basis(before, after, settings),
        "sources": sources,
        "n_subjects": len(pair.sample_id),
        "n_points": len(coordinates),
        "n_unmatched": n_left_out,
        "n_unplaced": int(coordinates.drop(columns="sample_id").isna().any(axis=1).sum()),
        "versions": package_versions(),
        "environment": describe_environment(device="cpu"),
        "coordinates_sha256": sha256_file(path),
    }
    write_json(path.with_suffix(".json"), record)
    frame = describe_points(study, coordinates, before, after, split=settings.split)
    return Embedding(frame=frame, record=record, path=path, computed=True)


def load_embedding(study: Study, path: Path) -> Embedding:
    """Stored coordinates with what is now known of their subjects; reads no features.

    Raises InputError when they were changed since, or made from other features than the study
    now has.
    """
    found = _read(study, path)
    if isinstance(found, str):
        raise InputError(f"{found}; make them again with `python -m analysis embed`.")
    return found


def package_versions() -> dict[str, str]:
    """Versions of the packages that decide coordinates."""
    return {name: metadata.version(name) for name in _PACKAGES}


def stored_embeddings(study: Study) -> list[Path]:
    """Paths of the stored coordinates: joint features first, by name, then context features."""
    paths = [
        path
        for path in embeddings_root(study).glob("*.parquet")
        if path.with_suffix(".json").is_file() and not path.name.startswith(".")
    ]
    return sorted(paths, key=lambda path: (".context--" in path.name, path.name))


def embeddings_root(study: Study) -> Path:
    """Where a study keeps coordinates and separation measures."""
    return study.analysis_root / "embeddings"


def _read(study: Study, path: Path) -> Embedding | str:
    """The stored embedding, or what is wrong with it."""
    sidecar = path.with_suffix(".json")
    try:
        record = read_json(sidecar)
        settings = EmbedSettings(**record["settings"])
        before, after = Side(**record["before"]), Side(**record["after"])
        shared = before.shares_space(after)
        if (record["format"], record["version"]) != (FORMAT, FORMAT_VERSION):
            return f"Expected coordinates of this version at {path}, got another"
        if record["key"] != _content_key(record["sources"], settings, shared=shared):
            return f"Expected the record that was written in {sidecar}, got one changed since"
        if not path.is_file() or record["coordinates_sha256"] != sha256_file(path):
            return f"Expected the coordinates that {sidecar} vouches for, got others"
    except (InputError, KeyError, TypeError, AttributeError) as error:
        return f"Expected the record of an embedding in {sidecar}, got another file ({error})"
    for name, side in _named(before, after):
        now = source_hashes(study, side)
        # A study may be shared without its features; then the record stands alone.
        if now is not None and now != record["sources"][name]:
            return f"Expected coordinates of the present features of {side}, got those of others"
    frame = describe_points(study, pd.read_parquet(path), before, after, split=settings.split)
    return Embedding(frame=frame, record=record, path=path)


def _coordinates(
    pair: PairedFeatures, settings: EmbedSettings, *, shared: bool
) -> tuple[pd.DataFrame, int]:
    """The coordinates of the chosen subjects as `describe_points` takes them."""
    n = len(pair.sample_id)
    chosen = np.arange(n)
    if n > settings.max_points:
        generator = np.random.default_rng(settings.seed)
        chosen = np.sort(generator.choice(n, settings.max_points, replace=False))
    before, after = pair.before[chosen], pair.after[chosen]
    if settings.method == "pca":
        first, second = project_pca(before, after, shared=shared)
    else:
        first, second = project_aligned_umap(
            before,
            after,
            seed=settings.seed,
            n_neighbors=settings.n_neighbors,
            min_dist=settings.min_dist,
            n_epochs=settings.n_epochs,
            alignment=settings.alignment,
        )
    columns: dict[str, Any] = {"sample_id": pair.sample_id[chosen]}
    for name, points in (("before", first), ("after", second)):
        columns |= {f"x_{name}": points[:, 0], f"y_{name}": points[:, 1]}
    if pair.cluster is not None:
        columns["cluster"] = pair.cluster[chosen]
    return pd.DataFrame(columns), pair.n_left_out


def _basis(before: Side, after: Side, settings: EmbedSettings) -> str:
    """How the two sides were made comparable, in words."""
    if settings.method == "aligned_umap":
        return "laid out together by AlignedUMAP"
    if before.shares_space(after):
        return "one PCA basis of both sides"
    return "a PCA basis each, at unit scale, the second turned onto the first (Procrustes)"


def _content_key(sources: dict[str, Any], settings: EmbedSettings, *, shared: bool) -> str:
    """Hash of what decides the coordinates."""
    parts: dict[str, Any] = asdict(settings)
    if settings.method == "pca":
        for name in ("n_neighbors", "min_dist", "n_epochs", "alignment"):
            parts.pop(name)
    text = json.dumps([FORMAT_VERSION, sources, parts, shared], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _stem(before: Side, after: Side, settings: EmbedSettings) -> str:
    sides = "--".join(f"{side.run}.{side.array}" for side in (before, after))
    return f"{sides}--{settings.split}-{settings.method}"


def _named(before: Side, after: Side) -> tuple[tuple[str, Side], tuple[str, Side]]:
    return ("before", before), ("after", after)
