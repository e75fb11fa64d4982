"""What tests of several layers share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chromium import find_chromium, launch_chromium


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A Chromium, one for all: a process has room for one of Playwright's loops.

    The tests that need it are skipped only where none is installed, and fail there too where
    CCIM_REQUIRE_BROWSER is set.
    """
    path = find_chromium()
    if path is None:
        if os.environ.get("CCIM_REQUIRE_BROWSER"):
            pytest.fail("Expected a Chromium on the path (CCIM_REQUIRE_BROWSER is set), got none.")
        pytest.skip("no Chromium is installed")
    with launch_chromium(path) as browser:
        yield browser
