"""Files written whole or not at all, hashed, and never outside the root they belong to."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ccim_core.errors import InputError

__all__ = [
    "again_if_busy",
    "check_file_name",
    "read_json",
    "resolve_inside",
    "sha256_file",
    "write_atomically",
    "write_json",
]

_CHUNK_BYTES = 1 << 20
# Windows refuses to replace a file that is being read, and to read one that is being replaced.
_TRIES = 100 if sys.platform == "win32" else 1
_PAUSE = 0.01  # s

# What some system refuses in a name, or reads as something else (`a:b` is a part of file a).
_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f]')

T = TypeVar("T")


@contextmanager
def write_atomically(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it replaces `path` only if the block succeeds.

    The temporary name keeps the suffix, so writers that look at it (Parquet, safetensors) work.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        again_if_busy(lambda: os.replace(temporary, path))
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all. NaN is refused by JSON: pass None."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    with write_atomically(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path | str) -> Any:
    """Read JSON. Raises InputError naming the file when it is missing or not JSON."""
    path = Path(path)
    try:
        return json.loads(again_if_busy(lambda: path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError(f"Expected a JSON file at {path}, got no such file.") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"Expected JSON in {path}, got something else ({error}).") from None


def again_if_busy(action: Callable[[], T]) -> T:
    """What `action` returns, tried again for a second where Windows refuses an open file."""
    for _ in range(_TRIES - 1):
        try:
            return action()
        except PermissionError:
            time.sleep(_PAUSE)
    return action()


def sha256_file(path: Path | str) -> str:
    """Hex SHA-256 of a file's bytes, read in chunks."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def check_file_name(name: str, what: str) -> None:
    """Raise InputError unless every system can name a file `name`; `what` it is, for messages."""
    if _NOT_IN_NAMES.search(name) or name.startswith(".") or name != name.rstrip(". "):
        raise InputError(
            f'Expected {what} that can name a folder, without < > : " / \\ | ? * and with no dot '
            f"first or last, got {name!r}; choose another."
        )


def resolve_inside(root: Path | str, relative: str) -> Path:
    """`root / relative`, refusing absolute paths, `..` and links that lead out of `root`."""
    base = Path(root).resolve()
    path = (base / relative).resolve()
    if Path(relative).is_absolute() or not path.is_relative_to(base):
        raise InputError(f"Expected a path inside {base}, got {relative!r}, which leads out of it.")
    return path
