"""Freed memory is kept, so that the same pages are not faulted in at every step."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from ccim_core.allocator import keep_freed_memory, return_freed_memory

_SCRIPT = """
import resource, sys
import numpy as np
from ccim_core.allocator import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()

def step():
    for _ in range(3):
        held = [np.ones(2**17) for _ in range(6)]  # six blocks of 1 MiB
        del held

step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(mode: str) -> int:
    command = [sys.executable, "-c", _SCRIPT, mode]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_kept_memory_is_not_faulted_in_again() -> None:
    assert page_faults("keep") < page_faults("default") / 10


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert keep_freed_memory() is False
    assert return_freed_memory() is False


_HEAPS = """
import os, sys, threading
import numpy as np
from pathlib import Path
from ccim_core.allocator import return_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def work(ready, leave):
    held = [np.ones(2**13) for _ in range(800)]  # 64 KiB each: from the thread's own heap
    kept = held[-1]
    del held
    ready.wait()
    leave.wait()

ready, leave = threading.Barrier(5), threading.Barrier(5)
threads = [threading.Thread(target=work, args=(ready, leave)) for _ in range(4)]
[thread.start() for thread in threads]
ready.wait()
before = resident()
if sys.argv[1] == "return":
    assert return_freed_memory()
print((before - resident()) / 2**20)
leave.wait()
"""


def test_what_threads_freed_is_given_back() -> None:
    if not Path("/proc/self/statm").is_file():
        pytest.skip("resident memory is read from /proc")

    def given_back(mode: str) -> float:
        command = [sys.executable, "-c", _HEAPS, mode]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    # Four threads have each freed 50 MiB below something that they keep.
    assert given_back("return") > 100
    assert given_back("default") < 10
