"""What a bias study could not compute, or not as usual: a sentence each."""

from __future__ import annotations

import numpy as np

from analysis.association import Associations
from analysis.bias_report import BiasSettings
from analysis.bias_tables import why_nothing, why_undefined
from analysis.contingency import SceneTable
from analysis.entropy import ZeroEntropy

__all__ = ["study_notes"]


def study_notes(
    table: SceneTable, found: Associations, zero: ZeroEntropy, settings: BiasSettings
) -> list[str]:
    """A sentence on everything that could not be computed, or not as usual."""
    notes: list[str] = []
    scenes = int((table.totals > 0).sum())
    if scenes < 2:
        notes.append(
            f"There is one scene only ({table.scenes[0]!r}): whether scenes tell emotions cannot "
            "be computed from it."
        )
    elif why_nothing(table):
        notes.append(
            "Each scene has one image only: whether scenes tell emotions cannot be computed, since "
            "dealing the scenes anew to images would show the same."
        )
    for emotion, reason in zip(table.emotions, why_undefined(table), strict=True):
        if reason and "scene" not in reason:
            notes.append(f"{emotion}: {reason}, so nothing can depend on the scene.")
    single = int((np.abs(table.totals - 1) < 1e-9).sum())
    if single:
        notes.append(
            f"{single} of {scenes} scenes have one subject: their entropy is zero whatever the "
            "emotion, in the tables of chance as well."
        )
    untested = int(((table.totals < settings.min_support) & (table.totals > 0)).sum())
    if untested:
        notes.append(
            f"{untested} of {scenes} scenes have fewer than {settings.min_support} subjects: their "
            "cells are listed with p but not tested (no q)."
        )
    if not table.one_subject:
        notes.append(_on_clusters(table))
    if table.is_soft:
        notes.append(
            "Scenes are soft: a scene counts as having nobody (or everybody) with an emotion when "
            "less than half a subject is on that side."
        )
    coarse = zero.coarse & np.array([reason == "" for reason in why_undefined(table)])
    if coarse.any():
        names = ", ".join(np.array(table.emotions)[coarse])
        notes.append(
            f"The share of zero-entropy scenes takes few values by chance for {names}: its "
            "intervals there cover more than they say."
        )
    missing = [name for name in ("n_null", "n_bootstrap") if not getattr(settings, name)]
    if missing:
        notes.append(f"Intervals that need {' and '.join(missing)} were not asked for.")
    return notes


def _on_clusters(table: SceneTable) -> str:
    sizes, images = np.unique(table.sizes, return_counts=True)
    fixed = int(sizes[images == 1].sum())
    text = (
        f"Images have up to {int(sizes.max())} subjects: chance deals scenes to whole images with "
        "as many subjects."
    )
    if fixed:
        text += (
            f" {fixed:,} of {table.n_subjects:,} subjects are in images whose number of subjects "
            "no other image has; these keep their scene."
        )
    return text
