"""How long a table takes at full size: `python -m analysis.benchmark_tables`.

A study of EMOTIC's size (26 emotions, 7,203 test subjects) with 40 finished runs whose outputs are
drawn at random: four models, plain, with CCIM and the controls. Making the runs, with metrics and
intervals as `evaluate` keeps them, takes minutes and is not what is timed; `reproduce` is, in a
process of its own, from the files.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.table_settings import SETTINGS, load_reference, recipe_path, set_fields
from ccim_core.files import write_atomically, write_json
from ccim_core.labels import LabelSet, get_label_set
from ccim_core.manifest import Manifest
from ccim_core.metrics.summary import evaluate_outputs
from ccim_core.study import Study

__all__ = ["add_run", "main", "synthetic_study"]


def synthetic_study(
    path: Path, labels: LabelSet, sizes: Mapping[str, int], *, seed: int = 0
) -> Study:
    """A study of `sizes` (split to subjects) whose pictures are nowhere: two subjects an image."""
    rng = np.random.default_rng(seed)
    frames = []
    for split, n in sizes.items():
        first = rng.choice(labels.emotions, n)
        texts = first
        if labels.kind == "multi":
            others = rng.choice(labels.emotions, n)
            texts = np.where(first == others, first, np.char.add(np.char.add(first, "|"), others))
        frames.append(
            pd.DataFrame(
                {
                    "sample_id": [f"{split}-{k:06d}" for k in range(n)],
                    "image": [f"{split}/{k // 2:06d}.jpg" for k in range(n)],
                    "split": split,
                    "x1": 2.0,
                    "y1": 2.0,
                    "x2": 20.0,
                    "y2": 30.0,
                    "labels": texts,
                }
            )
        )
    manifest = Manifest(frame=pd.concat(frames, ignore_index=True), labels=labels)
    return Study.create(path, name=labels.name, kind="table", labels=labels, manifest=manifest)


def add_run(
    study: Study,
    model: str,
    setting: str,
    seed: int,
    *,
    splits: Sequence[str] = ("val", "test"),
    skill: float = 0.6,
    n_bootstrap: int = 20,
) -> Path:
    """A finished, evaluated run of a setting with random outputs, the better the more `skill`."""
    labels = study.labels
    recipe = recipe_path(model, labels.name)
    config = SETTINGS[setting].train(load_reference(recipe, model), seed=seed)
    stem = f"{model}-{setting}"
    path = study.runs_root / f"{stem}-seed{seed}"
    config = set_fields(config, {"name": stem})
    write_json(path / "config.json", {"config": config, "label_set": labels.to_dict()})
    write_json(path / "environment.json", {"manifest": study.manifest.content_hash()})
    key = "ccim" if config["intervention"]["name"] == "ccim" else "likelihood"
    frames, rows, controls = [], [], {}
    for place, split in enumerate(splits):
        part = study.manifest.split(split)
        targets = part.targets()
        # Difficulty is the image's own, so that runs err on the same subjects, as real ones do.
        shared = np.random.default_rng(place).normal(size=targets.shape)
        own = np.random.default_rng([place, seed, *stem.encode()]).normal(size=targets.shape)
        logits = 2 * skill * targets + 0.8 * shared + 0.6 * own - 1
        outputs = _probabilities(logits, labels).astype(np.float32)
        record = evaluate_outputs(
            targets,
            outputs,
            labels,
            images=part.frame["image"].to_numpy(str),
            n_bootstrap=n_bootstrap,
        )
        rows.append({"split": split, "estimator": key, **record})
        if key == "ccim":
            controls[split] = {
                "causal_share": 0.04,
                "input_dependent_share": 0.02,
                "headline_g_mean": record["headline"],
                "headline_g_zero": record["headline"],
                "top_change_g_mean": 0.01,
            }
        frame = pd.DataFrame(outputs, columns=list(labels.emotions))
        frame.insert(0, "sample_id", part.frame["sample_id"].to_numpy())
        frame.insert(1, "split", split)
        frame.insert(2, "estimator", key)
        frames.append(frame)
    table = pd.concat(frames, ignore_index=True).astype(
        {"split": "category", "estimator": "category"}
    )
    with write_atomically(path / "predictions.parquet") as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")
    write_json(path / "evaluation.json", {"rows": rows, "controls": controls})
    write_json(path / "done", {})
    return path


def _probabilities(logits: np.ndarray, labels: LabelSet) -> np.ndarray:
    if labels.link == "softmax":
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    return 1 / (1 + np.exp(-logits))


def main() -> None:
    """Make the study once, then time the command on it."""
    parser = argparse.ArgumentParser(
        description=__doc__, prog="python -m analysis.benchmark_tables"
    )
    parser.add_argument("--subjects", type=int, default=7203)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--keep", type=Path, help="make the study here, or use the one there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = arguments.keep or Path(temporary) / "study"
        if not (path / "study.json").is_file():
            _make(path, arguments.subjects, arguments.runs)
        command = [sys.executable, "-m", "analysis", "reproduce", "table1", "--study", str(path)]
        for words in ([*command, "--csv"], [*command, "--csv", "--splits", "test"]):
            start, before = time.perf_counter(), _child_seconds()
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            seconds = time.perf_counter() - start
            print(
                f"{seconds:5.1f} s, of which {_child_seconds() - before:.1f} s of processor: "
                f"{' '.join(words[1:])}",
                flush=True,
            )


def _child_seconds() -> float:
    """Of processes that have ended; 0 on Windows, which does not tell."""
    used = os.times()
    return used.children_user + used.children_system


def _make(path: Path, subjects: int, runs: int) -> None:
    labels = get_label_set("emotic")
    study = synthetic_study(path, labels, {"train": 10, "val": subjects // 2, "test": subjects})
    made = 0
    for seed in range(runs):
        for setting in ("none", "ccim", "random_z", "constant_g"):
            for model in ("emot_net", "gcn_cnn", "caer_net", "emoticon"):
                if made < runs:
                    add_run(study, model, setting, seed, skill=0.5 + 0.02 * (setting != "none"))
                    made += 1


if __name__ == "__main__":
    main()
