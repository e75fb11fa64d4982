from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ccim_core.sweeps.engine as engine
from ccim_core.evaluation.evaluate import read_evaluation
from ccim_core.features.claims import Claims
from ccim_core.files import read_json, write_json
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.sweeps.engine import FAILURE_FILE, SweepOptions, run_sweep
from ccim_core.sweeps.plan import plan_runs
from ccim_core.training.config import RunConfig, replace_field

OPTIONS = SweepOptions(device="cpu", n_bootstrap=10)


def three(base: RunConfig) -> list[RunConfig]:
    """Two runs that can be made, and one between them that cannot."""
    ccim = replace_field(replace(base, name="b"), "intervention.name", "ccim")
    return [
        replace(base, name="a"),
        replace_field(replace(base, name="bad"), "dictionary.size", 99),
        ccim,
    ]


def test_one_that_fails_stops_no_other_and_nothing_is_made_twice(
    study: Study, base: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_sweep(study, three(base), OPTIONS, quiet=True)
    assert [(run.name, run.state) for run in first.runs] == [
        ("a-seed0", "made"),
        ("bad-seed0", "failed"),
        ("b-seed0", "made"),
    ]
    assert first.failed[0].error.startswith("Expected at least 99 distinct features")
    record = read_json(first.failed[0].path / FAILURE_FILE)
    assert "Traceback" in record["traceback"]
    rows = read_evaluation(Run.open(first.runs[2].path))["rows"]
    assert {row["split"] for row in rows} == {"val"}  # nothing is trained on it
    trained: list[str] = []
    original = engine.train_run

    def counted(study: Study, config: RunConfig, **options: object) -> Path:
        trained.append(config.run_name)
        return original(study, config, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "train_run", counted)
    second = run_sweep(study, three(base), OPTIONS, quiet=True)
    assert [run.state for run in second.runs] == ["present", "failed", "present"]
    assert trained == ["bad-seed0"]  # a failure is tried again
    # What could not be made and now can is made, and its failure forgotten.
    better = replace_field(three(base)[1], "dictionary.size", 4)
    plan = plan_runs(study, [better])
    assert run_sweep(study, [better], OPTIONS, quiet=True).runs[0].state == "made"
    assert not (plan[0].path / FAILURE_FILE).exists()


def test_a_defect_is_reported_with_its_kind(
    study: Study, base: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **options: object) -> Path:
        raise RuntimeError("out of\n  memory")

    monkeypatch.setattr(engine, "train_run", broken)
    outcome = run_sweep(study, three(base)[:1], OPTIONS, quiet=True)
    assert outcome.failed[0].error == "RuntimeError: out of memory"


def test_an_interruption_is_no_failure_and_leaves_the_run_to_others(
    study: Study, base: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **options: object) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(engine, "train_run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(study, three(base)[:1], OPTIONS, quiet=True)
    path = study.runs_root / "a-seed0"
    assert not (path / FAILURE_FILE).exists()
    assert run_sweep(study, three(base)[:1], OPTIONS, quiet=True).runs[0].state == "made"


def test_trained_but_not_evaluated_is_evaluated_only(study: Study, base: RunConfig) -> None:
    made = run_sweep(study, three(base)[:1], OPTIONS, quiet=True).runs[0]
    before = (made.path / "model.safetensors").stat().st_mtime_ns
    (made.path / "evaluation.json").unlink()
    assert run_sweep(study, three(base)[:1], OPTIONS, quiet=True).runs[0].state == "made"
    assert (made.path / "evaluation.json").is_file()
    assert (made.path / "model.safetensors").stat().st_mtime_ns == before


def test_what_another_process_is_at_is_waited_for(
    study: Study, base: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another has claimed both runs: it makes one, fails at one; neither is tried here."""
    monkeypatch.setattr(engine, "_POLL_SECONDS", 0.01)
    wanted = [three(base)[0], three(base)[2]]
    plan = plan_runs(study, wanted)
    claims = Claims(study.runs_root / ".claims")
    with claims.lock:
        keys = np.array([run.content[:32].encode() for run in plan])
        claim = claims.take(keys)

    def work() -> None:
        time.sleep(0.1)
        (plan[0].path / "done").parent.mkdir(parents=True)
        (plan[0].path / "evaluation.json").write_text("{}")
        (plan[0].path / "done").write_text("{}")
        record = {"error": "no luck", "content": plan[1].content, "at": time.time()}
        write_json(plan[1].path / FAILURE_FILE, record)
        claim.release()

    thread = threading.Thread(target=work)
    thread.start()
    outcome = run_sweep(study, wanted, OPTIONS, quiet=True)
    thread.join()
    assert [(run.state, run.error) for run in outcome.runs] == [
        ("elsewhere", ""),
        ("failed", "no luck"),
    ]


def test_what_a_process_lets_go_unfinished_is_taken_over(
    study: Study, base: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_POLL_SECONDS", 0.01)
    plan = plan_runs(study, three(base)[:1])
    claims = Claims(study.runs_root / ".claims")
    with claims.lock:
        claim = claims.take(np.array([plan[0].content[:32].encode()]))
    timer = threading.Timer(0.2, claim.release)
    timer.start()
    assert run_sweep(study, three(base)[:1], OPTIONS, quiet=True).runs[0].state == "made"
    timer.join()
