from __future__ import annotations

import json
from typing import Any

import pytest

from ccim_core.causal.estimators import INTERVENTIONS, Intervention, supported_estimators
from ccim_core.demo import VARIANTS
from ccim_core.evaluation.variants import (
    baseline_key,
    changed_settings,
    family,
    input_name,
    is_bare,
    is_oracle,
    is_plain,
    needs_masks,
    own_estimator,
    plain_variants,
    recipe_key,
)
from ccim_core.training.config import RunConfig, replace_field, to_dict


def config(**fields: Any) -> dict[str, Any]:
    """A config's dict with fields changed, such as `train__seed=1`."""
    made = RunConfig()
    for name, value in fields.items():
        made = replace_field(made, name.replace("__", "."), value)
    return to_dict(made)


def variant(name: str) -> dict[str, Any]:
    return config(**{path.replace(".", "__"): value for path, value in VARIANTS[name].items()})


def test_the_plain_variant_is_plain_by_its_config_whatever_it_is_called() -> None:
    plain, ccim = config(), config(intervention__name="ccim")
    found = plain_variants([("a-long-name", plain), ("x", ccim), ("x", ccim)])
    assert found == {(family(plain), False): "a-long-name"}
    assert plain_variants([("x", ccim)]) == {}
    assert plain_variants([]) == {}


def test_of_plain_variants_the_one_with_most_runs_then_the_common_dictionary() -> None:
    plain, other = config(), config(dictionary__size=8)
    key = family(plain), False
    assert family(other) == key[0]
    assert plain_variants([("a", other), ("b", plain), ("b", plain)])[key] == "b"
    ccim = config(intervention__name="ccim")
    assert plain_variants([("a", other), ("b", plain), ("c", ccim)])[key] == "b"
    assert plain_variants([("b", other), ("a", plain)])[key] == "a"


@pytest.mark.parametrize("name", ["last-layer-refit", "orthogonal-subject", "logit_adjusted"])
def test_a_method_is_not_the_plain_model(name: str) -> None:
    assert not is_bare(variant(name))
    assert recipe_key(variant(name)) == recipe_key(config())


def test_an_epoch_chosen_otherwise_is_a_method() -> None:
    values = config()
    values["train"]["select_by"] = "reweighted"
    assert not is_plain(values)
    assert recipe_key(values) == recipe_key(config())
    values["train"]["select_by"] = "headline"
    assert is_plain(values)


def test_every_method_of_the_demo_has_an_oracle_on_its_own_inputs() -> None:
    oracles = {input_name(variant(name)) for name in VARIANTS if is_oracle(variant(name))}
    for name in VARIANTS:
        assert input_name(variant(name)) in oracles, name


@pytest.mark.parametrize(
    ("name", "inputs", "masks"),
    [
        ("none", "full", False),
        ("subject-only", "subject", False),
        ("matted", "full, subject matted", True),
        ("matted-cue", "subject + cue", True),
        ("oracle-subject", "subject, matted", True),
        ("oracle-subject-only", "subject", False),
        ("orthogonal-logit_adjusted", "full", False),
    ],
)
def test_what_a_network_sees_and_whether_that_takes_masks(
    name: str, inputs: str, masks: bool
) -> None:
    assert input_name(variant(name)) == inputs
    assert needs_masks(variant(name)) is masks


def test_another_model_or_other_settings_are_another_recipe() -> None:
    keys = [
        recipe_key(config(**fields))
        for fields in ({}, {"model__name": "emoticon"}, {"train__epochs": 3}, {"optim__lr": 0.1})
    ]
    assert len(set(keys)) == 4
    assert recipe_key(config(train__seed=5, train__workers=2, name="x")) == keys[0]
    assert recipe_key(config(train__split="oracle_train")) == keys[0]
    assert recipe_key(config(train__split="half")) != keys[0]


def test_an_ablation_changes_more_than_the_intervention_that_it_is_of() -> None:
    plain = config()
    assert changed_settings(plain, config(train__seed=3, name="x")) == 0
    assert changed_settings(variant("ccim"), plain) == 1
    assert changed_settings(variant("ccim-additive"), plain) == 2


def test_the_baseline_agrees_in_all_but_intervention_and_dictionary() -> None:
    key = baseline_key(config())
    for fields in (
        {"intervention__name": "ccim"},
        {"dictionary__size": 8},
        {"train__refit": True},
    ):
        assert baseline_key(config(**fields)) == key
    for fields in ({"train__seed": 1}, {"model__inputs": "subject"}, {"train__split": "x"}):
        assert baseline_key(config(**fields)) != key
    assert json.loads(key)["name"] == ""


@pytest.mark.parametrize("intervention", INTERVENTIONS)
def test_a_runs_own_estimator_is_one_that_it_supports(intervention: Intervention) -> None:
    supported, _ = supported_estimators(intervention, link="softmax", has_strata=False)
    assert own_estimator(intervention) in supported
