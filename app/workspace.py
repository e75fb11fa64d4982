"""The folder that visitors may open paths in, and what the app keeps there: studies and jobs.

`streamlit run app/main.py -- --root DIR` names it; without that it is the folder the app was
started in. Visitors' paths never lead out of it.
"""

from __future__ import annotations

import argparse
import sys
from functools import cache
from pathlib import Path

from ccim_core.errors import InputError
from ccim_core.files import read_json, write_json
from ccim_core.jobs import Jobs

__all__ = [
    "jobs",
    "opened_studies",
    "remember_study",
    "resolve_path",
    "root",
    "shown_path",
    "studies_root",
    "tables_root",
]

_MAX_OPENED = 50


@cache
def root() -> Path:
    """The folder of `--root`, resolved."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--root", type=Path, default=Path.cwd())
    known, _ = parser.parse_known_args(sys.argv[1:])
    return Path(known.root).resolve()


def resolve_path(text: str, what: str) -> Path:
    """What a visitor typed, absolute or from the root; `what` it should be, for messages.

    Raises InputError for nothing, and for a path (or a link) that leads out of the root.
    """
    text = text.strip()
    if not text or "\0" in text:
        raise InputError(f"Expected the path of {what} inside {root()}, got none; type it.")
    path = (root() / Path(text)).resolve()
    if not path.is_relative_to(root()):
        raise InputError(
            f"Expected the path of {what} inside {root()}, got {text!r}, which leads out of it; "
            "to open other folders start the app with `streamlit run app/main.py -- --root DIR`."
        )
    return path


def shown_path(path: Path) -> str:
    """A path as it is shown: from the root where it lies in it."""
    return str(path.relative_to(root())) if path.is_relative_to(root()) else str(path)


def studies_root() -> Path:
    """Where studies made in the app lie; every study in it is on offer."""
    return root() / "studies"


def tables_root() -> Path:
    """Where an uploaded table is kept once a study is made of it."""
    return studies_root() / ".tables"


def jobs() -> Jobs:
    """The jobs of this workspace."""
    return Jobs(root=studies_root() / ".jobs")


def opened_studies() -> list[Path]:
    """Studies in `studies/`, then those opened by path, as far as they are still there."""
    own = sorted(path.parent for path in studies_root().glob("*/study.json"))
    return own + [path for path in _remembered() if path not in own]


def remember_study(path: Path) -> None:
    """Keep a study that was opened by path on offer, over a restart of the server too."""
    if path.parent != studies_root() and path not in _remembered():
        kept = [*_remembered(), path][-_MAX_OPENED:]
        write_json(_record(), [shown_path(path) for path in kept])


def _remembered() -> list[Path]:
    if not _record().is_file():
        return []
    found = []
    for text in read_json(_record()):
        path = (root() / str(text)).resolve()
        if path.is_relative_to(root()) and (path / "study.json").is_file():
            found.append(path)
    return found


def _record() -> Path:
    return studies_root() / ".opened.json"
