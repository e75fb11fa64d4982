"""How long the bias study takes at full size: `python -m analysis.benchmark_bias`.

A million subjects, 365 scenes, 26 emotions, with null, bootstrap and false discovery rates, on
synthetic tables of three kinds: one subject an image with one label; one subject an image with
several labels; and images of one to five subjects of several labels. Prints seconds and the
process's peak memory.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
import pandas as pd
import psutil

from analysis.bias import BiasSettings, bias_study
from ccim_core.labels import LABEL_SETS, LabelSet

__all__ = ["main", "synthetic_frame"]

KINDS = ("one label", "several labels", "several subjects")


def synthetic_frame(
    n_subjects: int, labels: LabelSet, *, kind: str, n_scenes: int = 365, seed: int = 0
) -> pd.DataFrame:
    """A table with Zipf-distributed scenes; labels lean on the scene a little."""
    rng = np.random.default_rng(seed)
    sizes = np.ones(n_subjects, np.int64)
    if kind == "several subjects":
        sizes = rng.choice(5, n_subjects, p=[0.55, 0.25, 0.12, 0.05, 0.03]) + 1
        sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), n_subjects)) + 1]
    image = np.repeat(np.arange(len(sizes)), sizes)[:n_subjects]
    zipf = np.arange(1, n_scenes + 1) ** -1.2
    scene = rng.choice(n_scenes, len(sizes), p=zipf / zipf.sum())[image]
    base = rng.dirichlet(np.full(labels.size, 2.0))
    first = rng.choice(labels.size, n_subjects, p=base)
    first = np.where(rng.random(n_subjects) < 0.05, scene % labels.size, first)
    names = np.array(labels.emotions, object)
    texts = names[first]
    if kind != "one label":
        for share in (0.6, 0.3):
            more = rng.choice(labels.size, n_subjects, p=base)
            add = (rng.random(n_subjects) < share) & (more != first)
            texts = np.where(add, texts + "|" + names[more], texts)
    return pd.DataFrame(
        {
            "image": np.char.add("img/", image.astype(str)),
            "scene": np.char.add("scene_", scene.astype(str)),
            "labels": texts,
        }
    )


def main() -> None:
    """Time `bias_study` on each kind of table."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m analysis.benchmark_bias")
    parser.add_argument("--subjects", type=int, default=1_000_000)
    parser.add_argument("--kind", choices=KINDS, action="append")
    arguments = parser.parse_args()
    labels = LABEL_SETS["emotic"]
    for kind in arguments.kind or KINDS:
        frame = synthetic_frame(arguments.subjects, labels, kind=kind)
        start = time.perf_counter()
        report = bias_study(frame, labels, settings=BiasSettings())
        seconds = time.perf_counter() - start
        peak = _peak_memory() / 2**30
        print(
            f"{kind}: {len(frame):,} subjects, {report.dataset['scenes']} scenes, "
            f"{len(report.emotions)} emotions, {report.dataset['significant_cells']} significant "
            f"cells: {seconds:.1f} s, peak memory {peak:.2f} GiB",
            flush=True,
        )


def _peak_memory() -> int:
    """The most this process has held resident so far, bytes."""
    try:
        import resource
    except ImportError:  # Windows, which tells it so
        return int(getattr(psutil.Process().memory_info(), "peak_wset"))  # noqa: B009
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


if __name__ == "__main__":
    main()
