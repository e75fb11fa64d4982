"""Progress with rate and time left for every long work, on standard error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

__all__ = ["progress", "progress_bar"]

T = TypeVar("T")


def progress(
    items: Iterable[T],
    description: str,
    *,
    total: int | None = None,
    unit: str = "it",
    quiet: bool = False,
) -> Iterable[T]:
    """Iterate over `items` showing count, rate and time left; `quiet` shows nothing."""
    return tqdm(
        items,
        desc=description,
        total=total,
        unit=f" {unit}",
        disable=quiet,
        mininterval=0.5,
        dynamic_ncols=True,
    )


def progress_bar(description: str, *, total: int, unit: str = "it", quiet: bool = False) -> tqdm:
    """A bar to advance by hand (`.update(n)`, `.close()`, or as a context manager)."""
    return tqdm(
        desc=description,
        total=total,
        unit=f" {unit}",
        disable=quiet,
        mininterval=0.5,
        dynamic_ncols=True,
    )
