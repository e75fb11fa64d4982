"""A study's story in one table: each method on the same distribution and on the shift test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.prediction_tables import estimator_title

__all__ = ["METHODS", "bias_facts", "measured_bias", "story_sentences", "story_table"]

FULL = "full"

METHODS: tuple[tuple[str, str, str], ...] = (
    (estimator_title("likelihood"), "none", "likelihood"),
    (estimator_title("ccim"), "ccim", "ccim"),
    (estimator_title("counterfactual"), "counterfactual", "counterfactual"),
    (estimator_title("prior_correction"), "none", "prior_correction"),
    (estimator_title("backdoor"), "none", "backdoor"),
    ("Logit-adjusted, then Eq. 2", "logit_adjusted", "backdoor"),
)
"""Title, trained-in intervention and estimator of the methods that the story tells of."""

_METRICS = ("headline", "headline_sd", "n")


def story_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A row per method from the records of `evaluation.json`, the oracle last.

    Columns: method, estimator, oracle, test, test_sd, shift, shift_sd (the label set's headline
    metric, in [0, 1]), recovery and recovery_sd (share of the gap to the full oracle on the shift
    test; NaN where undefined), reason (why it is undefined, or ""), causal_share, seeds. Methods
    without a shift test are left out.
    """
    table = pd.DataFrame(rows)
    wanted = [*METHODS, ("Oracle: trained without bias", "none", "likelihood")]
    lines = []
    for position, (title, intervention, estimator) in enumerate(wanted):
        oracle = position == len(METHODS)
        found = _plainest(table, intervention, estimator, oracle=oracle)
        if found:
            lines.append(
                {"method": title, "estimator": estimator, "oracle": oracle, **_line(found)}
            )
    columns = ["method", "estimator", "oracle", "test", "test_sd", "shift", "shift_sd"]
    columns += ["recovery", "recovery_sd", "reason", "causal_share", "seeds"]
    return pd.DataFrame(lines, columns=columns)


def _plainest(
    table: pd.DataFrame, intervention: str, estimator: str, *, oracle: bool
) -> dict[str, Mapping[str, Any]]:
    """Records by split of the variant with these properties that changes the fewest settings of
    the plain model; {} where there is none."""
    if table.empty:
        return {}
    rows = table[
        (table["intervention"] == intervention)
        & (table["estimator"] == estimator)
        & (table["inputs"] == FULL)
        & (table["oracle"] == oracle)
    ]
    if rows.empty:
        return {}
    # A table that was written earlier has no count of changes: the first by name then.
    order = rows.assign(changes=rows.get("changes", 0)).sort_values(["changes", "variant"])
    rows = rows[rows["variant"] == order["variant"].iloc[0]]
    records = [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
    by_split: dict[str, Mapping[str, Any]] = {str(row["split"]): row for row in records}
    return by_split if "shift" in by_split else {}


def _line(by_split: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    shift, test = by_split["shift"], by_split.get("test", {})
    return {
        "test": _number(test.get("headline")),
        "test_sd": _number(test.get("headline_sd")),
        "shift": _number(shift.get("headline")),
        "shift_sd": _number(shift.get("headline_sd")),
        "recovery": _number(shift.get(f"recovery_{FULL}")),
        "recovery_sd": _number(shift.get(f"recovery_{FULL}_sd")),
        "reason": str(shift.get(f"recovery_{FULL}_reason") or ""),
        "causal_share": _number(test.get("causal_share")),
        "seeds": _number(shift.get("runs")),
    }


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def story_sentences(frame: pd.DataFrame, metric: str) -> list[str]:
    """What the table says, a Markdown sentence a finding; only findings that the table supports.

    `metric`: name of the headline metric, as "accuracy".
    """
    by_method = {
        row["estimator"] + ("*" if row["oracle"] else ""): row for _, row in frame.iterrows()
    }
    sentences = []
    plain = by_method.get("likelihood")
    if plain is not None and not math.isnan(plain["test"]):
        sentences.append(
            f"The plain model reaches **{plain['test']:.0%}** {metric} on pictures like those it "
            f"was trained on, and **{plain['shift']:.0%}** once the scene no longer follows the "
            "emotion."
        )
    oracle = by_method.get("likelihood*")
    if oracle is not None:
        sentences.append(
            f"The same network trained without the bias reaches **{oracle['shift']:.0%}** there: "
            "that gap is what an intervention can win back."
        )
    ccim = by_method.get("ccim")
    others = frame[~frame["oracle"] & (frame["estimator"] != "likelihood")]
    others = others[others["recovery"].notna()]
    best = others.sort_values("recovery").iloc[-1] if len(others) else None
    if ccim is not None and not math.isnan(ccim["recovery"]):
        sentences.append(f"CCIM wins back **{ccim['recovery']:.0%}** of it.")
    if best is not None and best["estimator"] != "ccim":
        sentences.append(f"{best['method']} wins back **{best['recovery']:.0%}**, the most here.")
    return sentences


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
