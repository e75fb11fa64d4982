"""The demo study as it ships: everything the app shows, at a fraction of its size.

Weights of one seed of every trained-in intervention, in half precision; predictions (three
decimals) and metrics of every seed, but the twins' predictions of the runs without weights; the
analysis tables. Features, checkpoints and embeddings stay behind.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from ccim_core.evaluation.predictions import KEY_COLUMNS
from ccim_core.files import write_atomically
from ccim_core.run import Run
from ccim_core.study import Study

__all__ = ["ship_study"]

_RECORDS = ("config.json", "environment.json", "encoder.json", "metrics.jsonl", "done")
_DECIMALS = 3  # of a probability: what a table prints, and it compresses three times better
_TWINS = "twins"
# Splits that no page shows by emotion or group, and what is left out of their metrics.
_SUMMARISED = ("val", "twins")
_DETAILS = ("per_class", "groups", "reliability", "confusion")
_WEIGHTS = ("model.safetensors", "strata.safetensors")


def ship_study(study: Study, out: Path, *, weights_of: Collection[str]) -> Study:
    """Copy a finished study to `out`, replacing a study that is there.

    Args:
        weights_of: names of the runs whose weights go along.

    Raises:
        InputError: `out` holds something that is no study.
    """
    Study.check_target(out)
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    for name in ("manifest.parquet", "truth.json"):
        if (study.path / name).is_file():
            shutil.copyfile(study.path / name, out / name)
    if study.analysis_root.is_dir():
        shutil.copytree(study.analysis_root, out / "analysis")
    for path in study.run_paths():
        _ship_run(Run.open(path), out / "runs" / path.name, weights=path.name in weights_of)
    shutil.copyfile(study.path / "study.json", out / "study.json")
    return Study.open(out)


def _ship_run(run: Run, target: Path, *, weights: bool) -> None:
    target.mkdir(parents=True)
    for name in (*_RECORDS, *(_WEIGHTS if weights else ())):
        if (run.path / name).is_file():
            shutil.copyfile(run.path / name, target / name)
    # Without indentation and at six digits the metrics take a third of the space.
    text = (run.path / "evaluation.json").read_text(encoding="utf-8")
    short = json.loads(text, parse_float=lambda digits: float(f"{float(digits):.6g}"))
    for row in short["rows"]:
        if row["split"] in _SUMMARISED:
            for name in _DETAILS:
                row.pop(name, None)
    compact = json.dumps(short, separators=(",", ":"))
    (target / "evaluation.json").write_text(compact, encoding="utf-8")
    table = pd.read_parquet(run.path / "predictions.parquet")
    if not weights:
        table = table[table["split"] != _TWINS]
    values = [column for column in table.columns if column not in KEY_COLUMNS]
    table[values] = table[values].round(_DECIMALS).astype(np.float16)
    with write_atomically(target / "predictions.parquet") as temporary:
        table.to_parquet(temporary, index=False, compression="zstd", compression_level=19)
