"""Predictions (the dicts of `Predictor.predict`) as tables: what figures and pages are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ccim_core.errors import InputError

__all__ = [
    "ESTIMATORS",
    "LEAST_EFFECT",
    "batch_table",
    "box_table",
    "comparison_table",
    "estimate_table",
    "estimator_title",
    "long_table",
    "pair_key",
    "prototype_table",
]

LEAST_EFFECT = 0.005
"""Smallest change of an output that a removal must make for a context to be said to matter: half
a point of probability."""

_PAIR = "@"

ESTIMATORS: dict[str, tuple[str, str]] = {
    "likelihood": ("Likelihood P(Y|X)", "the plain model: what goes with this picture"),
    "ccim": ("CCIM P(Y|do(X))", "the paper's module, trained in (Eq. 4–6)"),
    "backdoor": ("Back-door, Eq. 2", "the subject put into every context, averaged by P(z)"),
    "prior_correction": (
        "Prior correction",
        "its own context kept, the context's prior divided out",
    ),
    "counterfactual": ("Counterfactual", "the context's direct effect subtracted (TE − NDE)"),
}
"""Estimator key to its title and what it does in a line."""


def pair_key(estimator: str, run: str) -> str:
    """Key of an estimate by a run that is not the one that answers by default."""
    return f"{estimator}{_PAIR}{run}"


def estimator_title(key: str) -> str:
    """Title of an estimator, with its run for a key of `pair_key`; others are their own title."""
    estimator, _, run = key.partition(_PAIR)
    known = estimator in ESTIMATORS
    title = ESTIMATORS[estimator][0] if known else estimator.replace("_", " ").capitalize()
    return f"{title} · {run}" if run else title


def box_table(predictions: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A row per subject: number (from 1), x1, y1, x2, y2 in pixels."""
    rows = [(i, *map(float, item["box"])) for i, item in enumerate(predictions, start=1)]
    return pd.DataFrame(rows, columns=["number", "x1", "y1", "x2", "y2"])


def estimate_table(prediction: Mapping[str, Any], reference: str = "likelihood") -> pd.DataFrame:
    """A row per estimate of one subject, in the order of `ESTIMATORS`.

    Columns: estimator, title, emotion (the leading one), value (of that emotion), moved (total
    variation from `reference`, half the sum of absolute changes; NaN where that is absent), link.
    """
    estimates = prediction["estimates"]
    known = [key for key in ESTIMATORS if key in estimates]
    base = estimates.get(reference, {}).get("probabilities")
    rows = []
    for key in [*known, *(key for key in estimates if key not in ESTIMATORS)]:
        values = estimates[key]["probabilities"]
        emotion = max(values, key=lambda name: values[name])
        moved = 0.5 * sum(abs(values[name] - base[name]) for name in values) if base else math.nan
        rows.append(
            (key, estimator_title(key), emotion, values[emotion], moved, estimates[key]["link"])
        )
    return pd.DataFrame(rows, columns=["estimator", "title", "emotion", "value", "moved", "link"])


def comparison_table(prediction: Mapping[str, Any], before: str, after: str) -> pd.DataFrame:
    """Two estimates of one subject: emotion, before, after, change, in the label set's order.

    Raises InputError when the subject has no such estimate, with the reason where one is known.
    """
    columns = {}
    for role, key in (("before", before), ("after", after)):
        if key not in prediction["estimates"]:
            reason = prediction.get("absent", {}).get(key, "the model does not offer it")
            raise InputError(
                f"Expected one of {sorted(prediction['estimates'])}, got {key!r}: {reason}"
            )
        columns[role] = pd.Series(prediction["estimates"][key]["probabilities"], dtype=float)
    frame = pd.DataFrame(columns)
    frame["change"] = frame["after"] - frame["before"]
    return frame.rename_axis("emotion").reset_index()


def batch_table(
    subjects: Sequence[tuple[str, int, Mapping[str, Any]]], before: str, after: str
) -> pd.DataFrame:
    """Two estimates of many subjects, a row each.

    `subjects`: image, number within it (from 1) and prediction of each. Columns: image, subject,
    before and after (the leading emotions), before_value, after_value, changed (whether they
    differ), moved (total variation between the two, half the sum of absolute changes), note (the
    prediction's warnings).
    """
    rows = []
    for image, number, prediction in subjects:
        frame = comparison_table(prediction, before, after)
        first = frame.iloc[int(frame["before"].to_numpy().argmax())]
        last = frame.iloc[int(frame["after"].to_numpy().argmax())]
        rows.append(
            (
                *(image, number, first["emotion"], last["emotion"], first["before"]),
                *(last["after"], first["emotion"] != last["emotion"]),
                *(frame["change"].abs().sum() / 2, " ".join(prediction["warnings"])),
            )
        )
    columns = ["image", "subject", "before", "after", "before_value", "after_value", "changed"]
    return pd.DataFrame(rows, columns=[*columns, "moved", "note"])


def long_table(subjects: Sequence[tuple[str, int, Mapping[str, Any]]]) -> pd.DataFrame:
    """Every number of many predictions, a row an image × subject × estimate × emotion.

    `subjects` as in `batch_table`. Columns: image, subject, x1, y1, x2, y2 (its box, pixels),
    estimator, run, dataset, link, weights_sha256, emotion, value (a probability, or a score where
    the link is "identity"), warnings (the subject's, in every row of it). What has no estimate,
    such as a picture in which nobody was found, has one row with its warnings alone.
    """
    rows: list[tuple[Any, ...]] = []
    for image, number, prediction in subjects:
        start = (image, number, *(prediction["box"] or [None] * 4))
        told = " ".join(prediction["warnings"])
        if not prediction["estimates"]:
            rows.append((*start, *[None] * 7, told))
        rows += [
            (
                *(*start, key.partition(_PAIR)[0]),
                *(estimate[name] for name in ("run", "dataset", "link", "weights_sha256")),
                *(emotion, value, told),
            )
            for key, estimate in prediction["estimates"].items()
            for emotion, value in estimate["probabilities"].items()
        ]
    columns = ["image", "subject", "x1", "y1", "x2", "y2", "estimator", "run", "dataset", "link"]
    return pd.DataFrame(rows, columns=[*columns, "weights_sha256", "emotion", "value", "warnings"])


def prototype_table(
    prototypes: Sequence[Mapping[str, Any]],
    estimator: str,
    emotion: str | None = None,
    *,
    least: float = 0.0,
) -> pd.DataFrame:
    """The prototypes (of a prediction) with an effect on one estimate, largest effect first.

    Columns: index, scene, prior, assigned (whether the picture's own context falls there),
    emotion, effect, size, emotions (the prototype's distribution of emotions in training).
    `effect` is the change of `emotion` (by default the one that changes most) when the prototype
    is removed; `size` the largest change of any emotion. A prototype whose removal changes less
    than `least` has no row.
    """
    rows = []
    for prototype in prototypes:
        effects = prototype.get("effects", {}).get(estimator) or {}
        if not effects:
            continue
        size = max(abs(value) for value in effects.values())
        if size < least:
            continue
        named = emotion or max(effects, key=lambda name: abs(effects[name]))
        rows.append(
            {
                "index": prototype["index"],
                "scene": str(prototype.get("scene") or ""),
                "prior": float(prototype["prior"]),
                "assigned": bool(prototype.get("assigned", False)),
                "emotion": named,
                "effect": float(effects.get(named, 0.0)),
                "size": float(size),
                "emotions": dict(prototype.get("emotions", {})),
            }
        )
    columns = ["index", "scene", "prior", "assigned", "emotion", "effect", "size", "emotions"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values("size", ascending=False, kind="stable", ignore_index=True)
