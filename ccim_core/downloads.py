"""Downloads that can be interrupted: continued where they stopped, checked, then renamed."""

from __future__ import annotations

import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock

from ccim_core.errors import InputError
from ccim_core.files import read_json, sha256_file, write_json
from ccim_core.progress import progress_bar

__all__ = ["fetch"]

_CHUNK_BYTES = 1 << 18
_MEGABYTE = 1_000_000


class _BrokenDownloadError(Exception):
    """The connection ended before the file did; what came is kept."""


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    check: Callable[[Path], None] | None = None,
    attempts: int = 3,
    timeout: float = 30.0,
    quiet: bool = False,
) -> str:
    """Download `url` to `target` unless it is there; return the file's hex SHA-256.

    Bytes go to `target` + ".part"; a later call continues that file if the server still has the
    same version of it. Two processes may fetch the same target: one waits for the other.

    Args:
        sha256: hash that the file must have, or its first hex digits (eight or more).
        check: called with the whole file before it gets its name; it raises InputError for
            content that is not what was asked for.
        attempts: how often a broken connection is taken up again before giving up.
        timeout: seconds without a byte after which a connection counts as broken.

    Raises:
        InputError: no such address or host, a broken connection, or other content than expected.
            Its message says what happened; the caller adds what to do.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        (target.parent / f".{target.name}.lock").touch()
    except OSError as error:
        raise InputError(
            f"Expected a folder to write to at {target.parent}, got {error.strerror}."
        ) from None
    part = target.with_name(target.name + ".part")
    with FileLock(target.parent / f".{target.name}.lock"):
        if target.is_file():
            return sha256_file(target)
        _fetch_part(url, part, attempts=attempts, timeout=timeout, quiet=quiet)
        try:
            digest = sha256_file(part)
            if sha256 is not None and not digest.startswith(sha256):
                raise InputError(f"Expected content with sha256 {sha256}… at {url}, got {digest}.")
            if check is not None:
                check(part)
        except InputError:
            # Continuing a wrong file could never make it right.
            part.unlink()
            raise
        finally:
            _state_path(part).unlink(missing_ok=True)
        os.replace(part, target)
        return digest


def _fetch_part(url: str, part: Path, *, attempts: int, timeout: float, quiet: bool) -> None:
    reason: Exception = _BrokenDownloadError()
    for attempt in range(attempts):
        if attempt:
            time.sleep(min(2.0 ** (attempt - 1), 10.0) / 2)
        try:
            return _request(url, part, timeout=timeout, quiet=quiet)
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise InputError(
                    f"Expected a file at {url}, got HTTP {error.code} {error.reason}."
                ) from None
            reason = error
        except (OSError, http.client.HTTPException, _BrokenDownloadError) as error:
            reason = error
    raise InputError(
        f"Expected to download {url}, got no complete answer in {attempts} attempts "
        f"({reason or type(reason).__name__})."
    )


def _request(url: str, part: Path, *, timeout: float, quiet: bool) -> None:
    """One request: append to `part` what is still missing, or start it anew."""
    state = _read_state(part, url)
    start = part.stat().st_size if state and part.is_file() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "ccim-studio"})
    if start:
        request.add_header("Range", f"bytes={start}-")
        if state.get("version"):
            request.add_header("If-Range", state["version"])
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == 416:
            # Nothing is left to send: it was whole, or the server's file has changed.
            if start and start == _total(error.headers) == state.get("total"):
                return
            part.unlink(missing_ok=True)
            raise _BrokenDownloadError("the file has changed on the server") from None
        raise
    with response:
        if "text/html" in response.headers.get("Content-Type", ""):
            raise InputError(f"Expected a file at {url}, got a web page.")
        total = _total(response.headers)
        continues = response.status == 206 and (start, state.get("total")) == (
            _range_start(response.headers),
            total,
        )
        if response.status == 206 and not continues:
            part.unlink(missing_ok=True)
            raise _BrokenDownloadError("the file has changed on the server")
        # The version is written first: a part without it is never continued.
        version = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        version = "" if version.startswith("W/") else version
        if not continues:
            part.unlink(missing_ok=True)
        write_json(_state_path(part), {"url": url, "total": total, "version": version})
        _receive(response, part, start if continues else 0, total, quiet=quiet)


def _receive(
    response: http.client.HTTPResponse, part: Path, start: int, total: int | None, *, quiet: bool
) -> None:
    received = start
    label = part.name.removesuffix(".part")
    with (
        progress_bar(label, total=(total or 0) // _MEGABYTE, unit="MB", quiet=quiet) as bar,
        open(part, "ab" if start else "wb") as stream,
    ):
        bar.update(received // _MEGABYTE)
        while chunk := response.read(_CHUNK_BYTES):
            stream.write(chunk)
            bar.update((received + len(chunk)) // _MEGABYTE - received // _MEGABYTE)
            received += len(chunk)
    if total is not None and received != total:
        raise _BrokenDownloadError(f"{received:,} of {total:,} bytes came")


def _state_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_state(part: Path, url: str) -> dict[str, Any]:
    try:
        state = read_json(_state_path(part))
    except InputError:
        return {}
    return state if isinstance(state, dict) and state.get("url") == url else {}


def _total(headers: http.client.HTTPMessage | Any) -> int | None:
    """Size of the whole file, from Content-Range or Content-Length."""
    found = re.search(r"/(\d+)$", headers.get("Content-Range", ""))
    length = found.group(1) if found else headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _range_start(headers: http.client.HTTPMessage) -> int | None:
    found = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    return int(found.group(1)) if found else None
