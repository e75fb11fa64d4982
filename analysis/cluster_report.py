"""What a cluster study is asked (`ClusterSettings`) and what it answers (`ClusterReport`)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

__all__ = ["ClusterReport", "ClusterSettings"]


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    """confidence, beta_prior: of the intervals of p(e|cluster); min_support: subjects a cluster
    needs to be tested; exemplars: members listed per cluster, nearest the centre first."""

    confidence: float = 0.95
    beta_prior: float = 0.5
    min_support: int = 10
    exemplars: int = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusterReport:
    """What is in the clusters.

    clusters: cluster, size, prior P(z), images, entropy_bits of its emotions, told_bits (how far
        p(Y|z) is from p(Y), Kullback–Leibler), strongest_emotion (smallest p among those more
        frequent than their base rate), its lift, top_scene and its share, scene_entropy_bits.
    distribution: cluster × emotion: count, share with its interval, base_rate, lift, p, q.
    scenes: cluster × scene that occurs in it: count, share of the cluster, lift.
    exemplars: cluster, rank, sample_id, image, distance to the centre.
    notes: what could not be computed, and why.
    """

    clusters: pd.DataFrame
    distribution: pd.DataFrame
    scenes: pd.DataFrame
    exemplars: pd.DataFrame
    notes: tuple[str, ...]
