"""From a manifest or a bare table to a `SceneTable`, with a note on whatever was left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from analysis.contingency import SceneTable, build_table
from ccim_core.errors import InputError
from ccim_core.labels import LABEL_SEPARATOR, LabelSet
from ccim_core.manifest.checks import is_blank

__all__ = ["count_frame", "infer_labels", "subject_targets"]


def infer_labels(frame: pd.DataFrame) -> LabelSet:
    """A label set of the names that occur, in alphabetical order.

    Raises InputError when there is no `labels` column or fewer than two names.
    """
    if "labels" not in frame:
        raise InputError("Expected a `labels` column, got none; name the emotion of each subject.")
    texts = frame["labels"][~is_blank(frame["labels"])].astype(str).unique()
    parts = [[part.strip() for part in text.split(LABEL_SEPARATOR)] for text in texts]
    names = sorted({part for row in parts for part in row if part})
    if not names:
        raise InputError(
            f"Expected an emotion of each subject in `labels`, got none in any of {len(frame):,} "
            "rows."
        )
    if len(names) < 2:
        raise InputError(
            f"Expected at least two emotions in `labels`, got {names}; nothing can depend on the "
            "scene where all subjects have one label."
        )
    several = any(len(row) > 1 for row in parts)
    return LabelSet(
        name="inferred",
        emotions=tuple(names),
        kind="multi" if several else "single",
        loss="binary_cross_entropy" if several else "cross_entropy",
        link="sigmoid" if several else "softmax",
        headline="map" if several else "balanced_accuracy",
    )


def count_frame(
    frame: pd.DataFrame,
    labels: LabelSet,
    *,
    scene_column: str = "scene",
    scene_weights: pd.DataFrame | None = None,
) -> tuple[SceneTable, list[str]]:
    """Gather the rows of a table, a subject each, into images with a scene.

    Args:
        frame: columns `image` and `labels`, and `scene_column` unless weights are given.
        scene_weights: soft scenes: a row an image (index), a column a scene.

    Returns:
        The table, and a sentence on each kind of row that could not be used.

    Raises:
        InputError: a column is missing, a label is unknown, or no row is left.
    """
    notes: list[str] = []
    wanted = ["image", "labels"] + ([scene_column] if scene_weights is None else [])
    for column in wanted:
        if column not in frame:
            raise InputError(_missing(column, scene_column, list(frame.columns)))
    keep = np.ones(len(frame), bool)
    for column in wanted:
        blank = is_blank(frame[column])
        if (keep & blank).any():
            notes.append(
                f"{int((keep & blank).sum()):,} of {len(frame):,} rows have no `{column}` "
                "and are left out."
            )
        keep &= ~blank
    if scene_weights is not None:
        known = frame["image"].astype(str).isin(scene_weights.index.astype(str)).to_numpy(bool)
        if (keep & ~known).any():
            notes.append(
                f"{int((keep & ~known).sum()):,} of {len(frame):,} rows are of images without "
                "scene weights and are left out."
            )
        keep &= known
    if not keep.any():
        raise InputError(
            f"Expected at least one row with {' and '.join(f'`{name}`' for name in wanted)}, "
            f"got none among {len(frame):,} rows."
        )
    frame = frame[keep]
    image, images = pd.factorize(frame["image"].astype(str))
    targets = subject_targets(frame["labels"], labels)
    if scene_weights is not None:
        weights = scene_weights.set_axis(scene_weights.index.astype(str)).loc[list(images)]
        order = np.argsort(-weights.to_numpy(np.float64).sum(axis=0), kind="stable")
        table = build_table(
            targets,
            image,
            emotions=labels.emotions,
            scenes=[str(weights.columns[k]) for k in order],
            weights=weights.to_numpy(np.float64)[:, order],
        )
        return table, notes
    scene, scenes, disputed = _scene_of_images(image, frame[scene_column])
    if disputed:
        notes.append(
            f"{disputed:,} of {len(images):,} images have subjects in different scenes; each such "
            "image counts for the scene of most of its subjects."
        )
    table = build_table(targets, image, emotions=labels.emotions, scenes=scenes, scene=scene)
    return table, notes


def _missing(column: str, scene_column: str, present: list[str]) -> str:
    if column == scene_column:
        return (
            f"Expected a scene of each image in a column `{scene_column}` or scene weights, got "
            f"neither (columns: {', '.join(present)}); name the column with --scene-column, or "
            "take --scenes places365 (recognised in the pictures) or --scenes clusters."
        )
    return f"Expected a column `{column}`, got none (columns: {', '.join(present)})."


def subject_targets(column: pd.Series, labels: LabelSet) -> sparse.csr_array:
    """Label texts (n,) to a sparse 0/1 matrix (n, E). Raises InputError for an unknown label."""
    codes, texts = pd.factorize(column.astype(str))
    rows = [[labels.index(name) for name in dict.fromkeys(labels.parse(text))] for text in texts]
    lengths = np.array([len(row) for row in rows])
    indices = np.concatenate([np.array(row, np.int64) for row in rows])
    pointers = np.concatenate([[0], np.cumsum(lengths)])
    distinct = sparse.csr_array(
        (np.ones(len(indices)), indices, pointers), shape=(len(rows), labels.size)
    )
    return distinct[codes]


def _scene_of_images(image: np.ndarray, column: pd.Series) -> tuple[np.ndarray, list[str], int]:
    """(n_images,) scene index, names by falling number of subjects, and images that disagree."""
    codes, names = pd.factorize(column.astype(str), sort=True)
    order = np.argsort(-np.bincount(codes), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    scene = rank[codes]
    pairs, votes = np.unique(image.astype(np.int64) * len(names) + scene, return_counts=True)
    of_image, of_scene = np.divmod(pairs, len(names))
    # The pair with most votes of each image comes last; the commoner scene wins a tie.
    best = np.lexsort((-of_scene, votes, of_image))
    last = np.flatnonzero(np.append(np.diff(of_image[best]) > 0, True))
    chosen = of_scene[best][last]
    disputed = int((np.bincount(of_image) > 1).sum())
    # A scene may lose all its images in disputes; it stays, with no subjects.
    return chosen.astype(np.int32), [str(names[k]) for k in order], disputed
