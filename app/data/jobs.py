"""Jobs on the page: where each stands, with its buttons. They are read from disk at every look."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import streamlit as st

from app import layout, study_cache, workspace
from app.errors import shown_errors
from ccim_core.errors import InputError
from ccim_core.jobs import JobProgress, JobStatus

__all__ = ["progress_text", "show_jobs"]

REFRESH_SECONDS = 1.5
SHOWN = 8
LOG_CHARACTERS = 6000
_CHOSEN = "study_chosen"
BADGES: dict[str, tuple[str, str, Any]] = {
    "running": ("at work", ":material/progress_activity:", "blue"),
    "done": ("done", ":material/check_circle:", "green"),
    "failed": ("failed", ":material/error:", "red"),
    "stopped": ("stopped", ":material/pause_circle:", "orange"),
}


def show_jobs() -> None:
    """The jobs, looked at again every other second while one of them runs."""
    statuses = workspace.jobs().list()
    if not statuses:
        return
    st.subheader("Jobs", anchor=False)
    running = any(status.state == "running" for status in statuses)
    st.fragment(_jobs, run_every=REFRESH_SECONDS if running else None)()


def _jobs() -> None:
    with shown_errors("looking at the jobs"):
        statuses = workspace.jobs().list()
        states = {status.name: status.state for status in statuses}
        seen = st.session_state.get("job_states", states)
        st.session_state["job_states"] = states
        if states != seen or st.session_state.pop(_CHOSEN, False):
            st.rerun()  # the whole page: another study, or nothing left to wait for
        for status in statuses[:SHOWN]:
            with st.container(border=True):
                _job(status)
        if len(statuses) > SHOWN:
            st.caption(f"{len(statuses) - SHOWN} older jobs are not shown; remove some of these.")


def _job(status: JobStatus) -> None:
    word, icon, colour = BADGES[status.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(word, icon=icon, color=colour)
        st.markdown(f"**{layout.plain(status.spec.title)}**")
        st.caption(_when(status))
    steps = status.spec.steps
    if status.state != "done" and len(steps) > 1:
        step = steps[status.step]
        st.markdown(f"Step {status.step + 1} of {len(steps)}: {layout.plain(step.title)}")
    if status.state == "running":
        _bar(status)
    if status.message:
        st.error(layout.plain(status.message), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _buttons(status)
    with st.expander("Commands and log"):
        st.code("\n".join(step.command for step in steps), language="bash", wrap_lines=True)
        if status.log:
            st.code(status.log[-LOG_CHARACTERS:], language=None, wrap_lines=True, height=240)


def _bar(status: JobStatus) -> None:
    progress = status.progress
    if progress is None or progress.share is None:
        st.progress(0.0, text="Getting ready …")
    elif progress.share == 1:
        st.progress(1.0, text=f"{progress.description}: all {progress.total:,g} {progress.unit}")
    else:
        st.progress(progress.share, text=progress_text(progress))


def progress_text(progress: JobProgress) -> str:
    """Such as `encode: 120 of 300 features, 45 a second, 4 s left`."""
    text = f"{progress.description}: {progress.done:,g} of {progress.total:,g} {progress.unit}"
    if progress.rate:
        rate = progress.rate
        text += f", {rate:,.0f} a second" if rate >= 10 else f", {rate:.2g} a second"
    if progress.seconds_left is not None:
        text += f", {_duration(progress.seconds_left)} left"
    return text


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _when(status: JobStatus) -> str:
    started = time.strftime("%d %b, %H:%M", time.localtime(status.started))
    if status.state == "running":
        return f"for {_duration(time.time() - status.started)}"
    return f"started {started}"


def _buttons(status: JobStatus) -> None:
    name, study = status.name, Path(status.spec.subject)
    if status.state == "running":
        st.button(
            "Stop", key=f"stop_{name}", icon=":material/stop:", on_click=_act, args=("stop", name)
        )
    if status.state in ("stopped", "failed"):
        st.button(
            "Resume",
            key=f"resume_{name}",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_act,
            args=("resume", name),
            help="Goes on from the step it was at; finished steps are not done again.",
        )
    if (study / "study.json").is_file():
        st.button(
            "Show this study",
            key=f"show_{name}",
            icon=":material/folder_open:",
            on_click=show_study,
            args=(study,),
        )
    if status.state != "running":
        st.button(
            "Remove",
            key=f"forget_{name}",
            type="tertiary",
            icon=":material/close:",
            on_click=_act,
            args=("forget", name),
            help="From this list; what the job made stays.",
        )
    failure = st.session_state.get(f"job_failure_{name}")
    if failure:
        st.error(layout.plain(failure), icon=":material/error:")


def _act(what: str, name: str) -> None:
    """A click: what the engine refuses is said at the job."""
    jobs = workspace.jobs()
    st.session_state.pop(f"job_failure_{name}", None)
    try:
        {"stop": jobs.stop, "resume": jobs.resume, "forget": jobs.forget}[what](name)
    except InputError as error:
        st.session_state[f"job_failure_{name}"] = str(error)


def show_study(path: Path) -> None:
    """A click: load a study, here and on every page."""
    st.session_state["study"] = study_cache.key_of(path)
    st.session_state[_CHOSEN] = True  # a click in here looks at the jobs alone again
