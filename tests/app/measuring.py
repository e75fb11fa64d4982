"""The real app and a real browser for a script that measures them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.app.conftest import Server, start_server, stop_server
from tests.chromium import find_chromium, launch_chromium

__all__ = ["measured_app"]


@contextmanager
def measured_app(
    name: str, make_study: Callable[[Path], object], *, keep: Path | None
) -> Iterator[tuple[Any, Server]]:
    """A browser, and the app's server with a study besides the demo.

    Args:
        name: of the study's folder.
        make_study: makes it at a path, where it is not there yet.
        keep: folder that it is kept in; None: it is thrown away in the end.

    Ends the script with a sentence, exit code 2, where there is no Chromium.
    """
    chromium = find_chromium()
    if chromium is None:
        print("error: Expected a Chromium on the path, got none.", file=sys.stderr)
        sys.exit(2)
    with tempfile.TemporaryDirectory() as temporary:
        path = (keep or Path(temporary)) / name
        if not (path / "study.json").is_file():
            make_study(path)
        server = start_server("--", "--root", temporary, "--study", str(path))
        try:
            with launch_chromium(chromium) as browser:
                yield browser, server
        finally:
            stop_server(server)
