"""What holds for every model: the contract of `EmotionModel`, and numbers that pin each one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ccim_core.backbones import build_encoder
from ccim_core.errors import InputError
from ccim_core.models import MODELS, model_class
from ccim_core.models.base import EmotionModel
from ccim_core.pixels import pixel_encoder
from ccim_core.training.config import ModelConfig
from tests.ccim_core.models.contract import N_CLASSES, WIDTHS, make_batch, make_config, make_model

NAMES = sorted(MODELS)

# Sums of |u|, |v| and of h on one batch, and parameters at the paper's widths: a change of
# architecture, initialisation or preprocessing shows in them.
PINNED = {
    "caer_net": (7.083559, 8.3569107, 3.1630352),
    "emot_net": (178.03035, 212.78549, 140.53896),
    "emoticon": (17.569361, 27.32885, -3.9045048),
    "gcn_cnn": (399.57187, 290.39508, 259.78262),
}
PARAMETERS = {
    "caer_net": 2_386_370,
    "emot_net": 1_049_344,
    "emoticon": 619_859,
    "gcn_cnn": 4_460_544,
}
PAPER_D_H = {"caer_net": 128, "emot_net": 256, "emoticon": 78, "gcn_cnn": 1024}


@torch.no_grad()
def project(model: EmotionModel, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    s, c = model.encode(batch)
    return model.project_subject(s), model.project_context(c)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_on_a_fixed_seed_are_pinned(name: str) -> None:
    config = make_config(name)
    model = make_model(config)
    u, v = project(model, make_batch(config))
    with torch.no_grad():
        h = model.combine(u, v)
    found = (float(u.abs().sum()), float(v.abs().sum()), float(h.sum()))
    assert found == pytest.approx(PINNED[name], rel=1e-4)
    assert (u.shape[1], v.shape[1], h.shape[1]) == (model.d_u, model.d_v, model.d_h)


@pytest.mark.parametrize("name", NAMES)
def test_width_of_h_and_size_are_the_papers(name: str) -> None:
    widths = dict.fromkeys(("subject", "context"), 2048)
    model = model_class(name).from_config(
        ModelConfig(name=name), widths=widths, n_classes=26, encoders={}
    )
    assert model.d_h == model.paper_d_h == PAPER_D_H[name]
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", NAMES)
def test_combine_on_broadcast_tensors_is_combine_row_by_row(name: str) -> None:
    config = make_config(name)
    model = make_model(config)
    u, v = project(model, make_batch(config))
    others = project(model, make_batch(config, n=3, seed=1))[1]
    with torch.no_grad():
        h = model.combine(u[:, None], others[None])
        assert h.shape == (4, 3, model.d_h)
        for i in range(4):
            for j in range(3):
                row = model.combine(u[i : i + 1], others[j : j + 1])[0]
                torch.testing.assert_close(h[i, j], row)
        torch.testing.assert_close(model.combine(u[0], v)[1], model.combine(u[:1], v[1:2])[0])


@pytest.mark.parametrize("name", NAMES)
def test_each_side_depends_on_its_own_streams_alone(name: str) -> None:
    config = make_config(name)
    model = make_model(config)
    batch, other = make_batch(config), make_batch(config, seed=1)
    u, v = project(model, batch)
    for spec in model_class(name).stream_specs(config):
        changed_u, changed_v = project(model, {**batch, spec.name: other[spec.name]})
        assert torch.equal(changed_u, u) == (spec.side == "context"), spec
        assert torch.equal(changed_v, v) == (spec.side == "subject"), spec


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("inputs", ["subject", "context"])
def test_a_silenced_side_changes_nothing(name: str, inputs: str) -> None:
    config = make_config(name, inputs=inputs)
    model = make_model(config)
    batch, other = make_batch(config), make_batch(config, seed=1)
    for spec in model_class(name).stream_specs(config):
        if spec.side != inputs:
            batch[spec.name], before = other[spec.name], project(model, batch)
            with torch.no_grad():
                torch.testing.assert_close(
                    model.combine(*project(model, batch)), model.combine(*before)
                )


@pytest.mark.parametrize("name", NAMES)
def test_training_moves_every_parameter(name: str) -> None:
    config = make_config(name)
    model = make_model(config).train()
    batch = make_batch(config, n=6)
    s, c = model.encode(batch)
    h = model.combine(model.project_subject(s), model.project_context(c))
    targets = torch.eye(N_CLASSES)[torch.arange(6) % N_CLASSES]
    losses = model.auxiliary_losses(model.side_outputs(s, c), targets, kind="single")
    weights = torch.linspace(-1, 1, h.numel()).view_as(h)
    ((h * weights).sum() + sum(losses.values(), torch.zeros(()))).backward()
    still = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert still == []


@pytest.mark.parametrize("name", NAMES)
def test_a_masked_context_cannot_see_the_target(name: str) -> None:
    """Whatever is painted over the masked box, v is the same to the last bit."""
    own = {"caer_net": "face_masked"}.get(name, "masked")
    config = make_config(name, context_view=own)
    model = make_model(config)
    box = {"x1": 8.0, "y1": 6.0, "x2": 30.0, "y2": 44.0}
    record = box | {f"face_{key}": value for key, value in box.items()}
    generator = np.random.default_rng(0)
    picture = generator.integers(0, 256, (48, 40, 3), dtype=np.uint8)
    painted = picture.copy()
    painted[6:44, 8:30] = generator.integers(0, 256, (38, 22, 3), dtype=np.uint8)
    moved = picture.copy()
    moved[:4] = 255 - moved[:4]
    (spec,) = [
        spec
        for spec in model_class(name).stream_specs(config)
        if spec.side == "context" and spec.view is not None
    ]
    assert spec.view is not None
    if spec.form == "pixels":
        encoder = pixel_encoder(64)
    else:
        encoder = build_encoder("efficientnet-lite0", size=64)
    found = []
    for pixels in (picture, painted, moved):
        cut = spec.view.apply(pixels, record, encoder.preprocessing)
        batch = make_batch(config, n=1)
        if spec.form == "pixels":
            batch[spec.name] = torch.from_numpy(encoder.preprocessing.resize(cut))[None].float()
        else:
            with torch.no_grad():
                features = encoder(encoder.preprocessing([cut]))
                features = features.unflatten(1, (WIDTHS["context"], -1)).mean(2)
            batch[spec.name] = encoder.pool(features) if spec.form == "pooled" else features
        found.append(project(model, batch)[1])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("name", NAMES)
def test_an_untrained_model_is_finite_on_degenerate_input(name: str) -> None:
    """Black pictures, points all in one place, a flat depth map, joints all absent."""
    config = make_config(name)
    model = make_model(config)
    batch = {key: torch.zeros_like(value) for key, value in make_batch(config).items()}
    u, v = project(model, batch)
    assert math.isfinite(float(u.sum() + v.sum()))


@pytest.mark.parametrize("name", ["caer_net", "emoticon"])
def test_encoders_cannot_be_tuned_where_there_are_none(name: str) -> None:
    with pytest.raises(InputError, match="finetune"):
        model_class(name).from_config(
            make_config(name), widths={}, n_classes=3, encoders={"x": torch.nn.Identity()}
        )
