"""Models with networks and losses of their own, on two processes and on one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]

SCRIPT = """
import json, sys, torch
torch.set_num_threads(1)
from ccim_core.training.accelerator import make_accelerator
from ccim_core.training.build import build_network
from ccim_core.training.loop import TrainingData, fit
from ccim_core.training.samples import FeatureSamples
from ccim_core.training.validation import validation_metrics
from tests.ccim_core.models.contract import WIDTHS, make_batch
from tests.ccim_core.training.tiny import LABELS, tiny_config

accelerator = make_accelerator(device="cpu")
assert accelerator.num_processes == int(sys.argv[1])
out = {}
for name in ("caer_net", "emoticon"):
    config = tiny_config(
        model__name=name, model__d_h=None, model__channels=0.125, model__dropout=0.0,
        model__subject_pixels=32, model__context_pixels=32,
        # 9 rows a batch and 28 in all: unequal shares, and a last batch of one row.
        train__batch_size=9, train__epochs=2, optim__name="sgd", optim__lr=0.01,
    )
    torch.manual_seed(0)
    network = build_network(
        config, LABELS, widths=WIDTHS,
        prototypes=torch.zeros(5, 4), prior=torch.full((5,), 0.2),
    )
    samples = FeatureSamples(make_batch(config.model, n=28))
    targets = torch.eye(LABELS.size)[torch.arange(28) % LABELS.size]
    history = fit(
        network,
        TrainingData(
            samples=samples, targets=targets,
            validation_samples=samples, validation_targets=targets,
        ),
        config, LABELS, accelerator=accelerator, quiet=True,
        validate=lambda targets, logits: validation_metrics(targets, logits, LABELS),
    )
    out[name] = {
        "loss": [row["train_loss"] for row in history],
        "sum": float(sum(p.double().abs().sum() for p in network.parameters())),
        "statistics": float(sum(
            b.double().sum() for k, b in network.named_buffers() if "running" in k
        )),
    }
if accelerator.is_main_process:
    print("RESULT" + json.dumps(out))
"""


def _launch(processes: int, tmp_path: Path) -> dict[str, Any]:
    script = tmp_path / f"script{processes}.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(processes)]
    if processes > 1:
        command[1:1] = [
            *("-m", "torch.distributed.run", "--standalone"),
            *("--nproc_per_node", str(processes)),
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
    found: dict[str, Any] = json.loads(lines[0].removeprefix("RESULT"))
    return found


def test_two_processes_agree_with_one_at_the_same_global_batch(tmp_path: Path) -> None:
    one, two = _launch(1, tmp_path), _launch(2, tmp_path)
    for name, reference in one.items():
        for key in ("loss", "sum", "statistics"):
            assert two[name][key] == pytest.approx(reference[key], rel=1e-4), (name, key)
