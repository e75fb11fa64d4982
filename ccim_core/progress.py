"""Progress with rate and time left for every long work: on standard error, or into a file.

Where the environment names a file (`CCIM_PROGRESS`), bars are written there as JSON in place of
standard error, so that another process can show them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from tqdm import tqdm

from ccim_core.files import write_json

__all__ = ["PROGRESS_VARIABLE", "progress", "progress_bar"]

PROGRESS_VARIABLE = "CCIM_PROGRESS"

T = TypeVar("T")


class _Bar(tqdm):
    """A tqdm bar that shows itself where the environment says."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        path = os.environ.get(PROGRESS_VARIABLE)
        if path:
            write_json(path, _state(self.format_dict))
        else:
            super().display(msg, pos)


def _state(bar: Mapping[str, Any]) -> dict[str, Any]:
    """Description, done, total (None if unknown), unit, rate a second, and when (Unix time)."""
    done, elapsed = bar["n"], bar["elapsed"]
    rate = bar["rate"] or (done / elapsed if done and elapsed else None)
    return {
        "description": bar["prefix"] or "",
        "done": done,
        "total": bar["total"],
        "unit": str(bar["unit"]).strip(),
        "rate": rate,
        "at": time.time(),
    }


def progress(
    items: Iterable[T],
    description: str,
    *,
    total: int | None = None,
    unit: str = "it",
    quiet: bool = False,
) -> Iterable[T]:
    """Iterate over `items` showing count, rate and time left; `quiet` shows nothing."""
    return _Bar(items, **_options(description, total, unit, quiet))


def progress_bar(description: str, *, total: int, unit: str = "it", quiet: bool = False) -> tqdm:
    """A bar to advance by hand (`.update(n)`, `.close()`, or as a context manager)."""
    return _Bar(**_options(description, total, unit, quiet))


def _options(description: str, total: int | None, unit: str, quiet: bool) -> dict[str, Any]:
    return {
        "desc": description,
        "total": total,
        "unit": f" {unit}",
        "disable": quiet,
        "mininterval": 0.5,
        "dynamic_ncols": True,
    }
