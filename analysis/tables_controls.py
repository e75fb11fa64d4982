"""Whether CCIM's term did anything: the rows that belong beside every "+ CCIM" (METHOD, fact 1).

A gain over the plain model is the module's doing only if it is lost when what the module is about
is taken away: the real contexts (random Z), the picture (a constant g, learned in training, or
g := ḡ afterwards), the term itself (g := 0). Shares say how large the term is beside W_h h, and
how much of it depends on the picture; the rate of changed top predictions stands beside the rate
between two seeds of the plain model, which change as much by training alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from analysis.run_families import ModelRuns
from analysis.run_numbers import (
    Gain,
    control_number,
    metric_number,
    paired_gain,
    seed_change,
    top_change,
)
from analysis.seed_intervals import Estimate, verdict
from analysis.table_data import TableData
from analysis.tables_results import metric_key

__all__ = ["CONTROL_COLUMNS", "controls_table", "term_cells"]

CONTROL_COLUMNS = (
    "dataset",
    "split",
    "model",
    "control",
    "title",
    "ours",
    "sd",
    "seeds",
    "low",
    "high",
    "change",
    "change_low",
    "change_high",
    "verdict",
    "reason",
)

# Settings trained on their own, to the rows' titles.
_TRAINED = {
    "none": "plain model",
    "ccim": "+ CCIM",
    "random_z": "random Z, trained",
    "constant_g": "constant g, trained",
    "shuffled_prior": "shuffled P(z), trained",
    "renormalised": "λ∘P renormalised, trained",
}
# The + CCIM runs again with their g replaced: key of the evaluation's controls to title.
_REPLACED = {
    "headline_g_mean": "+ CCIM with g := ḡ (its mean)",
    "headline_g_zero": "+ CCIM with g := 0",
    "headline_shuffled_prior": "+ CCIM with P(z) shuffled",
}
_SHARES = {
    "causal_share": "causal share ‖W_g g‖ / ‖W_h h‖",
    "input_dependent_share": "of it input-dependent, ‖W_g(g − ḡ)‖ / ‖W_h h‖",
    "top_change_g_mean": "top prediction changes with g := ḡ",
}


def controls_table(data: TableData, *, splits: Iterable[str] = ()) -> pd.DataFrame:
    """`CONTROL_COLUMNS`: for every model with a "+ CCIM" run and each split, its controls.

    All in per cent. `change` is against the "+ CCIM" runs of the same seeds, in points, with its
    interval; `verdict` on which side of 0 that lies. A row without runs says so in `reason`.
    """
    rows: list[dict[str, Any]] = []
    for split in splits or data.splits:
        for name in data.models:
            if data.model(name).by_setting.get("ccim"):
                rows += _model_rows(data, data.model(name), split)
    return pd.DataFrame(rows, columns=list(CONTROL_COLUMNS))


def _model_rows(data: TableData, model: ModelRuns, split: str) -> list[dict[str, Any]]:
    key = metric_key(data)
    place = {"dataset": data.dataset, "split": split, "model": model.title}
    ccim = model.by_setting["ccim"]
    rows = []
    for setting, title in _TRAINED.items():
        number = metric_number(model.runs(setting), split, key)
        change = Gain(estimate=Estimate())
        if setting != "ccim" and model.by_setting.get(setting):
            change = paired_gain(data, ccim, model.by_setting[setting], split)
        rows.append(_row(place, setting, title, number, change.estimate))
    for name, title in _REPLACED.items():
        rows.append(_row(place, name, title, control_number(model.runs("ccim"), split, name)))
    for name, title in _SHARES.items():
        rows.append(_row(place, name, title, control_number(model.runs("ccim"), split, name)))
    plain = model.by_setting.get("none", {})
    changed = top_change(data, plain, ccim, split)
    rows.append(_row(place, "top_change", "top prediction differs from the plain model", changed))
    between = seed_change(data, plain, split)
    title = "top prediction differs between seeds of the plain model"
    rows.append(_row(place, "seed_change", title, between))
    return rows


def _row(
    place: dict[str, str],
    control: str,
    title: str,
    number: Estimate,
    change: Estimate | None = None,
) -> dict[str, Any]:
    change = change or Estimate()
    return {
        **place,
        "control": control,
        "title": title,
        "ours": number.mean,
        "sd": number.sd,
        "seeds": number.n,
        "low": number.low,
        "high": number.high,
        "change": change.mean,
        "change_low": change.low,
        "change_high": change.high,
        "verdict": verdict(change),
        "reason": number.reason if math.isnan(number.mean) else change.reason,
    }


def term_cells(data: TableData, model: ModelRuns, setting: str, split: str) -> dict[str, float]:
    """The size of a CCIM setting's term, and what it changes, as cells of a table's row, in %."""
    runs = model.by_setting.get(setting, {})
    shares = {
        name: control_number(list(runs.values()), split, name).mean
        for name in ("causal_share", "input_dependent_share")
    }
    plain = model.by_setting.get("none", {})
    return {
        **shares,
        "g_mean": control_number(list(runs.values()), split, "headline_g_mean").mean,
        "top_change": top_change(data, plain, runs, split).mean,
    }
