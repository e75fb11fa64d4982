"""Strata of context: which real member contexts stand for each, and how likely each one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from ccim_core.tensor_files import load_arrays, save_arrays

__all__ = [
    "MemberChoice",
    "Strata",
    "mean_strata",
    "random_strata_members",
    "select_members",
]

MemberChoice = Literal["random", "nearest"]

_KIND = "strata"


@dataclass(frozen=True, kw_only=True)
class Strata:
    """N strata, each represented by up to K member contexts in a model's own context space.

    Attributes:
        members: v of the members, (N, K, d_v); rows that `mask` excludes are zero.
        mask: which of the K places hold a member, (N, K), bool. A stratum may hold fewer than K,
            or none.
        prior: P(z), (N,), summing to 1.

    Raises ValueError if the shapes disagree, a value is not finite or the prior is none.
    """

    members: Tensor
    mask: Tensor
    prior: Tensor

    def __post_init__(self) -> None:
        if self.members.ndim != 3:
            raise ValueError(f"Expected `members` (N, K, d_v), got {tuple(self.members.shape)}.")
        if self.mask.shape != self.members.shape[:2] or self.mask.dtype != torch.bool:
            raise ValueError(
                f"Expected `mask` to be bool of shape {tuple(self.members.shape[:2])}, got "
                f"{self.mask.dtype} of shape {tuple(self.mask.shape)}."
            )
        if self.prior.shape != self.members.shape[:1]:
            raise ValueError(
                f"Expected `prior` of shape ({len(self.members)},), got {tuple(self.prior.shape)}."
            )
        if not self.members.isfinite().all():
            raise ValueError("Expected `members` to be finite, got NaN or infinity.")
        total = float(self.prior.sum(dtype=torch.float64))
        if not (self.prior >= 0).all() or abs(total - 1) > 1e-4:
            raise ValueError(f"Expected `prior` to sum to 1, got a sum of {total:.6g}.")

    @classmethod
    def from_rows(cls, values: Tensor, index: Tensor, mask: Tensor, prior: Tensor) -> Strata:
        """Members are rows of `values` (n, d_v), with index and mask from `select_members`."""
        members = values.new_zeros(*index.shape, values.shape[-1])
        members[mask] = values[index[mask]]
        return cls(members=members, mask=mask, prior=prior)

    @property
    def n_strata(self) -> int:
        """N."""
        return len(self.prior)

    @property
    def counts(self) -> Tensor:
        """Members of each stratum, (N,)."""
        return self.mask.sum(1)

    @property
    def empty(self) -> Tensor:
        """Indices of the strata without a member, (e,)."""
        return (self.counts == 0).nonzero().flatten()

    @property
    def dropped_mass(self) -> float:
        """Prior probability of the strata without a member: what an average over strata misses."""
        return float(self.prior[self.empty].sum(dtype=torch.float64))

    @cached_property
    def weighted_members(self) -> tuple[Tensor, Tensor, Tensor]:
        """The members that exist, flat: values (M, d_v), weights (M,), stratum of each (M,).

        A member of stratum z with K_z members weighs P(z) / K_z; the prior is renormalised over
        the strata that have members, so that the weights sum to 1.

        Raises ValueError if no stratum with a positive prior has a member.
        """
        # Kept from one call to the next, so they must not be tensors that autograd refuses.
        with torch.inference_mode(False):
            share = torch.where(self.counts > 0, self.prior, 0)
            if not share.sum() > 0:
                raise ValueError("Expected a stratum with a member and a positive prior, got none.")
            share = share / share.sum() / self.counts.clamp_min(1)
            stratum = self.mask.nonzero()[:, 0]
            return self.members[self.mask], share[stratum], stratum

    def to(self, device: torch.device | str) -> Strata:
        """The same strata on `device`."""
        return Strata(
            members=self.members.to(device), mask=self.mask.to(device), prior=self.prior.to(device)
        )

    def save(self, path: Path | str, *, provenance: Mapping[str, Any] | None = None) -> None:
        """Write a safetensors file; `provenance` is any JSON object stored with it."""
        arrays = {
            name: getattr(self, name).detach().cpu().numpy()
            for name in ("members", "mask", "prior")
        }
        save_arrays(path, arrays, kind=_KIND, record=provenance or {})

    @classmethod
    def load(cls, path: Path | str) -> tuple[Strata, dict[str, Any]]:
        """Read what `save` wrote: the strata and their provenance.

        Raises InputError if the file is missing, damaged, changed, or not strata.
        """
        arrays, provenance = load_arrays(path, kind=_KIND)
        return cls(**{name: torch.from_numpy(array) for name, array in arrays.items()}), provenance


def select_members(
    labels: Tensor,
    n_strata: int,
    k: int,
    generator: torch.Generator | None = None,
    *,
    choice: MemberChoice = "random",
    distance: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Choose up to K real rows of each stratum to represent it.

    Args:
        labels: stratum of each training row, (n,), in 0 … N − 1.
        n_strata: N.
        k: K, members wanted a stratum; smaller strata give all they have.
        generator: for "random", which it makes reproducible. Required there.
        choice: "random", a fair sample of the stratum, or "nearest", the rows closest to its
            centre: typical, and for that reason less varied than the stratum.
        distance: of each row to its own centre, (n,). Required for "nearest".

    Returns:
        index (N, K) of rows, −1 where there is no member, and mask (N, K).
    """
    labels = torch.as_tensor(labels).long()
    _check_labels(labels, n_strata, k)
    if choice == "random":
        if generator is None:
            raise ValueError('Expected a `generator` for choice="random", got none.')
        order = torch.randperm(len(labels), generator=generator)
    elif choice == "nearest":
        if distance is None or len(distance) != len(labels):
            raise ValueError('Expected a `distance` for every row for choice="nearest".')
        order = torch.as_tensor(distance).argsort(stable=True)
    else:
        raise ValueError(
            f"Expected `choice` to be one of {get_args(MemberChoice)}, got {choice!r}."
        )
    return _first_of_each(labels, order, n_strata, k)


def random_strata_members(
    n_rows: int, n_strata: int, k: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The control: N·K random rows, dealt to N "strata" that mean nothing.

    Use it with a uniform prior: a random row already stands for the population. If it does as
    well as clusters, what helps is averaging over contexts, not their stratification.

    Returns:
        index and mask as `select_members`; rows run out if n_rows < N·K.
    """
    labels = torch.arange(n_rows) % n_strata
    _check_labels(labels, n_strata, k)
    dealt = torch.randperm(n_rows, generator=generator)
    index, mask = _first_of_each(labels, torch.arange(n_rows), n_strata, k)
    return torch.where(mask, dealt[index], -1), mask


def mean_strata(values: Tensor, labels: Tensor, prior: Tensor) -> Strata:
    """The other way to represent a stratum: by the mean of all its rows of `values` (n, d_v).

    One "member" a stratum. Averages *features*, where members average outputs; a mean need not
    look like any real context.
    """
    labels = torch.as_tensor(labels).long()
    _check_labels(labels, len(prior), 1)
    sums = values.new_zeros(len(prior), values.shape[-1]).index_add_(0, labels, values)
    counts = labels.bincount(minlength=len(prior))
    means = sums / counts.clamp_min(1)[:, None]
    return Strata(members=means[:, None], mask=(counts > 0)[:, None], prior=prior)


def _first_of_each(labels: Tensor, order: Tensor, n_strata: int, k: int) -> tuple[Tensor, Tensor]:
    """The first K rows of each stratum in the order given."""
    by_stratum = order[labels[order].argsort(stable=True)]
    counts = labels.bincount(minlength=n_strata)
    starts = counts.cumsum(0) - counts
    place = torch.arange(k)
    mask = place < counts[:, None]
    index = torch.full((n_strata, k), -1)
    index[mask] = by_stratum[(starts[:, None] + place)[mask]]
    return index, mask


def _check_labels(labels: Tensor, n_strata: int, k: int) -> None:
    if k < 1:
        raise ValueError(f"Expected `k` of at least 1, got {k}.")
    if labels.ndim != 1 or len(labels) == 0 or labels.min() < 0 or labels.max() >= n_strata:
        raise ValueError(f"Expected `labels` (n,) within 0 … {n_strata - 1} and not empty.")
