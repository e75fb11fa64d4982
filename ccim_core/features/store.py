"""A directory of features, filed by the content that they were made from.

    store.json                  what made them: encoder, view, stage, precision
    shard-<hash>.npy            features (rows, d), (rows, d, h, w) or pixels (rows, S, S, 3)
    shard-<hash>.keys.npy       the rows' keys; written last, so that a shard with keys is whole
    claims/                     who is working on what

A shard is never changed, and its name is the hash of its content, so any number of processes may
add shards at the same time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ccim_core.errors import InputError
from ccim_core.features.keys import KEY_TYPE, row_keys
from ccim_core.features.views import View
from ccim_core.files import read_json, write_atomically, write_json
from ccim_core.manifest import Manifest
from ccim_core.pictures import PictureReader
from ccim_core.weights import Provenance

__all__ = ["FeatureStore"]

_FORMAT = 1
# What makes two stores the same store: the encoder's numbers and not their file's name.
_IDENTITY = ("format", "fingerprint", "preprocessing", "view", "stage", "precision", "dtype")


class FeatureStore:
    """Features on disk. `extract_features` makes and fills one; `FeatureStore.open` reads one.

    Attributes:
        path: its directory.
        record: contents of store.json.
    """

    def __init__(self, path: Path, record: Mapping[str, Any]) -> None:
        self.path = path
        self.record = dict(record)
        self._shards: dict[str, np.ndarray] = {}
        self._index: tuple[np.ndarray, np.ndarray, np.ndarray, list[np.ndarray]] | None = None

    @classmethod
    def create(
        cls,
        root: Path,
        *,
        provenance: Provenance,
        fingerprint: str,
        view: View,
        stage: str,
        precision: str,
        dtype: str,
        shape: tuple[int, ...],
    ) -> FeatureStore:
        """The store of exactly these settings under `root`, made if it is not there."""
        record: dict[str, Any] = {
            "format": _FORMAT,
            "encoder": provenance.to_dict(),
            "fingerprint": fingerprint,
            "preprocessing": provenance.preprocessing.to_dict(),
            "view": view.to_dict(),
            "stage": stage,
            "precision": precision,
            "dtype": dtype,
            "shape": list(shape),
        }
        path = root / cls.directory_name(record)
        if not (path / "store.json").is_file():
            write_json(path / "store.json", record)
        return cls.open(path)

    @staticmethod
    def directory_name(record: Mapping[str, Any]) -> str:
        """Readable, and different for all that give different features."""
        text = json.dumps({key: record[key] for key in _IDENTITY}, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        encoder, size = record["encoder"]["name"], record["preprocessing"]["size"]
        return f"{encoder}-{size}px-{record['view']['kind']}-{record['stage']}-{digest}"

    @classmethod
    def open(cls, path: Path | str) -> FeatureStore:
        """Open a store. Raises InputError when `path` is none, or one of another format."""
        path = Path(path)
        record = read_json(path / "store.json")
        if not isinstance(record, dict) or record.get("format") != _FORMAT:
            raise InputError(
                f"Expected a feature store of format {_FORMAT} at {path}, got another."
            )
        if not {*_IDENTITY, "encoder", "shape"} <= set(record):
            raise InputError(
                f"Expected a whole store.json in {path}, got parts; delete the folder."
            )
        store = cls(path, record)
        store.refresh()
        return store

    @property
    def provenance(self) -> Provenance:
        """The encoder's."""
        return Provenance.from_dict(self.record["encoder"])

    @property
    def view(self) -> View:
        """The view, resolved."""
        return View.from_dict(self.record["view"])

    @property
    def stage(self) -> str:
        """`pooled`, `map` or `pixels`."""
        return str(self.record["stage"])

    @property
    def dtype(self) -> np.dtype:
        """The type of the numbers on disk."""
        return np.dtype(self.record["dtype"])

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row: (d,), (d, h, w) or (S, S, 3)."""
        return tuple(self.record["shape"])

    def __len__(self) -> int:
        return sum(len(keys) for keys in self._shards.values())

    def refresh(self) -> np.ndarray:
        """Take in shards that any process has added. Returns their keys."""
        new = {}
        for path in sorted(self.path.glob("shard-*.keys.npy")):
            name = path.name.removesuffix(".keys.npy")
            if name not in self._shards:
                new[name] = _read_array(path)
        if new:
            self._shards.update(new)
            self._index = None
        return np.concatenate(list(new.values())) if new else np.empty(0, KEY_TYPE)

    def add(self, keys: np.ndarray, features: np.ndarray) -> None:
        """File `features` (n, *shape) under `keys` (n,). Nothing is written if they are no good.

        Raises InputError for features that are not finite.
        """
        if features.shape != (len(keys), *self.shape) or keys.dtype != KEY_TYPE:
            raise ValueError(f"Expected ({len(keys)}, *{self.shape}), got {features.shape}.")
        with np.errstate(over="ignore"):  # what overflows is refused next
            features = np.ascontiguousarray(features, self.record["dtype"])
        if not np.isfinite(features).all():
            raise InputError(
                f"Expected finite features of {self.record['encoder']['name']}, got NaN or "
                f"infinity (stored as {self.record['dtype']}, computed in "
                f"{self.record['precision']}); check the weights, or take float32."
            )
        digest = hashlib.sha256(keys.tobytes())
        digest.update(features.data)
        name = f"shard-{digest.hexdigest()[:24]}"
        for suffix, array in ((".npy", features), (".keys.npy", keys)):
            with write_atomically(self.path / (name + suffix)) as temporary:
                np.save(temporary, array, allow_pickle=False)
        self._shards[name] = keys
        self._index = None

    def has(self, keys: np.ndarray) -> np.ndarray:
        """Which of `keys` are here, (n,) bool."""
        return self._find(keys)[0]

    def take(self, keys: np.ndarray, *, dtype: DTypeLike = np.float32) -> np.ndarray:
        """Features of `keys`, (n, *shape) of `dtype`. Raises InputError for keys not here."""
        found, shards, rows = self._find(keys)
        if not found.all():
            raise InputError(
                f"Expected features of {len(keys)} rows in {self.path}, got those of "
                f"{int(found.sum())}; run `python -m ccim_core features` with the same settings."
            )
        out = np.empty((len(keys), *self.shape), dtype)
        if not len(keys):
            return out
        order = np.lexsort((rows, shards))
        arrays = self._sorted_index()[3]
        used, starts = np.unique(shards[order], return_index=True)
        for shard, chosen in zip(used, np.split(order, starts[1:]), strict=True):
            out[chosen] = arrays[shard][rows[chosen]]
        return out

    def gather(
        self, manifest: Manifest, reader: PictureReader, *, dtype: DTypeLike = np.float32
    ) -> np.ndarray:
        """The manifest's rows in order: (n, d), (n, d, h, w) for maps, (n, S, S, 3) for pixels.

        Raises InputError when some are not here.
        """
        return self.take(row_keys(manifest, reader, self.view), dtype=dtype)

    def remove_remains(self) -> None:
        """Remove what killed processes left half written. Only while nobody is writing."""
        for path in self.path.glob("shard-*.npy"):
            if not (self.path / (path.name.split(".")[0] + ".keys.npy")).exists():
                path.unlink()
        for path in self.path.glob(".shard-*.npy"):
            path.unlink()

    def _find(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        known, shards, rows, _ = self._sorted_index()
        if not len(known):
            nowhere = np.zeros(len(keys), np.int64)
            return np.zeros(len(keys), bool), nowhere, nowhere
        position = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        return known[position] == keys, shards[position], rows[position]

    def _sorted_index(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[np.ndarray]]:
        """Keys in order, with the shard and row that each is in, and the shards' arrays."""
        if self._index is None:
            arrays = [self._map_shard(name, len(keys)) for name, keys in self._shards.items()]
            lengths = [len(array) for array in arrays]
            keys = np.concatenate([*self._shards.values(), np.empty(0, KEY_TYPE)])
            order = np.argsort(keys)
            shards = np.repeat(np.arange(len(arrays)), lengths)
            rows = np.concatenate([*(np.arange(n) for n in lengths), np.empty(0, np.int64)])
            self._index = keys[order], shards[order], rows[order], arrays
        return self._index

    def _map_shard(self, name: str, rows: int) -> np.ndarray:
        path = self.path / f"{name}.npy"
        array = _read_array(path, memory_map=True)
        if array.shape != (rows, *self.shape) or array.dtype != self.dtype:
            raise _damaged(path)
        return array


def _read_array(path: Path, *, memory_map: bool = False) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r" if memory_map else None, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise _damaged(path) from None


def _damaged(path: Path) -> InputError:
    name = path.name.split(".")[0]
    return InputError(
        f"Expected a whole array in {path}, got a missing or damaged one; delete "
        f"{path.parent / name}.* and run `python -m ccim_core features` again."
    )
