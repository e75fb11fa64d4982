"""Over whom the epoch is chosen: weights, groups, and what studies allow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ccim_core.errors import InputError
from ccim_core.files import read_json
from ccim_core.labels import LABEL_SETS
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.accelerator import make_accelerator
from ccim_core.training.config import replace_field
from ccim_core.training.data import StudyData
from ccim_core.training.loop import fit
from ccim_core.training.selection import make_selection
from ccim_core.training.train import train_run
from ccim_core.training.validation import validation_metrics
from tests.ccim_core.training.test_train import FIELDS, make_study
from tests.ccim_core.training.tiny import tiny_config, tiny_data, tiny_network

LABELS = LABEL_SETS["groupwalk"]


def test_the_metrics_match_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(LABELS.size, (40,), generator=generator)
    logits = torch.randn(40, LABELS.size, generator=generator)
    targets = torch.nn.functional.one_hot(y, LABELS.size).float()
    weights = torch.rand(40, generator=generator)
    groups = torch.nn.functional.one_hot(torch.arange(40) % 3).float()
    found = validation_metrics(
        targets, logits, LABELS, criterion="accuracy", weights=weights, groups=groups
    )
    right = (logits.argmax(1) == y).double()
    assert found["reweighted"] == pytest.approx(float((right * weights).sum() / weights.sum()))
    assert found["worst_group"] == pytest.approx(min(float(right[i::3].mean()) for i in range(3)))
    plain = validation_metrics(targets, logits, LABELS)
    assert "reweighted" not in plain
    assert plain == {name: found[name] for name in plain}
    even = validation_metrics(targets, logits, LABELS, weights=torch.full((40,), 2.0))
    assert even["reweighted"] == pytest.approx(plain["headline"])
    losses = validation_metrics(targets, logits, LABELS, criterion="negative_loss", groups=groups)
    nll = -logits.log_softmax(1)[torch.arange(40), y]
    assert losses["worst_group"] == pytest.approx(-max(float(nll[i::3].mean()) for i in range(3)))


def test_several_labels_are_weighted_an_answer_at_a_time() -> None:
    labels = LABEL_SETS["emotic"]
    generator = torch.Generator().manual_seed(0)
    targets = (torch.rand(30, labels.size, generator=generator) < 0.4).float()
    logits = torch.randn(30, labels.size, generator=generator)
    weights = torch.ones(30, labels.size)
    found = validation_metrics(targets, logits, labels, weights=weights, groups=targets[:, :2])
    assert found["reweighted"] == pytest.approx(found["headline"])
    assert found["worst_group"] < 0


def test_reweighting_needs_scenes_and_says_so(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s")
    config = tiny_config(**FIELDS, train__select_by="reweighted")
    with pytest.raises(InputError, match=r"scene for every row.*clusters"):
        train_run(study, config, device="cpu", quiet=True)
    worst = replace_field(config, "train.select_by", "worst_group")
    path = train_run(study, worst, device="cpu", quiet=True)
    assert read_json(path / "environment.json")["selection"]["contexts"] == "cluster"


def test_scenes_weigh_validation_to_independence(tiny_study: Study) -> None:
    run = Run.open(tiny_study.runs_root / "counterfactual-seed0")
    assert run.config.train.select_by == "reweighted"
    record = read_json(run.path / "environment.json")["selection"]
    frame = tiny_study.manifest.frame
    frame = frame[frame["split"] == "val"]
    assert 1 < record["effective_size"] < len(frame)
    selection = make_selection(StudyData(tiny_study), run.config, tiny_study.labels)
    assert selection.weights is not None
    y, scene = frame["labels"].to_numpy(str), frame["scene"].to_numpy(str)
    expected = np.array(
        [
            (y == a).mean() * (scene == b).mean() / ((y == a) & (scene == b)).mean()
            for a, b in zip(y, scene, strict=True)
        ]
    )
    np.testing.assert_allclose(selection.weights, expected / expected.mean(), rtol=1e-5)
    plain = Run.open(tiny_study.runs_root / "none-seed0")
    assert plain.config.train.select_by == "headline"


@pytest.mark.parametrize("select_by", ["reweighted", "worst_group"])
def test_the_kept_epoch_is_the_best_by_the_criterion_asked_for(select_by: str) -> None:
    config = tiny_config(train__select_by=select_by, train__epochs=4)
    network, scores = tiny_network(config), [0.1, 0.7, 0.6, 0.2]
    states = []

    def validate(targets: torch.Tensor, logits: torch.Tensor) -> dict[str, float]:
        states.append({k: v.clone() for k, v in network.state_dict().items()})
        return {"headline": float(len(states)), select_by: scores[len(states) - 1]}

    history = fit(
        network,
        tiny_data(),
        config,
        LABELS,
        accelerator=make_accelerator(device="cpu"),
        validate=validate,
        quiet=True,
    )
    assert [row[f"val_{select_by}"] for row in history] == scores
    for name, value in network.state_dict().items():
        assert torch.equal(value, states[1][name]), name
