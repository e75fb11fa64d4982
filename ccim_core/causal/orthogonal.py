"""Subject features orthogonal to the context: the directions that a stratum moves them along.

A crop of a person has the scene at its edges and its light on the skin. Where emotion and scene
go together, taking out all that tells of the scene would take the emotion with it; so what is
taken out is how features move with the stratum *at a given emotion*.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["context_directions", "remove_directions"]

_TOLERANCE = 1e-9


def context_directions(features: Tensor, targets: Tensor, labels: Tensor, k: int) -> Tensor:
    """Orthonormal directions along which a stratum moves features, strongest first: (d, k).

    Features are regressed on emotions and strata together, s = μ + B y + Γ_z + ε. The effects
    Γ_z of the Z strata that have rows, each centred and weighted by √n_z, span at most Z − 1
    directions; these are the first k of their singular vectors. With all of them removed no
    stratum's effect is left in the regression: a linear reader gains nothing from the stratum
    beyond what the emotion tells (on these rows).

    Effects that emotions determine cannot be told from the emotions' own: they stay. Where there
    are fewer than `k` directions the last columns are zero, and take nothing out.

    Args:
        features: s, (n, d).
        targets: (n, C), one-hot, multi-hot or soft.
        labels: stratum of each row, (n,).
        k: how many at most.

    Raises:
        ValueError: `k` below 1, or not one row of `targets` and one stratum a row of `features`.

    Source: an orthogonal projection, as iterative null-space projection makes (Ravfogel et al., ACL
    2020), here conditional on the emotion, by the Frisch–Waugh–Lovell theorem. It is not LEACE
    (Belrose et al., NeurIPS 2023), whose projection is oblique: whitened by the features'
    covariance, it moves features least.
    """
    labels = torch.as_tensor(labels, device=features.device)
    if not len(features) == len(targets) == len(labels):
        raise ValueError(
            f"Expected emotions and a stratum for each of {len(features)} rows, got "
            f"{len(targets)} and {len(labels)}."
        )
    if k < 1:
        raise ValueError(f"Expected at least one direction, got {k}.")
    rows = features.double()
    _, stratum, sizes = labels.unique(return_inverse=True, return_counts=True)
    strata = torch.nn.functional.one_hot(stratum).double()
    emotions = _basis(torch.cat([torch.ones_like(rows[:, :1]), targets.double()], dim=1))
    # The part of being in a stratum that emotions do not tell (they tell of the constant too).
    unexplained = strata - emotions @ (emotions.T @ strata)
    effects = torch.linalg.pinv(unexplained, atol=_TOLERANCE * len(rows) ** 0.5) @ rows
    share = sizes.double() / len(rows)
    effects = (effects - share @ effects) * share.sqrt()[:, None]
    _, strengths, directions = torch.linalg.svd(effects, full_matrices=False)
    kept = directions[:k][strengths[:k] > _TOLERANCE * rows.abs().max()]
    found = features.new_zeros(rows.shape[1], k)
    found[:, : len(kept)] = kept.T.to(features.dtype)
    return found


def _basis(columns: Tensor) -> Tensor:
    """Orthonormal columns that span the given ones, (n, rank)."""
    vectors, values, _ = torch.linalg.svd(columns, full_matrices=False)
    return vectors[:, values > _TOLERANCE * values[0]]


def remove_directions(features: Tensor, directions: Tensor) -> Tensor:
    """Features (…, d) without their part along orthonormal `directions` (d, k)."""
    return features - (features @ directions) @ directions.mT
