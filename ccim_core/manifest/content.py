"""A table's identity by its content, and what may differ in two that are alike."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccim_core.errors import InputError
from ccim_core.manifest.schema import BOX_COLUMNS, FACE_COLUMNS

__all__ = ["COORDINATE_TOLERANCE", "coordinate_difference", "hash_table"]

COORDINATE_TOLERANCE = 1 / 64
"""Pixels by which coordinates of the same row may differ where they were rounded otherwise."""


def coordinate_difference(one: pd.DataFrame, two: pd.DataFrame) -> float:
    """The largest difference of two manifests' boxes, pixels, if all else in them is equal.

    Raises InputError where they differ in more, or by more than `COORDINATE_TOLERANCE`.
    """
    names = [name for name in (*BOX_COLUMNS, *FACE_COLUMNS) if name in one and name in two]
    if hash_table(one.drop(columns=names)) != hash_table(two.drop(columns=names)):
        raise InputError("Expected the same rows but for rounded boxes, got others.")
    a, b = (frame[names].to_numpy(np.float64) for frame in (one, two))
    if not (np.isnan(a) == np.isnan(b)).all():
        raise InputError("Expected the same rows but for rounded boxes, got boxes where none are.")
    largest = float(np.nanmax(np.abs(a - b), initial=0.0))
    if largest > COORDINATE_TOLERANCE:
        raise InputError(
            f"Expected boxes within {COORDINATE_TOLERANCE} pixels of each other, got a difference "
            f"of {largest:.3g}."
        )
    return largest


def hash_table(frame: pd.DataFrame) -> str:
    """Hex SHA-256 of a table's cells in row order, by column name.

    The same for the same content whatever the order of columns, the index, the width of numbers,
    the form that text is held in (object, str, categorical), and the versions of pandas or Arrow.
    """
    digest = hashlib.sha256()
    for name in sorted(frame.columns):
        cells = _canonical(frame[name])
        head = {"column": str(name), "type": str(cells.type), "rows": len(cells)}
        digest.update(json.dumps(head, sort_keys=True).encode())
        digest.update(np.packbits(cells.is_valid().to_numpy(zero_copy_only=False)).tobytes())
        if pa.types.is_large_string(cells.type):
            text = cells.fill_null("")
            digest.update(pc.binary_length(text).to_numpy().astype("<i8").tobytes())
            digest.update("".join(text.to_pylist()).encode())
        else:
            digest.update(cells.fill_null(0).to_numpy().astype(_wire_type(cells.type)).tobytes())
    return digest.hexdigest()


def _wire_type(kind: pa.DataType) -> str:
    return {"double": "<f8", "int64": "<i8", "uint64": "<u8"}[str(kind)]


def _canonical(column: pd.Series) -> pa.Array:
    """Cells as int64, uint64, float64 or text; whatever else (lists, dates) by its text."""
    try:
        cells = pa.Array.from_pandas(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # cells of several types
        return _as_text(column)
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    kind = cells.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        return cells.cast(pa.large_string())
    if pa.types.is_unsigned_integer(kind):
        return cells.cast(pa.uint64())
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return cells.cast(pa.int64())
    if pa.types.is_floating(kind):
        return cells.cast(pa.float64())
    return _as_text(column)


def _as_text(column: pd.Series) -> pa.Array:
    cells = [cell.tolist() if isinstance(cell, np.ndarray) else cell for cell in column]
    return pa.array([repr(cell) for cell in cells], pa.large_string())
