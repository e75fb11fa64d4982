"""Published weights: where they come from, where they lie, and that they are what they were.

Nothing here is ever downloaded unasked, and no kind of weights stands in for another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccim_core.checkpoints import require_one_file
from ccim_core.downloads import fetch
from ccim_core.errors import InputError
from ccim_core.files import read_json, sha256_file, write_json
from ccim_core.preprocessing import Preprocessing
from ccim_core.published_weights import WEIGHTS, Weights, weights_dir

__all__ = [
    "WEIGHTS",
    "LocalWeights",
    "Preprocessing",
    "Provenance",
    "Weights",
    "download_weights",
    "get_weights",
    "locate_weights",
    "weights_dir",
]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What an encoder's numbers are: this travels into features, dictionaries and runs.

    Args:
        name: the encoder, such as `"resnet18-places365"`.
        source: where the weights came from: an address, a package and version, or a file's name.
        sha256: hex hash of the weights file as it was read.
        preprocessing: what pictures go through first.
    """

    name: str
    source: str
    sha256: str
    preprocessing: Preprocessing

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.name,
            "source": self.source,
            "sha256": self.sha256,
            "preprocessing": self.preprocessing.to_dict(),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Provenance:
        """Inverse of `to_dict`; unknown or missing keys raise InputError."""
        try:
            settings = {**value, "preprocessing": Preprocessing.from_dict(value["preprocessing"])}
            return cls(**settings)
        except (KeyError, TypeError) as error:
            raise InputError(f"Expected a provenance, got {value!r} ({error}).") from None


@dataclass(frozen=True, kw_only=True)
class LocalWeights:
    """A weights file that is there and was checked."""

    path: Path
    sha256: str
    source: str

    @classmethod
    def from_file(cls, path: Path | str, what: str) -> LocalWeights:
        """A user's own file of `what`. Raises InputError as `require_one_file`."""
        path = Path(path)
        require_one_file(path, what)
        return cls(path=path, sha256=sha256_file(path), source=f"local file {path.name}")


def get_weights(name: str) -> Weights:
    """Weights by name. Raises InputError listing the names."""
    if name not in WEIGHTS:
        raise InputError(f"Expected weights of {sorted(WEIGHTS)}, got {name!r}.")
    return WEIGHTS[name]


def locate_weights(name: str) -> LocalWeights:
    """The file of `name`, which must be there and be the one that was first recorded.

    Where no hash is published, the hash is recorded on the first use and required ever after.

    Raises:
        InputError: missing, or other content; the message says how to get it.
    """
    weights = get_weights(name)
    if not weights.path.is_file():
        raise InputError(f"Expected {name} at {weights.path}, got no such file: {weights.remedy}.")
    digest = sha256_file(weights.path)
    record = _read_record(weights)
    if record is None:
        if weights.known_sha256 is None and weights.check is not None:
            weights.check(weights.path)
        record = {"sha256": weights.known_sha256 or digest, "source": weights.file_name}
    if not digest.startswith(record["sha256"]) or not digest.startswith(weights.known_sha256 or ""):
        raise InputError(
            f"Expected {weights.path} to have sha256 {record['sha256']}, got {digest}, so it was "
            f"changed or damaged: delete it and {weights.remedy}."
        )
    _write_record(weights, digest, record["source"])
    return LocalWeights(path=weights.path, sha256=digest, source=record["source"])


def download_weights(name: str, *, url: str | None = None, quiet: bool = False) -> list[Path]:
    """Download `name` and what belongs beside it, unless there. Returns the files.

    Args:
        url: another address of the same file (a mirror); the content is checked all the same.

    Raises:
        InputError: it cannot be had; the message says what to do.
    """
    weights = get_weights(name)
    source = url or weights.url
    if not weights.path.is_file():
        try:
            digest = fetch(
                source, weights.path, sha256=weights.known_sha256, check=weights.check, quiet=quiet
            )
        except InputError as error:
            raise InputError(
                f"{str(error).rstrip('.')}; try again later: {weights.remedy}."
            ) from None
        record = _read_record(weights)
        if record is not None and record["sha256"] != digest:
            weights.path.unlink()
            raise InputError(
                f"Expected {source} to have sha256 {record['sha256']} as when it was first "
                f"downloaded, got {digest}; if the publisher has replaced it on purpose, delete "
                f"{_record_path(weights)} and try again."
            )
        _write_record(weights, digest, source)
    locate_weights(name)
    return [
        weights.path,
        *(path for other in weights.beside for path in download_weights(other, quiet=quiet)),
    ]


def _record_path(weights: Weights) -> Path:
    return weights.path.with_name(weights.path.name + ".json")


def _read_record(weights: Weights) -> dict[str, str] | None:
    path = _record_path(weights)
    if not path.is_file():
        return None
    record = read_json(path)
    if not isinstance(record, dict) or not record.get("sha256") or not record.get("source"):
        raise InputError(
            f"Expected the record of {weights.name} in {path}, got another; delete it."
        )
    return {"sha256": str(record["sha256"]), "source": str(record["source"])}


def _write_record(weights: Weights, digest: str, source: str) -> None:
    record = {"sha256": digest, "source": source}
    if _read_record(weights) == record:
        return
    try:
        write_json(_record_path(weights), record)
    except OSError as error:
        # In a folder that cannot be written a published hash is check enough.
        if weights.known_sha256 is None:
            raise InputError(
                f"Expected to record the hash of {weights.name} in {_record_path(weights)}, got "
                f"{error.strerror}; make the folder writable or set CCIM_HOME."
            ) from None
