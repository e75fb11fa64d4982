import math

import pytest
import torch

from ccim_core.errors import InputError
from ccim_core.models import model_class
from ccim_core.models.emoticon import EmotiCon, multiplicative_loss
from ccim_core.training.config import ModelConfig
from tests.ccim_core.models.contract import make_batch, make_config, make_model


def test_where_the_subject_stands_and_how_large_is_not_told() -> None:
    config = make_config("emoticon")
    model, batch = make_model(config), make_batch(config)
    moved = dict(batch)
    moved["landmarks"] = batch["landmarks"] * 3 + 40
    moved["keypoints"] = batch["keypoints"].clone()
    moved["keypoints"][..., :2] = batch["keypoints"][..., :2] * 0.5 - 7
    moved["depth"] = batch["depth"] * 2 + 5
    with torch.no_grad():
        (s, c), (s2, c2) = model.encode(batch), model.encode(moved)
    for a, b in ((s, s2), (c, c2)):
        for name in a:
            torch.testing.assert_close(a[name], b[name], atol=1e-4, rtol=1e-4)


def test_an_absent_joint_is_not_a_joint_somewhere() -> None:
    config = make_config("emoticon")
    model, batch = make_model(config), make_batch(config)
    batch["keypoints"][:, 9, 2] = 0
    elsewhere = dict(batch)
    elsewhere["keypoints"] = batch["keypoints"].clone()
    elsewhere["keypoints"][:, 9, :2] = 1e4
    shown = dict(elsewhere)
    shown["keypoints"] = elsewhere["keypoints"].clone()
    shown["keypoints"][:, 9, 2] = 2
    with torch.no_grad():
        a, b, c = (model.encode(x)[0]["gait"] for x in (batch, elsewhere, shown))
    torch.testing.assert_close(a, b)
    assert not torch.allclose(a, c)


def test_without_depth_h_has_two_parts_and_the_stream_is_not_read() -> None:
    config = make_config("emoticon", depth=False)
    names = {spec.name for spec in model_class("emoticon").stream_specs(config)}
    assert names == {"landmarks", "keypoints", "image"}
    model = make_model(config)
    assert (model.d_h, model.d_u, model.d_v) == (52, 26, 26)
    with torch.no_grad():
        assert model.encode(make_batch(config))[1].keys() == {"image"}
    with_depth = make_model(make_config("emoticon"))
    with pytest.raises(KeyError):
        with_depth.encode(make_batch(config))


def test_five_landmarks_are_a_smaller_network_of_the_same_interface() -> None:
    config = make_config("emoticon", landmarks=5)
    specs = {spec.name: spec.form for spec in model_class("emoticon").stream_specs(config)}
    assert specs["landmarks"] == "face_points"
    five, usual = make_model(config), make_model(make_config("emoticon"))
    assert five.d_h == usual.d_h
    sizes = [sum(p.numel() for p in m.face_network.parameters()) for m in (five, usual)]
    assert sizes[0] < sizes[1]
    batch = make_batch(config)
    moved = {**batch, "landmarks": batch["landmarks"] * 2 + 30}
    swapped = {**batch, "landmarks": batch["landmarks"].flip(1)}
    with torch.no_grad():
        a, b, c = (five.encode(x)[0]["face"] for x in (batch, moved, swapped))
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(a, c, atol=1e-3)


def test_settings_that_it_lacks_are_refused() -> None:
    with pytest.raises(InputError, match="subject_view"):
        model_class("emoticon").stream_specs(ModelConfig(name="emoticon", subject_view="face"))
    with pytest.raises(InputError, match="multiple of its 3 parts"):
        EmotiCon(n_classes=7, d_h=80)


def test_multiplicative_loss_is_the_papers_sum() -> None:
    """−Σ_i p_i^{β/(n−1)} ln p_i at the true class, averaged over subjects."""
    torch.manual_seed(0)
    logits = [torch.randn(4, 5) for _ in range(3)]
    truth = torch.tensor([0, 3, 3, 1])
    targets = torch.eye(5)[truth]
    expected = 0.0
    for row in range(4):
        for scores in logits:
            p = float(scores[row].softmax(0)[truth[row]])
            expected -= p ** (0.7 / 2) * math.log(p)
    found = multiplicative_loss(logits, targets, kind="single", beta=0.7)
    assert float(found) == pytest.approx(expected / 4, rel=1e-5)


def test_multiplicative_loss_of_several_labels_counts_absence_too() -> None:
    logits = [torch.tensor([[2.0, -1.0]]), torch.tensor([[0.0, 0.5]])]
    expected = 0.0
    for scores in logits:
        for x, y in zip(scores[0].tolist(), (1, 0), strict=True):
            p = 1 / (1 + math.exp(-x if y else x))
            expected -= p * math.log(p)
    found = multiplicative_loss(logits, torch.tensor([[1.0, 0.0]]), kind="multi")
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_the_loss_never_teaches_to_doubt_the_truth() -> None:
    """Even a modality that finds the truth very unlikely is pulled towards it."""
    scores = torch.tensor([[-6.0, 0.0, 0.0]], requires_grad=True)
    sure = torch.tensor([[6.0, 0.0, 0.0]])
    multiplicative_loss([scores, sure], torch.eye(3)[:1], kind="single").backward()
    assert scores.grad is not None
    assert scores.grad[0, 0] < 0


def test_an_empty_share_of_a_batch_has_no_loss() -> None:
    empty = torch.zeros(0, 3, requires_grad=True)
    loss = multiplicative_loss([empty, empty], torch.zeros(0, 3), kind="single")
    loss.backward()
    assert loss.item() == 0
