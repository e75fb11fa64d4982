"""A study as large as EMOTIC, with all that the pages read; drawn at random, nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.benchmark_tables import add_run
from analysis.bias import BiasSettings, bias_study
from analysis.clusters import cluster_study
from analysis.embedding_sources import default_pairs
from analysis.embeddings import EmbedSettings, embed
from analysis.stored import save_bias, save_clusters
from ccim_core.confounders import ConfounderDictionary
from ccim_core.evaluation.table import study_table, table_rows
from ccim_core.files import read_json, write_json
from ccim_core.labels import get_label_set
from ccim_core.manifest import Manifest
from ccim_core.rendered.scenes import SCENES
from ccim_core.study import Study

__all__ = ["SIZES", "make_large_study"]

SIZES = {"train": 23_706, "val": 3_315, "test": 7_299}
"""Subjects a split: 34,320 in all, as EMOTIC has."""

N_SCENES = 365
N_CLUSTERS = 256
WIDTH = 16


def make_large_study(
    path: Path,
    *,
    sizes: Mapping[str, int] = SIZES,
    n_clusters: int = N_CLUSTERS,
    max_points: int = 10_000,
) -> Study:
    """Write it (half a minute). 26 emotions, 365 scenes, 256 clusters, eight evaluated runs.

    max_points: of a map, as `EmbedSettings` has it.
    """
    rng = np.random.default_rng(0)
    labels = get_label_set("emotic")
    manifest = Manifest(frame=_frame(rng, labels.emotions, sizes), labels=labels)
    study = Study.create(path, name="Large", kind="table", labels=labels, manifest=manifest)
    bias = bias_study(manifest, settings=BiasSettings(split=None, n_null=39, n_bootstrap=39))
    save_bias(study, bias)
    _add_clusters(study, rng, n_clusters)
    for model in ("emot_net", "caer_net"):
        for setting in ("none", "ccim"):
            for seed in (0, 1):
                _add_features(add_run(study, model, setting, seed), study, rng, n_clusters)
    write_json(study.analysis_root / "evaluation.json", table_rows(study_table(study)))
    for before, after in default_pairs(study):
        embed(
            study,
            before,
            after,
            settings=EmbedSettings(split="test", method="pca", max_points=max_points),
        )
    return study


def _frame(
    rng: np.random.Generator, emotions: tuple[str, ...], sizes: Mapping[str, int]
) -> pd.DataFrame:
    """Subjects, three to two images; scenes by Zipf's law, emotions that lean on them."""
    zipf = 1 / np.arange(1, N_SCENES + 1)
    frames = []
    for split, n in sizes.items():
        image = np.sort(rng.integers(0, 2 * n // 3, n))
        scene = rng.choice(N_SCENES, 2 * n // 3 + 1, p=zipf / zipf.sum())[image]
        first = (scene + rng.integers(0, 9, n)) % len(emotions)
        second = rng.integers(0, len(emotions), n)
        names = np.array(emotions)
        both = np.char.add(np.char.add(names[first], "|"), names[second])
        frames.append(
            pd.DataFrame(
                {
                    "sample_id": [f"{split}-{k:06d}" for k in range(n)],
                    "image": [f"{split}/{k:06d}.jpg" for k in image],
                    "split": split,
                    "x1": 2.0,
                    "y1": 2.0,
                    "x2": 20.0,
                    "y2": 30.0,
                    "labels": np.where(first == second, names[first], both),
                    "scene": [_scene_name(k) for k in scene],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _scene_name(k: int) -> str:
    names = sorted(SCENES)
    return names[k] if k < len(names) else f"scene_{k:03d}"


def _add_clusters(study: Study, rng: np.random.Generator, n_clusters: int) -> None:
    part = study.manifest.split("train").frame.reset_index(drop=True)
    features = rng.normal(size=(len(part), WIDTH)).astype(np.float32)
    features[:, 0] += pd.factorize(part["scene"])[0] % 40
    dictionary = ConfounderDictionary(n_clusters, random_state=0).fit(features)
    dictionary.save(
        study.dictionaries_root / "large.safetensors", {"split": "train", "view": "masked"}
    )
    report = cluster_study(
        part,
        dictionary.labels_,
        study.labels,
        n_clusters=n_clusters,
        features=features,
        centers=dictionary.centers_,
    )
    save_clusters(study, report, dictionary="large", split="train")


def _add_features(path: Path, study: Study, rng: np.random.Generator, n_clusters: int) -> None:
    """Joint and context features beside a run, for the embeddings."""
    info = read_json(path / "config.json")
    write_json(path / "config.json", {**info, "widths": {}})
    part = study.manifest.split("test").frame
    kind = info["config"]["intervention"]["name"]
    folder = path / "embeddings"
    folder.mkdir()
    scene = pd.factorize(part["scene"])[0]
    for name in ("context", "ccim" if kind == "ccim" else "likelihood", "backdoor"):
        features = rng.normal(size=(len(part), WIDTH))
        features[:, 0] += scene % 20
        np.save(folder / f"{name}.npy", features.astype(np.float16))
    index = part[["sample_id", "split"]].assign(stratum=(scene % n_clusters).astype(np.int64))
    index.to_parquet(folder / "index.parquet", index=False)
