from __future__ import annotations

import pytest

from ccim_core.causal.estimators import INTERVENTIONS, Intervention, supported_estimators
from ccim_core.evaluation.variants import own_estimator, plainest_variant


def test_the_shortest_name_is_the_plain_one_and_the_first_of_equals() -> None:
    assert plainest_variant(["ccim-additive", "ccim", "ccim-random-z"]) == "ccim"
    assert plainest_variant(["none", "last-layer-refit"]) == "none"
    assert plainest_variant(["b", "a"]) == "a"
    with pytest.raises(ValueError, match="empty"):
        plainest_variant([])


@pytest.mark.parametrize("intervention", INTERVENTIONS)
def test_a_runs_own_estimator_is_one_that_it_supports(intervention: Intervention) -> None:
    supported, _ = supported_estimators(intervention, link="softmax", has_strata=False)
    assert own_estimator(intervention) in supported
