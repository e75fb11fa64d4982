"""The packages need nothing of POSIX: held by reading the source, and by a process without it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    path for name in ("ccim_core", "analysis", "app") for path in (ROOT / name).rglob("*.py")
)

MODULES = {
    *("fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"),
    *("curses", "nis", "spwd", "crypt"),
}
OS_NAMES = {
    *("WNOHANG", "chown", "chroot", "confstr", "ctermid", "fchdir", "fchmod", "fchown"),
    *("fdatasync", "fork", "forkpty", "getegid", "geteuid", "getgid", "getgroups", "getloadavg"),
    *("getpgid", "getpgrp", "getpriority", "getsid", "getuid", "killpg", "lchown", "lockf"),
    *("mkfifo", "mknod", "nice", "openpty", "pathconf", "posix_fadvise", "posix_fallocate"),
    *("posix_spawn", "pread", "pwrite", "register_at_fork", "sched_getaffinity"),
    *("sched_setaffinity", "sched_yield", "sendfile", "setegid", "seteuid", "setgid", "setpgid"),
    *("setpriority", "setsid", "setuid", "statvfs", "sync", "sysconf", "tcgetpgrp", "ttyname"),
    *("uname", "wait", "wait3", "wait4", "waitid"),
}
SIGNAL_NAMES = {
    *("SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP"),
    *("SIGTSTP", "SIGUSR1", "SIGUSR2", "alarm", "getitimer", "pause", "pthread_kill"),
    *("pthread_sigmask", "setitimer", "siginterrupt", "sigwait"),
}

# Imported before: what has parts of its own for each platform.
_WITHOUT = f"""
import os, signal, sys
for name in {sorted(MODULES - {"posix", "readline", "curses", "pty", "tty"})!r}:
    sys.modules[name] = None
for module, names in ((os, {sorted(OS_NAMES)!r}), (signal, {sorted(SIGNAL_NAMES)!r})):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
"""

_IMPORT_ALL = """
import importlib, pkgutil
import ccim_core, analysis, app
for package in (ccim_core, analysis, app):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.startswith("app.app_pages.") and found.name != "app.main":  # scripts
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
"""

_RUN_A_JOB = """
import sys, time
from pathlib import Path
from ccim_core.jobs import Jobs, JobSpec, Step
root = Path(sys.argv[1])
arguments = (str(root / "number"), "30")
step = Step(title="count", module="tests.ccim_core.jobs.worker", arguments=arguments)
jobs = Jobs(root=root / "jobs")
name = jobs.start(JobSpec(title="Count", subject="a", steps=(step,)))
def wait(ready):
    limit = time.monotonic() + 60
    while not ready(jobs.status(name)):
        assert time.monotonic() < limit, jobs.status(name)
        time.sleep(0.05)
wait(lambda status: status.progress is not None and status.progress.done)
jobs.stop(name, grace=30)
assert jobs.status(name).state == "stopped", jobs.status(name)
jobs.resume(name)
wait(lambda status: status.state != "running")
assert jobs.status(name).state == "done", jobs.status(name).log
jobs.forget(name)
"""


@pytest.mark.parametrize(
    ("before", "code"),
    [("psutil, subprocess, torch, streamlit", _IMPORT_ALL), ("psutil, subprocess", _RUN_A_JOB)],
    ids=["imports", "job"],
)
def test_without_what_windows_lacks(before: str, code: str, tmp_path: Path) -> None:
    """Modules import, and a job is started, watched, stopped and resumed (the job is without too).

    What this cannot show: how Windows starts and interrupts processes.
    """
    (tmp_path / "sitecustomize.py").write_text(f"import {before}{_WITHOUT}", encoding="utf-8")
    paths = os.pathsep.join((str(tmp_path), str(ROOT)))
    subprocess.run(
        [sys.executable, "-c", "import os; assert not hasattr(os, 'fork')\n" + code, str(tmp_path)],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
    )


def _unguarded(tree: ast.AST, guarded: bool = False) -> Iterator[tuple[int, str]]:
    """Line and name of each use of what Windows lacks, but for those that ask first."""
    if isinstance(tree, (ast.If, ast.IfExp)):
        guarded |= any(
            word in ast.unparse(tree.test) for word in ("sys.platform", "os.name", "hasattr(")
        )
    if isinstance(tree, ast.Try):
        caught = " ".join(ast.unparse(handler.type) for handler in tree.handlers if handler.type)
        guarded |= "ImportError" in caught or "AttributeError" in caught
    if not guarded:
        yield from ((tree.lineno, name) for name in _lacking(tree))  # type: ignore[attr-defined]
    for child in ast.iter_child_nodes(tree):
        yield from _unguarded(child, guarded)


def _lacking(node: ast.AST) -> list[str]:
    names = {"os": OS_NAMES, "signal": SIGNAL_NAMES}
    match node:
        case ast.Import():
            return [item.name for item in node.names if item.name in MODULES]
        case ast.ImportFrom(module=str(module)) if module in MODULES:
            return [module]
        case ast.ImportFrom(module="os" | "signal" as module):
            return [item.name for item in node.names if item.name in names[module]]
        case ast.Attribute(value=ast.Name(id="os" | "signal" as module), attr=name):
            return [f"{module}.{name}"] if name in names[module] else []
    return []


def test_the_source_uses_nothing_that_windows_lacks() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in SOURCES
        for line, name in _unguarded(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert len(SOURCES) > 300
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import resource", ["resource"]),
        ("from fcntl import flock", ["fcntl"]),
        ("from os import fork", ["fork"]),
        ("def f(): os.kill(1, signal.SIGKILL)", ["signal.SIGKILL"]),
        ("try:\n    import fcntl\nexcept ImportError:\n    fcntl = None", []),
        ("if sys.platform == 'win32':\n    pass\nelse:\n    os.nice(10)", []),
        ("if hasattr(os, 'fork'):\n    os.fork()", []),
    ],
)
def test_a_use_is_found_unless_it_is_guarded(code: str, found: list[str]) -> None:
    assert [name for _, name in _unguarded(ast.parse(code))] == found


def test_a_prediction_needs_no_folder_to_write_in(tmp_path: Path) -> None:
    """Its home lies below a file; and no reader of Caffe's or Torch7's files is loaded for it."""
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "astronaut.png")
    (tmp_path / "file").touch()
    home = str(tmp_path / "file" / "home")
    code = (
        "import sys\n"
        "from ccim_core.cli import main\n"
        "assert main(['predict', sys.argv[1], '--json']) == 0\n"
        "readers = ('caffemodel', 'caffe_networks', 'torch7', 'torch7_networks', 'wire')\n"
        "loaded = [name for name in readers if f'ccim_core.conversion.{name}' in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    lost = ("CCIM_HOME", "TORCH_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR")
    environment = {key: value for key, value in os.environ.items() if key not in lost}
    made = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "astronaut.png")],
        check=True,
        cwd=ROOT,
        env={**environment, "HOME": home, "USERPROFILE": home},
        stdout=subprocess.PIPE,
    )
    assert b"estimates" in made.stdout
