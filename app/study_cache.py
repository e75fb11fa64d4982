"""Cached loaders of what the pages read: studies, tables, and the model behind its lock.

Every loader is keyed by path and modification time, so that a study built again while the app
runs is read again. Frames come from `cache_data` (each visitor gets a copy); studies and models
from `cache_resource` (shared). Nothing here imports torch before a model is asked for.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from app import workspace
from ccim_core.allocator import return_freed_memory
from ccim_core.errors import InputError
from ccim_core.files import read_json
from ccim_core.study import Study

if TYPE_CHECKING:
    from ccim_core.predict import Predictor

__all__ = [
    "ASSETS",
    "SharedPredictor",
    "StudyEntry",
    "available_studies",
    "current_entry",
    "current_study",
    "is_shipped",
    "key_of",
    "load_json",
    "load_predictor",
    "load_study",
    "load_table",
    "study_names",
    "warm_up",
]

ASSETS = Path(__file__).resolve().parents[1] / "ccim_core" / "assets"
BUSY_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class StudyEntry:
    """A study the app can open. `key` is what the URL carries; paths never go into a URL."""

    key: str
    path: Path

    @property
    def present(self) -> bool:
        """Whether there is a study at the path."""
        return (self.path / "study.json").is_file()


def available_studies() -> dict[str, StudyEntry]:
    """Studies to choose from by key: those named on the command line, the shipped ones, and those
    of the workspace that are sound."""
    entries = [
        StudyEntry(key=_unique_key(path, i), path=path) for i, path in enumerate(_asked_for())
    ]
    entries += [
        StudyEntry(key="demo", path=ASSETS / "demo_study"),
        StudyEntry(key="photographs", path=ASSETS / "photo_model"),
    ]
    found = {entry.key: entry for entry in entries if entry.present}
    known = {entry.path.resolve() for entry in found.values()}
    for path in workspace.opened_studies():
        if path.resolve() not in known and _is_sound(path):
            key = path.name if path.name not in found else _told_apart(path)
            found[key] = StudyEntry(key=key, path=path)
    return found


def key_of(path: Path) -> str:
    """The key of an available study. Raises InputError when it is not on offer."""
    for key, entry in available_studies().items():
        if entry.path.resolve() == path.resolve():
            return key
    raise InputError(f"Expected a study that is on offer, got {path.name!r}; open it first.")


def is_shipped(path: Path) -> bool:
    """Whether a study belongs to the app itself, which never changes it."""
    return path.resolve().is_relative_to(ASSETS.resolve())


def _is_sound(path: Path) -> bool:
    try:
        load_study(path)
    except InputError:
        return False
    return True


def _told_apart(path: Path) -> str:
    return f"{path.name}-{hashlib.sha256(str(path).encode()).hexdigest()[:6]}"


@cache
def _asked_for() -> tuple[Path, ...]:
    """Paths after `streamlit run app/main.py -- --study DIR [--study DIR …]`."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--study", action="append", default=[], type=Path)
    known, _ = parser.parse_known_args(sys.argv[1:])
    return tuple(path.resolve() for path in known.study)


def _unique_key(path: Path, position: int) -> str:
    return path.name if position == 0 else f"{path.name}-{position + 1}"


def study_names() -> dict[str, str]:
    """What to call each available study, by key; studies of one name are told apart by key."""
    names = {key: load_study(entry.path).name for key, entry in available_studies().items()}
    shared = {name for name in names.values() if list(names.values()).count(name) > 1}
    return {key: f"{name} ({key})" if name in shared else name for key, name in names.items()}


def current_entry() -> StudyEntry | None:
    """The study chosen in the sidebar, or None where none is installed."""
    entries = available_studies()
    key = str(st.session_state.get("study", ""))
    return entries.get(key) or next(iter(entries.values()), None)


def current_study() -> Study | None:
    """The study chosen in the sidebar, opened; None where none is installed."""
    entry = current_entry()
    return load_study(entry.path) if entry else None


def load_study(path: Path) -> Study:
    """Open a study, once per version of its study.json. Raises InputError when it is not one."""
    return _open_study(str(path), _stamp(path / "study.json"))


@st.cache_resource(max_entries=16, ttl="1h", show_spinner=False)
def _open_study(path: str, stamp: int) -> Study:
    return Study.open(path)


def load_json(path: Path) -> Any | None:
    """A JSON file's content, or None where there is no such file."""
    stamp = _stamp(path)
    return _read_json(str(path), stamp) if stamp else None


@st.cache_data(max_entries=64, ttl="1h", show_spinner=False)
def _read_json(path: str, stamp: int) -> Any:
    return read_json(path)


def load_table(path: Path, columns: tuple[str, ...] | None = None) -> pd.DataFrame | None:
    """A Parquet table (or some of its columns), or None where there is no such file."""
    stamp = _stamp(path)
    return _read_parquet(str(path), stamp, columns) if stamp else None


@st.cache_data(max_entries=32, ttl="1h", show_spinner=False)
def _read_parquet(path: str, stamp: int, columns: tuple[str, ...] | None) -> pd.DataFrame:
    try:
        return pd.read_parquet(path, columns=list(columns) if columns else None)
    except (OSError, ValueError) as error:
        raise InputError(f"Expected a Parquet table at {path}, got another file.") from error


@dataclass(frozen=True, kw_only=True)
class SharedPredictor:
    """A predictor that every visitor shares, one at a time."""

    predictor: Predictor
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def busy(self) -> bool:
        """Whether another visitor's picture is being judged now."""
        return self.lock.locked()

    @cached_property
    def pairs(self) -> dict[str, list[str]]:
        """Estimator to the runs that give it, the default one first."""
        # Reads only what finished runs say of themselves: no lock, nobody waits.
        return self.predictor.pairs()

    @contextmanager
    def reserved(self, timeout: float = BUSY_SECONDS) -> Iterator[Predictor]:
        """The predictor, this visitor's alone. Raises InputError when it stays busy too long."""
        if not self.lock.acquire(timeout=timeout):
            raise InputError(
                f"Expected the model to be free within {timeout:.0f} s, but other visitors' "
                "pictures are still in it; try again in a moment."
            )
        try:
            yield self.predictor
        finally:
            self.lock.release()
            return_freed_memory()


def load_predictor(path: Path) -> SharedPredictor:
    """The predictor of a study. The first call in a process imports torch: a few seconds."""
    done = tuple((run.name, _stamp(run / "done")) for run in load_study(path).run_paths())
    return _open_predictor(str(path), _stamp(path / "study.json"), done)


@cache
def warm_up() -> None:
    """Begin to import what predictors need, aside; the first picture then waits less."""
    threading.Thread(
        target=importlib.import_module, args=("ccim_core.predict",), daemon=True
    ).start()


@st.cache_resource(max_entries=3, ttl="12h", show_spinner="Loading the model: a few seconds …")
def _open_predictor(path: str, stamp: int, done: tuple[tuple[str, int], ...]) -> SharedPredictor:
    from ccim_core.predict import Predictor

    return SharedPredictor(predictor=Predictor.open(Path(path)))


def _stamp(path: Path) -> int:
    """Modification time in ns, 0 where there is no file: the part of a key that changes."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
