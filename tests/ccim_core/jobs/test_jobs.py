"""Jobs: what is started is watched, stopped, killed and resumed by its directory alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ccim_core.errors import InputError
from ccim_core.files import write_json
from ccim_core.jobs import Jobs, JobSpec, JobStatus, Step
from ccim_core.jobs.processes import living_processes, record_launch
from ccim_core.jobs.records import write_state

WORKER = "tests.ccim_core.jobs.worker"


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(root=tmp_path / "jobs")


def count(tmp_path: Path, *totals: int, end: str = "well", subject: str = "a") -> JobSpec:
    return JobSpec(
        title="Count",
        subject=subject,
        steps=tuple(
            Step(
                title=f"to {total}",
                module=WORKER,
                arguments=(str(tmp_path / f"{subject}{k}"), str(total), end),
            )
            for k, total in enumerate(totals)
        ),
    )


def wait(jobs: Jobs, name: str, ready: Callable[[JobStatus], bool]) -> JobStatus:
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        status = jobs.status(name)
        if ready(status):
            return status
        time.sleep(0.02)
    raise AssertionError(f"still {status}:\n{status.log}")


def ended(status: JobStatus) -> bool:
    return status.state != "running"


def counting(status: JobStatus) -> bool:
    assert status.state == "running", status.log
    return status.progress is not None and 1 <= status.progress.done < 1000


def pid(status: JobStatus) -> int:
    return int(json.loads((status.path / "process.json").read_text())["pid"])


def test_steps_run_in_turn_and_the_log_holds_what_they_said(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.start(count(tmp_path, 2, 3))
    assert jobs.status(name).state == "running"  # from the first moment on
    status = wait(jobs, name, ended)
    assert status.state == "done", status.log
    assert (tmp_path / "a0").read_text() == "2"
    assert (tmp_path / "a1").read_text() == "3"
    assert status.log.count("counted") == 2
    assert f"$ python -m {WORKER} {tmp_path / 'a1'} 3 well" in status.log
    assert status.progress is None
    with pytest.raises(InputError, match="stopped or failed, got done"):
        jobs.resume(name)


def test_progress_has_a_rate_and_the_time_left(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.start(count(tmp_path, 1000))
    progress = wait(jobs, name, counting).progress
    jobs.stop(name)
    assert progress is not None
    assert (progress.description, progress.unit, progress.total) == ("count", "numbers", 1000)
    assert progress.rate is not None
    assert progress.seconds_left == pytest.approx((1000 - progress.done) / progress.rate)
    assert progress.share == pytest.approx(progress.done / 1000)


def test_a_stopped_job_goes_on_from_where_it_was(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.start(count(tmp_path, 2, 60))
    wait(jobs, name, lambda status: status.step == 1 and (tmp_path / "a1").exists())
    jobs.stop(name)
    status = jobs.status(name)
    assert (status.state, status.step) == ("stopped", 1)
    assert 0 < int((tmp_path / "a1").read_text()) < 60
    jobs.stop(name)  # nothing to stop
    jobs.resume(name)
    assert wait(jobs, name, ended).state == "done"
    assert (tmp_path / "a1").read_text() == "60"
    assert jobs.status(name).log.count("counted") == 2  # the first step was not done again


def test_a_killed_job_is_shown_as_stopped_and_resumes(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.start(count(tmp_path, 60))
    os.kill(pid(wait(jobs, name, counting)), signal.SIGKILL)
    status = wait(jobs, name, ended)
    assert (status.state, status.step, status.progress) == ("stopped", 0, None)
    jobs.resume(name)
    assert wait(jobs, name, ended).state == "done"


def test_it_runs_while_a_process_it_started_lives(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.start(count(tmp_path, 1000, end="child"))
    leader = pid(wait(jobs, name, counting))
    os.kill(leader, signal.SIGKILL)
    psutil.Process(leader).wait(10)
    assert jobs.status(name).state == jobs.list()[0].state == "running"
    with pytest.raises(InputError, match="stopped or failed, got running"):
        jobs.resume(name)
    with pytest.raises(InputError, match="got a running one; stop it first"):
        jobs.forget(name)
    jobs.stop(name, grace=0.5)
    assert jobs.status(name).state == "stopped"
    assert not living_processes(jobs.status(name).path)


def test_it_runs_from_before_its_process_is_there(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def launch(*words: object, **options: object) -> None:
        (status,) = jobs.list()
        assert status.state == "running"
        raise OSError("no process to be had")

    with monkeypatch.context() as patch:
        patch.setattr("ccim_core.jobs.engine.subprocess.Popen", launch)
        with pytest.raises(OSError, match="no process"):
            jobs.start(count(tmp_path, 1))
    (status,) = jobs.list()
    assert status.state == "stopped"
    record_launch(status.path)
    assert jobs.status(status.name).state == "running"
    with pytest.raises(InputError, match="got a running one; stop it first"):
        jobs.forget(status.name)
    at = time.time()
    for shift in (-61, 61):  # killed while it started one; the clock may have been set since
        monkeypatch.setattr("ccim_core.jobs.processes.time.time", lambda shift=shift: at + shift)
        assert jobs.status(status.name).state == "stopped"


@pytest.mark.parametrize("keys", [("pid",), ("pid", "started")])
def test_records_of_older_versions_are_read(
    jobs: Jobs, tmp_path: Path, keys: tuple[str, ...]
) -> None:
    """They name the process, with the time at which it was noted or without, and it has no mark."""
    name = jobs.start(count(tmp_path, 1))
    path = wait(jobs, name, ended).path
    write_state(path, state="running", step=0)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    try:
        record = {"pid": sleeper.pid, "started": time.time()}
        write_json(path / "process.json", {key: record[key] for key in keys})
        assert jobs.status(name).state == "running"
        at = time.time() - 60  # as if the number had been another process' a minute ago
        write_json(path / "process.json", {key: {**record, "started": at}[key] for key in keys})
        os.utime(path / "process.json", (at, at))
        assert jobs.status(name).state == "stopped"
    finally:
        sleeper.kill()
        sleeper.wait()


def test_another_process_of_the_same_number_is_not_the_job(jobs: Jobs, tmp_path: Path) -> None:
    name = jobs.start(count(tmp_path, 1000))
    path = wait(jobs, name, counting).path
    record = json.loads((path / "process.json").read_text())
    assert record["born"] == psutil.Process(record["pid"]).create_time()
    # Times of birth move when the system's clock is set: then the mark knows it.
    write_json(path / "process.json", {**record, "born": record["born"] + 3600})
    assert jobs.status(name).state == "running"
    jobs.stop(name)
    born = psutil.Process().create_time()
    write_json(path / "process.json", {"pid": os.getpid(), "started": born, "born": born + 0.01})
    assert jobs.status(name).state == "stopped"


def test_it_outlives_the_process_that_started_it(jobs: Jobs, tmp_path: Path) -> None:
    """As when a server is restarted; in the background of a shell it also ignores interrupts."""
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from pathlib import Path\n"
        "from ccim_core.jobs import Jobs, JobSpec, Step\n"
        f"step = Step(title='t', module={WORKER!r}, arguments=({str(tmp_path / 'a0')!r}, '1000'))\n"
        f"jobs = Jobs(root=Path({str(jobs.root)!r}))\n"
        "print(jobs.start(JobSpec(title='Count', subject='a', steps=(step,))))"
    )
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    (status,) = jobs.list()
    assert status.name == made.stdout.strip()
    wait(jobs, status.name, counting)
    started = time.monotonic()
    jobs.stop(status.name)
    assert time.monotonic() - started < 8  # interrupted, not killed after the grace
    assert jobs.status(status.name).state == "stopped"
    assert json.loads((status.path / "state.json").read_text())["state"] == "stopped"


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("refuse", "Expected 3, got 4;\n  row 4: too many"),
        ("defect", "Something went wrong on our side; the log has the details."),
    ],
)
def test_a_failure_has_its_reason(jobs: Jobs, tmp_path: Path, end: str, message: str) -> None:
    name = jobs.start(count(tmp_path, 1, end=end))
    status = wait(jobs, name, ended)
    assert (status.state, status.message) == ("failed", message)
    assert ("a detail for the log" in status.log) == (end == "defect")
    jobs.forget(name)
    assert jobs.list() == []


def test_one_job_a_subject_and_few_at_once(jobs: Jobs, tmp_path: Path) -> None:
    first = jobs.start(count(tmp_path, 1000, subject="a"))
    with pytest.raises(InputError, match="Expected a to be free"):
        jobs.start(count(tmp_path, 1, subject="a"))
    with pytest.raises(InputError, match="got a running one; stop it first"):
        jobs.forget(first)
    second = jobs.start(count(tmp_path, 1000, subject="b"))
    with pytest.raises(InputError, match="Expected fewer than 2 jobs at work, got 2"):
        jobs.start(count(tmp_path, 1, subject="c"))
    assert [status.name for status in jobs.list()] == sorted([first, second], reverse=True)
    for name in (first, second):
        jobs.stop(name)


def test_names_lead_nowhere_else(jobs: Jobs, tmp_path: Path) -> None:
    for name in ("..", "../jobs", "", "nothing", "a/b"):
        with pytest.raises(InputError, match="Expected the name of a job"):
            jobs.status(name)
    assert jobs.list() == []
    with pytest.raises(InputError, match="one step or more"):
        JobSpec(title="", subject="", steps=())
