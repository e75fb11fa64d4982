"""Valence, arousal and dominance: their loss against a loop, what is left out, and training."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from ccim_core.errors import InputError
from ccim_core.models.network import EmotionNetwork
from ccim_core.training.accelerator import make_accelerator
from ccim_core.training.config import RunConfig, from_dict
from ccim_core.training.loop import TrainingData, fit
from ccim_core.training.samples import FeatureSamples
from ccim_core.training.vad import known_shares, training_targets, vad_loss, vad_values
from ccim_core.training.vad_config import VadConfig
from ccim_core.training.validation import validation_metrics
from tests.ccim_core.training.tiny import LABELS, tiny_config, tiny_data, tiny_network

NAN = math.nan
ALL = torch.ones(3)


def slow_loss(predicted: Tensor, targets: Tensor, kind: str, margin: float) -> list[float]:
    losses = []
    for guess, truth in zip(predicted.tolist(), targets.tolist(), strict=True):
        total = 0.0
        for p, t in zip(guess, truth, strict=True):
            if math.isnan(t):
                continue
            error = abs(p - t)
            if kind == "l2":
                total += 0 if error < margin else error**2
            elif error < margin:
                total += 0.5 * error**2 / margin
            else:
                total += error - 0.5 * margin
        losses.append(total / 3)
    return losses


@pytest.mark.parametrize("kind", ["l2", "smooth_l1"])
@pytest.mark.parametrize("margin", [0.05, 0.1, 0.3])
def test_loss_equals_a_loop(kind: str, margin: float) -> None:
    generator = torch.Generator().manual_seed(0)
    predicted = torch.rand(40, 3, generator=generator)
    targets = torch.rand(40, 3, generator=generator)
    targets[::5, 1] = NAN
    targets[3] = NAN
    expected = torch.tensor(slow_loss(predicted, targets, kind, margin))
    assert (expected > 0).sum() > 30
    found = vad_loss(predicted, targets, shares=ALL, kind=kind, margin=margin)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    assert found[3] == 0


def test_the_published_forms() -> None:
    """L2 counts nothing within the margin and all of a larger error; Smooth-L1 of a margin of one
    point is a tenth of PyTorch's on the points themselves."""
    targets = torch.full((4, 3), 0.5)
    errors = torch.tensor([[0.0], [0.099], [0.1001], [0.4]])
    found = vad_loss(targets + errors, targets, shares=ALL, kind="l2", margin=0.1)
    expected = torch.tensor([0, 0, 0.1001**2, 0.16])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)
    points = 10 * torch.rand(9, 3)
    wanted = torch.nn.functional.smooth_l1_loss(points, points.flip(0), reduction="none").mean(1)
    found = vad_loss(points / 10, points.flip(0) / 10, shares=ALL, kind="smooth_l1", margin=0.1)
    torch.testing.assert_close(found, wanted / 10)
    plain = vad_loss(points, points.flip(0), shares=ALL, kind="l2", margin=0.0)
    torch.testing.assert_close(plain, (points - points.flip(0)).square().mean(1))


@pytest.mark.parametrize("kind", ["l2", "smooth_l1"])
def test_missing_values_give_no_gradient_and_do_not_thin_out_the_rest(kind: str) -> None:
    targets = torch.tensor([[0.1, 0.2, NAN], [NAN, NAN, NAN], [0.9, NAN, NAN], [0.4, 0.5, 0.6]])
    shares = known_shares(targets)
    torch.testing.assert_close(shares, torch.tensor([0.75, 0.5, 0.25]))
    predicted = torch.full((4, 3), 0.35, requires_grad=True)
    losses = vad_loss(predicted, targets, shares=shares, kind=kind, margin=0.01)
    losses.mean().backward()
    assert predicted.grad is not None
    assert torch.equal(predicted.grad != 0, torch.isfinite(targets))
    # The mean over all subjects is the mean, over dimensions, of the means over known values.
    terms = [
        vad_loss(
            torch.full((len(known), 3), 0.35),
            known[:, None].expand(-1, 3),
            shares=ALL,
            kind=kind,
            margin=0.01,
        ).mean()
        for known in (column[torch.isfinite(column)] for column in targets.T)
    ]
    torch.testing.assert_close(losses.detach().mean(), torch.stack(terms).mean())


def test_values_of_a_manifest() -> None:
    frame = pd.DataFrame({"valence": [1, np.nan, 10], "arousal": [5, 5, 5.5], "dominance": [2] * 3})
    values = vad_values(frame)
    assert values is not None
    np.testing.assert_array_equal(values, [[1, 5, 2], [NAN, 5, 2], [10, 5.5, 2]])
    torch.testing.assert_close(
        training_targets(frame),
        torch.tensor([[0.1, 0.5, 0.2], [NAN, 0.5, 0.2], [1, 0.55, 0.2]]),
        equal_nan=True,
    )
    assert vad_values(frame.drop(columns="arousal")) is None
    for poor in (frame.drop(columns="valence"), frame.assign(dominance=np.nan)):
        with pytest.raises(InputError, match="leave `vad.loss` out"):
            training_targets(poor)


@pytest.mark.parametrize(
    "fields",
    [
        {"loss": "huber"},
        {"weight": 0.0},
        {"margin": -1.0},
        {"loss": "smooth_l1", "margin": 0.0},
        {"extra": 1},
    ],
)
def test_bad_settings_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InputError):
        from_dict({"vad": fields})


def test_settings_default_to_no_head_and_runs_from_before_open() -> None:
    assert from_dict({}).vad == VadConfig() == VadConfig(loss="none", margin=1.0, weight=1.0)
    assert tiny_network(tiny_config()).vad is None
    assert VadConfig(loss="l2", margin=0.0).margin == 0


# -- training -----------------------------------------------------------------------------------


def with_vad(data: TrainingData) -> TrainingData:
    """Values that the features hold, a third of the subjects without them."""
    assert isinstance(data.samples, FeatureSamples)
    vad = 0.5 + 0.1 * data.samples.streams["subject"][:, :3]
    vad[::3] = NAN
    return replace(data, vad=vad)


def train(config: RunConfig, data: TrainingData) -> EmotionNetwork:
    network = tiny_network(config)
    fit(
        network,
        data,
        config,
        LABELS,
        accelerator=make_accelerator(device="cpu"),
        validate=lambda targets, logits: validation_metrics(targets, logits, LABELS),
        quiet=True,
    )
    return network


def error(network: EmotionNetwork, data: TrainingData) -> float:
    (batch,) = data.samples.batches([torch.arange(len(data.targets))])
    with torch.no_grad():
        found = network(batch).vad
    assert found is not None
    assert data.vad is not None
    return float((found - data.vad).abs().nanmean())


@pytest.mark.parametrize("loss", ["l2", "smooth_l1"])
@pytest.mark.parametrize("name", ["none", "ccim", "counterfactual", "group_dro"])
def test_the_head_learns_beside_every_intervention(name: str, loss: str) -> None:
    data = with_vad(tiny_data(300))
    if name == "group_dro":
        data = replace(data, groups=torch.arange(300) % 3)
    fields = {"intervention__name": name, "vad__loss": loss, "vad__margin": 0.1}
    config = tiny_config(**fields, train__epochs=10, model__dropout=0.0)
    before = error(tiny_network(config).eval(), data)
    assert error(train(config, data), data) < 0.5 * before


def test_the_head_lies_outside_the_intervention() -> None:
    """It reads h before CCIM: what CCIM adds to h does not reach it."""
    network = tiny_network(tiny_config(intervention__name="ccim", vad__loss="l2")).eval()
    data = tiny_data(20)
    (batch,) = data.samples.batches([torch.arange(20)])
    with torch.no_grad():
        output = network(batch)
        assert network.vad is not None
        assert output.vad is not None
        torch.testing.assert_close(output.vad, network.vad(output.h))
        assert network.deconfounder is not None
        for parameter in network.deconfounder.parameters():
            parameter.zero_()
        again = network(batch)
    torch.testing.assert_close(again.vad, output.vad)
    assert not torch.allclose(again.logits, output.logits)


def test_with_the_same_seed_all_else_starts_the_same() -> None:
    plain, headed = tiny_network(tiny_config()), tiny_network(tiny_config(vad__loss="l2"))
    for name, value in plain.state_dict().items():
        assert torch.equal(value, headed.state_dict()[name]), name


def test_micro_batches_give_the_same_network() -> None:
    data = with_vad(tiny_data())
    fields = {"vad__loss": "smooth_l1", "model__dropout": 0.0, "model__normalise": False}
    one = train(tiny_config(**fields), data)
    four = train(tiny_config(**fields, train__accumulation=4), data)
    for name, value in one.state_dict().items():
        torch.testing.assert_close(value, four.state_dict()[name], atol=1e-4, rtol=1e-3)


def test_its_weight_is_honoured_and_targets_are_needed() -> None:
    data = with_vad(tiny_data(300))
    light, heavy = (
        train(tiny_config(vad__loss="smooth_l1", vad__weight=weight, train__epochs=6), data)
        for weight in (1e-6, 10.0)
    )
    assert error(heavy, data) < 0.8 * error(light, data)
    with pytest.raises(ValueError, match="`vad` targets"):
        train(tiny_config(vad__loss="l2"), tiny_data())
