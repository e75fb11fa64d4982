"""The confounder dictionary: context prototypes Z and their prior P(z)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from ccim_core.errors import InputError
from ccim_core.tensor_files import load_arrays, save_arrays

__all__ = ["ConfounderDictionary"]

_FILE_KIND = "confounder-dictionary"
_PREDICT_ROWS = 65_536
_PRIOR_TOLERANCE = 1e-3  # a prior that was stored in half precision


class ConfounderDictionary:
    """Clusters of training contexts, after Section 3.3 of the paper ("Confounder Dictionary").

    PCA, then K-Means++ on the projections; a prototype z_i is the mean of its cluster's *original*
    features, and P(z_i) = N_i / N_m its share of the training subjects. Fit it on features of
    training rows only, with the subject masked.

    Args:
        n_prototypes: N.
        n_components: dimensions that PCA keeps, at most; with fewer rows or features all are kept.
        n_init: how many K-Means++ starts are tried; the best is kept.
        random_state: seed of K-Means++. Equal features and seed give an equal dictionary.

    Attributes:
        kind: `kmeans`, or `random` for the control.
        centers_: prototypes Z (N, d), float32.
        prior_: P(z) (N,), float64, sums to 1.
        counts_: training rows in each cluster (N,), int64; zeros for the control.
        labels_: cluster of each training row (n,), int32; empty for the control.
        pca_mean_ (d,), pca_components_ (k, d), pca_centers_ (N, k): what `predict` needs; empty
            for the control.
        provenance: what it was made from, as given to `save`.
    """

    centers_: np.ndarray
    prior_: np.ndarray
    counts_: np.ndarray
    labels_: np.ndarray
    pca_mean_: np.ndarray
    pca_components_: np.ndarray
    pca_centers_: np.ndarray

    def __init__(
        self,
        n_prototypes: int = 256,
        *,
        n_components: int = 256,
        n_init: int = 1,
        random_state: int = 0,
    ) -> None:
        for name, value in (
            ("n_prototypes", n_prototypes),
            ("n_components", n_components),
            ("n_init", n_init),
        ):
            if value < 1:
                raise InputError(f"Expected {name} to be 1 or more, got {value}.")
        self.n_prototypes = n_prototypes
        self.n_components = n_components
        self.n_init = n_init
        self.random_state = random_state
        self.kind: Literal["kmeans", "random"] = "kmeans"
        self.provenance: dict[str, Any] = {}

    def fit(self, features: np.ndarray) -> ConfounderDictionary:
        """Build the dictionary of `features` (n, d), one row a training subject. Returns itself.

        Raises:
            InputError: features that are not finite, or fewer distinct ones than prototypes.
        """
        features = _checked(features)
        self._require_distinct(features)
        n, d = features.shape
        self.pca_mean_ = features.mean(0, dtype=np.float64).astype(np.float32)
        centred = features - self.pca_mean_
        pca = PCA(
            min(self.n_components, n, d), svd_solver="covariance_eigh" if n >= d else "full"
        ).fit(centred)
        self.pca_components_ = pca.components_.astype(np.float32)
        # float64: threads add up in any order, which must not move a row to another cluster.
        projected = (centred @ self.pca_components_.T).astype(np.float64)
        kmeans = KMeans(
            self.n_prototypes,
            init="k-means++",
            n_init=self.n_init,
            random_state=self.random_state,
        ).fit(projected)
        self.pca_centers_ = kmeans.cluster_centers_.astype(np.float32)
        self.kind = "kmeans"
        # Assigned with the numbers that are kept, so that `predict` repeats it exactly.
        self.labels_ = self.predict(features)
        self.counts_ = np.bincount(self.labels_, minlength=self.n_prototypes)
        if not self.counts_.all():
            raise InputError(
                f"Expected {self.n_prototypes} clusters with members, got "
                f"{int((self.counts_ > 0).sum())}: many features are nearly equal; "
                "take fewer prototypes or more components."
            )
        self.centers_ = _cluster_means(features, self.labels_, self.counts_)
        self.prior_ = self.counts_ / n
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The cluster of each of `features` (m, d), (m,) int32.

        Raises InputError for the random control, which has no clusters, and for another width.
        """
        if self.kind == "random":
            raise InputError(
                "Expected a dictionary of clusters, got the random control, which has none; "
                "take the K-Means dictionary."
            )
        features = _checked(features)
        if features.shape[1] != len(self.pca_mean_):
            raise InputError(
                f"Expected features of width {len(self.pca_mean_)}, as the dictionary was built "
                f"from, got {features.shape[1]}; use the same encoder."
            )
        centers = self.pca_centers_.astype(np.float64)
        offsets = (centers**2).sum(1)
        labels = np.empty(len(features), np.int32)
        for start in range(0, len(features), _PREDICT_ROWS):
            rows = slice(start, start + _PREDICT_ROWS)
            projected = (features[rows] - self.pca_mean_) @ self.pca_components_.T
            labels[rows] = (offsets - 2 * projected.astype(np.float64) @ centers.T).argmin(1)
        return labels

    @classmethod
    def random(
        cls,
        features: np.ndarray,
        n_prototypes: int = 256,
        *,
        random_state: int = 0,
        prior: np.ndarray | None = None,
    ) -> ConfounderDictionary:
        """The control "random Z" of Table 4: Gaussian prototypes that know nothing of contexts.

        Args:
            features: (n, d); each dimension's mean and standard deviation are taken over.
            prior: P(z) (N,), such as a fitted dictionary's; default: uniform.
        """
        features = _checked(features)
        dictionary = cls(n_prototypes, random_state=random_state)
        generator = np.random.default_rng(random_state)
        mean, deviation = features.mean(0, dtype=np.float64), features.std(0, dtype=np.float64)
        draws = generator.standard_normal((n_prototypes, features.shape[1]))
        dictionary.kind = "random"
        dictionary.centers_ = (mean + deviation * draws).astype(np.float32)
        uniform = np.full(n_prototypes, 1 / n_prototypes)
        dictionary.prior_ = uniform if prior is None else np.array(prior, np.float64)
        dictionary.counts_ = np.zeros(n_prototypes, np.int64)
        dictionary.labels_ = np.empty(0, np.int32)
        dictionary.pca_mean_ = np.empty(0, np.float32)
        dictionary.pca_components_ = np.empty((0, 0), np.float32)
        dictionary.pca_centers_ = np.empty((0, 0), np.float32)
        dictionary._validate("the prior given")
        return dictionary

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything fitted, by name, without the trailing underscore."""
        return {name: getattr(self, f"{name}_") for name in _ARRAYS}

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], *, provenance: Mapping[str, Any] | None = None
    ) -> ConfounderDictionary:
        """Inverse of `to_arrays`; takes half precision too.

        Raises InputError for arrays that are no dictionary.
        """
        absent = [name for name in _ARRAYS if name not in arrays]
        if absent:
            raise InputError(f"Expected a dictionary with the arrays {absent}, got none of these.")
        dictionary = cls(
            max(len(arrays["centers"]), 1), n_components=max(len(arrays["pca_components"]), 1)
        )
        for name, dtype in _ARRAYS.items():
            setattr(dictionary, f"{name}_", np.asarray(arrays[name], dtype))
        dictionary.kind = "kmeans" if dictionary.pca_centers_.size else "random"
        if dictionary.kind == "kmeans":  # exact, however the prior was stored
            dictionary.prior_ = dictionary.counts_ / max(dictionary.counts_.sum(), 1)
        dictionary.provenance = dict(provenance or {})
        dictionary._validate("the arrays given")
        return dictionary

    def save(self, path: Path | str, provenance: Mapping[str, Any]) -> None:
        """Write it as safetensors with what it was made from (encoder, view, rows, hashes)."""
        self.provenance = dict(provenance)
        record = {
            "version": 1,
            "settings": {
                "n_prototypes": self.n_prototypes,
                "n_components": self.n_components,
                "n_init": self.n_init,
                "random_state": self.random_state,
            },
            "provenance": self.provenance,
        }
        save_arrays(path, self.to_arrays(), kind=_FILE_KIND, record=record)

    @classmethod
    def load(cls, path: Path | str) -> ConfounderDictionary:
        """Read what `save` wrote.

        Raises InputError: no such file, damaged, changed since, or something else.
        """
        arrays, record = load_arrays(path, kind=_FILE_KIND)
        settings = record.get("settings")
        if not isinstance(settings, dict) or not isinstance(record.get("provenance"), dict):
            raise InputError(f"Expected a dictionary with its settings in {path}, got parts.")
        try:
            dictionary = cls.from_arrays(arrays, provenance=record["provenance"])
            for name in ("n_prototypes", "n_components", "n_init", "random_state"):
                setattr(dictionary, name, int(settings[name]))
        except (InputError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"Expected a whole dictionary in {path}, got parts ({error})."
            ) from None
        return dictionary

    def _require_distinct(self, features: np.ndarray) -> None:
        seen: set[bytes] = set()
        for row in features:
            seen.add((row + np.float32(0)).tobytes())  # −0 is 0
            if len(seen) >= self.n_prototypes:
                return
        raise InputError(
            f"Expected at least {self.n_prototypes} distinct features for as many prototypes, got "
            f"{len(seen)} in {len(features)} rows; take fewer prototypes."
        )

    def _validate(self, source: str) -> None:
        n = len(self.centers_)
        k = len(self.pca_components_)
        fits = (
            self.centers_.ndim == 2
            and self.prior_.shape == self.counts_.shape == (n,)
            and (
                self.kind == "random"
                or (
                    self.pca_mean_.shape == (self.centers_.shape[1],)
                    and self.pca_components_.shape == (k, self.centers_.shape[1])
                    and self.pca_centers_.shape == (n, k)
                )
            )
        )
        if not fits:
            raise InputError(f"Expected shapes (N, d), (N,), (k, d), got others in {source}.")
        numbers = (self.centers_, self.prior_, self.pca_mean_, self.pca_components_)
        if not all(np.isfinite(array).all() for array in (*numbers, self.pca_centers_)):
            raise InputError(f"Expected finite numbers in a dictionary, got NaN in {source}.")
        if (self.prior_ < 0).any() or abs(self.prior_.sum() - 1) > _PRIOR_TOLERANCE:
            raise InputError(
                f"Expected a prior that sums to 1, got {self.prior_.sum():g} in {source}."
            )


_ARRAYS: dict[str, type] = {
    "centers": np.float32,
    "prior": np.float64,
    "counts": np.int64,
    "labels": np.int32,
    "pca_mean": np.float32,
    "pca_components": np.float32,
    "pca_centers": np.float32,
}


def _checked(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float32)
    if features.ndim != 2 or not features.size:
        raise InputError(f"Expected features of shape (n, d), got {features.shape}.")
    finite = np.isfinite(features).all(1)
    if not finite.all():
        raise InputError(
            f"Expected finite features, got NaN or infinity in {int((~finite).sum())} of "
            f"{len(features)} rows (first: row {int(finite.argmin())}); extract them again."
        )
    return features


def _cluster_means(features: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean of each cluster's rows, (N, d) float32, added up in float64; no cluster is empty."""
    order = np.argsort(labels, kind="stable")
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    sums = np.add.reduceat(features[order], starts, axis=0, dtype=np.float64)
    return (sums / counts[:, None]).astype(np.float32)
