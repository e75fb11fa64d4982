"""Eq. 2 taken apart: its terms, their weights, and their sum, on the shipped models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import skimage.data
import torch

from ccim_core.errors import InputError
from ccim_core.predict import Predictor
from ccim_core.subject_reading import SubjectReading
from ccim_core.what_if import what_if

RUNS = ("emot_net-none-seed0", "emot_net-ccim-seed0", "emot_net-counterfactual-seed0")


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.open()


@pytest.fixture(scope="module")
def reading(predictor: Predictor) -> SubjectReading:
    (found,) = predictor.read(np.asarray(skimage.data.astronaut()))
    return found


@pytest.mark.parametrize("run", RUNS)
def test_the_weighted_mean_over_strata_is_the_backdoor_estimate(
    predictor: Predictor, reading: SubjectReading, run: str
) -> None:
    found = predictor.what_if(reading, run=run)
    told = predictor.estimate(reading, run=run, estimator="backdoor")["probabilities"]
    assert found.emotions == tuple(told)
    assert found.average == pytest.approx(list(told.values()), abs=1e-6)
    assert found.prior.sum() == pytest.approx(1, abs=1e-12)
    assert found.outputs.sum(1) == pytest.approx(1, abs=1e-5)


def test_each_stratum_is_the_mean_over_its_members_one_at_a_time(
    predictor: Predictor, reading: SubjectReading
) -> None:
    """Against a loop that puts the subject into one member context after the other."""
    found = predictor.what_if(reading, run=RUNS[0])
    run = predictor.by_estimator["backdoor"]
    u, v, stratum = reading.project(run)
    strata = run.context.strata
    with torch.no_grad():
        for row, z in enumerate(found.index):
            members = strata.members[z][strata.mask[z]]
            slow = np.mean([run.outputs(u, member[None])[0].numpy() for member in members], axis=0)
            assert found.outputs[row] == pytest.approx(slow, abs=1e-6)
        assert found.own == pytest.approx(run.outputs(u, v)[0].numpy(), abs=1e-6)
    assert found.assigned == int(stratum)


def test_a_stratum_without_members_is_left_out_and_the_prior_renormalised(
    predictor: Predictor, reading: SubjectReading
) -> None:
    run = predictor.by_estimator["backdoor"]
    whole = predictor.what_if(reading, run=run.name)
    strata = run.context.strata
    mask = strata.mask.clone()
    mask[3] = False
    kept = run.context
    try:
        run.context = replace(kept, strata=replace(strata, mask=mask))
        found = what_if(run, reading.project(run))
    finally:
        run.context = kept
    assert 3 not in found.index
    assert len(found.index) == len(whole.index) - 1
    assert found.dropped_mass == pytest.approx(float(strata.prior[3]))
    left = np.delete(whole.prior, 3)
    assert found.prior == pytest.approx(left / left.sum())


def test_spread_is_the_mean_distance_from_the_average(
    predictor: Predictor, reading: SubjectReading
) -> None:
    found = predictor.what_if(reading, run=RUNS[0])
    slow = sum(
        float(prior)
        * sum(abs(float(p) - float(q)) for p, q in zip(row, found.average, strict=True))
        / 2
        for prior, row in zip(found.prior, found.outputs, strict=True)
    )
    assert 0 < slow < 1
    assert found.spread == pytest.approx(slow)
    assert replace(found, outputs=np.tile(found.average, (len(found.prior), 1))).spread == (
        pytest.approx(0)
    )
    assert replace(found, link="sigmoid").spread == pytest.approx(2 * slow / len(found.emotions))
    assert np.isnan(replace(found, link="identity").spread)


def test_pairs_are_all_runs_with_weights_and_every_estimate_of_them_is_given(
    predictor: Predictor, reading: SubjectReading
) -> None:
    pairs = predictor.pairs()
    assert pairs["likelihood"] == [RUNS[0], RUNS[2]]
    assert pairs["backdoor"][0] == RUNS[0]
    assert set(pairs["backdoor"]) == set(RUNS)
    judged = predictor.judge(reading, image="x")["estimates"]
    for key, names in pairs.items():
        assert predictor.estimate(reading, run=names[0], estimator=key) == judged[key]
        for name in names:
            values = predictor.estimate(reading, run=name, estimator=key)["probabilities"]
            assert sum(values.values()) == pytest.approx(1, abs=1e-5)


def test_reasons_of_a_pair_are_those_of_the_prediction(
    predictor: Predictor, reading: SubjectReading
) -> None:
    told = predictor.judge(reading, image="x")["prototypes"]
    alone = predictor.reasons(reading, run=RUNS[0], estimator="backdoor")
    by_index = {one["index"]: one["effects"]["backdoor"] for one in told}
    shared = [one for one in alone if one["index"] in by_index]
    assert len(shared) >= 4
    for one in shared:
        assert one["effects"]["backdoor"] == by_index[one["index"]]
    assert predictor.reasons(reading, run=RUNS[0], estimator="likelihood") == []


def test_pairs_that_are_none_are_one_sentence(
    predictor: Predictor, reading: SubjectReading
) -> None:
    with pytest.raises(InputError, match="finished run of"):
        predictor.estimate(reading, run="absent", estimator="likelihood")
    with pytest.raises(InputError, match="trained with CCIM"):
        predictor.estimate(reading, run=RUNS[1], estimator="likelihood")
    with pytest.raises(InputError, match="Expected an estimator"):
        predictor.estimate(reading, run=RUNS[0], estimator="magic")
