"""A study's story in one table: each method on the same distribution and on the shift test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.prediction_tables import estimator_title

__all__ = [
    "METHODS",
    "SUBJECT_ONLY",
    "bias_facts",
    "is_outdated",
    "main_recipe",
    "measured_bias",
    "story_table",
]

FULL, SUBJECT = "full", "subject"
SUBJECT_ONLY = "Subject's box alone, no context"

METHODS: tuple[tuple[str, str, str, str], ...] = (
    (estimator_title("likelihood"), "none", "likelihood", FULL),
    (SUBJECT_ONLY, "none", "likelihood", SUBJECT),
    (estimator_title("ccim"), "ccim", "ccim", FULL),
    (estimator_title("counterfactual"), "counterfactual", "counterfactual", FULL),
    (estimator_title("prior_correction"), "none", "prior_correction", FULL),
    (estimator_title("backdoor"), "none", "backdoor", FULL),
    ("Logit-adjusted, then Eq. 2", "logit_adjusted", "backdoor", FULL),
)
"""Title, trained-in intervention, estimator and inputs of the methods that the story tells of."""

_ORACLES = (
    ("Oracle: trained without bias", "none", "likelihood", FULL),
    ("Oracle, subject's box alone", "none", "likelihood", SUBJECT),
)
_TEXTS = ("variant", "inputs", "select_by", "matched_oracle", "difference_reason")
_SHIFT = (
    "difference",
    "difference_low",
    "difference_high",
    "recovery",
    "recovery_sd",
    "backdoor_random_contexts",
    "headline_g_mean",
)


def is_outdated(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether `evaluation.json` is of an earlier version, which mixed models in its shares."""
    return bool(rows) and "reference" not in rows[0]


def main_recipe(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the model and recipe with most variants; ties go to the first by name.

    A gap and its shares hold inside one recipe: rows of others are not to be ranked with them.
    """
    sizes = table.groupby(["model", "recipe"])["variant"].nunique()
    if sizes.empty:
        return table
    model, recipe = min(sizes.index, key=lambda key: (-sizes[key], key))
    return table[(table["model"] == model) & (table["recipe"] == recipe)]


def story_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A row per method from the records of `evaluation.json`, of its main recipe, oracles last.

    Columns: method, estimator, oracle, test and shift (the label set's headline metric, in [0, 1])
    with `_sd` over seeds and `_low`, `_high` (95%, over subjects and seeds together), difference
    to the plain model on the shift test with its ends, recovery (share of the gap to the oracle on
    the same inputs; NaN where undefined) with `_sd`, `_low`, `_high`, reason (why it is undefined,
    or ""), matched_oracle, inputs, variant, select_by, backdoor_random_contexts, headline_g_mean,
    causal_share, seeds. Methods without a shift test are left out; records of an earlier version
    tell no story.
    """
    lines = []
    if rows and not is_outdated(rows):
        table = main_recipe(pd.DataFrame(rows))
        for oracle, wanted in ((False, METHODS), (True, _ORACLES)):
            for title, intervention, estimator, inputs in wanted:
                found = _plainest(table, intervention, estimator, inputs, oracle=oracle)
                if found:
                    line = {"method": title, "estimator": estimator, "oracle": oracle}
                    lines.append({**line, **_line(found)})
    columns = ["method", "estimator", "oracle"]
    columns += [f"{s}{end}" for s in ("test", "shift") for end in ("", "_sd", "_low", "_high")]
    columns += [*_SHIFT, "recovery_low", "recovery_high", "reason", *_TEXTS]
    return pd.DataFrame(lines, columns=[*columns, "causal_share", "seeds"])


def _plainest(
    table: pd.DataFrame, intervention: str, estimator: str, inputs: str, *, oracle: bool
) -> dict[str, Mapping[str, Any]]:
    """Records by split of the variant with these properties that changes the fewest settings of
    the plain model; {} where there is none."""
    rows = table[
        (table["intervention"] == intervention)
        & (table["estimator"] == estimator)
        & (table["inputs"] == inputs)
        & (table["oracle"] == oracle)
    ]
    if intervention == "none" and not oracle:
        rows = rows[rows["plain"].astype(bool)]
    if rows.empty:
        return {}
    rows = rows[rows["variant"] == rows.sort_values(["changes", "variant"])["variant"].iloc[0]]
    records = [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
    by_split: dict[str, Mapping[str, Any]] = {str(row["split"]): row for row in records}
    return by_split if "shift" in by_split else {}


def _line(by_split: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    shift, test = by_split["shift"], by_split.get("test", {})
    line: dict[str, Any] = {
        f"{split}{end}": _number(row.get(f"headline{end}"))
        for split, row in (("test", test), ("shift", shift))
        for end in ("", "_sd", "_low", "_high")
    }
    line |= {name: _number(shift.get(name)) for name in _SHIFT}
    line |= {name: _text(shift.get(name)) for name in _TEXTS}
    return {
        **line,
        "recovery_low": _number(shift.get("won_back_low")),
        "recovery_high": _number(shift.get("won_back_high")),
        "reason": _text(shift.get("recovery_reason")),
        "causal_share": _number(test.get("causal_share")),
        "seeds": _number(shift.get("runs")),
    }


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def bias_facts(truth: Mapping[str, Any]) -> dict[str, float]:
    """How biased a rendered study is, from the generator's own probabilities (`truth.json`).

    bias: share of each emotion's pictures that its favoured scenes receive by design; information:
    I(Y; scene) in bits; share: the same as a share of H(Y).
    """
    prior = [p for p in truth["emotion_prior"] if p > 0]
    entropy = -sum(p * math.log2(p) for p in prior)
    information = float(truth["scene_information_bits"])
    return {
        "bias": float(truth["bias"]),
        "information": information,
        "share": information / entropy if entropy > 0 else math.nan,
    }


def measured_bias(dataset: Mapping[str, Any]) -> tuple[str, str]:
    """I(Y; scene) as a share of H(Y), and in words with its interval and null.

    `dataset`: the record of that name in a bias report (`BiasReport.dataset`).
    """
    low, high = dataset["information_share_interval"]
    chance = dataset["mutual_information_null_mean"]
    top = dataset["mutual_information_null_interval"][1]
    return (
        f"{dataset['information_share']:.0%}",
        f"of H(Y) is told by the scene, 95% interval {low:.0%} to {high:.0%}: "
        f"{dataset['mutual_information_corrected']:.2f} bits. Scenes shuffled over pictures give "
        f"{chance:.2f}, at most {top:.2f} in 97.5% of shuffles.",
    )
