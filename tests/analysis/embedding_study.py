"""A small study whose runs keep features of known structure; no network is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ccim_core.files import write_json
from ccim_core.labels import get_label_set
from ccim_core.manifest import build_manifest
from ccim_core.study import Study
from ccim_core.training.config import RunConfig, replace_field, to_dict

SCENES = ("park", "market/outdoor", "hospital_room", "train_station/platform", "beach")
LABELS = get_label_set("controlled")
ARRAYS = ("likelihood", "context", "backdoor")


def make_study(path: Path, *, n: int = 60, seed: int = 0) -> Study:
    """Splits `shift` and `test` of n subjects each; runs `none-seed0` and `ccim-seed0`.

    In `likelihood` and `context` scenes lie far apart and emotions a little; `backdoor` and `ccim`
    have no scene.
    """
    rng = np.random.default_rng(seed)
    frame = make_frame(rng, n)
    manifest, _ = build_manifest(frame, LABELS)
    study = Study.create(path, name="small", kind="table", labels=LABELS, manifest=manifest)
    for name, arrays in (("none", ARRAYS), ("ccim", ("ccim", "context", "backdoor"))):
        config = replace_field(replace(RunConfig(), name=name), "intervention.name", name)
        make_run(study, config, arrays, rng)
    return study


def make_frame(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """A manifest table: one subject an image."""
    parts = []
    for split in ("shift", "test"):
        parts.append(
            pd.DataFrame(
                {
                    "sample_id": [f"{split}-{i:03d}" for i in range(n)],
                    "image": [f"{split}/{i:03d}.png" for i in range(n)],
                    "split": split,
                    "x1": 0.0,
                    "y1": 0.0,
                    "x2": 8.0,
                    "y2": 8.0,
                    "labels": rng.choice(LABELS.emotions, n),
                    "scene": rng.choice(SCENES, n),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def make_run(
    study: Study, config: RunConfig, arrays: tuple[str, ...], rng: np.random.Generator
) -> Path:
    """A run directory as far as the analysis of embeddings reads it."""
    path = study.runs_root / config.run_name
    write_json(
        path / "config.json",
        {"config": to_dict(config), "label_set": LABELS.to_dict(), "widths": {}},
    )
    write_json(path / "done", {"model_sha256": "none"})
    table = study.manifest.frame
    emotion = pd.Categorical(table["labels"], categories=LABELS.emotions).codes
    scene = pd.Categorical(table["scene"], categories=SCENES).codes
    folder = path / "embeddings"
    folder.mkdir()
    for name in arrays:
        width = 12 if name == "ccim" else 16
        features = rng.normal(size=(len(table), width))
        features[np.arange(len(table)), emotion] += 1.5
        if name in ("likelihood", "context"):
            features[np.arange(len(table)), 7 + scene] += 8
        np.save(folder / f"{name}.npy", features.astype(np.float16))
    index = table[["sample_id", "split"]].assign(stratum=scene.astype(np.int64))
    index.to_parquet(folder / "index.parquet", index=False)
    make_predictions(path, table, emotion, config.intervention.name, rng)
    return path


def make_predictions(
    path: Path, table: pd.DataFrame, emotion: np.ndarray, name: str, rng: np.random.Generator
) -> None:
    """`likelihood` (or `ccim`) is right for even rows, `backdoor` for all."""
    frames = []
    for estimator in ("ccim" if name == "ccim" else "likelihood", "backdoor"):
        right = np.ones(len(table), bool) if estimator == "backdoor" else table.index % 2 == 0
        top = np.where(right, emotion, (emotion + 1) % LABELS.size)
        probabilities = rng.uniform(0, 0.1, (len(table), LABELS.size))
        probabilities[np.arange(len(table)), top] = 0.5
        frame = pd.DataFrame(probabilities.astype(np.float32), columns=list(LABELS.emotions))
        frame.insert(0, "sample_id", table["sample_id"])
        frame.insert(1, "split", table["split"])
        frame.insert(2, "estimator", estimator)
        frames.append(frame)
    result = pd.concat(frames, ignore_index=True)
    for column in ("split", "estimator"):
        result[column] = result[column].astype("category")
    result.to_parquet(path / "predictions.parquet", index=False)
