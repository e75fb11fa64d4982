"""What is known of each point: its emotion and scene, and what each side's estimator made of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.embedding_sources import Side
from ccim_core.errors import InputError
from ccim_core.files import read_json
from ccim_core.labels import LABEL_SEPARATOR
from ccim_core.study import Study

__all__ = ["CHANGES", "describe_points", "subject_rows"]

CHANGES = ("stays right", "becomes right", "becomes wrong", "stays wrong")
SIDES = ("before", "after")


def describe_points(
    study: Study, coordinates: pd.DataFrame, before: Side, after: Side, *, split: str
) -> pd.DataFrame:
    """A row per subject and side: `before` first, then `after`, subjects in the same order.

    Columns: sample_id, split, side ("before" | "after"), x, y, emotion (its labels, joined by
    `|` where it has several), scene (None where the manifest has none), cluster (Int64, <NA> where
    the run kept none), predicted (the most probable emotion by the side's estimator; None without
    predictions), correct (boolean, <NA> likewise: whether `predicted` is among its labels) and
    change (one of `CHANGES`, from before to after; None where either side has no prediction).

    Args:
        coordinates: sample_id, x_before, y_before, x_after, y_after and perhaps cluster.

    Raises InputError when the manifest lacks some of the subjects.
    """
    rows = subject_rows(study, coordinates["sample_id"], split=split)
    labels = rows["labels"].astype(str).to_numpy(object)
    shared = {
        "sample_id": coordinates["sample_id"].to_numpy(object),
        "split": split,
        "emotion": labels,
        "scene": _texts(rows, "scene"),
        "cluster": _clusters(coordinates),
    }
    parts = []
    for name, side in zip(SIDES, (before, after), strict=True):
        predicted = _predicted(study, side, coordinates["sample_id"], split)
        parts.append(
            pd.DataFrame(
                {
                    **shared,
                    "side": name,
                    "x": coordinates[f"x_{name}"].to_numpy(np.float32),
                    "y": coordinates[f"y_{name}"].to_numpy(np.float32),
                    "predicted": predicted,
                    "correct": _correct(predicted, labels),
                }
            )
        )
    change = _change(parts[0]["correct"], parts[1]["correct"])
    frame = pd.concat([part.assign(change=change) for part in parts], ignore_index=True)
    order = ["sample_id", "split", "side", "x", "y", "emotion", "scene", "cluster"]
    return frame[[*order, "correct", "predicted", "change"]]


def subject_rows(study: Study, sample_ids: pd.Series, *, split: str) -> pd.DataFrame:
    """The manifest's rows of these subjects, in their order. Raises InputError if some lack."""
    table = study.manifest.frame
    table = table[table["split"].astype(str) == split]
    position = pd.Index(table["sample_id"].astype(str)).get_indexer(
        pd.Index(sample_ids.astype(str))
    )
    if (position < 0).any():
        raise InputError(
            f"Expected every subject of the features in the manifest of {study.path}, got "
            f"{int((position < 0).sum())} that are not; evaluate the runs again."
        )
    return table.iloc[position].reset_index(drop=True)


def _texts(rows: pd.DataFrame, column: str) -> np.ndarray:
    if column not in rows:
        return np.full(len(rows), None, object)
    values = rows[column].astype(object).to_numpy()
    return _where(~pd.isna(values), values)


def _clusters(coordinates: pd.DataFrame) -> pd.arrays.IntegerArray:
    if "cluster" not in coordinates:
        return pd.array([pd.NA] * len(coordinates), dtype="Int64")
    return pd.array(coordinates["cluster"].to_numpy(), dtype="Int64")


def _predicted(study: Study, side: Side, sample_ids: pd.Series, split: str) -> np.ndarray:
    """The side's most probable emotion for each subject; None where there is no prediction."""
    nothing = np.full(len(sample_ids), None, object)
    path = study.runs_root / side.run / "predictions.parquet"
    emotions = list(study.labels.emotions)
    if not path.is_file():
        return nothing
    try:
        table = pd.read_parquet(
            path,
            columns=["sample_id", *emotions],
            filters=[("split", "==", split), ("estimator", "==", _estimator(study, side))],
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"Expected predictions of this study in {path}, got another file ({error})."
        ) from None
    position = pd.Index(table["sample_id"].astype(str)).get_indexer(
        pd.Index(sample_ids.astype(str))
    )
    if not len(table):
        return nothing
    top = np.array(emotions, object)[table[emotions].to_numpy().argmax(axis=1)]
    return _where(position >= 0, top[position])


def _estimator(study: Study, side: Side) -> str:
    """The estimator that the side's features feed: the run's forward pass for h and for context."""
    if side.array not in ("likelihood", "context"):
        return side.array
    config = read_json(study.runs_root / side.run / "config.json")["config"]
    return "ccim" if config["intervention"]["name"] == "ccim" else "likelihood"


def _correct(predicted: np.ndarray, labels: np.ndarray) -> pd.arrays.BooleanArray:
    values = [
        pd.NA if name is None else name in text.split(LABEL_SEPARATOR)
        for name, text in zip(predicted, labels, strict=True)
    ]
    return pd.array(values, dtype="boolean")


def _change(before: pd.Series, after: pd.Series) -> np.ndarray:
    known = (before.notna() & after.notna()).to_numpy()
    first = before.fillna(False).to_numpy(bool)
    second = after.fillna(False).to_numpy(bool)
    # Row: before right or wrong; column: after right or wrong.
    names = np.array([[CHANGES[3], CHANGES[1]], [CHANGES[2], CHANGES[0]]], object)
    return _where(known, names[first.astype(int), second.astype(int)])


def _where(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`values` as objects, None where not `known`."""
    chosen = np.full(len(values), None, object)
    chosen[known] = values[known]
    return chosen
