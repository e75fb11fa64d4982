"""The same on every processor: what is hashed to the last bit, what is trained to a tolerance.

NumPy, OpenBLAS, the C library and torch choose among instruction sets at run time, and products
of matrices, sines and powers differ between them in the last bit. Each test runs a script as this
machine does and as its least relative would, with one thread and with two. On a machine that has
nothing to switch off, threads alone differ.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy._core import _multiarray_umath as umath

from ccim_core.study import Study

ROOT = Path(__file__).parents[2]
HIGHER = [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)]
"""Instruction sets beyond NumPy's baseline that this machine has."""

LEAST = {
    "NPY_DISABLE_CPU_FEATURES": " ".join(HIGHER),
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4",
    **({"OPENBLAS_CORETYPE": "Nehalem"} if platform.machine() in ("x86_64", "AMD64") else {}),
}

RENDERED = """
import hashlib, itertools, json
import numpy as np
from ccim_core.rendered.generator import ControlledConfig, controlled_frame
from ccim_core.rendered.rendering import EMOTIONS, SCENES, RenderSpec, render
from ccim_core.labels import LABEL_SETS
from ccim_core.manifest import build_manifest

config = ControlledConfig(n_train=400, n_val=50, n_test=50, n_shift=50, n_twins=7, size=96)
manifest, _ = build_manifest(controlled_frame(config), LABEL_SETS["controlled"])
digests = {}
for number, (scene, emotion) in enumerate(itertools.product(SCENES, EMOTIONS)):
    drawn = render(RenderSpec(
        scene=scene, emotion=emotion, cue=EMOTIONS[number % 7], clarity=0.6,
        subject_seed=number, place_seed=1000 + number, cue_seed=2000 + number, size=96,
    ))
    parts = {name: getattr(drawn, name) for name in ("picture", "mask", "landmarks", "keypoints")}
    parts["boxes"] = np.array([drawn.box, drawn.face_box, *drawn.bystanders])
    for name, values in parts.items():
        digests.setdefault(name, hashlib.sha256()).update(np.ascontiguousarray(values).tobytes())
found = {name: digest.hexdigest() for name, digest in digests.items()}
print(json.dumps({"manifest": manifest.content_hash(), **found}))
"""

MADE_ELSEWHERE = """
import json, sys
from pathlib import Path
import numpy as np
from ccim_core.confounders import ConfounderDictionary
from ccim_core.evaluation.evaluate import evaluate_run
from ccim_core.evaluation.predictions import read_predictions
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.data import StudyData

study = Study.open(sys.argv[1])
run = Run.open(study.run_path("ccim-seed0"))
before = read_predictions(run, split="shift")
rows = evaluate_run(run, StudyData(study, quiet=True), splits=["shift"], n_bootstrap=20)["rows"]
after = read_predictions(run, split="shift")
emotions = list(run.labels.emotions)
dictionary = ConfounderDictionary.load(next(study.dictionaries_root.glob("*.safetensors")))
print(json.dumps({
    "moved": float(np.abs(before[emotions].to_numpy() - after[emotions].to_numpy()).max()),
    "rows": {row["estimator"]: [row["accuracy"], row["nll"]] for row in rows},
    "clusters": dictionary.predict(dictionary.centers_).tolist(),
}))
"""


@cache
def run_script(script: str, *arguments: str, least: bool, threads: int) -> Any:
    """What a script prints as JSON, under all of this machine's instruction sets or the least."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    environment |= {"OPENBLAS_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    environment |= LEAST if least else {}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("least, threads", [(True, 1), (False, 2), (True, 2)])
def test_rows_and_pictures_are_the_same_to_the_bit(least: bool, threads: int) -> None:
    here = run_script(RENDERED, least=False, threads=1)
    assert run_script(RENDERED, least=least, threads=threads) == here


def test_what_was_trained_elsewhere_opens_and_agrees(tiny_study: Study, tmp_path: Path) -> None:
    found = {}
    for least in (False, True):
        path = tmp_path / str(least)
        shutil.copytree(tiny_study.path, path)
        found[least] = run_script(MADE_ELSEWHERE, str(path), least=least, threads=1 + least)
    here, there = found[False], found[True]
    # Features and networks in float32: probabilities agree to 1e-4, a network's rounding.
    assert max(here["moved"], there["moved"]) < 1e-4
    assert here["clusters"] == there["clusters"]
    for estimator, numbers in here["rows"].items():
        np.testing.assert_allclose(there["rows"][estimator], numbers, atol=1e-3)
