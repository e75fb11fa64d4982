"""Confounder clusters: what is in each, how its emotions differ from the base rate, how stable."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from analysis.association import associate, beta_interval
from analysis.cluster_report import ClusterReport, ClusterSettings
from analysis.contingency import build_table
from analysis.counting import subject_targets
from analysis.information import entropy_bits
from ccim_core.errors import InputError
from ccim_core.labels import LabelSet
from ccim_core.manifest.checks import is_blank

__all__ = ["ClusterReport", "ClusterSettings", "cluster_study", "nearest_members"]


def cluster_study(
    frame: pd.DataFrame,
    cluster: np.ndarray,
    labels: LabelSet,
    *,
    n_clusters: int | None = None,
    features: np.ndarray | None = None,
    centers: np.ndarray | None = None,
    settings: ClusterSettings | None = None,
) -> ClusterReport:
    """Describe the clusters of a table of subjects.

    Args:
        frame: a row a subject: `image`, `labels`, and `scene` and `sample_id` where there are.
        cluster: (n,) cluster of each row, 0 … N − 1.
        n_clusters: N, where some clusters may be empty.
        features, centers: (n, d) and (N, d); without them there are no exemplars.

    Raises:
        InputError: lengths that differ, a missing column, no usable row.
    """
    settings = settings or ClusterSettings()
    cluster = np.asarray(cluster)
    for column in ("image", "labels"):
        if column not in frame:
            raise InputError(f"Expected a column `{column}`, got none.")
    if len(cluster) != len(frame):
        raise InputError(
            f"Expected a cluster for each of {len(frame)} rows, got {len(cluster)}; the clusters "
            "belong to another table."
        )
    n_clusters = n_clusters or int(cluster.max(initial=-1)) + 1
    notes: list[str] = []
    blank = is_blank(frame["labels"]) | is_blank(frame["image"])
    if blank.all():
        raise InputError("Expected rows with `labels` and `image`, got none.")
    if blank.any():
        notes.append(f"{int(blank.sum()):,} rows have no label or image and are left out.")
    kept, members = frame[~blank], cluster[~blank]
    distribution, mass = _distribution(kept, members, labels, n_clusters, settings)
    scenes, top = _scenes(kept, members, n_clusters, notes)
    exemplars = pd.DataFrame(columns=["cluster", "rank", "sample_id", "image", "distance"])
    if features is None or centers is None:
        notes.append("No features were given: there are no exemplars, silhouette or stability.")
    else:
        exemplars = _exemplars(frame, cluster, features, centers, settings.exemplars)
    clusters = _clusters(kept, members, distribution, mass, n_clusters).join(top)
    return ClusterReport(
        clusters=clusters,
        distribution=distribution,
        scenes=scenes,
        exemplars=exemplars,
        notes=tuple(notes),
    )


def _distribution(
    frame: pd.DataFrame,
    cluster: np.ndarray,
    labels: LabelSet,
    n_clusters: int,
    settings: ClusterSettings,
) -> tuple[pd.DataFrame, np.ndarray]:
    """The cluster × emotion table, and the label mass (N, E) behind its entropies."""
    image, names = pd.factorize(frame["image"].astype(str))
    targets = subject_targets(frame["labels"], labels)
    n = len(cluster)
    gather = sparse.csr_array((np.ones(n), (cluster, np.arange(n))), shape=(n_clusters, n))
    counts = (gather @ targets).toarray()
    size = np.bincount(cluster, minlength=n_clusters).astype(np.float64)[:, None]
    base = np.asarray(targets.sum(axis=0)).ravel() / n
    effect = _design_effect(targets, image, cluster, n_clusters)
    low, high = beta_interval(
        counts / effect,
        size / effect,
        prior=settings.beta_prior,
        confidence=settings.confidence,
    )
    # Tests deal clusters to whole images, so each image has one: that of most of its subjects.
    table = build_table(
        targets,
        image,
        emotions=labels.emotions,
        scenes=[str(k) for k in range(n_clusters)],
        scene=_majority(image, cluster, len(names), n_clusters),
    )
    found = associate(
        table,
        min_support=settings.min_support,
        confidence=settings.confidence,
        beta_prior=settings.beta_prior,
        fdr="discrete",
        null_counts=np.empty((0, n_clusters, labels.size)),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        share = counts / size
        columns = {
            "count": counts,
            "share": share,
            "share_low": low,
            "share_high": high,
            "base_rate": np.broadcast_to(base, counts.shape),
            "lift": share / base,
            "p": found.p,
            "q": found.q,
        }
    long = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    long.insert(0, "cluster", np.repeat(np.arange(n_clusters), labels.size))
    long.insert(1, "emotion", np.tile(np.array(labels.emotions, object), n_clusters))
    per_subject = np.asarray(targets.sum(axis=1)).ravel()
    shares = sparse.csr_array(targets / per_subject[:, None])
    return long, (gather @ shares).toarray()


def _majority(image: np.ndarray, cluster: np.ndarray, n_images: int, n: int) -> np.ndarray:
    pairs, votes = np.unique(image.astype(np.int64) * n + cluster, return_counts=True)
    order = np.argsort(votes, kind="stable")
    chosen = np.zeros(n_images, np.int64)
    of_image, of_cluster = np.divmod(pairs[order], n)
    chosen[of_image] = of_cluster  # the pair with most votes is written last
    return chosen


def _design_effect(
    targets: sparse.csr_array, image: np.ndarray, cluster: np.ndarray, n_clusters: int
) -> np.ndarray:
    """(N, E) Kish's 1 + (m̃ − 1)ρ: subjects of one image tell less than as many of different ones.

    m̃ is the size-weighted mean number of a cluster's subjects in one image, ρ the correlation of
    an emotion between two subjects of one image.
    """
    n, n_images = len(image), int(image.max()) + 1
    sizes = np.bincount(image).astype(np.float64)
    gather = sparse.csr_array((np.ones(n), (image, np.arange(n))), shape=(n_images, n))
    per_image = gather @ targets
    pairs = (sizes * (sizes - 1)).sum()
    p = np.asarray(targets.sum(axis=0)).ravel() / n
    both = np.asarray((per_image.power(2) - per_image).sum(axis=0)).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = np.clip(np.nan_to_num((both / pairs - p**2) / (p * (1 - p))), 0.0, 1.0)
    codes, shared = np.unique(image.astype(np.int64) * n_clusters + cluster, return_counts=True)
    of = codes % n_clusters
    squares = np.bincount(of, shared.astype(np.float64) ** 2, minlength=n_clusters)
    total = np.bincount(of, shared, minlength=n_clusters)
    mean = np.where(total > 0, squares / np.maximum(total, 1), 1.0)
    return 1 + (mean[:, None] - 1) * rho[None, :]


def _scenes(
    frame: pd.DataFrame, cluster: np.ndarray, n_clusters: int, notes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scenes in each cluster, and per cluster the commonest with the entropy of its scenes."""
    empty = pd.DataFrame(columns=["cluster", "scene", "count", "share", "lift"])
    top = pd.DataFrame(
        {"top_scene": None, "top_scene_share": np.nan, "scene_entropy_bits": np.nan},
        index=pd.RangeIndex(n_clusters),
    )
    if "scene" not in frame or is_blank(frame["scene"]).all():
        notes.append("No scene is known: the clusters' scene composition cannot be computed.")
        return empty, top
    known = ~is_blank(frame["scene"])
    codes, names = pd.factorize(frame["scene"][known].astype(str), sort=True)
    counts = np.zeros((n_clusters, len(names)))
    np.add.at(counts, (cluster[known], codes), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = counts / counts.sum(axis=1, keepdims=True)
        lift = share / (counts.sum(axis=0) / counts.sum())
    rows, columns = np.nonzero(counts)
    order = np.lexsort((-counts[rows, columns], rows))
    rows, columns = rows[order], columns[order]
    long = pd.DataFrame(
        {
            "cluster": rows,
            "scene": np.array(names, object)[columns],
            "count": counts[rows, columns],
            "share": share[rows, columns],
            "lift": lift[rows, columns],
        }
    )
    filled = counts.sum(axis=1) > 0
    best = counts.argmax(axis=1)
    top["top_scene"] = [str(names[k]) if ok else None for k, ok in zip(best, filled, strict=True)]
    top["top_scene_share"] = share[np.arange(n_clusters), best]
    top["scene_entropy_bits"] = entropy_bits(counts)
    return long, top


def _clusters(
    frame: pd.DataFrame,
    cluster: np.ndarray,
    distribution: pd.DataFrame,
    mass: np.ndarray,
    n_clusters: int,
) -> pd.DataFrame:
    size = np.bincount(cluster, minlength=n_clusters)
    pairs = pd.DataFrame({"cluster": cluster, "image": frame["image"].astype(str).to_numpy()})
    images = pairs.drop_duplicates()["cluster"].value_counts()
    overall = mass.sum(axis=0) / mass.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        within = mass / mass.sum(axis=1, keepdims=True)
        ratio = np.log2(np.where(within > 0, within / overall, 1.0))
        told = np.where(within > 0, within * ratio, 0.0).sum(axis=1)
    more = distribution[distribution["lift"] > 1].sort_values(["cluster", "p"], kind="stable")
    strongest = more.drop_duplicates("cluster").set_index("cluster")
    table = pd.DataFrame(
        {
            "cluster": np.arange(n_clusters),
            "size": size,
            "prior": size / size.sum(),
            "images": images.reindex(range(n_clusters), fill_value=0).to_numpy(),
            "entropy_bits": entropy_bits(mass),
            "told_bits": np.where(size > 0, told, np.nan),
        }
    )
    table["strongest_emotion"] = strongest["emotion"].reindex(table["cluster"]).to_numpy()
    table["strongest_lift"] = strongest["lift"].reindex(table["cluster"]).to_numpy()
    table["strongest_q"] = strongest["q"].reindex(table["cluster"]).to_numpy()
    return table


def nearest_members(
    features: np.ndarray, cluster: np.ndarray, centers: np.ndarray, *, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows (N, k) nearest each cluster's centre among its own members, and distances (N, k).

    Distances are Euclidean between original features; −1 and NaN where there are fewer than k.
    """
    rows = np.full((len(centers), k), -1)
    distances = np.full((len(centers), k), np.nan)
    for z in range(len(centers)):
        members = np.flatnonzero(cluster == z)
        gaps = np.linalg.norm(features[members].astype(np.float64) - centers[z], axis=1)
        order = np.argsort(gaps, kind="stable")[:k]
        rows[z, : len(order)], distances[z, : len(order)] = members[order], gaps[order]
    return rows, distances


def _exemplars(
    frame: pd.DataFrame, cluster: np.ndarray, features: np.ndarray, centers: np.ndarray, k: int
) -> pd.DataFrame:
    rows, distances = nearest_members(features, cluster, centers, k=k)
    z, rank = np.nonzero(rows >= 0)
    chosen = frame.iloc[rows[z, rank]]
    known = chosen["sample_id"] if "sample_id" in frame else chosen.index.astype(str)
    return pd.DataFrame(
        {
            "cluster": z,
            "rank": rank,
            "sample_id": np.asarray(known, object),
            "image": chosen["image"].to_numpy(object),
            "distance": distances[z, rank],
        }
    )
