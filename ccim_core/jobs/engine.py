"""Start, watch, stop and resume jobs. A job is alive while its process or one it started lives.

A process is known by its number and its time of birth, so that a number given anew to another
process is not mistaken for the job. Starts happen one at a time, under a lock.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
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
from ccim_core.files import read_json, write_json
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
_BIRTH_TOLERANCE = 5.0  # s, between birth and the note of it
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
        """Interrupt a job as Ctrl-C does; what is still alive after `grace` seconds is killed."""
        path = self._path(name)
        if not _alive(path):
            return
        for force in (False, True):
            for process in _processes(path):
                with suppress(psutil.NoSuchProcess):
                    if force or sys.platform == "win32":
                        process.kill()  # Windows has no interrupt for a process without a console
                    else:
                        process.send_signal(signal.SIGINT)
            limit = time.monotonic() + grace
            while time.monotonic() < limit:
                if not _alive(path):
                    return
                time.sleep(0.05)
        raise InputError("Expected the job to end when killed, but it holds on; try again.")

    def forget(self, name: str) -> None:
        """Remove the directory of a job that does not run; what the job made stays."""
        path = self._path(name)
        if _alive(path):
            raise InputError("Expected a job that does not run, got a running one; stop it first.")
        shutil.rmtree(path)

    def status(self, name: str) -> JobStatus:
        """Where a job stands. Raises InputError when there is no such job."""
        path = self._path(name)
        spec = read_spec(path)
        alive = _alive(path)
        found = read_state(path)  # after the look at the lock: what a dead process wrote is final
        state = found.state
        if alive:
            state = "running"
        elif state == "running":
            state = "stopped"
        return JobStatus(
            name=name,
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
        for path in sorted(self.root.glob("*/job.json"), reverse=True):
            with suppress(InputError, FileNotFoundError):  # one that is removed at this moment
                found.append(self.status(path.parent.name))
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
        with (path / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ccim_core.jobs", str(path.resolve())],
                cwd=_SOURCE_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # without effect on Windows
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                env={**os.environ, PROGRESS_VARIABLE: str((path / "progress.json").resolve())},
            )
            write_json(path / "process.json", {"pid": process.pid, "started": time.time()})


def _processes(path: Path) -> list[psutil.Process]:
    """The living processes of a job: its first one and all that it started."""
    try:
        written = read_json(path / "process.json")
        leader = psutil.Process(int(written["pid"]))
        if abs(leader.create_time() - float(written["started"])) > _BIRTH_TOLERANCE:
            return []
        if leader.status() == psutil.STATUS_ZOMBIE:
            return []
        return [leader, *leader.children(recursive=True)]
    except (FileNotFoundError, InputError, psutil.NoSuchProcess):
        return []


def _alive(path: Path) -> bool:
    """Whether a process of the job lives."""
    return bool(_processes(path))
