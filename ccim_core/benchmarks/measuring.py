"""Time and extra memory of a step, and a fresh process for each so that none inherits another's."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import torch

from ccim_core.allocator import keep_freed_memory
from ccim_core.errors import InputError

__all__ = [
    "alternate",
    "available_memory",
    "in_fresh_process",
    "measure",
    "resolve_device",
    "seconds_of",
]

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")


def resolve_device(name: str | None) -> str:
    """The device asked for, by default the GPU where there is one. Raises InputError."""
    if name is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name not in ("cpu", "cuda"):
        raise InputError(f"Expected --device cpu or cuda, got {name!r}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("Expected a CUDA device for --device cuda, got none: use --device cpu.")
    return name


def in_fresh_process(
    function: Callable[..., dict[str, Any]], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """`function(**arguments)` in a new interpreter; what it raises is raised here.

    Args:
        function: a module's function, not a lambda.
    """
    context = multiprocessing.get_context("spawn")
    # The allocator is set as at every entry of the project, or the figures would be another's.
    with ProcessPoolExecutor(
        max_workers=1, mp_context=context, initializer=keep_freed_memory
    ) as pool:
        return pool.submit(function, **arguments).result()


def measure(step: Callable[[], object], *, device: str, min_seconds: float) -> dict[str, Any]:
    """Extra memory of the first `step()` and the median time of those after it.

    Warm libraries up with a small step of the same kind first: what they allocate once is not
    the step's.

    Returns:
        milliseconds: median over repeats.
        repeats: how many, at least 3.
        extra_mib: highest memory during the step less memory before it, MiB: allocated tensors
            on a GPU; on a CPU the process's resident set, None where the system does not tell.
    """
    if device == "cuda":
        extra = _peak_on_gpu(step)
    elif sys.platform == "linux":
        extra = _peak_on_cpu(step)
    else:
        step()
        extra = None
    times = seconds_of(step, device=device, min_seconds=min_seconds)
    return {"milliseconds": 1e3 * median(times), "repeats": len(times), "extra_mib": extra}


def seconds_of(step: Callable[[], object], *, device: str, min_seconds: float) -> list[float]:
    """Times of at least 3 steps, until they make up `min_seconds` together."""
    times: list[float] = []
    while len(times) < 3 or (sum(times) < min_seconds and len(times) < 1000):
        _wait_for(device)
        start = time.perf_counter()
        step()
        _wait_for(device)
        times.append(time.perf_counter() - start)
    return times


def alternate(
    steps: Mapping[str, Callable[[], object]], *, device: str, min_seconds: float
) -> dict[str, float]:
    """Median seconds of each of several steps, taken in turn after one unmeasured round.

    In turn, so that a machine whose speed drifts, or is shared, is equally slow for all: their
    ratios hold where their times do not.
    """
    times: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    started = time.perf_counter()
    while len(next(iter(times.values()))) < 5 or time.perf_counter() - started < min_seconds:
        for name, step in steps.items():
            _wait_for(device)
            start = time.perf_counter()
            step()
            _wait_for(device)
            times[name].append(time.perf_counter() - start)
    return {name: median(values) for name, values in times.items()}


def available_memory(device: str) -> int:
    """Memory that is free now, bytes."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


def _wait_for(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _peak_on_gpu(step: Callable[[], object]) -> float:
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def _peak_on_cpu(step: Callable[[], object]) -> float:
    # Linux forgets the high-water mark of the resident set when 5 is written here.
    _CLEAR_REFS.write_text("5", encoding="utf-8")
    before = _field(_STATUS, "VmRSS:")
    step()
    return (_field(_STATUS, "VmHWM:") - before) / 2**20


def _field(path: Path, name: str) -> int:
    """A field given in kB, in bytes."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"Expected {name} in {path}.")
