from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest

from ccim_core import data_variation
from ccim_core.data_variation import make_data_variation
from ccim_core.evaluation.evaluate import read_evaluation
from ccim_core.files import read_json
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.sweeps.engine import SweepOutcome
from ccim_core.training.config import RunConfig, replace_field


def headline(path: Path, split: str, estimator: str) -> float:
    rows = read_evaluation(Run.open(path))["rows"]
    return float(
        next(r["headline"] for r in rows if (r["split"], r["estimator"]) == (split, estimator))
    )


def plain_config(study: Study) -> RunConfig:
    """The settings that the tiny study's runs have."""
    return replace_field(Run.open(study.run_path("none-seed0")).config, "train.epochs", 1)


def test_the_spread_is_that_of_the_runs_and_what_is_there_is_not_made_again(
    copied: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = plain_config(copied)
    rows = make_data_variation(
        copied, data_seeds=2, dictionary_seeds=2, base=base, variants=("none", "ccim"), quiet=True
    )
    record = read_json(copied.analysis_root / "data_variation.json")
    assert (record["data_seeds"], record["dictionary_seeds"]) == ([0, 1], [0, 1])
    assert record["rows"] == rows
    found = {(row["variant"], row["estimator"], row["split"]): row for row in rows}
    folders = [copied.path / "variation" / f"data-seed{seed}" / "runs" for seed in (0, 1)]
    values = [headline(folder / "ccim-seed0", "shift", "ccim") for folder in folders]
    plain = [headline(folder / "none-seed0", "shift", "likelihood") for folder in folders]
    ccim = found["ccim", "ccim", "shift"]
    assert ccim["data_values"] == values
    assert ccim["data_sd"] == pytest.approx(statistics.stdev(values))
    moved = [a - b for a, b in zip(values, plain, strict=True)]
    assert ccim["difference_mean"] == pytest.approx(statistics.fmean(moved))
    # No dictionary enters a plain model's own pass.
    assert found["none", "likelihood", "shift"]["dictionary_values"] is None
    assert {path.name for path in folders[1].glob("*-seed*")} == {"none-seed0", "ccim-seed0"}

    original = data_variation.run_in_processes

    def checked(*arguments: Any, **options: Any) -> SweepOutcome:
        outcome = original(*arguments, **options)
        assert outcome.count("present") == len(outcome.runs)
        return outcome

    monkeypatch.setattr(data_variation, "run_in_processes", checked)
    again = make_data_variation(
        copied, data_seeds=2, dictionary_seeds=2, base=base, variants=("none", "ccim"), quiet=True
    )
    assert again == rows
