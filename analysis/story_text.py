"""What a study's evaluated methods show, in sentences that hold no more than their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from scipy.special import stdtrit

from analysis.prediction_tables import estimator_title
from analysis.story import SUBJECT_ONLY, main_recipe, story_table

__all__ = [
    "FILLED_IN",
    "METRIC_NAMES",
    "NO_ESTIMATE",
    "backdoor_controls",
    "control_sentences",
    "epoch_choice",
    "leaders",
    "selection_sentence",
    "shift_estimate_text",
    "story_sentences",
    "verdict",
]

METRIC_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "map": "mean average precision",
}
FILLED_IN = (
    "Eq. 2 asks the network for f(X, z): here the subject's own features with the context features "
    "of other pictures that belong to z, the picture's own context left out."
)
NO_ESTIMATE = "not estimable without scenes"
_EPOCHS = {
    "headline": "validation",
    "reweighted": "reweighted validation",
    "worst_group": "worst group of validation",
}


def epoch_choice(select_by: Any) -> str:
    """How the epoch was chosen (`train.select_by`), in words."""
    return _EPOCHS.get(str(select_by), str(select_by))


def verdict(low: float, high: float, seeds: float) -> str:
    """What an interval of a difference over subjects and seeds says; "" where there is none."""
    if seeds < 2:
        return "one seed: its noise is not known"
    if math.isnan(low) or math.isnan(high):
        return ""
    return "outside the noise" if low > 0 or high < 0 else "within the noise"


def story_sentences(frame: pd.DataFrame, metric: str) -> list[str]:
    """What `analysis.story.story_table` says, a Markdown sentence a finding.

    `metric`: name of the headline metric, as "accuracy".
    """
    own = frame[~frame["oracle"]]
    by_method = {row["method"]: row for row in own.to_dict("records")}
    sentences = []
    plain = by_method.get(estimator_title("likelihood"))
    if plain is not None and not math.isnan(plain["test"]):
        sentences.append(
            f"The plain model reaches **{plain['test']:.0%}** {metric} on pictures like those it "
            f"was trained on, and **{plain['shift']:.0%}** once the scene no longer follows the "
            "emotion."
        )
    oracles = frame[frame["oracle"] & (frame["inputs"] == "full")]
    if len(oracles):
        sentences.append(
            f"The same network trained without the bias reaches **{oracles['shift'].iloc[0]:.0%}** "
            "there: that gap is what an intervention can win back."
        )
    subject = by_method.get(SUBJECT_ONLY)
    if subject is not None:
        both = "" if math.isnan(subject["test"]) else f"**{subject['test']:.0%}** and "
        sentences.append(
            f"The subject's box alone, with no context and no intervention, reaches {both}"
            f"**{subject['shift']:.0%}**: what a method that sees whole pictures has to beat."
        )
    ccim = by_method.get(estimator_title("ccim"))
    if ccim is not None and not math.isnan(ccim["recovery"]):
        share = f"{ccim['recovery']:.0%}".replace("-", "−")
        sentences.append(f"CCIM wins back **{share}** of it{_interval(ccim)}.")
    top = leaders(own)
    if len(top):
        first = top.iloc[0]
        text = f"The highest on the shift test is {first['method']}, **{first['shift']:.0%}**"
        others = [f"{row['method']} ({row['shift']:.0%})" for row in top[1:].to_dict("records")]
        sentences.append(
            f"{text}; the intervals of {', '.join(others)} overlap with its own, so these are "
            "not ranked."
            if others
            else f"{text}, clear of the others' intervals."
            if not math.isnan(first["shift_low"])
            else f"{text}; no interval is kept, so methods are not ranked."
        )
    return sentences


def _interval(row: Mapping[Any, Any]) -> str:
    """The interval of a share and what the interval of the difference says."""
    ends = (row["recovery_low"], row["recovery_high"])
    text = "" if any(map(math.isnan, ends)) else f" (95% interval {ends[0]:.0%} to {ends[1]:.0%})"
    told = verdict(row["difference_low"], row["difference_high"], row["seeds"])
    return f"{text}, {told}".replace("-", "−") if told else text


def leaders(frame: pd.DataFrame) -> pd.DataFrame:
    """The highest on the shift test, then those whose intervals overlap with its own.

    Two intervals that overlap can still belong to a clear difference: what is left unranked is
    more, not less, than what the noise allows. Without intervals the first stands alone.
    """
    known = frame[frame["shift"].notna()].sort_values("shift", ascending=False, kind="stable")
    if known.empty:
        return known
    return known[
        (known["shift_high"] >= known["shift_low"].iloc[0]) | (known.index == known.index[0])
    ]


def backdoor_controls(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Eq. 2 beside its controls on the shift test, of variants that see whole pictures.

    Columns: variant, own (headline with the picture's strata), random (with random contexts in
    their place), own_more (the difference by seed) with own_low and own_high (95%, over the
    seeds), own_better, shuffled (with the prior shuffled), and shuffled_more, shuffled_low,
    shuffled_high, shuffled_better alike; the plain model first, then the highest. Better: the
    difference is clear over the seeds, and the control below the row's own interval over subjects
    and seeds. One seed decides nothing (None).
    """
    columns = ["variant", "own"]
    names = {"random": ("random", "own"), "shuffled": ("shuffled", "shuffled")}
    for value, end in names.values():
        columns += [value, f"{end}_more", f"{end}_low", f"{end}_high", f"{end}_better"]
    table = pd.DataFrame(rows)
    lines: list[dict[str, Any]] = []
    if len(table) and "backdoor_over_random_contexts" in table:
        table = main_recipe(table)
        mine = table[
            (table["estimator"] == "backdoor")
            & (table["split"] == "shift")
            & (table["inputs"] == "full")
            & ~table["oracle"].astype(bool)
            & (table["intervention"] != "ccim")
            & table["backdoor_random_contexts"].notna()
        ]
        for row in mine.sort_values(["plain", "headline"], ascending=False).to_dict("records"):
            line = {"variant": str(row["variant"]), "own": row["headline"]}
            for key, (value, end) in zip(
                ("random_contexts", "shuffled_prior"), names.values(), strict=True
            ):
                line[value] = row.get(f"backdoor_{key}")
                more, sd = (row.get(f"backdoor_over_{key}{part}") for part in ("", "_sd"))
                line |= _more(end, more, sd, int(row["runs"]))
                low = row.get("headline_low")
                if line[f"{end}_better"] and low is not None and line[value] >= low:
                    line[f"{end}_better"] = False
            lines.append(line)
    return pd.DataFrame(lines, columns=columns)


def _more(name: str, more: Any, sd: Any, n: int) -> dict[str, Any]:
    """How much more than a control, with the interval over `n` seeds."""
    more, sd = (math.nan if one is None else float(one) for one in (more, sd))
    half = float(stdtrit(n - 1, 0.975)) * sd / math.sqrt(n) if n > 1 else math.nan
    return {
        f"{name}_more": more,
        f"{name}_low": more - half,
        f"{name}_high": more + half,
        f"{name}_better": None if math.isnan(half) else more - half > 0,
    }


def control_sentences(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What f(X, z) is, and whether Eq. 2 and CCIM do better than their controls."""
    found = backdoor_controls(rows)
    told = _ccim_control(rows)
    if found.empty:
        return told
    shown = found[found["own_better"].notna()]
    pairs = ", ".join(
        f"{row['own']:.1%} → {row['random']:.1%} ({row['variant']})"
        for row in found.head(3).to_dict("records")
    )
    text = f"With random contexts in place of its own strata Eq. 2 gives {pairs}."
    if shown.empty:
        return [*told, FILLED_IN, f"{text} One seed: whether that is noise is not known."]
    better = [row["variant"] for row in shown.to_dict("records") if row["own_better"]]
    if not better:
        text += (
            " **Its controls do as well**: what helps is that the picture's own context is dropped,"
            " not the strata."
        )
    else:
        text += (
            f" The strata do better than that for {', '.join(better)} "
            f"({len(better)} of {len(shown)}); elsewhere the controls do as well, and what helps "
            "is that the picture's own context is dropped."
        )
    prior = found[found["shuffled_better"].notna()]
    if len(prior):
        n = int(prior["shuffled_better"].sum())
        text += (
            " With the prior shuffled it does as well."
            if not n
            else f" The right prior does better than a shuffled one for {n} of {len(prior)}."
        )
    return [*told, FILLED_IN, text]


def _ccim_control(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """CCIM with its term made the same for every picture."""
    frame = story_table(rows)
    mine = frame[(frame["estimator"] == "ccim") & frame["headline_g_mean"].notna()]
    return [
        f"With its term replaced by its mean over pictures CCIM gives {row['headline_g_mean']:.1%} "
        f"on the shift test, with it {row['shift']:.1%}."
        for row in mine.to_dict("records")
    ]


def selection_sentence(records: Sequence[Mapping[str, Any]]) -> str:
    """What is chosen on validation alone among all that need no truth masks; "" where unknown."""
    for record in records:
        if record.get("group") == "mask-free":
            shift = record["splits"].get("shift", {}).get("headline")
            told = "" if shift is None else f": **{shift:.0%}** on the shift test"
            return (
                f"Chosen on validation alone, of all {record['candidates']} that need no truth "
                f"masks, the subject's box alone among them: `{record['variant']}`, "
                f"{estimator_title(str(record['estimator']))}{told}."
            )
    return ""


def shift_estimate_text(row: Mapping[Any, Any]) -> str:
    """The reweighted estimate of the shift test in %, or why there is none; the residual
    dependence I(Y; scene | cluster) beside its null where clusters stand for scenes."""
    value, residual = row.get("shift_estimate"), row.get("shift_residual")
    text = str(row.get("shift_estimate_reason") or NO_ESTIMATE)
    if value is not None and not math.isnan(value) and isinstance(row.get("shift_groups"), str):
        text = f"{value * 100:.1f}"
    if residual is None or math.isnan(residual):
        return text
    return (
        f"{text} (I(Y; scene | cluster) {residual:.3f} bits, by chance "
        f"{row['shift_residual_null']:.3f}, 95% below {row['shift_residual_null_95']:.3f}: "
        f"{row['shift_residual_verdict']})"
    )
