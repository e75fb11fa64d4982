"""The real browser of tests and timings."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["find_chromium", "launch_chromium"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a camera, where there is none
]


def find_chromium() -> str | None:
    """Its path, or None where none is installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def launch_chromium(path: str) -> Iterator[Any]:
    """The browser at `path`, closed in the end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
