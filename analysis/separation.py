"""How features are organised: by emotion, by scene, and emotion within and across scenes.

Everything is measured in the features' own space, never in a drawing of it. Every value comes
with what chance gives on the same subjects and with an interval from resampling whole images.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from analysis.information import entropy_bits, table_information
from analysis.neighbours import Purity, purity
from analysis.silhouette import mean_silhouettes
from ccim_core.errors import InputError
from ccim_core.metrics.probes import linear_probe
from ccim_core.metrics.resampling import bootstrap_interval, bootstrap_ratio, cluster_counts

__all__ = ["MEASURES", "Measured", "SeparationSettings", "Subjects", "separation"]

MEASURES: dict[str, str] = {
    "emotion_purity": "neighbours of the same emotion",
    "emotion_purity_within": "neighbours of the same emotion, among those of the same scene",
    "emotion_purity_across": "neighbours of the same emotion, among those of other scenes",
    "scene_purity": "neighbours of the same scene",
    "emotion_nmi": "clusters tell the emotion (NMI)",
    "scene_nmi": "clusters tell the scene (NMI)",
    "emotion_silhouette": "emotions lie apart (silhouette)",
    "scene_silhouette": "scenes lie apart (silhouette)",
    "emotion_probe": "a linear probe reads the emotion",
    "scene_probe": "a linear probe reads the scene",
}

_PERMUTATIONS = 20
_REFITS = 200


@dataclass(frozen=True, kw_only=True)
class SeparationSettings:
    """k: neighbours. n_resamples, confidence: of the intervals. seed: of everything random.

    max_points: subjects measured at most, chosen at random (time grows with its square);
    model_rows: likewise where models are fitted, clusters and linear probes.
    """

    k: int = 15
    n_resamples: int = 1000
    confidence: float = 0.95
    seed: int = 0
    max_points: int = 50_000
    model_rows: int = 10_000

    def __post_init__(self) -> None:
        for name, least in (("k", 1), ("n_resamples", 40), ("max_points", 4), ("model_rows", 4)):
            if getattr(self, name) < least:
                raise InputError(
                    f"Expected `{name}` of {least} or more, got {getattr(self, name)}."
                )
        if not 0 < self.confidence < 1:
            raise InputError(f"Expected `confidence` between 0 and 1, got {self.confidence}.")


@dataclass(frozen=True, kw_only=True, eq=False)
class Subjects:
    """What is known of the rows of the features.

    targets: (n, C) 0/1. scene: (n,) codes, −1 where unknown. group: (n,) codes: whose image (or
    source) it is; groups are resampled and held out whole.
    """

    targets: np.ndarray
    scene: np.ndarray
    group: np.ndarray

    @classmethod
    def from_rows(cls, rows: pd.DataFrame, targets: np.ndarray) -> Subjects:
        """From manifest rows; grouped by `source_id` where given, else by image."""
        scene = np.full(len(rows), -1)
        if "scene" in rows:
            scene = pd.factorize(rows["scene"])[0]
        group = rows["image"].astype(str)
        if "source_id" in rows:
            group = rows["source_id"].astype(object).where(rows["source_id"].notna(), group)
        return cls(targets=targets, scene=scene, group=pd.factorize(group)[0])

    def take(self, rows: np.ndarray) -> Subjects:
        """Some of the rows, groups numbered anew."""
        return Subjects(
            targets=self.targets[rows],
            scene=self.scene[rows],
            group=np.unique(self.group[rows], return_inverse=True)[1],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """One measure of one set of features.

    chance: its value when features say nothing. n: subjects measured. draws: its values on
    resampled images (n_resamples,), where they can be had. All NaN, with `reason`, where it is not
    defined.
    """

    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    chance: float = float("nan")
    n: int = 0
    reason: str = ""
    draws: np.ndarray | None = field(default=None, repr=False)


def separation(
    features: np.ndarray,
    subjects: Subjects,
    *,
    settings: SeparationSettings | None = None,
    only: Collection[str] = tuple(MEASURES),
    advance: Callable[[int], object] = lambda n: None,
) -> dict[str, Measured]:
    """The measures `only`, of `MEASURES`, of features (n, d); `advance(1)` is told after each.

    Equal subjects and settings resample the same images, so the draws of two sets of features are
    paired.
    """
    settings = settings or SeparationSettings()
    if features.ndim != 2 or len(features) != len(subjects.group):
        raise ValueError(f"Expected a row of features a subject, got {features.shape}.")
    if subjects.group.max(initial=0) < 1:
        reason = "fewer than two images"
        return {name: Measured(reason=reason) for name in MEASURES if name in only}
    # Equal features (rounded, constant) are neighbours in order of rows; a random order keeps that
    # from following the manifest's.
    order = np.random.default_rng(settings.seed).permutation(len(features))
    work = _Work(np.asarray(features, np.float32)[order], subjects.take(order), settings)
    found: dict[str, Measured] = {}
    for name in MEASURES:
        if name in only:
            found[name] = work.measure(name)
            advance(1)
    return found


class _Work:
    """The measures of one set of features."""

    def __init__(
        self, features: np.ndarray, subjects: Subjects, settings: SeparationSettings
    ) -> None:
        self.features, self.subjects, self.settings = features, subjects, settings
        self.everyone = np.arange(len(features))
        self.known = np.flatnonzero(subjects.scene >= 0)

    def measure(self, name: str) -> Measured:
        """One measure of `MEASURES`."""
        label, _, kind = name.partition("_")
        if kind.startswith("purity"):
            return self._purity(label, kind)
        reason = self._why_no_emotion() if label == "emotion" else self._why_no_scene()
        if reason:
            return Measured(reason=reason)
        rows = self.everyone if label == "emotion" else self.known
        labels = self.subjects.targets.argmax(axis=1) if label == "emotion" else self.subjects.scene
        codes = np.unique(labels[rows], return_inverse=True)[1]
        return {"nmi": self._nmi, "silhouette": self._silhouette, "probe": self._probe}[kind](
            rows, codes
        )

    def _purity(self, label: str, kind: str) -> Measured:
        candidates = {"purity": "all", "purity_within": "within", "purity_across": "across"}[kind]
        targets, rows = self.subjects.targets, self.everyone
        needs_scenes = label == "scene" or candidates == "across"
        if needs_scenes and (reason := self._why_no_scene()):
            return Measured(reason=reason)
        if label == "scene" or candidates != "all":
            rows = self.known
        if not len(rows):
            return Measured(reason="no scene is known")
        scene = self.subjects.scene[rows]
        found: Purity = purity(
            self.features[rows],
            targets[rows] if label == "emotion" else np.eye(int(scene.max()) + 1)[scene],
            self.subjects.group[rows],
            k=self.settings.k,
            contexts=None if candidates == "all" else scene,
            candidates=candidates,
        )
        if not found.n:
            return Measured(reason="no subject has another image's subject to be compared with")
        return self._resampled(found.value, found.influence, found.chance, found.n, rows, least=0.0)

    def _nmi(self, rows: np.ndarray, codes: np.ndarray) -> Measured:
        kept = slice(0, self.settings.model_rows)  # rows are in random order
        features, codes = self.features[rows[kept]], codes[kept]
        group = np.unique(self.subjects.group[rows[kept]], return_inverse=True)[1]
        generator = np.random.default_rng(self.settings.seed)
        n_labels = int(codes.max()) + 1
        clusters = KMeans(n_labels, n_init=10, random_state=self.settings.seed).fit(features)
        count = _tables(clusters.labels_, n_labels)
        value = _normalised_information(count(codes))
        chance = [
            _normalised_information(count(_shuffle(codes, group, generator)))
            for _ in range(_PERMUTATIONS)
        ]
        draws = self._refit(features, codes, group, clusters.cluster_centers_)
        reach = ndtri((1 + self.settings.confidence) / 2) * draws.std()
        return Measured(
            value=value, low=max(value - reach, 0.0), high=min(value + reach, 1.0),
            chance=float(np.mean(chance)), n=len(codes), draws=draws,
        )  # fmt: skip

    def _refit(
        self, features: np.ndarray, codes: np.ndarray, group: np.ndarray, centers: np.ndarray
    ) -> np.ndarray:
        """NMI on resampled images, clusters fitted to each from the `centers` of all.

        Clusters that stay as they are would make the interval a fifth too narrow (measured).
        """
        draws = []
        n_draws = min(_REFITS, self.settings.n_resamples)
        for counts in cluster_counts(int(group.max()) + 1, n_draws, self.settings.seed):
            for column in counts.T:
                weight = column[group]
                kmeans = KMeans(len(centers), init=centers, n_init=1, max_iter=20)
                with warnings.catch_warnings():
                    # A small resample may have fewer distinct subjects than clusters.
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    labels = kmeans.fit_predict(features, sample_weight=weight)
                table = _tables(labels, len(centers))(codes, weight)
                draws.append(_normalised_information(table))
        return np.array(draws)

    def _silhouette(self, rows: np.ndarray, codes: np.ndarray) -> Measured:
        group = np.unique(self.subjects.group[rows], return_inverse=True)[1]
        generator = np.random.default_rng(self.settings.seed)
        shuffled = _shuffle(codes, group, generator)
        found, chance = mean_silhouettes(self.features[rows], [codes, shuffled])
        return self._resampled(
            found.value, found.influence, chance.value, len(rows), rows, least=-1.0
        )

    def _probe(self, rows: np.ndarray, codes: np.ndarray) -> Measured:
        kept = slice(0, self.settings.model_rows)  # rows are in random order
        probe = linear_probe(
            self.features[rows[kept]],
            codes[kept],
            groups=self.subjects.group[rows[kept]],
            level=self.settings.confidence,
            seed=self.settings.seed,
        )
        return Measured(
            value=probe.accuracy, low=probe.low, high=probe.high, chance=probe.chance,
            n=probe.n_train + probe.n_test, reason=probe.reason,
        )  # fmt: skip

    def _why_no_scene(self) -> str:
        if not len(self.known):
            return "no scene is known"
        if len(np.unique(self.subjects.scene[self.known])) < 2:
            return "one scene only"
        return ""

    def _why_no_emotion(self) -> str:
        if (self.subjects.targets.sum(axis=1) > 1).any():
            return "subjects have several emotions"
        if (self.subjects.targets.sum(axis=0) > 0).sum() < 2:
            return "one emotion only"
        return ""

    def _resampled(
        self,
        value: float,
        influence: np.ndarray,
        chance: float,
        n: int,
        rows: np.ndarray,
        *,
        least: float,
    ) -> Measured:
        """With an interval from the influence of each subject, summed by image, within [least, 1]:
        the influence is a slope, which may lead out of what the measure can be."""
        group = self.subjects.group[rows]
        if len(np.unique(group)) < 2:
            return Measured(value=value, chance=chance, n=n, reason="fewer than two images")
        draws = bootstrap_ratio(
            influence[:, None],
            np.ones((len(rows), 1)),
            clusters=group,
            n_resamples=self.settings.n_resamples,
            random_state=self.settings.seed,
        )[:, 0]
        interval = bootstrap_interval(draws, value, level=self.settings.confidence)
        measured = Measured(value=value, chance=chance, n=n, draws=draws)
        return replace(measured, low=max(interval.low, least), high=min(interval.high, 1.0))


def _tables(cluster: np.ndarray, n_labels: int) -> Callable[..., np.ndarray]:
    """Cluster × label table (K, L) as a function of labels and perhaps weights."""

    def count(codes: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        cell = cluster.astype(np.int64) * n_labels + codes
        cells = (int(cluster.max()) + 1) * n_labels
        return np.bincount(cell, weight, minlength=cells).reshape(-1, n_labels)

    return count


def _normalised_information(table: np.ndarray) -> float:
    """2 I(cluster; label) / (H(cluster) + H(label)) of a table (K, L); 0 where both are sure."""
    bits = float(entropy_bits(table.sum(axis=1)) + entropy_bits(table.sum(axis=0)))
    return 2 * float(table_information(table)) / bits if bits > 0 else 0.0


def _shuffle(codes: np.ndarray, group: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Labels dealt anew to whole images, among images with as many subjects."""
    order = np.argsort(group, kind="stable")
    size = np.bincount(group)[group[order]]
    dealt = np.empty_like(codes)
    for one in np.unique(size):
        rows = order[size == one].reshape(-1, one)
        dealt[rows] = codes[rows][generator.permutation(len(rows))]
    return dealt
