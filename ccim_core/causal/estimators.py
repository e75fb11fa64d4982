"""The estimators: what turns a trained run into outputs, and which run supports which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ccim_core.causal.backdoor import Outputs, stratum_substitution
from ccim_core.causal.prior_correction import prior_correction
from ccim_core.causal.strata import Strata
from ccim_core.errors import InputError
from ccim_core.labels import Kind, Link

__all__ = [
    "ESTIMATORS",
    "INTERVENTIONS",
    "Estimator",
    "EstimatorInputs",
    "Intervention",
    "carried_prior",
    "estimate",
    "get_estimator",
    "supported_estimators",
    "unsupported_reason",
]

Intervention = Literal[
    "none", "ccim", "counterfactual", "logit_adjusted", "inverse_propensity", "group_dro"
]

INTERVENTIONS: dict[Intervention, str] = {
    "none": "trained plainly",
    "ccim": "trained with CCIM",
    "counterfactual": "trained with a context-only branch",
    "logit_adjusted": "trained with logits adjusted by P(Y|z)",
    "inverse_propensity": "trained with inverse-propensity weights",
    "group_dro": "trained by group DRO",
}
"""What can be trained in, with how to say it."""


@dataclass(frozen=True, kw_only=True)
class EstimatorInputs:
    """What the estimators compute from; each names in `Estimator.requires` what it needs.

    Attributes:
        u: projected subjects, (B, d_u).
        v: projected contexts, (B, d_v).
        outputs: (u, v), broadcast against each other, to the run's own outputs (…, C): through
            its fusion, its intervention if it has one, its head and its link. For a
            counterfactual run these are those of the total effect.
        kind: one emotion a subject, or several.
        strata: for "backdoor".
        stratum: z(c) of each row, (B,), for "prior_correction".
        conditional: P(Y|z), (N, C), for "prior_correction".
        marginal: P(Y), (C,), for "prior_correction".
        counterfactual_outputs: as `outputs`, for TE − NDE of a counterfactual run.
    """

    u: Tensor
    v: Tensor
    outputs: Outputs
    kind: Kind
    strata: Strata | None = None
    stratum: Tensor | None = None
    conditional: Tensor | None = None
    marginal: Tensor | None = None
    counterfactual_outputs: Outputs | None = None


@dataclass(frozen=True, kw_only=True)
class Estimator:
    """One way to turn a trained run into outputs.

    Attributes:
        key: the name in configs, predictions and JSON.
        title: the name shown to people.
        requires: fields of `EstimatorInputs` that must be given beyond u, v, outputs and kind.
        description: one sentence on what it computes.
        compute: the function itself; call `estimate`, which checks `requires` first.
    """

    key: str
    title: str
    requires: tuple[str, ...]
    description: str
    compute: Callable[[EstimatorInputs], Tensor]


def _plain_forward(inputs: EstimatorInputs) -> Tensor:
    return inputs.outputs(inputs.u, inputs.v)


def _backdoor(inputs: EstimatorInputs) -> Tensor:
    assert inputs.strata is not None
    return stratum_substitution(inputs.u, inputs.strata, outputs=inputs.outputs)


def _prior_corrected(inputs: EstimatorInputs) -> Tensor:
    assert inputs.stratum is not None
    assert inputs.conditional is not None
    assert inputs.marginal is not None
    return prior_correction(
        _plain_forward(inputs),
        inputs.stratum,
        inputs.conditional,
        inputs.marginal,
        kind=inputs.kind,
    )


def _counterfactual(inputs: EstimatorInputs) -> Tensor:
    assert inputs.counterfactual_outputs is not None
    return inputs.counterfactual_outputs(inputs.u, inputs.v)


ESTIMATORS: dict[str, Estimator] = {
    "likelihood": Estimator(
        key="likelihood",
        title="likelihood P(Y|X)",
        requires=(),
        description="The run's plain forward pass, with the image's own context.",
        compute=_plain_forward,
    ),
    "ccim": Estimator(
        key="ccim",
        title="CCIM, Eq. 4",
        requires=(),
        description="The forward pass of a run trained with CCIM: the intervention approximated "
        "at the level of features.",
        compute=_plain_forward,
    ),
    "backdoor": Estimator(
        key="backdoor",
        title="back-door, Eq. 2",
        requires=("strata",),
        description="The subject placed in the member contexts of every stratum, and the outputs "
        "averaged by the strata's prior; the image's own context is not used.",
        compute=_backdoor,
    ),
    "prior_correction": Estimator(
        key="prior_correction",
        title="prior correction",
        requires=("stratum", "conditional", "marginal"),
        description="The forward pass times P(Y)/P(Y|z), normalised: the image's own context "
        "stays, its stratum's habit goes.",
        compute=_prior_corrected,
    ),
    "counterfactual": Estimator(
        key="counterfactual",
        title="counterfactual, TE − NDE",
        requires=("counterfactual_outputs",),
        description="The total effect less the context's direct effect, fused as the run was "
        "trained: a sum of logits, in which the context branch cancels (a product of experts), or "
        "CLEF's log of a sigmoid.",
        compute=_counterfactual,
    ),
}


def get_estimator(key: str) -> Estimator:
    """A known estimator. Raises InputError listing the known keys."""
    if key not in ESTIMATORS:
        raise InputError(f"Expected an estimator of {list(ESTIMATORS)}, got {key!r}.")
    return ESTIMATORS[key]


def estimate(key: str, inputs: EstimatorInputs) -> Tensor:
    """Outputs (B, C) of estimator `key`.

    Raises InputError for an unknown key, ValueError naming what `inputs` lacks.
    """
    estimator = get_estimator(key)
    missing = [name for name in estimator.requires if getattr(inputs, name) is None]
    if missing:
        raise ValueError(f"Expected {', '.join(missing)} for estimator {key!r}, got none.")
    return estimator.compute(inputs)


def unsupported_reason(
    key: str, intervention: Intervention, link: Link, has_strata: bool, *, refit: bool = False
) -> str | None:
    """Why a run does not support an estimator, in a sentence to show; None if it does.

    Args:
        key: the estimator.
        intervention: what the run was trained with.
        link: of the run's label set.
        has_strata: whether the run keeps strata, with the counts of emotions in them.
        refit: whether its last layer was fitted anew on rows balanced over emotion × stratum.
    """
    get_estimator(key)
    if intervention not in INTERVENTIONS:
        names = list(INTERVENTIONS)
        raise InputError(f"Expected an intervention of {names}, got {intervention!r}.")
    trained = INTERVENTIONS[intervention]
    if key == "likelihood" and intervention == "ccim":
        return (
            f"This run was {trained}, so its forward pass is P(Y|do(X)); "
            "train the same model without it to have P(Y|X)."
        )
    if key == "ccim" and intervention != "ccim":
        return f"This run was {trained}; CCIM must be trained in."
    if key == "counterfactual" and intervention != "counterfactual":
        return f"This run was {trained}; a counterfactual needs a context-only branch trained in."
    if key in ("backdoor", "prior_correction") and not has_strata:
        return "This run keeps no strata of context; train it with a confounder dictionary."
    if key == "prior_correction":
        return _prior_correction_reason(intervention, link, refit=refit)
    return None


Prior = Literal["stratum", "marginal", "flat", "balanced", "adverse"]
"""Which prior over emotions a run's outputs carry: P(Y|z), as counted in training; P(Y); the same
for all emotions; that of groups of equal weight; or that of a mixture of groups found in training.
"""

_PRIOR_OF: dict[Intervention, Prior] = {
    "none": "stratum",
    "ccim": "stratum",
    "counterfactual": "stratum",
    "logit_adjusted": "flat",
    "inverse_propensity": "marginal",
    "group_dro": "adverse",
}


def carried_prior(intervention: Intervention, *, refit: bool) -> Prior:
    """Which prior the outputs of a run carry; `prior_correction` divides out "stratum" alone."""
    return "balanced" if refit else _PRIOR_OF[intervention]


def _prior_correction_reason(intervention: Intervention, link: Link, *, refit: bool) -> str | None:
    if link == "identity":
        return "This run's outputs are scores, not probabilities, so no prior can be divided out."
    prior, trained = carried_prior(intervention, refit=refit), INTERVENTIONS[intervention]
    if prior == "stratum":
        return None
    if prior == "balanced":
        return (
            "This run's last layer was fitted anew on rows balanced over emotion × stratum, so "
            "P(Y|z) is out of its outputs already; dividing by it would correct twice."
        )
    if prior == "adverse":
        return (
            f"This run was {trained}, which changes the prior in its outputs by an unknown "
            "amount, so the counted P(Y|z) is not the one to divide out."
        )
    return f"This run was {trained}, so P(Y|z) is out of its outputs already."


def supported_estimators(
    intervention: Intervention, link: Link, has_strata: bool, *, refit: bool = False
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Keys that a run supports, in order, and the reason for each that it does not."""
    reasons = {
        key: unsupported_reason(key, intervention, link, has_strata, refit=refit)
        for key in ESTIMATORS
    }
    supported = tuple(key for key, reason in reasons.items() if reason is None)
    return supported, {key: reason for key, reason in reasons.items() if reason is not None}
