from __future__ import annotations

import json

import pytest

from ccim_core.errors import InputError
from ccim_core.study import Study
from ccim_core.sweeps.engine import SweepOptions
from ccim_core.sweeps.processes import run_in_processes, stand_alone
from ccim_core.training.config import RunConfig, replace_field


def test_two_processes_share_the_runs(study: Study, base: RunConfig) -> None:
    configs = [replace_field(base, "train.seed", seed) for seed in range(6)]
    options = SweepOptions(device="cpu", n_bootstrap=0)
    outcome = run_in_processes(study, configs, options, processes=2, quiet=True)
    assert len(study.run_paths()) == 6
    assert not outcome.failed
    # Which made how many is chance; that each was made once shows in its evaluation.
    assert {run.state for run in outcome.runs} <= {"made", "elsewhere"}
    for path in study.run_paths():
        assert json.loads((path / "evaluation.json").read_text())["rows"]
    # Nobody is at anything any more.
    assert not list((study.runs_root / ".claims").glob("claim-*"))


def test_no_process_at_all_is_refused(study: Study, base: RunConfig) -> None:
    with pytest.raises(InputError, match="--processes"):
        run_in_processes(study, [base], SweepOptions(), processes=0)


def test_a_process_of_torchrun_works_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    values = {"RANK": "3", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "4"}
    for name, value in {**values, "MASTER_ADDR": "x", "CUDA_VISIBLE_DEVICES": "5,7"}.items():
        monkeypatch.setenv(name, value)
    assert stand_alone() == 3
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"
    assert not {"RANK", "WORLD_SIZE", "MASTER_ADDR"} & set(os.environ)
    assert stand_alone() == 0
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"
