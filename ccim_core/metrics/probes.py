"""What a linear probe reads from features: is the scene still in what should be subject alone?"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ccim_core.metrics.checks import as_codes, as_scores
from ccim_core.metrics.classification import accuracy
from ccim_core.metrics.resampling import bootstrap_interval, bootstrap_ratio

__all__ = ["Probe", "linear_probe"]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Held-out accuracy of the probe, its interval, and what guessing would reach.

    `chance` is the share of the most frequent label, among all rows; `strength` the inverse
    regularisation that was chosen. `accuracy` is NaN, and `reason` says why, when there is
    nothing to tell apart.
    """

    accuracy: float
    low: float
    high: float
    chance: float
    n_train: int
    n_test: int
    n_labels: int
    strength: float
    reason: str = ""


def linear_probe(
    features: Any,
    labels: Any,
    *,
    groups: Any = None,
    test_share: float = 0.3,
    strengths: Sequence[float] = (0.0001, 0.001, 0.01, 0.1),
    max_iter: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> Probe:
    """Multinomial logistic regression from standardised `features` (n, d) to `labels` (n,).

    Whole `groups` (n,) (images, people) are held out, so the probe cannot recognise a picture it
    has seen; by default each row is its own group. The strength is chosen on a quarter of the
    training groups, then the probe is fitted on all of them. The interval resamples held-out
    groups. A label that training lacks counts as an error.
    """
    features = as_scores(features, "features")
    n = len(features)
    codes, names = as_codes(labels, n, "labels")
    group_codes, _ = as_codes(np.arange(n) if groups is None else groups, n, "groups")
    if not 0 < test_share < 1 or not strengths or min(strengths) <= 0:
        raise ValueError(
            "Expected `test_share` to be between 0 and 1 and `strengths` to be above 0, "
            f"got {test_share} and {tuple(strengths)}."
        )
    generator = np.random.default_rng(seed)
    test = _held_out(group_codes, np.ones(n, bool), test_share, generator)
    train = ~test
    reason = _nothing_to_learn(codes, train, test)
    if len(np.unique(group_codes[test])) < 2:
        reason = "too few groups to hold two or more out"
    if reason:
        nan = float("nan")
        return Probe(
            accuracy=nan, low=nan, high=nan, chance=nan, n_train=int(train.sum()),
            n_test=int(test.sum()), n_labels=len(names), strength=nan, reason=reason,
        )  # fmt: skip
    check = _held_out(group_codes, train, 0.25, generator)
    strength = _choose_strength(features, codes, train & ~check, check, strengths, max_iter)
    correct = _predict(features, codes, train, test, strength, max_iter) == codes[test]
    draws = bootstrap_ratio(
        correct[:, None],
        np.ones((len(correct), 1)),
        clusters=group_codes[test],
        random_state=generator,
    )
    interval = bootstrap_interval(draws[:, 0], correct.mean(), level=level)
    return Probe(
        accuracy=interval.estimate,
        low=interval.low,
        high=interval.high,
        chance=float(np.bincount(codes).max() / n),
        n_train=int(train.sum()),
        n_test=int(test.sum()),
        n_labels=len(names),
        strength=strength,
    )


def _held_out(
    group_codes: np.ndarray, among: np.ndarray, share: float, generator: np.random.Generator
) -> np.ndarray:
    """Rows (n,) bool of about `share` of the groups that have rows in `among`."""
    present = np.unique(group_codes[among])
    chosen = generator.permutation(present)[: round(share * len(present))]
    return among & np.isin(group_codes, chosen)


def _nothing_to_learn(codes: np.ndarray, train: np.ndarray, test: np.ndarray) -> str:
    """Why no probe can be fitted or judged; empty if one can."""
    if not test.any() or not train.any():
        return "too few groups to hold some out"
    if len(np.unique(codes[train])) < 2:
        return "fewer than two labels to tell apart in training"
    return ""


def _choose_strength(
    features: np.ndarray,
    codes: np.ndarray,
    train: np.ndarray,
    check: np.ndarray,
    strengths: Sequence[float],
    max_iter: int,
) -> float:
    """The strength with the best accuracy on `check`; the strongest regularisation among equals."""
    ordered = sorted(strengths)
    if len(ordered) == 1 or _nothing_to_learn(codes, train, check):
        return ordered[0]
    scores = [
        accuracy(codes[check], _predict(features, codes, train, check, strength, max_iter))
        for strength in ordered
    ]
    return ordered[int(np.argmax(scores))]


def _predict(
    features: np.ndarray,
    codes: np.ndarray,
    train: np.ndarray,
    rows: np.ndarray,
    strength: float,
    max_iter: int,
) -> np.ndarray:
    """Labels of `rows` by the probe fitted on `train`."""
    scaler = StandardScaler().fit(features[train])
    probe = LogisticRegression(C=strength, max_iter=max_iter, tol=1e-3)
    with warnings.catch_warnings():
        # A probe stopped at `max_iter` is regularised a little more, which its held-out accuracy
        # already tells.
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(scaler.transform(features[train]), codes[train])
    return probe.predict(scaler.transform(features[rows]))
