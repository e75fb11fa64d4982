"""Tables on disk, CSV and Parquet, read with clear errors."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ccim_core.errors import InputError
from ccim_core.manifest.schema import TEXT_COLUMNS

__all__ = ["read_parquet", "read_table"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_PARQUET = (".parquet", ".pq")
# Only outside text columns, where "NA" or "None" may be an emotion, a scene or an identifier.
_NO_NUMBER = ["", "nan", "NaN", "NA", "N/A", "null", "NULL", "None", "<NA>"]


def read_table(path: Path | str, *, text_columns: Collection[str] = TEXT_COLUMNS) -> pd.DataFrame:
    """Read a .csv, .tsv or .parquet file with a header.

    Cells of `text_columns` stay the text that they are, so that an id `007` keeps its zeros;
    numbers are recognised in the others. Raises InputError for a file that is missing, empty,
    not of its kind, not UTF-8, or that has two columns of one name.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (*_DELIMITERS, *_PARQUET):
        raise InputError(f"Expected a table named .csv, .tsv or .parquet, got {path.name!r}.")
    if not path.is_file():
        raise InputError(f"Expected a table at {path}, got no such file.")
    if suffix in _PARQUET:
        return read_parquet(path).to_pandas()
    try:
        return _read_csv(path, _DELIMITERS[suffix], text_columns)
    except UnicodeDecodeError as error:
        raise InputError(f"Expected UTF-8 text in {path}, got other bytes ({error}).") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"Expected a table in {path}, got something else ({reason}).") from None


def _read_csv(path: Path, delimiter: str, text_columns: Collection[str]) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        header = next(csv.reader(stream, delimiter=delimiter), [])
    names = [name.strip() for name in header]
    if not any(names):
        raise InputError(f"Expected a header with column names in {path}, got none.")
    if len(names) == 1 and ";" in names[0]:
        raise InputError(
            f"Expected cells separated by commas in {path}, got semicolons; "
            "export it with commas, or as Parquet."
        )
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"Expected each column once in {path}, got {repeated} more than once.")
    frame = pd.read_csv(
        path,
        sep=delimiter,
        header=0,
        names=names,
        encoding="utf-8-sig",
        dtype={name: str for name in names if name in text_columns},
        keep_default_na=False,
        na_values={name: _NO_NUMBER for name in names if name not in text_columns},
    )
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes surplus cells for an index
        raise InputError(
            f"Expected {len(names)} cells a row in {path}, as the header has, got more."
        )
    return frame


def read_parquet(path: Path) -> pa.Table:
    """Read a Parquet file. Raises InputError when it is none."""
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"Expected a Parquet file at {path}, got something else ({reason})."
        ) from None
