"""Weights against counted frequencies, group DRO against its algorithm, refit against sklearn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from ccim_core.causal.reweighting import (
    PENALTIES,
    GroupDRO,
    choose_penalty,
    effective_sample_size,
    inverse_propensity_weights,
    refit_last_layer,
)
from tests.ccim_core.causal.helpers import relative_error

N, C = 4, 3


def biased_rows(n: int = 400, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Emotions (n,) that prefer a stratum (n,): y = z about half the time."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randint(0, N, (n,), generator=generator)
    other = torch.randint(0, C, (n,), generator=generator)
    y = torch.where(torch.rand(n, generator=generator) < 0.5, z % C, other)
    return y, z


def test_single_label_weights_match_their_definition() -> None:
    y, z = biased_rows()
    found = inverse_propensity_weights(F.one_hot(y, C).float(), z, N, kind="single", max_weight=1e9)
    raw = []
    for i in range(len(y)):
        p_y = float((y == y[i]).double().mean())
        p_z = float((z == z[i]).double().mean())
        joint = float(((y == y[i]) & (z == z[i])).double().mean())
        raw.append(p_y * p_z / joint)
    expected = torch.tensor(raw, dtype=torch.float64)
    expected = expected / expected.mean()
    assert relative_error(found.weights, expected) < 1e-6
    assert found.clipped_share == 0
    assert found.effective_sample_size == pytest.approx(
        float(expected.sum() ** 2 / (expected**2).sum())
    )


def test_weighted_emotion_and_stratum_are_independent() -> None:
    y, z = biased_rows()
    weights = inverse_propensity_weights(
        F.one_hot(y, C).float(), z, N, kind="single", max_weight=1e9
    ).weights.double()
    table = torch.zeros(C, N, dtype=torch.float64).index_put_((y, z), weights, accumulate=True)
    table /= table.sum()
    assert (table > 0).all()
    torch.testing.assert_close(table, torch.outer(table.sum(1), table.sum(0)))
    counts = torch.zeros(C, N).index_put_((y, z), torch.ones(len(y)), accumulate=True) / len(y)
    assert float((counts - torch.outer(counts.sum(1), counts.sum(0))).abs().max()) > 0.03


def test_multi_label_weights_make_each_emotion_independent_by_itself() -> None:
    y, z = biased_rows()
    targets = F.one_hot(y, C).float()
    targets[:, 0] = torch.maximum(targets[:, 0], (z == 1).float() * (torch.arange(400) % 3 == 0))
    found = inverse_propensity_weights(targets, z, N, kind="multi", max_weight=1e9)
    assert found.weights.shape == (400, C)
    sizes = []
    for c in range(C):
        w = found.weights[:, c].double()
        assert float(w.mean()) == pytest.approx(1)
        sizes.append(float(w.sum() ** 2 / (w**2).sum()))
        rates = [
            float((w * targets[:, c])[z == stratum].sum() / w[z == stratum].sum())
            for stratum in range(N)
        ]
        assert max(rates) - min(rates) < 1e-6
    assert found.effective_sample_size == pytest.approx(min(sizes))


def test_clipping_bounds_weights_raises_effective_size_and_is_reported() -> None:
    y, z = biased_rows()
    targets = F.one_hot(y, C).float()
    free = inverse_propensity_weights(targets, z, N, kind="single", max_weight=1e9)
    clipped = inverse_propensity_weights(targets, z, N, kind="single", max_weight=1.0)
    assert 0 < clipped.clipped_share < 1
    assert clipped.effective_sample_size > free.effective_sample_size
    assert float(clipped.weights.mean()) == pytest.approx(1)
    assert float(clipped.weights.max() / clipped.weights.min()) < float(
        free.weights.max() / free.weights.min()
    )
    smoothed = inverse_propensity_weights(
        targets, z, N, kind="single", max_weight=1e9, smoothing=1e9
    )
    torch.testing.assert_close(smoothed.weights, torch.ones(400), atol=1e-4, rtol=0)


def test_independent_rows_weigh_the_same() -> None:
    y, z = torch.arange(C).repeat_interleave(N), torch.arange(N).repeat(C)
    found = inverse_propensity_weights(F.one_hot(y, C).float(), z, N, kind="single")
    torch.testing.assert_close(found.weights, torch.ones(C * N))
    assert found.effective_sample_size == pytest.approx(C * N)


def test_effective_sample_size_of_equal_and_of_one_sided_weights() -> None:
    assert float(effective_sample_size(torch.full((7,), 3.0))) == pytest.approx(7)
    assert float(effective_sample_size(torch.tensor([1.0, 0.0, 0.0]))) == pytest.approx(1)


def test_bad_weights_are_refused() -> None:
    targets, labels = torch.eye(C), torch.arange(C)
    with pytest.raises(ValueError, match="max_weight"):
        inverse_propensity_weights(targets, labels, N, kind="single", max_weight=0)
    with pytest.raises(ValueError, match="0/1"):
        inverse_propensity_weights(targets / 2, labels, N, kind="multi")
    with pytest.raises(ValueError, match="exactly one"):
        inverse_propensity_weights(torch.ones(C, C), labels, N, kind="single")


def slow_dro(
    batches: list[tuple[Tensor, Tensor]], n_groups: int, step: float, bonus: Tensor
) -> tuple[Tensor, list[float]]:
    """Algorithm 1 with a loop over groups; groups is a list of sets of rows."""
    q = torch.full((n_groups,), 1 / n_groups, dtype=torch.float64)
    found = []
    for losses, membership in batches:
        means = torch.zeros(n_groups, dtype=torch.float64)
        for g in range(n_groups):
            rows = [float(losses[i]) for i in range(len(losses)) if membership[i, g]]
            if rows:
                means[g] = sum(rows) / len(rows)
                q[g] *= torch.exp(step * (means[g] + bonus[g]))
        q = q / q.sum()
        found.append(float((q * means).sum()))
    return q, found


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("adjustment", [0.0, 2.0])
def test_group_dro_matches_the_algorithm(several: bool, adjustment: float) -> None:
    generator = torch.Generator().manual_seed(0)
    counts = torch.tensor([40.0, 3.0, 9.0, 1.0])
    dro = GroupDRO(4, step_size=0.3, counts=counts, adjustment=adjustment)
    batches, fast = [], []
    for _ in range(5):
        losses = torch.rand(6, generator=generator) * 3
        groups = torch.randint(0, 3, (6,), generator=generator)  # group 3 is never seen
        membership = F.one_hot(groups, 4)
        if several:
            membership = (torch.rand(6, 4, generator=generator) < 0.4).long()
        batches.append((losses, membership))
        fast.append(float(dro(losses, membership if several else groups)))
    q, slow = slow_dro(batches, 4, 0.3, adjustment / counts.double().sqrt())
    assert relative_error(dro.q, q) < 1e-6
    assert fast == pytest.approx(slow, rel=1e-5)


def test_group_dro_gradient_is_the_mixture_of_group_gradients() -> None:
    dro = GroupDRO(2, step_size=0.5)
    losses = torch.tensor([1.0, 3.0, 5.0], requires_grad=True)
    dro(losses, torch.tensor([0, 1, 1])).backward()
    q = dro.q.clone()
    assert float(q[1]) > 0.5  # the worse group
    torch.testing.assert_close(losses.grad, torch.stack([q[0], q[1] / 2, q[1] / 2]))


def test_group_dro_turns_to_the_worst_group_and_does_not_overflow() -> None:
    dro = GroupDRO(3, step_size=100.0)
    for _ in range(20):
        dro(torch.tensor([1.0, 1000.0, 2.0]), torch.arange(3))
    torch.testing.assert_close(dro.q, torch.tensor([0.0, 1.0, 0.0]))


def test_group_dro_resumes_from_its_state_and_rests_in_evaluation() -> None:
    dro = GroupDRO(3, step_size=0.5)
    dro(torch.tensor([1.0, 2.0]), torch.tensor([0, 2]))
    other = GroupDRO(3, step_size=0.5)
    other.load_state_dict(dro.state_dict())
    torch.testing.assert_close(other.q, dro.q)
    other.eval()
    loss = other(torch.tensor([4.0]), torch.tensor([2]))
    torch.testing.assert_close(other.q, dro.q)
    torch.testing.assert_close(loss, 4 * dro.q[2])


def test_group_dro_refuses_what_it_cannot_use() -> None:
    with pytest.raises(ValueError, match="counts"):
        GroupDRO(3, adjustment=1.0)
    with pytest.raises(ValueError, match="groups"):
        GroupDRO(3)(torch.zeros(4), torch.zeros(4, 2))


def _one_of_two(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/sync", rank=rank, world_size=2)
    losses = torch.arange(1.0, 7).requires_grad_()
    dro = GroupDRO(3, step_size=0.5)
    half = slice(3 * rank, 3 * rank + 3)
    loss = dro(losses[half], torch.tensor([0, 1, 0, 1, 1, 2])[half])
    (gradient,) = torch.autograd.grad(loss, losses)
    dist.all_reduce(gradient)
    np.save(f"{folder}/{rank}.npy", np.concatenate([gradient.numpy() / 2, dro.q.numpy()]))
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_agree_with_one_at_the_global_batch(tmp_path: Any) -> None:
    mp.spawn(_one_of_two, args=(str(tmp_path),), nprocs=2)
    losses = torch.arange(1.0, 7).requires_grad_()
    dro = GroupDRO(3, step_size=0.5)
    (gradient,) = torch.autograd.grad(dro(losses, torch.tensor([0, 1, 0, 1, 1, 2])), losses)
    expected = torch.cat([gradient, dro.q])
    for rank in range(2):
        found = torch.from_numpy(np.load(tmp_path / f"{rank}.npy"))
        torch.testing.assert_close(found, expected)


def validation_rows(n: int = 300) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    y, z = biased_rows(n, seed=4)
    centres = torch.randn(C, 6, generator=generator) * 2
    h = centres[y] + torch.randn(n, 6, generator=generator) * 3 + 5
    return h, F.one_hot(y, C).float(), y * N + z


def test_refit_is_a_group_balanced_logistic_regression() -> None:
    h, targets, groups = validation_rows()
    l2 = 0.01
    refit = refit_last_layer(h, targets, groups, kind="single", l2=l2)

    x = ((h - h.mean(0)) / h.std(0, correction=0)).double().numpy()
    counts = np.bincount(groups)
    weights = 1 / (counts[groups] * (counts > 0).sum())
    reference = LogisticRegression(C=1 / l2, tol=1e-10, max_iter=10_000)
    reference.fit(x, targets.argmax(1).numpy(), sample_weight=weights)

    logits = h @ refit.weight.T + refit.bias
    expected = torch.from_numpy(reference.predict_proba(x)).float()
    torch.testing.assert_close(logits.softmax(-1), expected, atol=1e-4, rtol=1e-3)
    assert set(refit.groups_used) == set(groups.tolist())
    assert refit.groups_left_out == ()


def test_refit_for_several_labels_fits_each_emotion() -> None:
    h, targets, groups = validation_rows()
    targets[:, 0] = (torch.arange(len(h)) % 2 == 0).float()
    refit = refit_last_layer(h, targets, groups, kind="multi", l2=0.01)
    x = ((h - h.mean(0)) / h.std(0, correction=0)).double().numpy()
    counts = np.bincount(groups)
    weights = 1 / (counts[groups] * (counts > 0).sum())
    logits = h @ refit.weight.T + refit.bias
    for c in range(C):
        reference = LogisticRegression(C=1 / 0.01, tol=1e-10, max_iter=10_000)
        reference.fit(x, targets[:, c].numpy(), sample_weight=weights)
        expected = torch.from_numpy(reference.predict_proba(x)[:, 1]).float()
        torch.testing.assert_close(logits[:, c].sigmoid(), expected, atol=1e-4, rtol=1e-3)


def test_refit_leaves_out_small_groups_and_says_so() -> None:
    h, targets, groups = validation_rows()
    groups = groups.clone()
    groups[:2] = 50
    refit = refit_last_layer(h, targets, groups, kind="single", min_count=3)
    assert refit.groups_left_out == (50,)
    assert 50 not in refit.groups_used
    without = refit_last_layer(h[2:], targets[2:], groups[2:], kind="single", min_count=3)
    torch.testing.assert_close(refit.weight, without.weight)
    with pytest.raises(ValueError, match="at least 1000"):
        refit_last_layer(h, targets, groups, kind="single", min_count=1000)
    with pytest.raises(ValueError, match="l2"):
        refit_last_layer(h, targets, groups, kind="single", l2=0)


def test_refit_copes_with_a_constant_feature() -> None:
    h, targets, groups = validation_rows()
    refit = refit_last_layer(F.pad(h, (0, 1), value=3.0), targets, groups, kind="single")
    assert refit.weight.isfinite().all()
    torch.testing.assert_close(refit.weight[:, -1], torch.zeros(C))


def test_refit_on_balanced_groups_stops_relying_on_context() -> None:
    """Validation rows biased 9 to 1; balanced by group, the context feature loses its weight."""
    generator = torch.Generator().manual_seed(0)
    n = 2000
    y = torch.randint(0, 2, (n,), generator=generator)
    scene = torch.where(torch.rand(n, generator=generator) < 0.9, y, 1 - y)
    face = 2.0 * y - 1 + 1.5 * torch.randn(n, generator=generator)
    h = torch.stack([face, 2.0 * scene - 1], 1)
    targets = F.one_hot(y, 2).float()
    biased = refit_last_layer(h, targets, torch.zeros(n).long(), kind="single")
    balanced = refit_last_layer(h, targets, y * 2 + scene, kind="single")

    def reliance(weight: Tensor) -> float:
        return float((weight[1, 1] - weight[0, 1]).abs() / (weight[1, 0] - weight[0, 0]).abs())

    assert reliance(balanced.weight) < 0.1 * reliance(biased.weight)


def test_the_chosen_penalty_is_the_best_of_folds_scored_one_by_one() -> None:
    generator = torch.Generator().manual_seed(0)
    n, d = 90, 30
    y, groups = torch.arange(n) % C, torch.arange(n) % C * 2 + (torch.arange(n) % 7 == 0).long()
    h = torch.randn(n, d, generator=generator)
    h[:, :C] += F.one_hot(y, C)
    targets, units = F.one_hot(y, C).float(), np.array([f"picture {i // 2}" for i in range(n)])
    found = choose_penalty(h, targets, groups, units, kind="single")
    assert set(found.scores) == set(PENALTIES)
    assert found.l2 == min(found.scores, key=lambda l2: found.scores[l2])
    # A layer of 30 features on 72 rows is better held back.
    assert found.scores[found.l2] < 0.8 * found.scores[1e-3]

    names = sorted(set(units))
    dealt = dict(zip(names, np.random.default_rng(0).permutation(len(names)) % 5, strict=True))
    fold = np.array([dealt[unit] for unit in units])
    losses = torch.zeros(n, dtype=torch.float64)
    for i in range(5):
        kept = torch.from_numpy(fold != i)
        layer = refit_last_layer(h[kept], targets[kept], groups[kept], kind="single", l2=0.1)
        logits = (h @ layer.weight.T + layer.bias).double()
        losses[~kept] = F.cross_entropy(logits, y, reduction="none")[~kept]
    expected = np.mean([float(losses[groups == g].mean()) for g in groups.unique()])
    assert found.scores[0.1] == pytest.approx(expected, rel=1e-6)


def test_a_penalty_needs_two_units() -> None:
    h, targets = torch.randn(4, 2), torch.eye(2)[[0, 1, 0, 1]]
    with pytest.raises(ValueError, match="two units"):
        choose_penalty(h, targets, torch.zeros(4), np.array(["a"] * 4), kind="single")
