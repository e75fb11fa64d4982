"""The counts' own α: found where it was drawn, large where strata tell nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import gammaln
from torch.nn.functional import one_hot

from ccim_core.causal.prior_correction import count_emotions_by_stratum
from ccim_core.causal.smoothing import choose_smoothing

STRATA, EMOTIONS, A_STRATUM = 200, 7, 30


def drawn(alpha: float, *, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """One label a subject, P(Y|z) of each stratum drawn with concentration `alpha`."""
    generator = np.random.default_rng(seed)
    mean = generator.dirichlet(np.full(EMOTIONS, 5.0))
    by_stratum = generator.dirichlet(alpha * mean, STRATA)
    labels = np.repeat(np.arange(STRATA), A_STRATUM)
    emotions = np.array([generator.choice(EMOTIONS, p=by_stratum[z]) for z in labels])
    return one_hot(torch.from_numpy(emotions), EMOTIONS).double(), torch.from_numpy(labels)


@pytest.mark.parametrize("alpha", [0.5, 4.0, 30.0])
def test_alpha_is_found_where_it_was_drawn(alpha: float) -> None:
    targets, labels = drawn(alpha)
    assert choose_smoothing(targets, labels, STRATA, kind="single") == pytest.approx(alpha, rel=0.2)


def test_it_is_the_maximum_of_the_dirichlet_multinomial_likelihood() -> None:
    targets, labels = drawn(3.0, seed=1)
    found = choose_smoothing(targets, labels, STRATA, kind="single")
    counts = np.zeros((STRATA, EMOTIONS))
    np.add.at(counts, labels.numpy(), targets.numpy())
    mean = counts.sum(0) / counts.sum()

    def likelihood(alpha: float) -> float:
        total = gammaln(alpha) - gammaln(alpha + counts.sum(1))
        cells = gammaln(alpha * mean + counts) - gammaln(alpha * mean)
        return float(total.sum() + cells.sum())

    assert likelihood(found) > max(likelihood(found * 1.02), likelihood(found / 1.02))


def test_strata_that_tell_nothing_take_next_to_nothing_out() -> None:
    targets, labels = drawn(1e9)
    smoothing = choose_smoothing(targets, labels, STRATA, kind="single")
    assert smoothing > 300
    conditional = count_emotions_by_stratum(targets, labels, STRATA, smoothing=smoothing)
    fixed = count_emotions_by_stratum(targets, labels, STRATA, smoothing=1.0)
    marginal = targets.mean(0)
    assert (conditional / marginal).log().abs().max() < 0.25
    assert (fixed / marginal).log().abs().max() > 1


def test_strata_that_determine_the_emotion_are_hardly_shrunk() -> None:
    labels = torch.arange(20).repeat_interleave(10)
    targets = one_hot(labels % 4, 4).double()
    assert choose_smoothing(targets, labels, 20, kind="single") < 0.2


def test_several_labels_are_beta_distributed_each() -> None:
    generator = np.random.default_rng(0)
    mean, alpha = np.array([0.1, 0.3, 0.6]), 8.0
    by_stratum = generator.beta(alpha * mean, alpha * (1 - mean), (STRATA, 3))
    labels = np.repeat(np.arange(STRATA), A_STRATUM)
    targets = torch.from_numpy((generator.random((len(labels), 3)) < by_stratum[labels]) * 1.0)
    found = choose_smoothing(targets, torch.from_numpy(labels), STRATA, kind="multi")
    assert found == pytest.approx(alpha, rel=0.2)


def test_an_emotion_of_nobody_and_one_of_all_say_nothing() -> None:
    targets, labels = drawn(3.0)
    wider = torch.cat([targets, torch.zeros(len(targets), 1)], dim=1)
    narrow, wide = (choose_smoothing(t, labels, STRATA, kind="single") for t in (targets, wider))
    assert math.isclose(narrow, wide, rel_tol=1e-3)
    same = torch.ones(60, 1)
    assert choose_smoothing(same, torch.arange(60) % 3, 3, kind="multi") == 1e6


def test_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one training row"):
        choose_smoothing(torch.zeros(0, 3), torch.zeros(0), 2, kind="single")
