"""Controls that tell whether an intervention did anything (METHOD, facts 1 and 3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ccim_core.causal.backdoor import stratum_substitution
from ccim_core.causal.diagnostics import causal_diagnostics
from ccim_core.causal.strata import Strata, random_strata_members
from ccim_core.evaluation.predictions import SplitFeatures
from ccim_core.metrics.consistency import top_change_rate
from ccim_core.metrics.summary import evaluate_outputs
from ccim_core.run import Run

__all__ = ["confounder_controls", "random_strata", "strata_controls"]


@torch.no_grad()
def confounder_controls(
    run: Run, features: SplitFeatures, targets: np.ndarray, own: np.ndarray
) -> dict[str, Any]:
    """What CCIM's term does: its share, and the metrics when it is a constant or gone.

    Args:
        targets, own: (n, C), the truth and the run's own outputs.
    """
    network = run.network
    assert network.deconfounder is not None
    h = network.joint(features.u, features.v)
    found: dict[str, Any] = {
        name: value if np.isfinite(value) else None
        for name, value in causal_diagnostics(network.deconfounder, h).items()
    }
    for g in ("mean", "zero"):
        outputs = run.link(network.classify(h, g=g)).numpy()
        found[f"headline_g_{g}"] = evaluate_outputs(targets, outputs, run.labels)["headline"]
        found[f"top_change_g_{g}"] = top_change_rate(own, outputs)
    return found


def random_strata(run: Run, training: SplitFeatures) -> Strata:
    """As many member contexts as the run's strata hold, drawn from all training rows."""
    strata = run.context.strata
    n, k = strata.mask.shape
    generator = torch.Generator().manual_seed(run.config.dictionary.seed)
    index, mask = random_strata_members(len(training.v), n, k, generator)
    return Strata.from_rows(training.v, index, mask, torch.full((n,), 1 / n))


@torch.no_grad()
def strata_controls(
    run: Run, features: SplitFeatures, targets: np.ndarray, control: Strata
) -> dict[str, Any]:
    """Eq. 2 over random contexts, and over the strata with their prior shuffled."""
    generator = torch.Generator().manual_seed(run.config.dictionary.seed)
    strata = run.context.strata
    shuffled = replace(
        strata, prior=strata.prior[torch.randperm(len(strata.prior), generator=generator)]
    )
    found = {}
    for name, chosen in (("random_contexts", control), ("shuffled_prior", shuffled)):
        outputs = stratum_substitution(features.u, chosen, outputs=run.outputs).numpy()
        found[f"backdoor_{name}"] = evaluate_outputs(targets, outputs, run.labels)["headline"]
    return found
