"""Freed memory is kept, so that the same pages are not faulted in at every step."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from ccim_core.allocator import keep_freed_memory

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
