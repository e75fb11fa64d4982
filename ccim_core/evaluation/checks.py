"""Whether a run, a study and predictions belong together; each fault in one sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccim_core.errors import InputError
from ccim_core.files import read_json
from ccim_core.manifest import Manifest
from ccim_core.run import Run
from ccim_core.study import Study

__all__ = ["align_predictions", "require_same_study"]


def require_same_study(run: Run, study: Study) -> None:
    """Raise InputError unless a run has the study's label set and was trained on its manifest."""
    if run.labels.emotions != study.labels.emotions:
        raise InputError(
            f"Expected a run of the label set {study.labels.name!r}, got {run.path} with "
            f"{run.labels.name!r}: evaluate it on a study of its own label set."
        )
    path = run.path / "environment.json"
    trained_on = read_json(path).get("manifest") if path.is_file() else None
    if trained_on is not None and not study.same_manifest(trained_on):
        raise InputError(
            f"Expected {run.path} to be trained on this study's manifest, got one trained on "
            f"another ({str(trained_on)[:12]}…): its splits may differ from these; move it to the "
            "study that it belongs to, or train it again."
        )


def align_predictions(
    sample_ids: np.ndarray, manifest: Manifest, split: str, *, source: str
) -> np.ndarray:
    """Order (n,) that takes predictions with `sample_ids` to the split's subjects, in its order.

    Raises InputError unless every subject of the split has exactly one.
    """
    frame = manifest.split(split).frame
    wanted = frame["sample_id"].to_numpy()
    index = pd.Index(sample_ids)
    covered = int(np.isin(wanted, index).sum())
    if covered == len(wanted) == len(index):
        return index.get_indexer(wanted)
    raise InputError(
        f"Expected one prediction for each of the {len(wanted):,} subjects of split {split!r} in "
        f"{source}, got {len(index):,} rows that cover {covered:,} of them; evaluate the run "
        "again."
    )
