"""A validated manifest: its rows, its label set, and how it lies on disk."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ccim_core.errors import InputError
from ccim_core.files import write_atomically
from ccim_core.labels import LabelSet
from ccim_core.manifest.checks import numbers
from ccim_core.manifest.content import hash_table
from ccim_core.manifest.reading import read_parquet
from ccim_core.manifest.schema import BOX_COLUMNS, FACE_COLUMNS, REQUIRED_COLUMNS

__all__ = ["Manifest"]

_METADATA_KEY = b"ccim_manifest"
_FORMAT = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Manifest:
    """A validated table with its label set. `build_manifest` makes one; `load` reads one.

    `frame` has `REQUIRED_COLUMNS`, rows numbered from 0; do not change it in place.
    """

    frame: pd.DataFrame
    labels: LabelSet

    def __post_init__(self) -> None:
        absent = [column for column in REQUIRED_COLUMNS if column not in self.frame]
        if absent:
            raise InputError(f"Expected a manifest with the columns {absent}, got none of these.")
        object.__setattr__(self, "frame", self.frame.reset_index(drop=True))

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def splits(self) -> list[str]:
        """Names of the splits, in the order in which they first occur."""
        return [str(split) for split in self.frame["split"].unique()]

    def split(self, name: str) -> Manifest:
        """The rows of one split. Raises InputError naming the splits there are."""
        chosen = self.frame["split"] == name
        if not chosen.any():
            raise InputError(f"Expected a split of {self.splits}, got {name!r}.")
        return Manifest(frame=self.frame[chosen], labels=self.labels)

    def targets(self) -> np.ndarray:
        """Emotions as a 0/1 matrix (n, C), float32."""
        codes, texts = pd.factorize(self.frame["labels"])
        return self.labels.encode(str(text) for text in texts)[codes]

    def boxes(self) -> np.ndarray:
        """Subject boxes (n, 4): x1, y1, x2, y2 in pixels, float64."""
        return numbers(self.frame, BOX_COLUMNS)

    def face_boxes(self) -> np.ndarray:
        """Face boxes (n, 4) in pixels, float64; NaN where a row has none."""
        if FACE_COLUMNS[0] not in self.frame:
            return np.full((len(self), 4), np.nan)
        return numbers(self.frame, FACE_COLUMNS)

    def content_hash(self) -> str:
        """Hex SHA-256 of the rows, in order, and the label set."""
        labels = json.dumps(self.labels.to_dict(), sort_keys=True)
        return hashlib.sha256((hash_table(self.frame) + labels).encode()).hexdigest()

    def save(self, path: Path | str) -> None:
        """Write Parquet, whole or not at all, with label set and content hash in its schema."""
        record = {
            "format": _FORMAT,
            "labels": self.labels.to_dict(),
            "content_hash": self.content_hash(),
        }
        table = pa.Table.from_pandas(self.frame, preserve_index=False)
        metadata = {**(table.schema.metadata or {}), _METADATA_KEY: json.dumps(record).encode()}
        with write_atomically(path) as temporary:
            pq.write_table(table.replace_schema_metadata(metadata), temporary, compression="zstd")

    @classmethod
    def load(cls, path: Path | str) -> Manifest:
        """Read what `save` wrote. Raises InputError if it is another file, or was changed since."""
        path = Path(path)
        if not path.is_file():
            raise InputError(f"Expected a manifest at {path}, got no such file; run `prepare`.")
        table = read_parquet(path)
        record = _read_record(path, (table.schema.metadata or {}).get(_METADATA_KEY))
        manifest = cls(frame=table.to_pandas(), labels=LabelSet.from_dict(record["labels"]))
        if manifest.content_hash() != record["content_hash"]:
            raise InputError(
                f"Expected the manifest that was saved as {path}, got one changed since; "
                "run `prepare` again, which checks every row."
            )
        return manifest


def _read_record(path: Path, text: bytes | None) -> dict[str, Any]:
    try:
        record = json.loads(text or b"")
        if record["format"] != _FORMAT:
            raise InputError(
                f"Expected manifest format {_FORMAT} in {path}, got {record['format']!r}; "
                "run `prepare` again with this version."
            )
        return {"labels": record["labels"], "content_hash": record["content_hash"]}
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"Expected a manifest saved by this project at {path}, got another Parquet file; "
            "make one of it with `prepare table`."
        ) from None
