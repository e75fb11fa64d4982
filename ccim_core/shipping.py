"""The demo study as it ships: everything the app shows, at a fraction of its size.

Weights of one seed of every trained-in intervention, in half precision; predictions (three
decimals, on `test` and `shift` alone where the weights stay behind) and metrics of every seed; of
the ablations' runs what their own forward pass says; the analysis tables. Features, checkpoints
and embeddings stay behind.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccim_core.evaluation.intervals import INTERVALS_FILE
from ccim_core.evaluation.predictions import KEY_COLUMNS
from ccim_core.evaluation.table import study_table, table_rows
from ccim_core.evaluation.variants import own_estimator
from ccim_core.files import read_json, write_atomically
from ccim_core.run import Run
from ccim_core.study import Study

__all__ = ["ship_study"]

_RECORDS = ("config.json", "environment.json", "encoder.json", "metrics.jsonl", "done")
_DECIMALS = 3  # of a probability: what a table prints, and it compresses three times better
_SHOWN = ("test", "shift")
# Splits that no page shows by emotion or group, and what is left out of their metrics.
_SUMMARISED = ("val", "twins")
_DETAILS = ("per_class", "groups", "reliability", "confusion")
_WEIGHTS = ("model.safetensors", "strata.safetensors")


def ship_study(
    study: Study, out: Path, *, weights_of: Collection[str], brief: Collection[str] = ()
) -> Study:
    """Copy a finished study to `out`, replacing a study that is there.

    Args:
        weights_of: names of the runs whose weights go along.
        brief: names of runs of which only their own forward pass on `test` and `shift` goes.

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
        _ship_run(
            Run.open(path),
            out / "runs" / path.name,
            weights=path.name in weights_of,
            brief=path.name in brief,
        )
    shutil.copyfile(study.path / "study.json", out / "study.json")
    shipped = Study.open(out)
    table = out / "analysis" / "evaluation.json"
    if table.is_file():
        _write_compactly(table, table_rows(study_table(shipped)))
    intervals = out / "analysis" / INTERVALS_FILE
    if intervals.is_file():
        _write_compactly(intervals, read_json(intervals))
    return shipped


def _ship_run(run: Run, target: Path, *, weights: bool, brief: bool) -> None:
    own = own_estimator(run.config.intervention.name)
    target.mkdir(parents=True)
    for name in (*_RECORDS, *(_WEIGHTS if weights else ())):
        if (run.path / name).is_file():
            shutil.copyfile(run.path / name, target / name)
    short = read_json(run.path / "evaluation.json")
    if brief:
        _keep_own(short, own)
    for row in short["rows"]:
        if row["split"] in _SUMMARISED:
            for name in _DETAILS:
                row.pop(name, None)
    _write_compactly(target / "evaluation.json", short)
    table = pd.read_parquet(run.path / "predictions.parquet")
    if not weights:
        table = table[table["split"].isin(_SHOWN)]
    if brief:
        table = table[table["estimator"] == own]
    values = [column for column in table.columns if column not in KEY_COLUMNS]
    table[values] = table[values].round(_DECIMALS).astype(np.float16)
    with write_atomically(target / "predictions.parquet") as temporary:
        table.to_parquet(temporary, index=False, compression="zstd", compression_level=19)


def _write_compactly(path: Path, value: Any) -> None:
    """JSON without indentation and at six digits: a third of the space."""
    text = json.dumps(value)
    short = json.loads(text, parse_float=lambda digits: float(f"{float(digits):.6g}"))
    path.write_text(json.dumps(short, separators=(",", ":")), encoding="utf-8")


def _keep_own(evaluation: dict[str, Any], estimator: str) -> None:
    """Leave of an evaluation what a run's own forward pass says of `_SHOWN`."""

    def of_own(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [r for r in rows if r["split"] in _SHOWN and r["estimator"] == estimator]

    evaluation["rows"] = of_own(evaluation["rows"])
    evaluation["controls"] = {
        split: found for split, found in evaluation["controls"].items() if split in _SHOWN
    }
    if "comparisons" in evaluation:
        evaluation["comparisons"]["rows"] = of_own(evaluation["comparisons"]["rows"])
