"""Why an estimate is what it is: the change that the removal of each prototype makes."""

from __future__ import annotations

import torch
from torch import Tensor

from ccim_core.causal.backdoor import stratum_outputs
from ccim_core.causal.diagnostics import prototype_removal
from ccim_core.run import Run

__all__ = ["backdoor_removal", "ccim_removal"]


def backdoor_removal(run: Run, u: Tensor) -> Tensor:
    """Change of Eq. 2 when a stratum is left out and the prior renormalised: (N, C)."""
    strata = run.context.strata
    terms = stratum_outputs(u, strata, outputs=run.outputs)[0]
    prior = torch.where(strata.counts > 0, strata.prior, 0)
    prior = (prior / prior.sum())[:, None]
    whole = (prior * terms.nan_to_num()).sum(0)
    return (prior * (whole - terms) / (1 - prior).clamp_min(1e-12)).nan_to_num()


def ccim_removal(run: Run, u: Tensor, v: Tensor) -> Tensor:
    """Change of CCIM's output when a prototype is struck out of Eq. 5: (N, C)."""
    network = run.network
    assert network.deconfounder is not None
    h = network.joint(u, v)
    return prototype_removal(
        network.deconfounder, h, readout=lambda x: run.link(network.classifier(x))
    )[0]
