"""Controls that tell whether an intervention did anything (METHOD, facts 1 and 3)."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ccim_core.causal.backdoor import stratum_substitution
from ccim_core.causal.ccim import CCIM
from ccim_core.causal.diagnostics import causal_diagnostics
from ccim_core.causal.strata import Strata, random_strata_members
from ccim_core.evaluation.predictions import SplitFeatures
from ccim_core.metrics.consistency import top_change_rate
from ccim_core.metrics.summary import evaluate_outputs
from ccim_core.run import Run

__all__ = ["confounder_controls", "random_strata", "strata_controls"]

# A mean over a few hundred contexts drawn at random is that over all of them within its noise.
# CCIM costs N prototypes a context, and the additive form also d_n tanh a prototype, so that more
# would take minutes at N = 1024.
_MOST_RANDOM_CONTEXTS, _MOST_FOR_ADDITIVE = 256, 32


@torch.no_grad()
def confounder_controls(
    run: Run, features: SplitFeatures, targets: np.ndarray, own: np.ndarray
) -> dict[str, Any]:
    """What CCIM's term does: its share, and the metrics when it is a constant, gone, or has its
    prior shuffled.

    Args:
        targets, own: (n, C), the truth and the run's own outputs.
    """
    network = run.network
    module = network.deconfounder
    assert module is not None
    h = network.joint(features.u, features.v)
    found: dict[str, Any] = {
        name: value if np.isfinite(value) else None
        for name, value in causal_diagnostics(module, h).items()
    }
    outputs = {
        f"g_{g}": run.link(network.classify(h, g=g)).numpy()  # g := ḡ, g := 0
        for g in ("mean", "zero")
    }
    outputs["shuffled_prior"] = run.link(network.classifier(_with_shuffled_prior(run)(h))).numpy()
    for name, changed in outputs.items():
        found[f"headline_{name}"] = evaluate_outputs(targets, changed, run.labels)["headline"]
        found[f"top_change_{name}"] = top_change_rate(own, changed)
    return found


def _with_shuffled_prior(run: Run) -> CCIM:
    module = copy.deepcopy(run.network.deconfounder)
    assert module is not None
    module.prior.copy_(module.prior[_shuffled(len(module.prior), run)])
    return module


def _shuffled(n: int, run: Run) -> torch.Tensor:
    """An order of n that depends on the run's dictionary's seed alone."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(run.config.dictionary.seed))


def random_strata(run: Run, training: SplitFeatures) -> Strata:
    """Member contexts drawn from all training rows: as many as the run's strata hold.

    For a run with CCIM at most a few hundred, or a few tens with additive attention.
    """
    n, k = run.context.strata.mask.shape
    if run.network.deconfounder is not None:
        additive = run.config.intervention.attention == "additive"
        most = _MOST_FOR_ADDITIVE if additive else _MOST_RANDOM_CONTEXTS
        n = min(n, max(1, most // k))
    generator = torch.Generator().manual_seed(run.config.dictionary.seed)
    index, mask = random_strata_members(len(training.v), n, k, generator)
    return Strata.from_rows(training.v, index, mask, torch.full((n,), 1 / n))


@torch.no_grad()
def strata_controls(
    run: Run, features: SplitFeatures, targets: np.ndarray, control: Strata
) -> dict[str, Any]:
    """Eq. 2 over random contexts and, for a run without CCIM, over strata with a shuffled prior."""
    chosen = {"random_contexts": control}
    if run.network.deconfounder is None:
        strata = run.context.strata
        order = _shuffled(len(strata.prior), run)
        chosen["shuffled_prior"] = replace(strata, prior=strata.prior[order])
    found = {}
    for name, strata in chosen.items():
        outputs = stratum_substitution(features.u, strata, outputs=run.outputs).numpy()
        found[f"backdoor_{name}"] = evaluate_outputs(targets, outputs, run.labels)["headline"]
    return found
