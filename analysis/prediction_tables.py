"""Predictions (the dicts of `Predictor.predict`) as tables: what figures and pages are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ccim_core.errors import InputError

__all__ = [
    "ESTIMATORS",
    "box_table",
    "comparison_table",
    "estimate_table",
    "estimator_title",
    "prototype_table",
]

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


def estimator_title(key: str) -> str:
    """Title of an estimator; an unknown key is its own title."""
    return ESTIMATORS[key][0] if key in ESTIMATORS else key.replace("_", " ").capitalize()


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


def prototype_table(
    prediction: Mapping[str, Any], estimator: str, emotion: str | None = None
) -> pd.DataFrame:
    """The prototypes with an effect on one estimate, largest effect first.

    Columns: index, scene, prior, assigned (whether the picture's own context falls there),
    emotion, effect, size, emotions (the prototype's distribution of emotions in training).
    `effect` is the change of `emotion` (by default the one that changes most) when the prototype
    is removed; `size` the largest change of any emotion. A prototype whose removal changes nothing
    is no reason, so it has no row.
    """
    rows = []
    for prototype in prediction.get("prototypes", []):
        effects = prototype.get("effects", {}).get(estimator) or {}
        if not effects:
            continue
        size = max(abs(value) for value in effects.values())
        if size == 0:
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
