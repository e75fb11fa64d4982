"""The shipped photograph model's P(Y|z): shrunk as its counts ask for, not by a fixed amount."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import ccim_core
from ccim_core.causal.prior_correction import count_emotions_by_stratum
from ccim_core.causal.smoothing import choose_smoothing
from ccim_core.files import read_json
from ccim_core.run import Run

RUNS = Path(ccim_core.__file__).parent / "assets" / "photo_model" / "runs"


@pytest.mark.parametrize("name", ["none", "ccim", "counterfactual"])
def test_the_shipped_shrinkage_is_the_one_its_counts_ask_for(name: str) -> None:
    run = Run.open(RUNS / f"emot_net-{name}-seed0")
    assert run.config.intervention.smoothing is None
    smoothing = read_json(run.path / "environment.json")["smoothing"]
    context, sizes = run.context, torch.as_tensor(run.context.dictionary.counts_)
    marginal = context.marginal.double()
    # Counts are not shipped, but what is shipped determines them, once its shrinkage is known.
    exact = context.conditional.double() * (sizes[:, None] + smoothing) - smoothing * marginal
    counts = exact.round().long()
    assert (exact - counts).abs().max() < 0.05
    assert torch.equal(counts.sum(1), sizes)
    stratum, emotion = counts.nonzero(as_tuple=True)
    times = counts[stratum, emotion]
    targets = F.one_hot(emotion.repeat_interleave(times), counts.shape[1]).double()
    labels, n = stratum.repeat_interleave(times), len(sizes)
    chosen = choose_smoothing(targets, labels, n, kind="single")
    assert chosen == pytest.approx(smoothing, abs=1e-2)
    expected = count_emotions_by_stratum(targets, labels, n, smoothing=chosen)
    torch.testing.assert_close(context.conditional.double(), expected, atol=1e-6, rtol=0)
