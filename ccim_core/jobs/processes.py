"""The processes of a job: found by the record of the first, and by a mark that all of them carry.

The mark is a variable of the environment, which every process that a job starts inherits, and
which outlives the first process where parent and child do not. Nothing here needs POSIX.
"""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from ccim_core.errors import InputError
from ccim_core.files import read_json, write_json

__all__ = [
    "JOB_VARIABLE",
    "Marked",
    "forget_launch",
    "interrupt",
    "is_alive",
    "job_mark",
    "living_processes",
    "marked_processes",
    "record_launch",
    "record_process",
]

JOB_VARIABLE = "CCIM_JOB"

Marked = dict[str, list[psutil.Process]]
"""Mark → living processes that carry it."""

_RECORD = "process.json"
_LAUNCH_SECONDS = 60.0  # a launch that wrote no more by then was itself killed
_BIRTH_TOLERANCE = 5.0  # s, between birth and the note of it in records that lack the exact time


def job_mark(path: Path) -> str:
    """The value of `JOB_VARIABLE` in the processes of the job in `path`."""
    return str(path.resolve())


def record_launch(path: Path) -> None:
    """Note that a process is about to be started: from here on the job runs."""
    write_json(path / _RECORD, {"starting": time.time()})


def forget_launch(path: Path) -> None:
    """Take back `record_launch`: no process could be started."""
    (path / _RECORD).unlink(missing_ok=True)


def record_process(path: Path, pid: int) -> None:
    """Note the job's first process. Its time of birth tells it from a later one of that number."""
    born = None
    with suppress(psutil.Error):  # it may be gone already
        born = psutil.Process(pid).create_time()
    write_json(path / _RECORD, {"pid": pid, "started": time.time(), "born": born})


def marked_processes() -> Marked:
    """The living processes of all jobs, by one look at all processes that this user may look at."""
    found: Marked = {}
    for process in psutil.process_iter():
        if mark := _mark_of(process):
            found.setdefault(mark, []).append(process)
    return found


def is_alive(path: Path, marked: Marked | None = None) -> bool:
    """Whether a job runs: it is being started, or its first process or one with its mark lives.

    marked: from `marked_processes`, to look once for many jobs.
    """
    if _is_launching(path) or _leader(path) is not None:
        return True
    return job_mark(path) in (marked_processes() if marked is None else marked)


def living_processes(path: Path) -> list[psutil.Process]:
    """The living processes of a job, its first one in front where that lives."""
    leader = _leader(path)
    found = [] if leader is None else [leader]
    if leader is not None:
        with suppress(psutil.Error):
            found += leader.children(recursive=True)
    found += marked_processes().get(job_mark(path), [])
    return list(dict.fromkeys(found))


def interrupt(process: psutil.Process, path: Path) -> None:
    """Ask one of a job's processes to end, as Ctrl-C does; one that cannot be asked is passed over.

    On Windows only a group can be asked, by the number of the process that it was made for.
    """
    with suppress(psutil.Error, OSError, ValueError):
        if sys.platform != "win32":
            process.send_signal(signal.SIGINT)
        elif process.pid == _record(path).get("pid"):
            process.send_signal(signal.CTRL_BREAK_EVENT)


def _record(path: Path) -> dict[str, float | None]:
    try:
        value = read_json(path / _RECORD)
    except InputError:
        return {}
    return value if isinstance(value, dict) else {}


def _is_launching(path: Path) -> bool:
    since = _record(path).get("starting")
    # A clock that was set back must not make a launch last for ever.
    return since is not None and abs(time.time() - since) < _LAUNCH_SECONDS


def _leader(path: Path) -> psutil.Process | None:
    record = _record(path)
    pid = record.get("pid")
    if pid is None:
        return None
    try:
        process = psutil.Process(int(pid))
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        born = process.create_time()
        if "born" in record:
            # The mark decides where the system's clock was set and times of birth moved with it.
            known = born == record["born"] or _mark_of(process) == job_mark(path)
        else:
            noted = record.get("started") or (path / _RECORD).stat().st_mtime
            known = abs(born - noted) < _BIRTH_TOLERANCE
    except (psutil.Error, OSError):
        return None
    return process if known else None


def _mark_of(process: psutil.Process) -> str | None:
    # Processes of other users, of the system, and ones that end at this moment do not tell.
    with suppress(psutil.Error, OSError, ValueError):
        mark = process.environ().get(JOB_VARIABLE)
        if mark and process.status() != psutil.STATUS_ZOMBIE:
            return mark
    return None
