from __future__ import annotations

import numpy as np
import pytest
import torch

from ccim_core.evaluation.controls import confounder_controls, random_strata, strata_controls
from ccim_core.evaluation.evaluate import read_evaluation
from ccim_core.evaluation.predictions import SplitFeatures, estimate_split, split_features
from ccim_core.evaluation.table import CONTROLS, study_table, table_rows
from ccim_core.metrics.consistency import top_change_rate
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.data import StudyData


@pytest.fixture(scope="module")
def ccim(tiny_study: Study) -> tuple[Run, SplitFeatures, np.ndarray]:
    """A run with CCIM, its shift split, and the truth."""
    run = Run.open(tiny_study.run_path("ccim-seed0"))
    data = StudyData(tiny_study, quiet=True)
    return run, split_features(run, data, "shift"), data.targets[data.rows("shift")]


def test_every_control_is_in_the_tables_rows(tiny_study: Study) -> None:
    rows = table_rows(study_table(tiny_study))
    table = {(row["variant"], row["estimator"], row["split"]): row for row in rows}
    for split in ("val", "test", "shift", "twins"):
        for name in CONTROLS["ccim"]:
            assert table["ccim", "ccim", split][name] is not None, name
            assert table["none", "likelihood", split][name] is None, name
        for variant in ("ccim", "none"):
            assert table[variant, "backdoor", split]["backdoor_random_contexts"] is not None
        # The module's own prior is shuffled where there is a module, the strata's where not.
        assert table["none", "backdoor", split]["backdoor_shuffled_prior"] is not None
        assert table["ccim", "backdoor", split]["backdoor_shuffled_prior"] is None


def test_the_replaced_terms_are_what_they_say(
    ccim: tuple[Run, SplitFeatures, np.ndarray],
) -> None:
    run, features, targets = ccim
    own = estimate_split(run, features, "ccim")
    found = confounder_controls(run, features, targets, own)
    module = run.network.deconfounder
    assert module is not None
    h = run.network.joint(features.u, features.v)
    with torch.no_grad():
        for name, g in (("mean", module.mean_g), ("zero", torch.zeros_like(module.mean_g))):
            fused = module.W_h(h) + module.W_g(g)
            outputs = run.link(run.network.classifier(fused)).numpy()
            expected = (outputs.argmax(1) == targets.argmax(1)).mean()
            assert found[f"headline_g_{name}"] == pytest.approx(expected)
            assert found[f"top_change_g_{name}"] == pytest.approx(top_change_rate(own, outputs))
    assert 0 <= found["input_dependent_share"] <= found["causal_share"]
    assert 0 <= found["attention_entropy"] <= found["attention_entropy_limit"]


def test_shuffling_the_prior_leaves_the_run_as_it_was(
    ccim: tuple[Run, SplitFeatures, np.ndarray],
) -> None:
    run, features, targets = ccim
    module = run.network.deconfounder
    assert module is not None
    before = module.prior.clone()
    own = estimate_split(run, features, "ccim")
    confounder_controls(run, features, targets, own)
    assert torch.equal(module.prior, before)
    assert np.array_equal(estimate_split(run, features, "ccim"), own)


def test_random_contexts_are_real_ones_weighted_alike(
    tiny_study: Study, ccim: tuple[Run, SplitFeatures, np.ndarray]
) -> None:
    run, features, targets = ccim
    training = split_features(run, StudyData(tiny_study, quiet=True), "train")
    strata = random_strata(run, training)
    assert strata.prior.unique().numel() == 1
    rows = {tuple(row) for row in training.v.tolist()}
    assert all(tuple(row) in rows for row in strata.members[strata.mask].tolist())
    found = strata_controls(run, features, targets, strata)
    assert set(found) == {"backdoor_random_contexts"}
    kept = read_evaluation(run)["controls"]["shift"]
    assert found["backdoor_random_contexts"] == pytest.approx(kept["backdoor_random_contexts"])
