"""Every fault that a manifest's table can have, found by row, vectorised."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import pandas as pd

from ccim_core.errors import InputError
from ccim_core.labels import LABEL_SEPARATOR, LabelSet
from ccim_core.manifest.schema import (
    BOX_COLUMNS,
    CAUSES,
    FACE_COLUMNS,
    REQUIRED_COLUMNS,
    SHARING_SPLITS,
    SIZE_COLUMNS,
    VAD_COLUMNS,
    VAD_RANGE,
    Fault,
    Finding,
)
from ccim_core.pictures import PictureReader
from ccim_core.progress import progress

__all__ = ["CheckPictures", "collect_findings", "find_faults", "is_blank", "numbers", "spell_out"]

CheckPictures = Literal["none", "exists", "decode"]


def find_faults(
    frame: pd.DataFrame,
    labels: LabelSet,
    *,
    reader: PictureReader | None = None,
    check_pictures: CheckPictures = "none",
    quiet: bool = True,
) -> list[Fault]:
    """Every fault of a manifest's table, by row, then in the order of `CAUSES`.

    Boxes are held against the picture's size where the columns `width` and `height` give it or
    `check_pictures` is `"decode"`; against 0 always. `"exists"` and `"decode"` need a `reader`
    and look at each distinct picture once. VAD and face boxes may be absent (NaN).
    """
    findings, _ = collect_findings(
        frame, labels, reader=reader, check_pictures=check_pictures, quiet=quiet
    )
    return list(spell_out(findings, frame))


def spell_out(findings: Sequence[Finding], frame: pd.DataFrame) -> Iterable[Fault]:
    """The faults of findings one by one, by row, then in the order of `CAUSES`."""
    if not findings:
        return
    rank = {cause: position for position, cause in enumerate(CAUSES)}
    owner = np.repeat(np.arange(len(findings)), [len(finding.rows) for finding in findings])
    rows = np.concatenate([finding.rows for finding in findings])
    ranks = np.array([rank[finding.cause] for finding in findings])[owner]
    ids = frame["sample_id"].astype(object).to_numpy() if "sample_id" in frame else None
    for position in np.lexsort((ranks, rows)):
        row = int(rows[position])
        name = None if ids is None or row < 0 or pd.isna(ids[row]) else str(ids[row])
        yield findings[owner[position]].fault(row, name)


def collect_findings(
    frame: pd.DataFrame,
    labels: LabelSet,
    *,
    reader: PictureReader | None = None,
    check_pictures: CheckPictures = "none",
    quiet: bool = True,
) -> tuple[list[Finding], np.ndarray]:
    """`find_faults` before its rows are spelled out: what policies and counts work on.

    Also the pictures' sizes (n, 2), width and height in pixels, NaN where unknown.
    """
    if check_pictures != "none" and reader is None:
        raise ValueError("Expected a reader to check pictures with, got none.")
    findings = _check_table(frame)
    findings += _check_identity(frame)
    findings += _check_labels(frame, labels)
    sizes = _recorded_sizes(frame)
    if reader is not None and check_pictures != "none" and "image" in frame:
        decode = check_pictures == "decode"
        found, seen = _check_pictures(frame, reader, sizes, decode=decode, quiet=quiet)
        findings += found
        sizes = np.where(np.isnan(seen), sizes, seen)
    findings += _check_boxes(frame, BOX_COLUMNS, "box", sizes)
    findings += _check_boxes(frame, FACE_COLUMNS, "face_box", sizes)
    findings += _check_sources(frame)
    findings += _check_vad(frame)
    return [finding for finding in findings if len(finding.rows)], sizes


def _at(
    cause: str, column: str, mask: np.ndarray, detail: Callable[[int], str] | None = None
) -> Finding:
    return Finding(
        cause=cause,
        column=column,
        rows=np.flatnonzero(mask),
        detail=detail or (lambda row: CAUSES[cause]),
    )


def _check_table(frame: pd.DataFrame) -> list[Finding]:
    absent = [column for column in REQUIRED_COLUMNS if column not in frame]
    for group in (FACE_COLUMNS, SIZE_COLUMNS):  # optional, but not in part
        if any(column in frame for column in group):
            absent += [column for column in group if column not in frame]
    whole = np.array([-1])
    findings = [
        Finding(cause="missing_column", column=column, rows=whole, detail=_constant("absent"))
        for column in absent
    ]
    if len(frame) == 0:
        findings.append(
            Finding(cause="no_rows", column="table", rows=whole, detail=_constant("empty"))
        )
    return findings


def _constant(text: str) -> Callable[[int], str]:
    return lambda row: text


def is_blank(column: pd.Series) -> np.ndarray:
    """(n,) True where a cell is missing or holds only white space."""
    missing = column.isna().to_numpy()
    if pd.api.types.is_numeric_dtype(column.dtype):
        return missing
    return missing | (column.astype(str).str.strip() == "").to_numpy(bool)


def _check_identity(frame: pd.DataFrame) -> list[Finding]:
    findings = []
    for column in ("sample_id", "image", "split"):
        if column in frame:
            findings.append(_at(f"missing_{column}", column, is_blank(frame[column])))
    if "sample_id" in frame:
        ids = frame["sample_id"]
        repeated = ids.astype(object).map(str).duplicated().to_numpy() & ~is_blank(ids)
        findings.append(_at("duplicate_sample_id", "sample_id", repeated))
    return findings


def _check_labels(frame: pd.DataFrame, labels: LabelSet) -> list[Finding]:
    if "labels" not in frame:
        return []
    known = set(labels.emotions)
    codes, texts = pd.factorize(frame["labels"])
    none, several = np.ones(len(texts) + 1, bool), np.zeros(len(texts) + 1, bool)
    unknown: dict[int, list[str]] = {}
    for code, text in enumerate(texts):
        names = [part.strip() for part in str(text).split(LABEL_SEPARATOR) if part.strip()]
        none[code] = not names
        several[code] = labels.kind == "single" and len(names) > 1
        strange = [name for name in names if name not in known]
        if strange:
            unknown[code] = strange
    is_unknown = np.zeros(len(texts) + 1, bool)
    is_unknown[list(unknown)] = True
    return [
        _at("no_labels", "labels", none[codes]),
        _at(
            "unknown_emotion",
            "labels",
            is_unknown[codes],
            lambda row: f"{', '.join(map(repr, unknown[int(codes[row])]))} not in {labels.name!r}",
        ),
        _at(
            "several_labels",
            "labels",
            several[codes],
            lambda row: f"{texts[codes[row]]!r}, where {labels.name!r} has one label a subject",
        ),
    ]


def numbers(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """(n, k) float64; what is no number is NaN."""
    parts = [pd.to_numeric(frame[column], errors="coerce") for column in columns]
    return np.stack([part.to_numpy(np.float64, na_value=np.nan) for part in parts], axis=1)


def _recorded_sizes(frame: pd.DataFrame) -> np.ndarray:
    """(n, 2) width and height, NaN where the table does not say."""
    if not all(column in frame for column in SIZE_COLUMNS):
        return np.full((len(frame), 2), np.nan)
    sizes = numbers(frame, SIZE_COLUMNS)
    return np.where(sizes > 0, sizes, np.nan)


def _check_boxes(
    frame: pd.DataFrame, columns: Sequence[str], name: str, sizes: np.ndarray
) -> list[Finding]:
    if not all(column in frame for column in columns):
        return []
    boxes = numbers(frame, columns)
    x1, y1, x2, y2 = boxes.T
    width, height = sizes.T
    finite = np.isfinite(boxes).all(axis=1)
    # No face box at all is not a fault: none was found.
    absent = frame[list(columns)].isna().to_numpy().all(axis=1) & (name == "face_box")
    inverted = finite & ((x2 < x1) | (y2 < y1))
    empty = finite & ~inverted & ((x2 == x1) | (y2 == y1))
    sound = finite & ~inverted & ~empty
    # Comparisons with an unknown (NaN) size are False.
    outside = sound & ((x2 <= 0) | (y2 <= 0) | (x1 >= width) | (y1 >= height))
    partly = sound & ~outside & ((x1 < 0) | (y1 < 0) | (x2 > width) | (y2 > height))

    cells = [frame[column].to_numpy() for column in columns]

    def show(row: int) -> str:
        return "(" + ", ".join(str(column[row]) for column in cells) + ")"

    def show_with_size(row: int) -> str:
        size = "" if np.isnan(sizes[row]).any() else f" in {width[row]:g} × {height[row]:g} pixels"
        return show(row) + size

    column = columns[0]
    return [
        _at(f"{name}_not_finite", column, ~finite & ~absent, show),
        _at(f"{name}_inverted", column, inverted, show),
        _at(f"{name}_empty", column, empty, show),
        _at(f"{name}_outside", column, outside, show_with_size),
        _at(f"{name}_partly_outside", column, partly, show_with_size),
    ]


def _check_sources(frame: pd.DataFrame) -> list[Finding]:
    """All rows of a source that lies on both sides of a border between splits."""
    if "source_id" not in frame or "split" not in frame:
        return []
    counted = ~is_blank(frame["source_id"]) & ~is_blank(frame["split"])
    sources, names = pd.factorize(frame["source_id"])
    codes, split_names = pd.factorize(frame["split"])
    splits = np.asarray(split_names, object)
    camps = np.array([_camp(str(split).strip()) for split in splits], object)
    # Distinct (source, split) pairs, then distinct (source, camp) pairs.
    pairs = _distinct(sources[counted] * len(splits) + codes[counted])
    source, split = np.divmod(pairs, max(1, len(splits)))
    camp_codes = pd.factorize(camps)[0]
    in_camps = _distinct(source * len(splits) + camp_codes[split]) // max(1, len(splits))
    leaks = np.bincount(in_camps, minlength=len(names) + 1) > 1

    bounds = np.searchsorted(source, np.arange(len(names) + 1))
    texts = np.asarray(names, object)  # element by element, an index is slow

    def detail(row: int) -> str:
        own = sources[row]
        where = sorted(str(splits[code]) for code in split[bounds[own] : bounds[own + 1]])
        return f"{texts[own]!r} is in {', '.join(where)}"

    return [_at("source_in_two_splits", "source_id", counted & leaks[sources], detail)]


def _distinct(codes: np.ndarray) -> np.ndarray:
    """`np.unique` of codes >= 0, which takes a second a million by its hash table."""
    codes = np.sort(codes)
    return codes[np.diff(codes, prepend=-1) != 0]


def _camp(split: str) -> str:
    """The splits that `split` may share sources with, as one name."""
    return next((" ".join(sorted(camp)) for camp in SHARING_SPLITS if split in camp), split)


def _check_vad(frame: pd.DataFrame) -> list[Finding]:
    findings = []
    for column in (column for column in VAD_COLUMNS if column in frame):
        values = numbers(frame, [column])[:, 0]
        strange = frame[column].notna().to_numpy() & np.isnan(values)
        low, high = VAD_RANGE
        out = (values < low) | (values > high)
        cells = frame[column].astype(object).to_numpy()

        def show(row: int, cells: np.ndarray = cells) -> str:
            return repr(cells[row])

        findings.append(_at("vad_not_a_number", column, strange, show))
        findings.append(_at("vad_out_of_range", column, out, show))
    return findings


def _check_pictures(
    frame: pd.DataFrame, reader: PictureReader, sizes: np.ndarray, *, decode: bool, quiet: bool
) -> tuple[list[Finding], np.ndarray]:
    """Findings, and (n, 2) sizes of the decoded pictures (NaN where none was)."""
    images = frame["image"].where(~is_blank(frame["image"]))
    codes, names = pd.factorize(images)

    def look(name: object) -> tuple[str, str, float, float]:
        try:
            reader.require(str(name))
        except InputError as error:
            return "picture_missing", str(error), np.nan, np.nan
        if not decode:
            return "", "", np.nan, np.nan
        try:
            height, width = reader.read(str(name)).shape[:2]
        except InputError as error:
            return "picture_unreadable", str(error), np.nan, np.nan
        return "", "", width, height

    # Pillow lets go of the interpreter while it decodes.
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        looked = pool.map(look, names)
        seen = list(progress(looked, "Checking pictures", total=len(names), quiet=quiet))
    causes = np.array([cause for cause, *_ in seen] + [""], object)[codes]
    measured = np.array([row[2:] for row in seen] + [(np.nan, np.nan)], float)[codes]
    differs = (measured != sizes).any(axis=1) & ~np.isnan(measured + sizes).any(axis=1)

    def message(row: int) -> str:
        return seen[codes[row]][1]

    def both_sizes(row: int) -> str:
        (w, h), (w0, h0) = measured[row], sizes[row]
        return f"{w:g} × {h:g} pixels, where the table says {w0:g} × {h0:g}"

    return [
        _at("picture_missing", "image", causes == "picture_missing", message),
        _at("picture_unreadable", "image", causes == "picture_unreadable", message),
        _at("picture_size_differs", "image", differs, both_sizes),
    ], measured
