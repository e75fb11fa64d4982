"""Members of strata: real rows of their own stratum, as many as there are, chosen fairly."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from ccim_core.causal.strata import Strata, mean_strata, random_strata_members, select_members
from ccim_core.errors import InputError

LABELS = torch.tensor([2, 0, 2, 2, 0, 4, 2, 4, 2, 0])  # sizes 3, 0, 5, 0, 2
SIZES = [3, 0, 5, 0, 2]
PRIOR = torch.tensor(SIZES) / 10


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_strata() -> Strata:
    values = torch.randn(10, 3, generator=seeded())
    return Strata.from_rows(values, *select_members(LABELS, 5, 4, seeded()), PRIOR)


@pytest.mark.parametrize("k", [1, 2, 4, 9])
@pytest.mark.parametrize("choice", ["random", "nearest"])
def test_members_are_distinct_rows_of_their_stratum(k: int, choice: Any) -> None:
    distance = torch.rand(10, generator=seeded(1))
    index, mask = select_members(LABELS, 5, k, seeded(), choice=choice, distance=distance)
    assert index.shape == mask.shape == (5, k)
    for z, size in enumerate(SIZES):
        rows = index[z][mask[z]].tolist()
        assert len(rows) == min(size, k)
        assert len(set(rows)) == len(rows)
        assert all(LABELS[row] == z for row in rows)
    assert (index[~mask] == -1).all()


def test_nearest_members_are_the_closest_in_order() -> None:
    distance = torch.tensor([0.5, 3.0, 0.1, 0.9, 1.0, 7.0, 0.2, 6.0, 0.4, 2.0])
    index, mask = select_members(LABELS, 5, 3, choice="nearest", distance=distance)
    assert index[2].tolist() == [2, 6, 8]
    assert index[0].tolist() == [4, 9, 1]
    assert index[4].tolist() == [7, 5, -1]
    assert mask[4].tolist() == [True, True, False]


def test_random_members_are_a_fair_sample_and_follow_the_generator() -> None:
    labels = torch.zeros(6, dtype=torch.long)
    drawn = torch.stack([select_members(labels, 1, 2, seeded(seed))[0][0] for seed in range(1200)])
    frequency = drawn.flatten().bincount(minlength=6) / drawn.numel()
    assert float((frequency - 1 / 6).abs().max()) < 0.03
    again, _ = select_members(LABELS, 5, 2, seeded(3))
    torch.testing.assert_close(again, select_members(LABELS, 5, 2, seeded(3))[0])


def test_random_strata_use_distinct_rows_of_the_whole_set() -> None:
    index, mask = random_strata_members(100, 5, 4, seeded())
    assert mask.all()
    assert len(set(index.flatten().tolist())) == 20
    again, _ = random_strata_members(100, 5, 4, seeded(1))
    assert not torch.equal(index, again)
    short, short_mask = random_strata_members(7, 5, 4, seeded())
    assert sorted(short[short_mask].tolist()) == list(range(7))
    assert short_mask.sum(1).tolist() == [2, 2, 1, 1, 1]


def test_mean_strata_average_every_row() -> None:
    values = torch.randn(10, 3, generator=seeded())
    strata = mean_strata(values, LABELS, PRIOR)
    assert strata.members.shape == (5, 1, 3)
    for z in (0, 2, 4):
        torch.testing.assert_close(strata.members[z, 0], values[z == LABELS].mean(0))
    assert strata.empty.tolist() == [1, 3]


def test_weights_of_members_follow_the_prior_over_strata_that_have_any() -> None:
    index, mask = select_members(LABELS, 5, 4, seeded())
    prior = torch.tensor([0.2, 0.3, 0.1, 0.1, 0.3])
    strata = Strata.from_rows(torch.randn(10, 3), index, mask, prior)
    values, weights, stratum = strata.weighted_members
    assert len(values) == len(weights) == len(stratum) == 3 + 4 + 2
    assert strata.empty.tolist() == [1, 3]
    assert strata.dropped_mass == pytest.approx(0.4)
    for z, share in ((0, 0.2 / 0.6), (2, 0.1 / 0.6), (4, 0.3 / 0.6)):
        assert float(weights[stratum == z].sum()) == pytest.approx(share)
        assert float(weights[stratum == z].std()) == pytest.approx(0, abs=1e-7)


def test_strata_without_any_member_cannot_be_averaged_over() -> None:
    strata = Strata(
        members=torch.zeros(2, 1, 3),
        mask=torch.tensor([[True], [False]]),
        prior=torch.tensor([0.0, 1.0]),
    )
    with pytest.raises(ValueError, match="positive prior"):
        _ = strata.weighted_members


def test_strata_survive_a_round_trip_with_their_provenance(tmp_path: Path) -> None:
    strata = some_strata()
    path = tmp_path / "strata.safetensors"
    strata.save(path, provenance={"dictionary": "abc", "k": 4})
    loaded, provenance = Strata.load(path)
    for name in ("members", "mask", "prior"):
        torch.testing.assert_close(getattr(loaded, name), getattr(strata, name))
    assert provenance == {"dictionary": "abc", "k": 4}


def test_unusable_strata_files_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.safetensors"):
        Strata.load(tmp_path / "absent.safetensors")

    path = tmp_path / "strata.safetensors"
    some_strata().save(path)
    whole = path.read_bytes()
    prior = some_strata().prior.numpy().tobytes()
    assert prior in whole
    changed = (some_strata().prior.flip(0)).numpy().tobytes()
    for damaged in (whole[: len(whole) // 2], b"no tensors", whole.replace(prior, changed)):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"strata\.safetensors"):
            Strata.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"members": torch.zeros(5, 4)}, "members"),
        ({"members": torch.full((5, 4, 3), torch.nan)}, "finite"),
        ({"mask": torch.ones(5, 3, dtype=torch.bool)}, "mask"),
        ({"mask": torch.ones(5, 4)}, "bool"),
        ({"prior": torch.ones(4) / 4}, "prior"),
        ({"prior": torch.ones(5)}, "sum to 1"),
        ({"prior": torch.full((5,), torch.nan)}, "sum to 1"),
    ],
)
def test_inconsistent_strata_are_refused(changes: dict[str, Tensor], message: str) -> None:
    strata = some_strata()
    fields = {"members": strata.members, "mask": strata.mask, "prior": strata.prior} | changes
    with pytest.raises(ValueError, match=message):
        Strata(**fields)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((LABELS, 4, 2, seeded()), {}, "labels"),
        ((LABELS - 1, 5, 2, seeded()), {}, "labels"),
        ((LABELS[:0], 5, 2, seeded()), {}, "labels"),
        ((LABELS, 5, 0, seeded()), {}, "`k`"),
        ((LABELS, 5, 2), {}, "generator"),
        ((LABELS, 5, 2), {"choice": "nearest"}, "distance"),
        ((LABELS, 5, 2), {"choice": cast(Any, "best")}, "choice"),
    ],
)
def test_bad_selections_are_refused(
    arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        select_members(*arguments, **options)
