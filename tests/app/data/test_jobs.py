"""Jobs on the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import workspace
from app.data.jobs import progress_text
from ccim_core.errors import InputError
from ccim_core.jobs import JobProgress, Jobs, JobSpec, Step
from ccim_core.jobs.records import write_spec, write_state
from tests.app.data.acts import words
from tests.app.fakes import make_photo_study

RunPage = Callable[..., AppTest]


def make_job(root: Path, name: str, state: str, message: str = "") -> None:
    path = root / "studies" / ".jobs" / name
    path.mkdir(parents=True)
    step = Step(title="Encode *all*", module="ccim_core", arguments=("features",))
    write_spec(path, JobSpec(title=f"Job {name}", subject=str(root / name), steps=(step, step)))
    write_state(path, state=state, step=1, message=message)
    (path / "log.txt").write_text("what it said")


def test_jobs_show_where_they_stand(
    root: Path, run_page: RunPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_job(root, "b", "failed", "Expected *pictures*, got none.")
    make_job(root, "c", "running")  # but no process holds its lock: it was killed
    make_job(root, "a", "done")
    make_photo_study(root / "a")
    workspace.remember_study(root / "a")
    test = run_page("data")
    assert not test.exception
    told = words(test)
    assert told.index("Job c") < told.index("Job b") < told.index("Job a")
    assert told.count("Step 2 of 2: Encode \\*all\\*") == 2
    assert test.error[0].value == "Expected \\*pictures\\*, got none."
    labels = {button.key: button.label for button in test.button if button.key}
    assert {key for key in labels if key.startswith("resume_")} == {"resume_b", "resume_c"}
    assert {key for key in labels if key.startswith("stop_")} == set()
    assert "what it said" in [code.value for code in test.code]
    resumed: list[str] = []
    monkeypatch.setattr(Jobs, "resume", lambda self, name: resumed.append(name))
    test.button(key="resume_c").click().run()
    assert resumed == ["c"]
    test.button(key="show_a").click().run()
    assert test.selectbox(key="study").value == "a"
    test.button(key="forget_b").click().run()
    assert "Job b" not in words(test)

    def refuse(self: Jobs, name: str) -> None:
        raise InputError("Expected fewer than 2 jobs at work, got 2.")

    monkeypatch.setattr(Jobs, "resume", refuse)
    test.button(key="resume_c").click().run()
    assert "fewer than 2 jobs" in test.error[0].value


def test_progress_is_told_with_its_rate_and_the_time_left() -> None:
    bar = {"description": "encode", "unit": "features", "done": 1200, "total": 6000}
    assert progress_text(JobProgress(**bar, rate=40.0)) == (
        "encode: 1,200 of 6,000 features, 40 a second, 2 min left"
    )
    assert progress_text(JobProgress(**bar, rate=0.5)).endswith("0.5 a second, 2.7 h left")
    assert progress_text(JobProgress(**bar, rate=None)) == "encode: 1,200 of 6,000 features"


def test_a_damaged_job_is_passed_over(root: Path, run_page: RunPage) -> None:
    make_job(root, "a", "done")
    make_job(root, "b", "done")
    (root / "studies" / ".jobs" / "b" / "job.json").write_text(json.dumps({"format": "x"}))
    told = words(run_page("data"))
    assert "Job a" in told
    assert "Job b" not in told
