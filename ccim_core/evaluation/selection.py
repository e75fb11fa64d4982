"""Choosing a run and an estimator by validation data alone, without looking at any test split.

Plain validation accuracy chooses what exploits the bias best, for validation subjects have the
same bias. The rule here asks instead how each choice would do were emotion independent of
context: the shift estimate, the headline metric on `val` with subjects reweighted to P(y)P(z).
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from ccim_core.evaluation.variants import own_estimator

__all__ = ["GROUPS", "RULE", "select_by_validation"]

GROUPS = ("mask-free", "all")
"""Among what is chosen: variants that need no mask of the subject or the scene, or all."""

RULE = (
    "the highest mean over seeds of the headline metric on `val`, subjects reweighted to "
    "P(emotion)P(context); oracles, and what was fitted on `val`, are not eligible; ties go to a "
    "model's own forward pass, then to the first by name"
)

_VALIDATION = "val"
_CRITERION = "shift_estimate"


def select_by_validation(table: pd.DataFrame, *, group: str = "all") -> dict[str, Any]:
    """The variant and estimator that `RULE` chooses, with what it then reaches elsewhere.

    Args:
        table: as by `study_table`.
        group: of GROUPS.

    Returns:
        `rule`, `group`, `variant`, `estimator`, `criterion` and `criterion_sd` (on `val`),
        `effective_size` (subjects that the criterion rests on), `candidates` (number of), and by
        split `headline` and `headline_sd`; on `shift` also every `recovery*` value. Where nothing
        can be chosen `variant` is None and `reason` says why.

    Raises:
        ValueError: an unknown group.
    """
    if group not in GROUPS:
        raise ValueError(f"Expected `group` to be one of {GROUPS}, got {group!r}.")
    found: dict[str, Any] = {"rule": RULE, "group": group, "variant": None}
    if table.empty or _CRITERION not in table:
        return {**found, "reason": "no run has been evaluated with a shift estimate"}
    candidates = table[table["split"] == _VALIDATION]
    for name in ("oracle", "refit", *(["masks"] if group == "mask-free" else [])):
        candidates = candidates[~candidates[name].astype(bool)]
    candidates = candidates[candidates[_CRITERION].notna()]
    if candidates.empty:
        return {**found, "reason": "no run has a shift estimate on `val`"}
    # With the context silenced Eq. 2 is the forward pass itself.
    pairs = zip(candidates["intervention"], candidates["estimator"], strict=True)
    derived = [own_estimator(intervention) != estimator for intervention, estimator in pairs]
    order = candidates.assign(derived=derived).sort_values(
        ["derived", "variant", "estimator"], kind="stable"
    )
    best = order.to_dict("records")[int(order[_CRITERION].to_numpy(float).argmax())]
    same = (table["family"] == best["family"]) & (table["variant"] == best["variant"])
    same &= table["estimator"] == best["estimator"]
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
    names += [name for name in row if name.startswith("recovery") and "reason" not in name]
    values = {name: _finite(row.get(name)) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _finite(value: Any) -> float | None:
    if value is None or not math.isfinite(float(value)):
        return None
    return float(value)
