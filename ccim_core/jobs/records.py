"""What a job's directory holds, as JSON written whole or not at all, and how it is read.

job.json       what to do: title, subject, steps (written once)
process.json   the process that was started last, or that one is being started
state.json     how far it came (written by that process)
progress.json  the bar of the step in work (written by `ccim_core.progress`)
log.txt        all that its commands said
"""

from __future__ import annotations

import shlex
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ccim_core.errors import InputError
from ccim_core.files import read_json, write_json

__all__ = [
    "JobProgress",
    "JobSpec",
    "JobState",
    "JobStatus",
    "RunnerState",
    "Step",
    "read_progress",
    "read_spec",
    "read_state",
    "write_spec",
    "write_state",
]

JobState = Literal["running", "done", "failed", "stopped"]

_FORMAT = "ccim-job"
_STALE_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command: `python -m MODULE ARGUMENTS`; `title` says what it does."""

    title: str
    module: str
    arguments: tuple[str, ...]

    @property
    def command(self) -> str:
        """The command as one would type it."""
        return shlex.join(["python", "-m", self.module, *self.arguments])


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """What a job is to do. `subject` names what it works on (a study's directory): two jobs on one
    subject never run at once."""

    title: str
    subject: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not self.steps:
            raise InputError("Expected a job with one step or more, got none.")


@dataclass(frozen=True, kw_only=True)
class RunnerState:
    """How far a job's own process says it came; `step` counts from 0 and is the number done."""

    state: JobState
    step: int
    message: str
    updated: float


@dataclass(frozen=True, kw_only=True)
class JobProgress:
    """The bar of the step in work; `rate` in units a second, None while unknown."""

    description: str
    done: float
    total: float | None
    unit: str
    rate: float | None

    @property
    def share(self) -> float | None:
        """Share done, in [0, 1]; None while the total is unknown."""
        return min(self.done / self.total, 1.0) if self.total else None

    @property
    def seconds_left(self) -> float | None:
        """Time left at the present rate; None while unknown."""
        if not self.total or not self.rate:
            return None
        return max(self.total - self.done, 0.0) / self.rate


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """Where a job stands. `step` is the number of the step in work (or the one that failed or was
    stopped), from 0; `started` and `updated` are Unix times; `message` says why it failed."""

    name: str
    path: Path
    spec: JobSpec
    state: JobState
    step: int
    message: str
    started: float
    updated: float
    progress: JobProgress | None

    @property
    def log(self) -> str:
        """All that the job's commands said."""
        try:
            return (self.path / "log.txt").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""


def write_spec(path: Path, spec: JobSpec) -> None:
    """Write job.json."""
    write_json(path / "job.json", {"format": _FORMAT, **asdict(spec)})


def read_spec(path: Path) -> JobSpec:
    """Read job.json. Raises InputError when it is none."""
    value = read_json(path / "job.json")
    try:
        if value.pop("format") != _FORMAT:
            raise InputError(f"Expected a job in {path}, got another format.")
        steps = tuple(
            Step(**{**step, "arguments": tuple(step["arguments"])}) for step in value.pop("steps")
        )
        return JobSpec(steps=steps, **value)
    except (AttributeError, KeyError, TypeError):
        raise InputError(f"Expected a job in {path / 'job.json'}, got other JSON.") from None


def write_state(path: Path, *, state: JobState, step: int, message: str = "") -> None:
    """Write state.json."""
    record = RunnerState(state=state, step=step, message=message, updated=time.time())
    write_json(path / "state.json", asdict(record))


def read_state(path: Path) -> RunnerState:
    """What the job's process wrote last; a job that wrote nothing yet is at its first step."""
    if not (path / "state.json").is_file():
        updated = (path / "job.json").stat().st_mtime
        return RunnerState(state="running", step=0, message="", updated=updated)
    value = read_json(path / "state.json")
    try:
        state = RunnerState(**value)
    except TypeError:
        raise InputError(f"Expected a job's state in {path}, got other JSON.") from None
    if state.state not in get_args(JobState):
        raise InputError(f"Expected a job's state in {path}, got {state.state!r}.")
    return state


def read_progress(path: Path) -> JobProgress | None:
    """The bar of a running job, or None: none yet, or one that has not moved for minutes."""
    try:
        value: dict[str, Any] = read_json(path / "progress.json")
        at = float(value.pop("at"))
        progress = JobProgress(**value)
    except (InputError, AttributeError, KeyError, TypeError, ValueError):
        return None  # it is only a picture of the work: the state says what matters
    return progress if time.time() - at < _STALE_SECONDS else None
