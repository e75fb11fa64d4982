"""What `evaluate_outputs` works on and writes to: checked inputs, and a JSON-safe record."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ccim_core.labels import LabelSet
from ccim_core.metrics.checks import as_codes, as_probabilities, as_scores, as_targets

__all__ = ["HEADLINES", "EvaluatedOutputs", "Record", "check_outputs", "number_or_nan"]

# A label set's headline metric, and the key that holds it. "mAP" alone names three metrics: the
# headline is the step-wise one, and all three are reported.
HEADLINES: dict[str, str] = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced_accuracy",
    "map": "map_step",
}


@dataclass(frozen=True)
class EvaluatedOutputs:
    """Checked inputs: `targets` bool and `outputs` (n, C), `images` (n,) as codes.

    `probabilities` (n, C) is None for outputs that are scores.
    """

    label_set: LabelSet
    targets: np.ndarray
    outputs: np.ndarray
    probabilities: np.ndarray | None
    images: np.ndarray
    n_images: int

    @property
    def multi(self) -> bool:
        """Whether a subject may have several labels."""
        return self.label_set.kind == "multi"

    @property
    def correct(self) -> np.ndarray:
        """Whether the top prediction is (one of) the subject's label(s), (n,) bool."""
        return self.targets[np.arange(len(self.targets)), self.outputs.argmax(axis=1)]


class Record(dict[str, Any]):
    """A dictionary that stores undefined values as None with their reason."""

    def put(self, key: str, value: float, reason: str) -> None:
        """Store `value`; if it is NaN or infinite, None and `reason`."""
        defined = math.isfinite(value)
        self[key] = float(value) if defined else None
        if not defined:
            self[f"{key}_reason"] = reason


def check_outputs(
    targets: Any, outputs: Any, label_set: LabelSet, images: Any, probabilities: bool | None
) -> EvaluatedOutputs:
    """Inputs checked against each other and the label set."""
    scores = as_scores(outputs, "outputs")
    if scores.shape[1] != label_set.size:
        raise ValueError(
            f"Expected `outputs` to have the {label_set.size} columns of {label_set.name!r}, "
            f"got {scores.shape[1]}."
        )
    positive = as_targets(targets, scores.shape)
    single = label_set.kind == "single"
    if single and not (positive.sum(axis=1) == 1).all():
        raise ValueError(
            f"Expected `targets` to have one 1 a row for {label_set.name!r}, "
            "got rows with none or several."
        )
    if probabilities is None:
        probabilities = label_set.link != "identity"
    checked = as_probabilities(scores, "outputs") if probabilities else None
    # Stored in half precision, a row of 26 may miss 1 by a few thousandths.
    if checked is not None and single and (np.abs(checked.sum(axis=1) - 1) > 0.01).any():
        raise ValueError("Expected `outputs` to sum to 1 in every row, got rows that do not.")
    rows = np.arange(len(scores))
    codes, names = as_codes(rows if images is None else images, len(scores), "images")
    return EvaluatedOutputs(
        label_set=label_set,
        targets=positive,
        outputs=scores,
        probabilities=checked,
        images=codes,
        n_images=len(names),
    )


def number_or_nan(value: float | None) -> float:
    """None back to NaN."""
    return math.nan if value is None else value
