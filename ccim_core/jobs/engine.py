"""Start, watch, stop and resume jobs. A job is alive while its process or one it started lives.

A start is noted before the process is, so there is no moment in which a job that was started looks
dead. Starts happen one at a time, under a lock.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock

from ccim_core.errors import InputError
from ccim_core.jobs.processes import (
    JOB_VARIABLE,
    Marked,
    forget_launch,
    interrupt,
    is_alive,
    job_mark,
    living_processes,
    marked_processes,
    record_launch,
    record_process,
)
from ccim_core.jobs.records import (
    JobSpec,
    JobStatus,
    read_progress,
    read_spec,
    read_state,
    write_spec,
)
from ccim_core.progress import PROGRESS_VARIABLE

__all__ = ["Jobs"]

_SOURCE_ROOT = Path(__file__).resolve().parents[2]
_NAME = re.compile(r"[\w-]+")


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """The jobs whose directories lie in `root`.

    at_once: how many may run at a time; more would slow each other and everybody else.
    """

    root: Path
    at_once: int = 2

    def start(self, spec: JobSpec) -> str:
        """Start a job; returns its name.

        Raises InputError when enough jobs run already, or one on the same subject does.
        """
        with self._starting():
            self._require_room(spec)
            name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(3).hex()}"
            path = self.root / name
            path.mkdir()
            write_spec(path, spec)
            self._launch(path)
        return name

    def resume(self, name: str) -> None:
        """Go on with a job that was stopped, was killed, or failed, from the step it was at.

        Raises InputError when it runs or is done, and as `start` does.
        """
        with self._starting():
            status = self.status(name)
            if status.state not in ("stopped", "failed"):
                raise InputError(f"Expected a job that was stopped or failed, got {status.state}.")
            self._require_room(status.spec)
            self._launch(status.path)

    def stop(self, name: str, *, grace: float = 8.0) -> None:
        """Interrupt a job as Ctrl-C does; what is still alive after `grace` seconds is killed.

        Raises InputError when something of it is alive even then.
        """
        path = self._path(name)
        begun = time.monotonic()
        asked: set[psutil.Process] = set()
        while is_alive(path):
            waited = time.monotonic() - begun
            if waited > 2 * grace:
                raise InputError("Expected the job to end when killed, but it holds on; try again.")
            for process in living_processes(path):  # anew each time: it may still start some
                if waited > grace:
                    with suppress(psutil.Error):
                        process.kill()
                elif process not in asked:
                    asked.add(process)
                    interrupt(process, path)
            time.sleep(0.05)

    def forget(self, name: str) -> None:
        """Remove the directory of a job that does not run; what the job made stays."""
        path = self._path(name)
        with self._starting():  # or it could be resumed between the look and the removal
            if is_alive(path):
                raise InputError(
                    "Expected a job that does not run, got a running one; stop it first."
                )
            shutil.rmtree(path)

    def status(self, name: str) -> JobStatus:
        """Where a job stands. Raises InputError when there is no such job."""
        return self._status(self._path(name), None)

    def _status(self, path: Path, marked: Marked | None) -> JobStatus:
        spec = read_spec(path)
        alive = is_alive(path, marked)
        found = read_state(path)  # after that look: what a dead process wrote is final
        state = found.state
        if alive:
            state = "running"
        elif state == "running":
            state = "stopped"
        return JobStatus(
            name=path.name,
            path=path,
            spec=spec,
            state=state,
            step=min(found.step, len(spec.steps) - 1),
            message=found.message if state == "failed" else "",
            started=(path / "job.json").stat().st_mtime,
            updated=found.updated,
            progress=read_progress(path) if state == "running" else None,
        )

    def list(self) -> list[JobStatus]:
        """Every job, the newest first; directories that hold none are passed over."""
        found = []
        marked = marked_processes()
        for path in sorted(self.root.glob("*/job.json"), reverse=True):
            with suppress(InputError, FileNotFoundError):  # one that is removed at this moment
                found.append(self._status(self._path(path.parent.name), marked))
        return found

    def _path(self, name: str) -> Path:
        path = self.root / name
        if not _NAME.fullmatch(name) or not (path / "job.json").is_file():
            raise InputError(f"Expected the name of a job, got {name!r}, which is none.")
        return path

    def _require_room(self, spec: JobSpec) -> None:
        running = [status for status in self.list() if status.state == "running"]
        if any(status.spec.subject == spec.subject for status in running):
            raise InputError(
                f"Expected {Path(spec.subject).name} to be free, but a job works on it; "
                "wait for it or stop it."
            )
        if len(running) >= self.at_once:
            raise InputError(
                f"Expected fewer than {self.at_once} jobs at work, got {len(running)}; "
                "start this one when one of them has ended."
            )

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """One start at a time, over all processes."""
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / ".lock"):
            yield

    def _launch(self, path: Path) -> None:
        (path / "progress.json").unlink(missing_ok=True)
        record_launch(path)
        try:
            with (path / "log.txt").open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "ccim_core.jobs", str(path.resolve())],
                    cwd=_SOURCE_ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # without effect on Windows
                    # Windows interrupts groups alone; elsewhere there is no such flag.
                    creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                    env={
                        **os.environ,
                        "PYTHONUTF8": "1",  # as the log is read; elsewhere than on Windows it is so
                        PROGRESS_VARIABLE: str((path / "progress.json").resolve()),
                        JOB_VARIABLE: job_mark(path),
                    },
                )
        except OSError:
            forget_launch(path)
            raise
        record_process(path, process.pid)
