"""Coarse groups: sizes, what is merged with what, and that nothing depends on the rows' order."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ccim_core.causal.groups import coarse_groups, group_index


def rows_of(counts: list[list[int]]) -> tuple[Tensor, Tensor]:
    """One-hot emotions and strata with the given counts (C, N)."""
    table = torch.tensor(counts)
    y, z = table.nonzero(as_tuple=True)
    times = table[y, z]
    return F.one_hot(y.repeat_interleave(times), len(counts)).float(), z.repeat_interleave(times)


def cells(targets: Tensor, z: Tensor, groups: Tensor) -> list[set[tuple[int, int]]]:
    """The cells (emotion, stratum) of each group."""
    y = targets.argmax(1)
    return [{(int(a), int(b)) for a, b in zip(y[g > 0], z[g > 0], strict=True)} for g in groups.T]


def test_rows_against_the_bias_are_pooled_apart_from_rows_with_it() -> None:
    # Emotion 0 is at home in strata 0 to 2, emotion 1 in 3 and 4.
    targets, z = rows_of([[40, 9, 8, 4, 7], [1, 3, 3, 50, 12]])
    groups = coarse_groups(targets, z, 5, min_size=10)
    assert cells(targets, z, groups) == [
        {(0, 3), (0, 4)},
        {(0, 1), (0, 2)},
        {(0, 0)},
        # 7 rows against the bias are too few: they join the emotion's smallest group.
        {(1, 0), (1, 1), (1, 2), (1, 4)},
        {(1, 3)},
    ]


@pytest.mark.parametrize("min_size", [1, 5, 30, 1000])
def test_every_row_is_in_one_group_of_its_emotion_and_groups_are_large(min_size: int) -> None:
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(4, (500,), generator=generator)
    z = (y * 5 + torch.randn(500, generator=generator).mul(4).long()).remainder(30)
    targets = F.one_hot(y, 6).float()  # two emotions without a row
    groups = coarse_groups(targets, z, 30, min_size=min_size)
    assert (groups.sum(1) == 1).all()
    for group in groups.T:
        of_group = y[group > 0].unique()
        assert len(of_group) == 1
        size = int(group.sum())
        assert size >= min_size or size == int((y == of_group).sum())
    order = torch.randperm(500, generator=generator)
    shuffled = coarse_groups(targets[order], z[order], 30, min_size=min_size)
    assert torch.equal(shuffled, groups[order])
    if min_size == 1:
        assert torch.equal(
            torch.stack([y * 30 + z, group_index(groups)]).unique(dim=1)[0],
            (y * 30 + z).unique(),
        )


def test_several_labels_put_a_row_in_a_group_of_each() -> None:
    targets = torch.tensor([[1.0, 1], [1, 0], [0, 1], [0, 0]])
    groups = coarse_groups(targets, torch.tensor([0, 0, 1, 1]), 2, min_size=2)
    assert groups.tolist() == [[1, 1], [1, 0], [0, 1], [0, 0]]
