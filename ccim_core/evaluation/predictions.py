"""predictions.parquet: a row per subject × split × estimator, a column per emotion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ccim_core.errors import InputError
from ccim_core.evaluation.checks import align_predictions
from ccim_core.files import write_atomically
from ccim_core.manifest import Manifest
from ccim_core.run import Run
from ccim_core.training.assembly import split_samples
from ccim_core.training.data import StudyData
from ccim_core.training.samples import Samples

__all__ = [
    "KEY_COLUMNS",
    "SplitFeatures",
    "aligned_outputs",
    "predict_split",
    "read_predictions",
    "split_features",
]

KEY_COLUMNS = ("sample_id", "split", "estimator")
_ROWS = 512


@dataclass(frozen=True, kw_only=True)
class SplitFeatures:
    """A split as a run sees it: u (n, d_u), v (n, d_v), stratum (n,), rows of the manifest (n,)."""

    split: str
    rows: np.ndarray
    u: Tensor
    v: Tensor
    stratum: Tensor

    def chunks(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """(u, v, stratum) a few hundred rows at a time."""
        return zip(self.u.split(_ROWS), self.v.split(_ROWS), self.stratum.split(_ROWS), strict=True)


@torch.no_grad()
def split_features(run: Run, data: StudyData, split: str) -> SplitFeatures:
    """Project a split with a run's network; its masked contexts give the strata."""
    samples: Samples = split_samples(data, run.config, split)
    order = list(torch.arange(len(samples)).split(_ROWS))
    network = run.network.to(data.device)
    parts = [network.project(batch) for batch in samples.batches(order)]
    rows = data.rows(split)
    network.cpu()
    return SplitFeatures(
        split=split,
        rows=rows,
        u=torch.cat([u for u, _ in parts]).float().cpu(),
        v=torch.cat([v for _, v in parts]).float().cpu(),
        stratum=torch.from_numpy(data.strata(run.config, split)),
    )


def estimate_split(run: Run, features: SplitFeatures, key: str) -> np.ndarray:
    """One estimator's outputs on a split, (n, C) float32."""
    parts = [run.estimate(key, u, v, stratum) for u, v, stratum in features.chunks()]
    return torch.cat(parts).float().numpy()


def predict_split(run: Run, features: SplitFeatures, data: StudyData) -> pd.DataFrame:
    """Predictions of every estimator that the run supports, on one split."""
    ids = data.manifest.frame["sample_id"].to_numpy()[features.rows]
    frames = []
    for key, reason in run.estimators().items():
        if reason is not None:
            continue
        outputs = estimate_split(run, features, key)
        frame = pd.DataFrame(outputs, columns=list(run.labels.emotions))
        frame.insert(0, "sample_id", ids)
        frame.insert(1, "split", features.split)
        frame.insert(2, "estimator", key)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def write_predictions(path: Path, frames: Sequence[pd.DataFrame]) -> None:
    """Write all splits of a run, compressed, whole or not at all."""
    table = pd.concat(frames, ignore_index=True)
    for column in ("split", "estimator"):
        table[column] = table[column].astype("category")
    emotions = [column for column in table.columns if column not in KEY_COLUMNS]
    table[emotions] = table[emotions].astype(np.float32).round(5)
    with write_atomically(path) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")


def read_predictions(run: Run, *, split: str | None = None) -> pd.DataFrame:
    """A run's predictions. Raises InputError when they have not been made or do not fit."""
    path = run.path / "predictions.parquet"
    if not path.is_file():
        raise InputError(
            f"Expected predictions in {run.path}, got none; make them with "
            f"`python -m ccim_core evaluate --study {run.path.parent.parent} --run {run.name}`."
        )
    filters = None if split is None else [("split", "==", split)]
    table = pd.read_parquet(path, filters=filters)
    missing = {*KEY_COLUMNS, *run.labels.emotions} - set(table.columns)
    if missing:
        raise InputError(f"Expected columns {sorted(missing)} in {path}, got none of them.")
    return table


def aligned_outputs(run: Run, manifest: Manifest) -> dict[tuple[str, str], np.ndarray]:
    """Split and estimator to a run's kept outputs (n, C), float64, in the manifest's order.

    Raises InputError when there are none, or not one for each subject of a split.
    """
    emotions = list(run.labels.emotions)
    found = {}
    for (split, estimator), part in read_predictions(run).groupby(
        ["split", "estimator"], observed=True, sort=False
    ):
        order = align_predictions(
            part["sample_id"].to_numpy(),
            manifest,
            str(split),
            source=str(run.path / "predictions.parquet"),
        )
        found[str(split), str(estimator)] = part[emotions].to_numpy(np.float64)[order]
    return found
