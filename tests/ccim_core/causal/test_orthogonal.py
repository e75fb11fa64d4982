"""What a stratum does to features at a given emotion is found and taken out, and only that."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import one_hot

from ccim_core.causal.orthogonal import context_directions, remove_directions

EMOTIONS, STRATA, WIDTH = 4, 5, 30


def planted(n: int = 4000, bias: float = 0.7, noise: float = 1.0) -> dict[str, torch.Tensor]:
    """Features that add an emotion's and a stratum's effect; the two go together."""
    generator = torch.Generator().manual_seed(0)
    emotion = torch.randint(EMOTIONS, (n,), generator=generator)
    other = torch.randint(STRATA, (n,), generator=generator)
    stratum = torch.where(torch.rand(n, generator=generator) < bias, emotion, other)
    of_emotion = torch.randn(EMOTIONS, WIDTH, generator=generator).double() * 3
    of_stratum = torch.randn(STRATA, WIDTH, generator=generator).double() * 3
    blur = noise * torch.randn(n, WIDTH, generator=generator).double()
    return {
        "features": of_emotion[emotion] + of_stratum[stratum] + blur,
        "targets": one_hot(emotion, EMOTIONS).double(),
        "labels": stratum,
        "of_emotion": of_emotion,
        "of_stratum": of_stratum,
    }


def directions(data: dict[str, torch.Tensor], k: int) -> torch.Tensor:
    return context_directions(data["features"], data["targets"], data["labels"], k)


def test_directions_are_orthonormal_and_span_the_planted_effects() -> None:
    data = planted(noise=0.0)
    found = directions(data, STRATA - 1)
    torch.testing.assert_close(found.T @ found, torch.eye(STRATA - 1, dtype=torch.float64))
    effects = data["of_stratum"] - data["of_stratum"].mean(0)
    torch.testing.assert_close(
        remove_directions(effects, found), torch.zeros_like(effects), atol=1e-8, rtol=0
    )
    # Emotions keep what of their effects lies elsewhere, though emotion and stratum go together.
    kept = remove_directions(data["of_emotion"], found)
    assert kept.norm() > 0.8 * data["of_emotion"].norm()


def test_no_effect_of_the_stratum_is_left_in_the_regression() -> None:
    data = planted()
    cleaned = remove_directions(data["features"], directions(data, STRATA - 1))
    strata = one_hot(data["labels"], STRATA).double()
    design = torch.cat([data["targets"], strata[:, 1:]], dim=1)

    def effects(rows: torch.Tensor) -> torch.Tensor:
        return torch.linalg.lstsq(design, rows).solution[EMOTIONS:]

    assert effects(data["features"]).norm() > 10
    assert effects(cleaned).norm() < 1e-8


def test_the_strongest_come_first() -> None:
    data = planted()
    all_of_them = directions(data, STRATA - 1)
    torch.testing.assert_close(directions(data, 2), all_of_them[:, :2])
    spread = (data["of_stratum"] @ all_of_them).var(dim=0)
    assert spread[0] > spread[-1]


def test_where_fewer_are_found_the_rest_is_zero() -> None:
    data = planted()
    found = directions(data, STRATA + 3)
    assert (found[:, STRATA - 1 :] == 0).all()
    assert (found[:, : STRATA - 1].norm(dim=0) > 0.99).all()


def test_strata_that_emotions_determine_take_nothing_out() -> None:
    data = planted()
    data["labels"] = data["targets"].argmax(1)
    assert (directions(data, 3) == 0).all()


def test_several_labels_and_single_precision() -> None:
    data = planted()
    several = (torch.rand(4000, 3, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    features = data["features"].float()
    found = context_directions(features, several, data["labels"], 2)
    assert found.dtype == torch.float32
    assert found.shape == (WIDTH, 2)


@pytest.mark.parametrize(("rows", "k", "message"), [(10, 2, "each of 10 rows"), (4000, 0, "one")])
def test_bad_input(rows: int, k: int, message: str) -> None:
    data = planted()
    with pytest.raises(ValueError, match=message):
        context_directions(data["features"][:rows], data["targets"], data["labels"], k)
