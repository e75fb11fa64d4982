"""How outputs move when one thing changes, and how much of a bias a method takes away.

Twins are pictures that differ in one factor only. A model that reads the subject should hardly
move when the scene changes and move a lot when the emotion does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from ccim_core.metrics.checks import as_codes, as_probabilities, as_scores

__all__ = [
    "Movement",
    "Recovery",
    "TwinMovement",
    "debias_recovery",
    "top_change_rate",
    "twin_movement",
    "within_group_movement",
]


@dataclass(frozen=True, kw_only=True)
class Movement:
    """How far outputs lie apart within groups of twins.

    `total_variation` in [0, 1] is the mean over pairs of twins of ½ Σ_c |p_c − q_c| (with several
    labels a subject: of the mean over classes of |p_c − q_c|, each class being its own event);
    `top_change` the share of pairs whose top prediction differs. Both are means over the
    `n_groups` groups with two or more members, NaN if there are none.
    """

    total_variation: float
    top_change: float
    n_groups: int
    n_pairs: int


@dataclass(frozen=True, kw_only=True)
class TwinMovement:
    """`scene`: only the scene changes. `emotion`: only the emotion changes."""

    scene: Movement
    emotion: Movement


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Share of the vanilla-to-oracle gap that a method closes: 0 is vanilla, 1 the oracle.

    `value` is NaN, and `reason` says why, when the gap is not larger than its `noise`.
    `deviation` is the standard deviation over seeds, NaN unless method and vanilla share seeds.
    """

    value: float
    deviation: float
    gap: float
    noise: float
    reason: str = ""


def within_group_movement(
    outputs: Any, groups: Any, *, multi_label: bool, probabilities: bool = True
) -> Movement:
    """Movement of `outputs` (n, C) within each of `groups` (n,).

    Scores have no total variation: with `probabilities=False` it is NaN, `top_change` is not.
    """
    outputs = as_scores(outputs, "outputs")
    if probabilities:
        outputs = as_probabilities(outputs, "outputs")
    codes, names = as_codes(groups, len(outputs), "groups")
    size = np.bincount(codes, minlength=len(names))
    pairs = size * (size - 1) / 2
    usable = pairs > 0
    if not usable.any():
        return Movement(
            total_variation=float("nan"), top_change=float("nan"), n_groups=0, n_pairs=0
        )
    columns = [_pairwise_distances(column, codes, size) for column in outputs.T]
    distance = np.mean(columns, axis=0) if multi_label else np.sum(columns, axis=0) / 2
    tops = np.zeros((len(names), outputs.shape[1]))
    np.add.at(tops, (codes, outputs.argmax(axis=1)), 1)
    alike = (tops * (tops - 1) / 2).sum(axis=1)
    return Movement(
        total_variation=(
            float((distance[usable] / pairs[usable]).mean()) if probabilities else float("nan")
        ),
        top_change=float(1 - (alike[usable] / pairs[usable]).mean()),
        n_groups=int(usable.sum()),
        n_pairs=int(pairs.sum()),
    )


def twin_movement(
    outputs: Any,
    *,
    subjects: Any,
    scenes: Any,
    emotions: Any,
    multi_label: bool = False,
    probabilities: bool = True,
) -> TwinMovement:
    """Movement when only the scene changes, and when only the emotion does.

    `subjects` (n,) says who is shown (with all that is to stay fixed: pose, cue, light), `scenes`
    and `emotions` (n,) the two factors.
    """
    n = len(np.asarray(outputs))
    subject, scene, emotion = (
        as_codes(value, n, name)[0]
        for value, name in ((subjects, "subjects"), (scenes, "scenes"), (emotions, "emotions"))
    )
    fixed_emotion = subject * (emotion.max(initial=0) + 1) + emotion
    fixed_scene = subject * (scene.max(initial=0) + 1) + scene
    scene_movement, emotion_movement = (
        within_group_movement(outputs, kept, multi_label=multi_label, probabilities=probabilities)
        for kept in (fixed_emotion, fixed_scene)
    )
    return TwinMovement(scene=scene_movement, emotion=emotion_movement)


def top_change_rate(first: Any, second: Any) -> float:
    """Share of subjects whose top class differs between two outputs (n, C); NaN without any."""
    first, second = as_scores(first, "first"), as_scores(second, "second")
    if first.shape != second.shape:
        raise ValueError(f"Expected `second` to be of shape {first.shape}, got {second.shape}.")
    if not len(first):
        return float("nan")
    return float((first.argmax(axis=1) != second.argmax(axis=1)).mean())


def debias_recovery(
    method: Sequence[float] | float,
    vanilla: Sequence[float] | float,
    oracle: Sequence[float] | float,
    *,
    noise: float | None = None,
    level: float = 0.95,
) -> Recovery:
    """(method − vanilla) / (oracle − vanilla), each a mean over seeds, on the shift split.

    A metric that is undefined in a run leaves the recovery undefined, and so does a gap within
    `noise`; by default that is the half-width of Welch's interval of the gap
    at `level`, which takes two seeds or more of either.
    """
    runs = [_as_seeds(x, name) for x, name in ((method, "method"), (vanilla, "vanilla"))]
    (method_runs, vanilla_runs), oracle_runs = runs, _as_seeds(oracle, "oracle")
    gap = float(oracle_runs.mean() - vanilla_runs.mean())
    if noise is None:
        noise = _welch_half_width(oracle_runs, vanilla_runs, level)
    if not np.isfinite(gap + method_runs.mean()):
        reason = "a metric is undefined in one of the runs"
    elif np.isnan(noise):
        reason = "one seed only: the noise of the gap to the oracle is unknown"
    elif not abs(gap) > noise:
        reason = f"the gap to the oracle ({gap:.4g}) is within its noise (±{noise:.4g})"
    elif gap < 0:
        reason = f"the oracle is below vanilla (by {-gap:.4g}): there is nothing to recover"
    else:
        gains = (method_runs.mean() - vanilla_runs.mean()) / gap
        paired = len(method_runs) == len(vanilla_runs) > 1
        spread = ((method_runs - vanilla_runs) / gap).std(ddof=1) if paired else float("nan")
        return Recovery(value=float(gains), deviation=float(spread), gap=gap, noise=noise)
    return Recovery(value=float("nan"), deviation=float("nan"), gap=gap, noise=noise, reason=reason)


def _pairwise_distances(values: np.ndarray, codes: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Σ over a group's pairs of |x_i − x_j|, per group, in one sort.

    In rising order the k-th of m members (k = 0 … m − 1) is the larger of k pairs and the smaller
    of m − 1 − k.
    """
    order = np.lexsort((values, codes))
    start = np.concatenate(([0], np.cumsum(size)[:-1]))
    sorted_codes = codes[order]
    rank = np.arange(len(order)) - start[sorted_codes]
    signs = 2 * rank - size[sorted_codes] + 1
    return np.bincount(sorted_codes, signs * values[order], minlength=len(size))


def _as_seeds(value: Sequence[float] | float, name: str) -> np.ndarray:
    """A metric's values over seeds, (k,), k ≥ 1; None counts as NaN."""
    runs = np.atleast_1d(np.asarray(value, np.float64))
    if runs.ndim != 1 or not runs.size:
        raise ValueError(f"Expected `{name}` to be one value a seed, got {value!r}.")
    return runs


def _welch_half_width(first: np.ndarray, second: np.ndarray, level: float) -> float:
    """Half-width of Welch's t interval of the difference of two means; NaN with one value."""
    if min(len(first), len(second)) < 2:
        return float("nan")
    terms = np.array([runs.var(ddof=1) / len(runs) for runs in (first, second)])
    total = terms.sum()
    if total == 0:
        return 0.0
    freedom = total**2 / (terms**2 / [len(first) - 1, len(second) - 1]).sum()
    return float(stdtrit(freedom, (1 + level) / 2) * np.sqrt(total))
