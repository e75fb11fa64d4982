import torch

from ccim_core.models.caer_net import CaerNet


def test_fusion_is_the_linear_layer_over_the_gated_concatenation() -> None:
    """Against the form of the paper: softmax gates, concatenation, one linear layer."""
    torch.manual_seed(0)
    model = CaerNet(d_h=8, channels=0.125).eval()
    torch.nn.init.normal_(model.bias)
    face, context = torch.randn(5, 32), torch.randn(5, 32)
    with torch.no_grad():
        scores = torch.cat([model.face_score(face), model.context_score(context)], 1)
        gates = scores.softmax(1)
        joined = torch.cat([gates[:, :1] * face, gates[:, 1:] * context], 1)
        weight = torch.cat([model.face_projection.weight, model.context_projection.weight], 1)
        expected = torch.relu(joined @ weight.T + model.bias)
        found = model.combine(model.project_subject(face), model.project_context(context))
    torch.testing.assert_close(found, expected)


def test_attention_is_a_weighted_mean_over_places() -> None:
    """A picture that is the same everywhere gets, inside, the features of any of its places."""
    torch.manual_seed(0)
    model = CaerNet(channels=0.125).eval()
    maps = torch.randn(2, 32, 4, 4)
    model.context_network = torch.nn.Sequential()  # pictures stand for maps
    with torch.no_grad():
        weights = model.attention(maps).flatten(2).softmax(-1)
        expected = torch.einsum("bdp,bp->bd", maps.flatten(2), weights[:, 0])
        pixels = (maps.permute(0, 2, 3, 1) + 1) * 127.5
        model.face_network = torch.nn.Sequential()
        _, found = model.encode({"face": pixels, "context": pixels})
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
