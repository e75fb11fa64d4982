from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ccim_core.errors import InputError
from ccim_core.models.base import Batch
from ccim_core.models.network import EmotionNetwork
from ccim_core.training.accelerator import make_accelerator
from ccim_core.training.checkpoint import Stopwatch, balanced_order
from ccim_core.training.config import RunConfig
from ccim_core.training.loop import TrainingData, fit
from ccim_core.training.validation import validation_metrics
from tests.ccim_core.training.tiny import LABELS, tiny_config, tiny_data, tiny_network

ROOT = Path(__file__).resolve().parents[3]


def run(
    config: RunConfig,
    data: TrainingData | None = None,
    checkpoint: Path | None = None,
) -> tuple[EmotionNetwork, list[dict[str, float]]]:
    network = tiny_network(config)
    history = fit(
        network,
        data or tiny_data(),
        config,
        LABELS,
        accelerator=make_accelerator(device="cpu"),
        validate=lambda targets, logits: validation_metrics(targets, logits, LABELS),
        checkpoint=checkpoint,
        quiet=True,
    )
    return network, history


def without_time(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history]


def assert_same(a: EmotionNetwork, b: EmotionNetwork, tolerance: float = 0.0) -> None:
    for name, value in a.state_dict().items():
        torch.testing.assert_close(
            value, b.state_dict()[name], atol=tolerance, rtol=tolerance, msg=name, equal_nan=True
        )


@pytest.mark.parametrize(
    "name", ["none", "ccim", "counterfactual", "logit_adjusted", "inverse_propensity", "group_dro"]
)
def test_loss_falls_and_validation_rises(name: str) -> None:
    data = tiny_data(400)
    n = len(data.targets)
    extra: dict[str, Any] = {
        "logit_adjusted": {"offsets": torch.zeros(n, LABELS.size)},
        "inverse_propensity": {"weights": torch.ones(n)},
        "group_dro": {"groups": torch.arange(n) % 3},
    }.get(name, {})
    config = tiny_config(intervention__name=name, train__epochs=8)
    _, history = run(config, replace(data, **extra))
    assert history[-1]["train_loss"] < 0.7 * history[0]["train_loss"]
    assert history[-1]["val_accuracy"] > 0.7


def test_unit_weights_and_zero_offsets_change_nothing() -> None:
    config, data = tiny_config(), tiny_data()
    plain, _ = run(config, data)
    weighted, _ = run(config, replace(data, weights=torch.ones(len(data.targets))))
    shifted, _ = run(config, replace(data, offsets=torch.zeros_like(data.targets)))
    assert_same(plain, weighted)
    assert_same(plain, shifted)


def test_same_seed_same_weights_other_seed_other_weights() -> None:
    a, _ = run(tiny_config())
    b, _ = run(tiny_config())
    c, _ = run(tiny_config(train__seed=1))
    assert_same(a, b)
    with pytest.raises(AssertionError):
        assert_same(a, c)


def test_training_leaves_the_callers_generator_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    config = tiny_config()
    network, data = tiny_network(config), tiny_data()
    accelerator = make_accelerator(device="cpu")
    fit(
        network,
        data,
        config,
        LABELS,
        accelerator=accelerator,
        validate=lambda targets, logits: validation_metrics(targets, logits, LABELS),
        quiet=True,
    )
    assert torch.equal(before, torch.get_rng_state())


class KilledError(Exception):
    """Stands for a kill in the middle of an epoch."""


class Dying:
    """Samples that stop the process's training after some batches."""

    def __init__(self, samples: Any, batches: int) -> None:
        self.samples = samples
        self.left = batches

    def __len__(self) -> int:
        return len(self.samples)

    def batches(self, rows: Sequence[Tensor]) -> Iterator[Batch]:
        for batch in self.samples.batches(rows):
            if self.left == 0:
                raise KilledError
            self.left -= 1
            yield batch


@pytest.mark.parametrize("name", ["ccim", "group_dro"])
@pytest.mark.parametrize("batches", [1, 3, 9, 14])
def test_a_run_killed_in_an_epoch_ends_as_one_uninterrupted(
    tmp_path: Path, batches: int, name: str
) -> None:
    config, data = tiny_config(intervention__name=name), tiny_data()
    if name == "group_dro":
        data = replace(data, groups=(torch.arange(110) ** 2 % 7).clamp_max(3))
    expected, history = run(config, data)
    checkpoint = tmp_path / "checkpoint.pt"
    with pytest.raises(KilledError):
        run(config, replace(data, samples=Dying(data.samples, batches)), checkpoint)
    resumed, resumed_history = run(config, data, checkpoint)
    assert_same(expected, resumed)
    assert without_time(history) == without_time(resumed_history)


def test_seconds_of_all_sessions_are_summed(tmp_path: Path) -> None:
    config, data = tiny_config(), tiny_data()
    checkpoint = tmp_path / "checkpoint.pt"
    network, accelerator = tiny_network(config), make_accelerator(device="cpu")

    def session(data: TrainingData, stopwatch: Stopwatch) -> None:
        fit(
            network,
            data,
            config,
            LABELS,
            accelerator=accelerator,
            validate=lambda targets, logits: validation_metrics(targets, logits, LABELS),
            checkpoint=checkpoint,
            stopwatch=stopwatch,
            quiet=True,
        )

    for sessions in (1, 2):
        stopwatch = Stopwatch(started=time.monotonic() - 1000)
        with pytest.raises(KilledError):
            session(replace(data, samples=Dying(data.samples, 4)), stopwatch)
        assert stopwatch.seconds >= 1000 * sessions
    last = Stopwatch()
    session(data, last)
    assert last.seconds >= 2000


@pytest.mark.parametrize("multi", [False, True])
def test_balanced_orders_draw_groups_equally_often_and_repeat(multi: bool) -> None:
    groups = torch.cat([torch.zeros(90), torch.ones(6), torch.full((4,), 2.0)]).long()
    given = torch.nn.functional.one_hot(groups, 5) if multi else groups  # two without rows
    order = balanced_order(given, seed=1, epoch=3)
    assert torch.equal(order, balanced_order(given, seed=1, epoch=3))
    assert not torch.equal(order, balanced_order(given, seed=1, epoch=4))
    assert len(order) == 100
    for batch in order.split(30):
        counts = groups[batch].bincount(minlength=3)
        assert int(counts.max() - counts.min()) <= 2
    # A group's rows all come before one comes again.
    small = order[groups[order] == 2]
    assert {tuple(sorted(part.tolist())) for part in small.split(4) if len(part) == 4} == {
        (96, 97, 98, 99)
    }
    large = order[groups[order] == 0]
    assert len(large.unique()) == len(large)


def test_a_checkpoint_of_other_settings_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    run(tiny_config(), checkpoint=checkpoint)
    with pytest.raises(InputError, match="other settings"):
        run(tiny_config(optim__lr=0.5), checkpoint=checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:500])
    with pytest.raises(InputError, match="damaged"):
        run(tiny_config(), checkpoint=checkpoint)


def test_accumulation_equals_one_batch_without_batch_statistics() -> None:
    fields = {"model__normalise": False, "model__dropout": 0.0}
    whole, _ = run(tiny_config(**fields))
    parts, _ = run(tiny_config(train__accumulation=4, **fields))
    assert_same(whole, parts, tolerance=1e-5)


def test_patience_stops_early_and_keeps_the_best_epoch() -> None:
    config = tiny_config(train__epochs=40, train__patience=2, optim__lr=0.05)
    _, history = run(config)
    scores = [row["val_headline"] for row in history]
    best = scores.index(max(scores))
    assert len(history) == best + 3 < 40


def test_bf16_stays_close_to_fp32() -> None:
    config = tiny_config(train__epochs=6)
    network, data = tiny_network(config), tiny_data(400)
    history = fit(
        network,
        data,
        config,
        LABELS,
        accelerator=make_accelerator(device="cpu", precision="bf16"),
        validate=lambda targets, logits: validation_metrics(targets, logits, LABELS),
        quiet=True,
    )
    _, reference = run(config, data)
    assert history[-1]["val_accuracy"] == pytest.approx(reference[-1]["val_accuracy"], abs=0.1)


SCRIPT = """
import json, sys, torch
from ccim_core.training.accelerator import make_accelerator
from tests.ccim_core.training.tiny import LABELS, tiny_config, tiny_data, tiny_network
from tests.ccim_core.training.test_loop import run, without_time

expected = int(sys.argv[1])
accelerator = make_accelerator(device="cpu")
assert accelerator.num_processes == expected, accelerator.num_processes
out = {}
for name in ("none", "ccim", "group_dro", "context", "subject"):
    # SGD: Adam would blow up the rounding of gradients that are zero (a bias before batch norm).
    config = tiny_config(
        intervention__name="none" if name in ("context", "subject") else name,
        model__inputs=name if name in ("context", "subject") else "both",
        model__dropout=0.0, optim__name="sgd", optim__lr=0.05,
    )
    data = tiny_data()
    if name == "group_dro":
        import dataclasses
        data = dataclasses.replace(data, groups=torch.arange(len(data.targets)) % 3)
    network, history = run(config, data)
    out[name] = {
        "history": without_time(history),
        "sum": float(sum(p.double().abs().sum() for p in network.parameters())),
    }
if accelerator.is_main_process:
    print("RESULT" + json.dumps(out))
"""


def _launch(processes: int, tmp_path: Path) -> dict[str, Any]:
    script = tmp_path / f"script{processes}.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(processes)]
    if processes > 1:
        command = [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc_per_node", str(processes), str(script), str(processes)),
        ]
    environment = {
        **os.environ,
        "ACCELERATE_USE_CPU": "true",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=240, cwd=tmp_path
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert lines, done.stderr[-3000:]
    return json.loads(lines[0].removeprefix("RESULT"))


def test_two_processes_agree_with_one_at_the_same_global_batch(tmp_path: Path) -> None:
    one, two = _launch(1, tmp_path), _launch(2, tmp_path)
    for name, reference in one.items():
        assert two[name]["sum"] == pytest.approx(reference["sum"], rel=1e-5), name
        for a, b in zip(reference["history"], two[name]["history"], strict=True):
            assert b == pytest.approx(a, rel=1e-4, abs=1e-5), name


@pytest.mark.parametrize("means", [[0.4, 0.6, 0.5], [0.6, 0.6, 0.5]])
def test_equal_worst_groups_are_told_apart_by_the_mean_over_groups(means: list[float]) -> None:
    config = tiny_config(train__select_by="worst_group")
    network, states = tiny_network(config), []

    def validate(targets: Tensor, logits: Tensor) -> dict[str, float]:
        states.append({name: value.clone() for name, value in network.state_dict().items()})
        return {"worst_group": 0.3, "mean_group": means[len(states) - 1]}

    fit(
        network,
        tiny_data(),
        config,
        LABELS,
        accelerator=make_accelerator(device="cpu"),
        validate=validate,
        quiet=True,
    )
    best = means.index(max(means))
    for name, value in network.state_dict().items():
        assert torch.equal(value, states[best][name]), name


class Ticking:
    """Samples of which every batch takes a second, and a clock that shows it."""

    def __init__(self, samples: Any) -> None:
        self.samples, self.now = samples, 100.0

    def __len__(self) -> int:
        return len(self.samples)

    def batches(self, rows: Sequence[Tensor]) -> Iterator[Batch]:
        for batch in self.samples.batches(rows):
            self.now += 1
            yield batch


def test_the_seconds_of_an_epoch_are_those_of_all_sessions_that_trained_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, data = tiny_config(), tiny_data()
    samples = Ticking(data.samples)
    monkeypatch.setattr("ccim_core.training.checkpoint.time.monotonic", lambda: samples.now)
    _, expected = run(config, replace(data, samples=samples))
    checkpoint = tmp_path / "checkpoint.pt"
    # Five steps before the checkpoint at the fourth of the second epoch and one after: lost work.
    with pytest.raises(KilledError):
        run(config, replace(data, samples=Dying(samples, 11)), checkpoint)
    samples.now += 5000
    _, resumed = run(config, replace(data, samples=samples), checkpoint)
    assert [row["seconds"] for row in resumed] == [row["seconds"] for row in expected]
    assert expected[0]["seconds"] == 6
