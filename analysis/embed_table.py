"""Any table's features on a map with their separation, one set or two: no study, no runs.

What needs runs (h under likelihood and intervention, right and wrong answers) is not here; see
`analysis.embeddings`. Coordinates and measures are those of the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.embeddings import EmbedSettings, package_versions
from analysis.projection import project_aligned_umap, project_pca
from analysis.separation import MEASURES, Measured, SeparationSettings, Subjects, separation
from analysis.separation_study import compare_measures
from ccim_core.environment import describe_environment
from ccim_core.errors import InputError
from ccim_core.labels import LabelSet
from ccim_core.manifest.checks import is_blank

__all__ = ["TableEmbedding", "embed_table", "list_measures"]

SIDES = ("before", "after")


@dataclass(frozen=True, kw_only=True, eq=False)
class TableEmbedding:
    """points: a row per subject × set, with the columns of `describe_points`, `side` being
    `before` and, of two sets, `after`. measures: as by `compare_measures`, or by `list_measures`
    of one set. record: settings, versions, seed. notes: what is left out, and why.
    """

    points: pd.DataFrame
    measures: pd.DataFrame
    record: dict[str, Any]
    notes: tuple[str, ...]


def embed_table(
    frame: pd.DataFrame,
    labels: LabelSet,
    features: Sequence[np.ndarray],
    *,
    settings: EmbedSettings | None = None,
    measured: SeparationSettings | None = None,
    advance: Callable[[int], object] = lambda n: None,
) -> TableEmbedding:
    """Lay out one or two sets of features of a table's rows, and measure how they are organised.

    Args:
        frame: a row a subject: `image`, `labels`, and `scene`, `cluster`, `sample_id` where known.
        features: one or two arrays (n, d), row by row those of `frame`; two are laid out together.
        measured: None measures nothing.

    Raises:
        InputError: lengths that differ, a missing column, too few usable rows.
    """
    settings = settings or EmbedSettings()
    for column in ("image", "labels"):
        if column not in frame:
            raise InputError(f"Expected a column `{column}`, got none.")
    if not 1 <= len(features) <= 2 or any(len(one) != len(frame) for one in features):
        raise InputError(
            f"Expected one or two arrays of {len(frame)} rows, got {[len(f) for f in features]}."
        )
    frame, features, notes = _usable(frame, features)
    rng = np.random.default_rng(settings.seed)
    n = len(frame)
    chosen = np.arange(n)
    if n > settings.max_points:
        chosen = np.sort(rng.choice(n, settings.max_points, replace=False))
        notes.append(f"The map shows {len(chosen):,} of {n:,} subjects, chosen at random.")
    planes = _project([one[chosen] for one in features], settings)
    points = pd.concat(
        [
            _points(frame.iloc[chosen], plane, side)
            for plane, side in zip(planes, SIDES, strict=False)
        ],
        ignore_index=True,
    )
    measures = pd.DataFrame()
    if measured is not None:
        subjects = Subjects.from_rows(frame, labels.encode(frame["labels"].astype(str)))
        kept = _choose(n, measured)
        found = [
            separation(one[kept], subjects.take(kept), settings=measured, advance=advance)
            for one in features
        ]
        measures = (
            list_measures(found[0])
            if len(found) == 1
            else compare_measures(*found, confidence=measured.confidence)
        )
    record = {
        "settings": asdict(settings),
        "measured_with": None if measured is None else asdict(measured),
        "n_subjects": n,
        "n_points": len(chosen),
        "versions": package_versions(),
        "environment": describe_environment(device="cpu"),
    }
    return TableEmbedding(points=points, measures=measures, record=record, notes=tuple(notes))


def _usable(
    frame: pd.DataFrame, features: Sequence[np.ndarray]
) -> tuple[pd.DataFrame, list[np.ndarray], list[str]]:
    blank = is_blank(frame["labels"]) | is_blank(frame["image"])
    if len(frame) - blank.sum() < 3:
        raise InputError(
            f"Expected three or more rows with `labels` and `image`, got "
            f"{len(frame) - int(blank.sum())} of {len(frame)}."
        )
    notes = []
    if blank.any():
        notes.append(f"{int(blank.sum()):,} rows have no label or image and are left out.")
    if "scene" not in frame or is_blank(frame["scene"]).all():
        notes.append("No scene is known: what needs scenes is not measured.")
    return frame[~blank].reset_index(drop=True), [one[~blank] for one in features], notes


def _project(features: list[np.ndarray], settings: EmbedSettings) -> list[np.ndarray]:
    """A plane (n, 2) for each array. One array alone is laid out against itself."""
    before, after = features[0], features[-1]
    if settings.method == "pca":
        planes = project_pca(before, after, shared=len(features) == 1)
    else:
        planes = project_aligned_umap(
            before,
            after,
            seed=settings.seed,
            n_neighbors=settings.n_neighbors,
            min_dist=settings.min_dist,
            n_epochs=settings.n_epochs,
            alignment=settings.alignment,
        )
    return list(planes[: len(features)])


def _points(rows: pd.DataFrame, plane: np.ndarray, side: str) -> pd.DataFrame:
    n = len(rows)
    ids = rows["sample_id"] if "sample_id" in rows else rows["image"]
    scene = rows["scene"] if "scene" in rows else pd.Series([None] * n, dtype=object)
    cluster = rows["cluster"] if "cluster" in rows else pd.Series([np.nan] * n)
    return pd.DataFrame(
        {
            "sample_id": ids.astype(str).to_numpy(object),
            "split": rows["split"].to_numpy(object) if "split" in rows else "all",
            "side": side,
            "x": plane[:, 0],
            "y": plane[:, 1],
            "emotion": rows["labels"].astype(str).to_numpy(object),
            "scene": scene.to_numpy(object),
            "cluster": pd.to_numeric(cluster, errors="coerce").to_numpy(
                np.float64, na_value=np.nan
            ),
        }
    ).astype({"cluster": "Int64"})


def _choose(n: int, settings: SeparationSettings) -> np.ndarray:
    if n <= settings.max_points:
        return np.arange(n)
    rng = np.random.default_rng(settings.seed)
    return np.sort(rng.choice(n, settings.max_points, replace=False))


def list_measures(found: dict[str, Measured]) -> pd.DataFrame:
    """A row a measure of one set of features: measure, title, before (its value) with `_low` and
    `_high`, chance_before, n, reason: the columns of `compare_measures` that one set has."""
    return pd.DataFrame(
        [
            {
                "measure": name,
                "title": MEASURES[name],
                "before": one.value,
                "before_low": one.low,
                "before_high": one.high,
                "chance_before": one.chance,
                "n": one.n,
                "reason": one.reason,
            }
            for name, one in found.items()
        ]
    )
