"""Memory and time of steps whose cost is known; a fresh process really is one."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import pytest
import torch

from ccim_core.benchmarks.measuring import (
    alternate,
    available_memory,
    in_fresh_process,
    measure,
    resolve_device,
    seconds_of,
)
from ccim_core.errors import InputError


def hold(mebibytes: int) -> dict[str, Any]:
    torch.set_num_threads(1)
    return measure(lambda: torch.ones(mebibytes * 2**18), device="cpu", min_seconds=0)


def where() -> dict[str, Any]:
    return {"process": os.getpid(), "modules": len(sys.modules)}


def fail() -> dict[str, Any]:
    raise InputError("Expected more, got less.")


def test_extra_memory_is_that_of_the_step() -> None:
    found = in_fresh_process(hold, {"mebibytes": 200})
    assert found["extra_mib"] == pytest.approx(200, abs=8)
    assert found["repeats"] >= 3


def test_memory_taken_before_the_step_does_not_count() -> None:
    held = torch.ones(200 * 2**18)
    del held
    found = measure(lambda: None, device="cpu", min_seconds=0)
    assert found["extra_mib"] < 8


def test_each_case_has_a_process_of_its_own() -> None:
    first, second = (in_fresh_process(where, {})["process"] for _ in range(2))
    assert len({first, second, os.getpid()}) == 3


def test_what_a_case_raises_is_raised_here() -> None:
    with pytest.raises(InputError, match="got less"):
        in_fresh_process(fail, {})


def test_steps_repeat_at_least_three_times_and_until_the_time_is_up() -> None:
    times = seconds_of(lambda: time.sleep(0.01), device="cpu", min_seconds=0)
    assert len(times) == 3
    assert all(0.01 <= seconds < 1 for seconds in times)
    assert len(seconds_of(lambda: time.sleep(0.01), device="cpu", min_seconds=0.08)) > 3


def test_alternating_steps_are_taken_in_turn_and_timed_apart() -> None:
    order: list[str] = []

    def step(name: str, seconds: float) -> None:
        order.append(name)
        time.sleep(seconds)

    found = alternate(
        {"short": lambda: step("short", 0.002), "long": lambda: step("long", 0.02)},
        device="cpu",
        min_seconds=0,
    )
    assert order == ["short", "long"] * 6
    assert 0.002 <= found["short"] < found["long"]


def test_available_memory_is_plausible() -> None:
    assert 2**26 < available_memory("cpu") < 2**45


def test_devices_that_are_not_there_are_input_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device(None) == "cpu"
    with pytest.raises(InputError, match="--device cpu"):
        resolve_device("cuda")
    with pytest.raises(InputError, match="mps"):
        resolve_device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device(None) == "cuda"
