"""What a comparison of two variants says, in sentences that its numbers support."""

from __future__ import annotations

import math

from analysis.run_comparison import Comparison
from analysis.story_text import METRIC_NAMES, verdict

__all__ = ["METRIC_NAMES", "comparison_sentences", "describe_classes", "describe_curves"]


def comparison_sentences(found: Comparison, split: str) -> list[str]:
    """Markdown sentences: the difference with its interval over subjects and seeds, McNemar's
    counts of a single seed, what changed."""
    test, metric = found.test, METRIC_NAMES[found.metric]
    told = verdict(test.low, test.high, test.n_seeds)
    change = (
        f"From **{found.before:.1%}** to **{found.after:.1%}** {metric} on `{split}`: "
        f"{_points(test.estimate)} points"
    )
    sentences = []
    if math.isnan(test.low):
        sentences.append(f"The difference in {metric} on `{split}` is not defined here.")
    elif test.n_seeds < 2:
        sentences.append(
            f"{change}, {test.level:.0%} interval {_points(test.low)} to {_points(test.high)} over "
            f"{found.sources:,} {found.resampled} alone. **{told[0].upper()}{told[1:]}.**"
        )
    else:
        sentences.append(
            f"{change}, {test.level:.0%} interval {_points(test.low)} to {_points(test.high)} over "
            f"{found.sources:,} {found.resampled} and {test.n_seeds} training seeds together, "
            f"which is **{told}**. By seed: {', '.join(map(_points, found.by_seed))}."
        )
    if found.mcnemar is not None:
        one = found.mcnemar
        sentences.append(
            f"{one.only_first:,} subjects are right only before, {one.only_second:,} only after "
            f"({_p(one.p_value)}, exact McNemar test"
            + (", which takes them as independent)." if found.sources < found.n else ").")
        )
    sentences.append(
        f"The leading emotion changes for {found.changed:.1%} of {found.n:,} subjects"
        + (" (mean over the seeds)." if test.n_seeds > 1 else ".")
    )
    return sentences


def _points(value: float) -> str:
    return f"{value * 100:+.1f}".replace("-", "−")


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def describe_classes(found: Comparison) -> str:
    """Text alternative of the figure by emotion."""
    rows = found.classes[found.classes["change"].notna()]
    parts = [
        f"{row['emotion']}: {row['before']:.0%} before, {row['after']:.0%} after"
        for row in rows.to_dict("records")
    ]
    return f"By emotion, before and after. {'; '.join(parts) or 'Not evaluated'}."


def describe_curves(name: str, epochs: int, best: float) -> str:
    """Text alternative of the training curves."""
    kept = "" if math.isnan(best) else f"; best validation {best:.1%}"
    return f"Training loss and validation metric of {name} over {epochs} epochs{kept}."
