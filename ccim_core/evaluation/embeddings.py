"""embeddings/<estimator>.npy: joint features of a run's test subjects, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ccim_core.causal.backdoor import stratum_substitution
from ccim_core.errors import InputError
from ccim_core.evaluation.predictions import SplitFeatures
from ccim_core.files import write_atomically
from ccim_core.run import Run
from ccim_core.training.data import StudyData

__all__ = ["mean_joint_feature", "read_embeddings", "write_embeddings"]

INDEX = "index.parquet"


@torch.no_grad()
def write_embeddings(run: Run, data: StudyData, features: Sequence[SplitFeatures]) -> None:
    """Write float16 arrays (n, d) and `index.parquet` with each row's sample_id, split and stratum.

    likelihood: h (d_h). ccim: W_h h + W_g g (d_m), the input of the classifier. context: v, the
    projected context (Figure 7). backdoor: h averaged over the strata's members, which is the
    joint feature under P(z) instead of P(z|X).
    """
    folder = run.path / "embeddings"
    ids = data.manifest.frame["sample_id"].to_numpy()
    index = pd.concat(
        pd.DataFrame(
            {
                "sample_id": ids[part.rows],
                "split": part.split,
                "stratum": part.stratum.numpy(),
            }
        )
        for part in features
    )
    u = torch.cat([part.u for part in features])
    v = torch.cat([part.v for part in features])
    h = run.network.joint(u, v)
    arrays = {"likelihood": h, "context": v, "backdoor": mean_joint_feature(run, u)}
    if run.network.deconfounder is not None:
        arrays["ccim"] = run.network.deconfounder(h)
    for name, array in arrays.items():
        _save(folder / f"{name}.npy", array)
    with write_atomically(folder / INDEX) as temporary:
        index.to_parquet(temporary, index=False)


def read_embeddings(run: Run, name: str) -> tuple[np.ndarray, pd.DataFrame]:
    """One array (n, d), float32, and its index. Raises InputError when it was not stored."""
    path = run.path / "embeddings" / f"{name}.npy"
    if not path.is_file():
        raise InputError(
            f"Expected {path}, got no such file; make it with `python -m ccim_core evaluate "
            f"--study {run.path.parent.parent} --run {run.name} --embeddings test`."
        )
    array = np.load(path, allow_pickle=False).astype(np.float32)
    return array, pd.read_parquet(path.parent / INDEX)


def mean_joint_feature(run: Run, u: Tensor) -> Tensor:
    """h averaged over the strata's members, (n, d_h), for u (n, d_u)."""
    return stratum_substitution(u, run.context.strata, outputs=run.network.joint)


def _save(path: Path, array: Tensor) -> None:
    with write_atomically(path) as temporary:
        np.save(temporary, array.half().cpu().numpy(), allow_pickle=False)
