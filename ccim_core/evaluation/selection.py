"""Choosing a run and an estimator by validation data alone, without looking at any test split.

Plain validation accuracy chooses what exploits the bias best, for validation subjects have the
same bias. The rule here asks instead how each choice would do were emotion independent of
context: the shift estimate, the headline metric on `val` with subjects reweighted to P(y)P(z).
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

__all__ = ["RULE", "select_by_validation"]

RULE = (
    "the highest mean over seeds of the headline metric on `val`, subjects reweighted to "
    "P(emotion)P(context); oracles are not eligible; ties go to the first by name"
)

_VALIDATION = "val"
_CRITERION = "shift_estimate"


def select_by_validation(table: pd.DataFrame, *, inputs: str | None = None) -> dict[str, Any]:
    """The variant and estimator that `RULE` chooses, with what it then reaches elsewhere.

    Args:
        table: as by `study_table`.
        inputs: only variants whose network sees this ("full", "full, subject matted", …).

    Returns:
        `rule`, `inputs`, `variant`, `estimator`, `criterion` and `criterion_sd` (on `val`),
        `effective_size` (subjects that the criterion rests on), `candidates` (number of), and by
        split `headline` and `headline_sd`; on `shift` also every `recovery_*` value. Where nothing
        can be chosen `variant` is None and `reason` says why.
    """
    found: dict[str, Any] = {"rule": RULE, "inputs": inputs, "variant": None}
    if table.empty or _CRITERION not in table:
        return {**found, "reason": "no run has been evaluated with a shift estimate"}
    candidates = table[(table["split"] == _VALIDATION) & ~table["oracle"].astype(bool)]
    if inputs is not None:
        candidates = candidates[candidates["inputs"] == inputs]
    candidates = candidates[candidates[_CRITERION].notna()]
    if candidates.empty:
        return {**found, "reason": "no run has a shift estimate on `val`"}
    order = candidates.sort_values(["variant", "estimator"], kind="stable")
    best = order.to_dict("records")[int(order[_CRITERION].to_numpy(float).argmax())]
    same = (table["variant"] == best["variant"]) & (table["estimator"] == best["estimator"])
    return {
        **found,
        "variant": best["variant"],
        "estimator": best["estimator"],
        "criterion": float(best[_CRITERION]),
        "criterion_sd": _finite(best.get(f"{_CRITERION}_sd")),
        "effective_size": _finite(best.get("shift_effective_size")),
        "candidates": len(candidates),
        "splits": {row["split"]: _reached(row) for row in table[same].to_dict("records")},
    }


def _reached(row: dict[str, Any]) -> dict[str, Any]:
    names = ["headline", "headline_sd"]
    names += [name for name in row if name.startswith("recovery_") and "reason" not in name]
    values = {name: _finite(row.get(name)) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _finite(value: Any) -> float | None:
    if value is None or not math.isfinite(float(value)):
        return None
    return float(value)
