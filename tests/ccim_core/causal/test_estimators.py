"""The registry of estimators: what each computes, and which run supports which."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from ccim_core.causal.backdoor import stratum_substitution
from ccim_core.causal.estimators import (
    ESTIMATORS,
    INTERVENTIONS,
    EstimatorInputs,
    carried_prior,
    estimate,
    get_estimator,
    supported_estimators,
    unsupported_reason,
)
from ccim_core.causal.prior_correction import prior_correction
from ccim_core.causal.strata import Strata
from ccim_core.errors import InputError

B, C, WIDTH, N = 5, 3, 4, 6


def outputs(u: Tensor, v: Tensor) -> Tensor:
    return (u + 2 * v)[..., :C].softmax(-1)


def shifted(u: Tensor, v: Tensor) -> Tensor:
    return (u - v)[..., :C].softmax(-1)


def whole_inputs() -> EstimatorInputs:
    generator = torch.Generator().manual_seed(0)
    return EstimatorInputs(
        u=torch.randn(B, WIDTH, generator=generator),
        v=torch.randn(B, WIDTH, generator=generator),
        outputs=outputs,
        kind="single",
        strata=Strata(
            members=torch.randn(N, 2, WIDTH, generator=generator),
            mask=torch.ones(N, 2, dtype=torch.bool),
            prior=torch.full((N,), 1 / N),
        ),
        stratum=torch.tensor([0, 1, 2, 3, 5]),
        conditional=torch.rand(N, C, generator=generator).softmax(-1),
        marginal=torch.tensor([0.2, 0.3, 0.5]),
        counterfactual_outputs=shifted,
    )


def expected_outputs(key: str, inputs: EstimatorInputs) -> Tensor:
    plain = outputs(inputs.u, inputs.v)
    if key == "backdoor":
        assert inputs.strata is not None
        return stratum_substitution(inputs.u, inputs.strata, outputs=outputs)
    if key == "prior_correction":
        tensors = (inputs.stratum, inputs.conditional, inputs.marginal)
        return prior_correction(plain, *cast(Any, tensors), kind="single")
    if key == "counterfactual":
        return shifted(inputs.u, inputs.v)
    return plain


@pytest.mark.parametrize("key", list(ESTIMATORS))
def test_each_estimator_computes_what_it_says(key: str) -> None:
    inputs = whole_inputs()
    found = estimate(key, inputs)
    torch.testing.assert_close(found, expected_outputs(key, inputs))
    torch.testing.assert_close(found.sum(-1), torch.ones(B))


def test_the_estimators_differ_where_the_method_says_they_do() -> None:
    inputs = whole_inputs()
    found = [estimate(key, inputs) for key in ESTIMATORS if key != "ccim"]
    for i, first in enumerate(found):
        for second in found[i + 1 :]:
            assert float((first - second).abs().max()) > 1e-3


@pytest.mark.parametrize("key", list(ESTIMATORS))
def test_each_requirement_is_needed_and_named(key: str) -> None:
    for name in ESTIMATORS[key].requires:
        without: dict[str, Any] = {name: None}
        with pytest.raises(ValueError, match=name):
            estimate(key, replace(whole_inputs(), **without))
    unneeded = {"strata", "stratum", "conditional", "marginal", "counterfactual_outputs"}
    unneeded -= set(ESTIMATORS[key].requires)
    bare: dict[str, Any] = dict.fromkeys(unneeded)
    estimate(key, replace(whole_inputs(), **bare))


def test_the_registry_is_keyed_by_its_entries_and_titled() -> None:
    assert list(ESTIMATORS) == [
        "likelihood",
        "ccim",
        "backdoor",
        "prior_correction",
        "counterfactual",
    ]
    for key, entry in ESTIMATORS.items():
        assert entry.key == key
        assert entry.description.endswith(".")
    assert ESTIMATORS["backdoor"].title == "back-door, Eq. 2"


SUPPORTED: dict[str, tuple[str, ...]] = {
    "none": ("likelihood", "backdoor", "prior_correction"),
    "ccim": ("ccim", "backdoor", "prior_correction"),
    "counterfactual": ("likelihood", "backdoor", "prior_correction", "counterfactual"),
    "logit_adjusted": ("likelihood", "backdoor"),
    "inverse_propensity": ("likelihood", "backdoor"),
    "group_dro": ("likelihood", "backdoor"),
}


@pytest.mark.parametrize("intervention", list(INTERVENTIONS))
@pytest.mark.parametrize("link", ["softmax", "sigmoid", "identity"])
@pytest.mark.parametrize("has_strata", [True, False])
def test_runs_support_what_they_were_trained_for(
    intervention: Any, link: Any, has_strata: bool
) -> None:
    expected = SUPPORTED[intervention]
    if link == "identity":
        expected = tuple(key for key in expected if key != "prior_correction")
    if not has_strata:
        expected = tuple(key for key in expected if key not in ("backdoor", "prior_correction"))
    found, reasons = supported_estimators(intervention, link=link, has_strata=has_strata)
    assert found == expected
    assert set(reasons) == set(ESTIMATORS) - set(expected)
    assert all(reason.endswith(".") and len(reason) > 30 for reason in reasons.values())


def test_reasons_say_what_stands_in_the_way() -> None:
    def reason(key: str, intervention: Any, link: Any = "softmax", has_strata: bool = True) -> str:
        found = unsupported_reason(key, intervention, link=link, has_strata=has_strata)
        assert found is not None
        return found

    assert "scores" in reason("prior_correction", "none", link="identity")
    assert "strata" in reason("backdoor", "none", has_strata=False)
    assert "P(Y|do(X))" in reason("likelihood", "ccim")
    assert "already" in reason("prior_correction", "logit_adjusted")
    assert "context-only branch" in reason("counterfactual", "none")


@pytest.mark.parametrize("intervention", ["none", "ccim", "counterfactual"])
def test_a_refitted_layer_is_balanced_already_and_not_corrected_twice(intervention: Any) -> None:
    assert carried_prior(intervention, refit=False) == "stratum"
    assert carried_prior(intervention, refit=True) == "balanced"
    found, reasons = supported_estimators(intervention, link="softmax", has_strata=True, refit=True)
    assert "prior_correction" not in found
    assert "twice" in reasons["prior_correction"]


def test_only_outputs_with_the_strata_s_prior_are_corrected() -> None:
    for intervention in INTERVENTIONS:
        found, _ = supported_estimators(intervention, link="softmax", has_strata=True)
        carried = carried_prior(intervention, refit=False)
        assert ("prior_correction" in found) == (carried == "stratum")


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(InputError, match="likelihood.*backdoor"):
        get_estimator("frontdoor")
    with pytest.raises(InputError, match="counterfactual"):
        estimate("eq2", whole_inputs())
    with pytest.raises(InputError, match="group_dro"):
        unsupported_reason("ccim", cast(Any, "dropout"), link="softmax", has_strata=True)
