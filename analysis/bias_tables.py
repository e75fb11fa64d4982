"""A bias study's numbers as tables: a row an emotion, a scene, a cell, a bin of the histogram.

Columns ending in `_low` and `_high` are an interval or band. NaN means "not defined", and the
reason stands in the row (`reason`) or in the report's notes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.association import Associations
from analysis.bootstrap import BootstrapDraws
from analysis.contingency import SceneTable
from analysis.entropy import (
    ZeroEntropy,
    binary_entropy,
    count_histogram,
    scene_entropies,
)
from analysis.information import (
    band,
    basic_interval,
    chi_square_share,
    correct_bias,
    cramers_v_scale,
    entropy_bits,
    one_against_rest_information,
)
from analysis.resampling import NullDraws

__all__ = [
    "cells_table",
    "emotions_table",
    "histogram_table",
    "scenes_table",
    "why_nothing",
    "why_undefined",
]

HISTOGRAM_BINS = 20


def why_nothing(table: SceneTable) -> str:
    """Why nothing can be said about scenes and emotions in this table, or an empty text."""
    if int((table.totals > 0).sum()) < 2:
        return "there is one scene only"
    if table.scene is not None and np.bincount(table.scene).max() < 2:
        return "each scene has one image only"
    return ""


def why_undefined(table: SceneTable) -> list[str]:
    """(E,) why an emotion's statistics are not defined, or an empty text."""
    nothing = why_nothing(table)
    reasons = []
    for support in table.positives:
        if support == 0:
            reasons.append("nobody has this emotion")
        elif support == table.n_subjects:
            reasons.append("everybody has this emotion")
        else:
            reasons.append(nothing)
    return reasons


def cells_table(
    table: SceneTable,
    found: Associations,
    *,
    zero: np.ndarray,
    chosen: np.ndarray,
    min_support: int,
) -> pd.DataFrame:
    """Every scene × emotion, scenes by falling size.

    scene, emotion; count: subjects of the scene with the emotion; expected: by chance;
    scene_support, emotion_support: subjects; share: p(e|s) with its posterior interval; lift;
    npmi; entropy_bits, entropy_balanced_bits: H(Y|s) with all and with balanced negatives;
    entropy_normalised: H(Y|s)/H(Y), which can exceed 1; zero_entropy; selected: among the scenes
    looked at for this emotion; design_effect; p, q, q_bh; tested; method: how p was computed;
    reason: why it was not tested.
    """
    n_scenes, n_emotions = table.counts.shape
    reasons = np.broadcast_to(np.array(why_undefined(table), object), (n_scenes, n_emotions))
    rare = np.where(
        table.totals < min_support, f"scene has fewer than {min_support} subjects", ""
    ).astype(object)
    reason = np.where(reasons == "", rare[:, None], reasons)
    all_bits, balanced = (
        scene_entropies(table.counts, table.totals, table.positives, negatives=negatives)
        for negatives in ("all", "balanced")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        normalised = all_bits / binary_entropy(table.positives / table.n_subjects)[None, :]
    columns = {
        "count": table.counts,
        "expected": found.expected,
        "share": found.share,
        "share_low": found.share_low,
        "share_high": found.share_high,
        "lift": found.lift,
        "npmi": found.npmi,
        "entropy_bits": all_bits,
        "entropy_balanced_bits": balanced,
        "entropy_normalised": np.where(np.isfinite(normalised), normalised, np.nan),
        "zero_entropy": zero,
        "selected": chosen,
        "design_effect": found.design_effect,
        "p": found.p,
        "q": found.q,
        "q_bh": found.q_bh,
        "tested": found.tested,
        "method": found.method,
        "reason": reason,
    }
    frame = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    frame.insert(0, "scene", np.repeat(np.array(table.scenes, object), n_emotions))
    frame.insert(1, "emotion", np.tile(np.array(table.emotions, object), n_scenes))
    frame.insert(2, "scene_support", np.repeat(table.totals, n_emotions))
    frame.insert(3, "emotion_support", np.tile(table.positives, n_scenes))
    return frame


def emotions_table(
    table: SceneTable,
    found: Associations,
    zero: ZeroEntropy,
    null: NullDraws | None,
    bootstrap: BootstrapDraws | None,
    *,
    confidence: float,
    level: float,
) -> pd.DataFrame:
    """Every emotion against the rest.

    emotion; support: subjects with it; prevalence; entropy_bits: H(Y); selected_scenes and the
    share of them at zero entropy, with what chance gives, the excess and its interval;
    mutual_information: I(Y; scene) in bits, plug-in, with chance (`_null_`), `_corrected` for
    its bias, and an interval that goes with the corrected value; information_share: of H(Y),
    corrected; cramers_v: bias-corrected; significant_cells; strongest_scene by p, among the
    cells tested; reason: why numbers are missing.
    """
    reasons = np.array(why_undefined(table), object)
    defined = reasons == ""
    h = binary_entropy(table.positives / table.n_subjects)
    columns: dict[str, np.ndarray] = {
        "support": table.positives,
        "prevalence": table.positives / table.n_subjects,
        "entropy_bits": h,
        "selected_scenes": zero.selected,
        "zero_entropy_share": zero.share,
        "zero_entropy_null_mean": zero.null_mean,
        **_bounds("zero_entropy_null", zero.null_interval),
        "zero_entropy_excess": zero.excess,
        **_bounds("zero_entropy_excess", zero.excess_interval),
        **_information_columns(table, null, bootstrap, confidence=confidence),
        "information_share": np.full(len(h), np.nan),
        **_cramers_columns(table, found, null, bootstrap, confidence=confidence),
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        columns["information_share"] = columns["mutual_information_corrected"] / h
    kept = ("support", "prevalence", "entropy_bits", "selected_scenes", "zero_entropy_share")
    values = {
        name: column if name in kept else np.where(defined, column, np.nan)
        for name, column in columns.items()
    }
    frame = pd.DataFrame({"emotion": list(table.emotions), **values})
    frame["significant_cells"] = (found.tested & (found.q < level)).sum(axis=0)
    frame["strongest_scene"] = _strongest(table, found)
    frame["reason"] = reasons
    return frame


def _bounds(name: str, interval: np.ndarray) -> dict[str, np.ndarray]:
    return {f"{name}_low": interval[..., 0], f"{name}_high": interval[..., 1]}


def _information_columns(
    table: SceneTable,
    null: NullDraws | None,
    bootstrap: BootstrapDraws | None,
    *,
    confidence: float,
) -> dict[str, np.ndarray]:
    plug_in = one_against_rest_information(table.counts, table.totals, table.positives)
    nan = np.full(plug_in.shape, np.nan)
    nothing = np.stack([nan, nan], axis=-1)
    corrected, interval, null_mean, null_band = nan, nothing, nan, nothing
    by_chance = None
    if null is not None:
        by_chance = one_against_rest_information(null.counts, table.totals, table.positives)
        null_mean = by_chance.mean(axis=0)
        null_band = band(by_chance, confidence=confidence).T
    if bootstrap is not None:
        deviations = bootstrap.deviations("information")
        corrected = correct_bias(plug_in, deviations)
        interval = basic_interval(plug_in, deviations, confidence=confidence, by_chance=by_chance)
    return {
        "mutual_information": plug_in,
        "mutual_information_corrected": corrected,
        **_bounds("mutual_information", interval),
        "mutual_information_null_mean": null_mean,
        **_bounds("mutual_information_null", null_band),
    }


def _cramers_columns(
    table: SceneTable,
    found: Associations,
    null: NullDraws | None,
    bootstrap: BootstrapDraws | None,
    *,
    confidence: float,
) -> dict[str, np.ndarray]:
    """Bergsma's V, its φ² less the exact mean that permuting scenes over images gives.

    Where scenes are rare and tell much that takes too much away; the interval, whose bias is
    drawn, reaches to V all the same.
    """
    n = table.n_subjects
    phi2 = chi_square_share(table.counts, table.totals, table.positives)
    base = table.positives / n
    with np.errstate(divide="ignore", invalid="ignore"):
        by_cell = found.expected_square / table.totals[:, None] / (n * base * (1 - base))
    by_chance = np.where(table.totals[:, None] > 0, by_cell, 0.0).sum(axis=0)
    scale = cramers_v_scale(int((table.totals > 0).sum()), n)
    v = np.sqrt(np.clip((phi2 - by_chance) / scale, 0.0, 1.0))
    interval = np.full((len(phi2), 2), np.nan)
    if bootstrap is not None:
        squared = basic_interval(
            phi2,
            bootstrap.deviations("chi_square_share"),
            confidence=confidence,
            by_chance=None
            if null is None
            else chi_square_share(null.counts, table.totals, table.positives),
            ceiling=scale,
        )
        interval = np.sqrt(squared / scale)
        interval = np.stack([np.fmin(interval[:, 0], v), np.fmax(interval[:, 1], v)], axis=-1)
    return {"cramers_v": v, **_bounds("cramers_v", interval)}


def _strongest(table: SceneTable, found: Associations) -> list[str | None]:
    p = np.where(found.tested, found.p, np.inf)
    names: list[str | None] = []
    for e in range(len(table.emotions)):
        # Equally small p-values (0 in floating point): the one further from chance.
        order = np.lexsort((-np.abs(table.counts[:, e] - found.expected[:, e]), p[:, e]))
        names.append(table.scenes[order[0]] if np.isfinite(p[order[0], e]) else None)
    return names


def scenes_table(
    table: SceneTable, found: Associations, *, zero: np.ndarray, level: float
) -> pd.DataFrame:
    """Every scene.

    subjects, images, share of all subjects; entropy_bits: H(Y|s) of the whole label; told_bits:
    how far p(Y|s) is from p(Y), the scene's own information (Kullback–Leibler, bits), whose mean
    over subjects is I(Y; scene); zero_entropy_emotions; significant_cells; strongest_emotion by p.
    """
    mass = table.label_mass
    with np.errstate(divide="ignore", invalid="ignore"):
        within = mass / mass.sum(axis=1, keepdims=True)
        overall = mass.sum(axis=0) / mass.sum()
        ratio = np.log2(np.where(within > 0, within / overall, 1.0))
        told = np.where(within > 0, within * ratio, 0.0).sum(axis=1)
    p = np.where(found.tested, found.p, np.inf)
    strongest = [
        table.emotions[int(np.argmin(row))] if np.isfinite(row.min()) else None for row in p
    ]
    return pd.DataFrame(
        {
            "scene": list(table.scenes),
            "subjects": table.totals,
            "images": table.images,
            "share": table.totals / table.n_subjects,
            "entropy_bits": entropy_bits(mass),
            "told_bits": np.where(table.totals > 0, told, np.nan),
            "zero_entropy_emotions": (zero & (table.totals > 0)[:, None]).sum(axis=1),
            "significant_cells": (found.tested & (found.q < level)).sum(axis=1),
            "strongest_emotion": strongest,
        }
    )


def histogram_table(
    emotions: tuple[str, ...],
    entropies: np.ndarray,
    chosen: np.ndarray,
    null_entropies: np.ndarray | None,
    null_chosen: np.ndarray | None,
    *,
    confidence: float,
) -> pd.DataFrame:
    """Selected scenes by H(Y|s) in bits, per emotion: data, null mean and band.

    emotion, left, right (bin limits in bits; the first bin is exactly zero), scenes, null_mean,
    null_low, null_high.
    """
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    data = count_histogram(entropies, chosen, edges)
    mean = np.full(data.shape, np.nan)
    low, high = mean.copy(), mean.copy()
    if null_entropies is not None and null_chosen is not None:
        drawn = count_histogram(null_entropies, null_chosen, edges)
        mean = drawn.mean(axis=0)
        low, high = band(drawn, confidence=confidence)
    n_bins, n_emotions = data.shape
    return pd.DataFrame(
        {
            "emotion": np.repeat(np.array(emotions, object), n_bins),
            "left": np.tile(np.append(0.0, edges[:-1]), n_emotions),
            "right": np.tile(edges, n_emotions),
            "scenes": data.T.ravel(),
            "null_mean": mean.T.ravel(),
            "null_low": low.T.ravel(),
            "null_high": high.T.ravel(),
        }
    )
