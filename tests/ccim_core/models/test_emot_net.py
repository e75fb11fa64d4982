import pytest
import torch

from ccim_core.errors import InputError
from ccim_core.models import MODELS, build_model
from ccim_core.models.emot_net import EmotNet


def test_joint_feature_is_the_linear_layer_over_the_concatenation() -> None:
    torch.manual_seed(0)
    model = EmotNet(subject_width=6, context_width=4, d_h=8, normalise=False).eval()
    s, c = torch.randn(5, 6), torch.randn(5, 4)
    weight = torch.cat([model.subject_projection.weight, model.context_projection.weight], 1)
    expected = torch.cat([s, c], 1) @ weight.T + model.context_projection.bias
    u, v = model.project_subject(s), model.project_context(c)
    torch.testing.assert_close(model.combine(u, v), expected)


def test_a_stream_that_is_left_out_is_zero_and_the_bias_stays() -> None:
    s, c = torch.randn(5, 6), torch.randn(5, 4)
    for inputs in ("subject", "context"):
        model = EmotNet(subject_width=6, context_width=4, d_h=8, normalise=False, inputs=inputs)
        model.eval()
        u, v = model.project_subject(s), model.project_context(c)
        assert not (v if inputs == "subject" else u).any()
        seen = (s @ model.subject_projection.weight.T, c @ model.context_projection.weight.T)
        expected = seen[inputs == "context"] + model.context_projection.bias
        torch.testing.assert_close(model.combine(u, v), expected)
        # Distributed training wants a gradient, if only zero, for every parameter.
        model.combine(u, v).sum().backward()
        assert all(parameter.grad is not None for parameter in model.parameters())


def test_combine_broadcasts_strata() -> None:
    model = EmotNet(subject_width=6, context_width=4, d_h=8).eval()
    u, v = torch.randn(5, 1, 8), torch.randn(1, 3, 8)
    h = model.combine(u, v)
    assert h.shape == (5, 3, 8)
    torch.testing.assert_close(h[2, 1], model.combine(u[2], v[0, 1:2])[0])


def test_width_of_h_is_the_papers_and_outputs_are_pinned() -> None:
    torch.manual_seed(0)
    model = build_model("emot_net", subject_width=16, context_width=16).eval()
    assert model.d_h == 256
    x = torch.linspace(-1, 1, 16)[None]
    s, c = model.encode({"subject": x, "context": x})
    h = model.combine(model.project_subject(s), model.project_context(c))
    assert float(h.detach().sum()) == pytest.approx(PINNED_SUM, rel=1e-4)


PINNED_SUM = 34.667812


def test_unknown_model_lists_the_known() -> None:
    with pytest.raises(InputError, match="emot_net"):
        build_model("resnet")
    assert "emot_net" in MODELS
