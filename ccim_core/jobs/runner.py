"""The process of a job: its commands one after the other, each as if it had been typed.

They share one interpreter, so that torch is imported once and one process is all there is to
stop or to die.
"""

from __future__ import annotations

import runpy
import signal
import sys
import traceback
from pathlib import Path

import psutil

from ccim_core.jobs.records import Step, read_spec, read_state, write_state

__all__ = ["run_job"]

NICENESS = 10
"""Of POSIX. A job makes way for the pages: their visitors wait for an answer, it does not."""

INTERRUPTED = 130
_NOT_ITS_SENTENCE = "Something went wrong on our side; the log has the details."


def run_job(path: Path) -> int:
    """Run the steps that are left of the job in `path`. Returns the exit code."""
    # A server started in the background ignores interrupts, and a child inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if sys.platform == "win32":
        signal.signal(signal.SIGBREAK, signal.default_int_handler)
    _make_way()
    spec = read_spec(path)
    step = read_state(path).step
    try:
        while step < len(spec.steps):
            write_state(path, state="running", step=step)
            code = _run_step(spec.steps[step], path)
            if code == INTERRUPTED:
                break
            if code:
                message = _last_error(path) or _NOT_ITS_SENTENCE
                write_state(path, state="failed", step=step, message=message)
                return code
            step += 1
    except KeyboardInterrupt:  # between two steps
        code = INTERRUPTED
    if step < len(spec.steps):
        write_state(path, state="stopped", step=step)
        return INTERRUPTED
    write_state(path, state="done", step=step)
    return 0


def _make_way() -> None:
    process = psutil.Process()
    if sys.platform == "win32":
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        process.nice(max(process.nice(), NICENESS))


def _run_step(step: Step, path: Path) -> int:
    (path / "progress.json").unlink(missing_ok=True)
    print(f"$ {step.command}", flush=True)
    sys.argv = [step.module, *step.arguments]
    try:
        runpy.run_module(step.module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _last_error(path: Path) -> str:
    """The sentence with which the step's command refused its input, or ""."""
    said = (path / "log.txt").read_text(encoding="utf-8", errors="replace")
    _, _, of_step = said.rpartition("\n$ ")
    _, found, message = of_step.rpartition("error: ")
    return message.strip() if found else ""
