"""Eq. 2 before its sum is taken: the same subject's prediction in every stratum of contexts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ccim_core.causal.backdoor import stratum_outputs
from ccim_core.run import Run
from ccim_core.subject_reading import Projection

__all__ = ["WhatIf", "what_if"]


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """P(Y|s, c_z) of one subject under one run, z running over the strata that have members.

    Attributes:
        run: the run's name; link: of its outputs; emotions: names of the C columns.
        index: numbers of the strata in the run's dictionary, (n,).
        names: their commonest scenes, (n,), "" where no scene is known.
        prior: P(z), renormalised over these strata as `stratum_substitution` does, (n,).
        outputs: P(Y|s, c_z), the mean over a stratum's member contexts, (n, C).
        own: P(Y|s, c) in the picture's own context, (C,).
        assigned: number of the stratum that the picture's own context falls to.
        dropped_mass: prior of the strata without a member, which Eq. 2 has to leave out.
    """

    run: str
    link: str
    emotions: tuple[str, ...]
    index: np.ndarray
    names: tuple[str, ...]
    prior: np.ndarray
    outputs: np.ndarray
    own: np.ndarray
    assigned: int
    dropped_mass: float

    @property
    def average(self) -> np.ndarray:
        """Σ_z P(z) P(Y|s, c_z): the back-door estimate, Eq. 2, (C,)."""
        return self.prior @ self.outputs

    @property
    def spread(self) -> float:
        """How far the place alone moves this subject: Σ_z P(z) · TV(P(Y|s, c_z), Eq. 2), in [0, 1].

        TV is half the sum of absolute differences; with a link other than softmax, where each
        emotion is its own event, their mean. NaN for scores, which have no total variation.
        """
        if self.link == "identity":
            return float("nan")
        differences = np.abs(self.outputs - self.average)
        softmax = self.link == "softmax"
        distance = differences.sum(1) / 2 if softmax else differences.mean(1)
        return float(self.prior @ distance)


@torch.no_grad()
def what_if(run: Run, projection: Projection) -> WhatIf:
    """Put one subject into every stratum of a run's contexts."""
    strata = run.context.strata
    terms = stratum_outputs(projection.u, strata, outputs=run.outputs)[0].double()
    index = (strata.counts > 0).nonzero().flatten()
    prior = strata.prior[index].double()
    names = run.context.names or [""] * strata.n_strata
    return WhatIf(
        run=run.name,
        link=run.labels.link,
        emotions=run.labels.emotions,
        index=index.numpy(),
        names=tuple(names[i] for i in index.tolist()),
        prior=(prior / prior.sum()).numpy(),
        outputs=terms[index].numpy(),
        own=run.outputs(projection.u, projection.v)[0].double().numpy(),
        assigned=int(projection.stratum[0]),
        dropped_mass=strata.dropped_mass,
    )
