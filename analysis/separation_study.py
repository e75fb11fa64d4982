"""Separation before and after an intervention on a study's runs, stored beside the coordinates."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from analysis.embedding_points import subject_rows
from analysis.embedding_sources import ARRAYS, Side, read_pair, source_hashes
from analysis.embeddings import embeddings_root
from analysis.separation import MEASURES, Measured, SeparationSettings, Subjects, separation
from ccim_core.environment import describe_environment
from ccim_core.errors import InputError
from ccim_core.files import read_json, write_json
from ccim_core.progress import progress_bar
from ccim_core.study import Study

__all__ = [
    "Separation",
    "compare_measures",
    "load_separation",
    "stored_separations",
    "study_separation",
]

FORMAT = "ccim-separation"
FORMAT_VERSION = 1
SUFFIX = ".separation.json"


@dataclass(frozen=True, kw_only=True, eq=False)
class Separation:
    """frame: a row a measure, as by `compare_measures`; record: what is stored; path: where."""

    frame: pd.DataFrame
    record: dict[str, Any]
    path: Path
    computed: bool = False


def study_separation(
    study: Study,
    before: Side,
    after: Side,
    *,
    split: str = "shift",
    settings: SeparationSettings | None = None,
    quiet: bool = True,
) -> Separation:
    """Measures of both sides and their change, from disk if the same were made before.

    Raises InputError for features that were not stored or cannot be matched.
    """
    settings = settings or SeparationSettings()
    sides = (("before", before), ("after", after))
    sources = {name: source_hashes(study, side) for name, side in sides}
    manifest = study.manifest.content_hash()
    deciding = [FORMAT_VERSION, sources, split, asdict(settings), manifest]
    key = hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:12]
    stem = "--".join(f"{side.run}.{side.array}" for _, side in sides)
    path = embeddings_root(study) / f"{stem}--{split}-{key}{SUFFIX}"
    if path.is_file():
        try:
            return load_separation(study, path)
        except InputError:
            pass  # changed since: measured again
    pair = read_pair(study, before, after, split=split)
    rows = subject_rows(study, pd.Series(pair.sample_id), split=split)
    chosen = _choose(len(rows), settings)
    targets = study.labels.encode(rows["labels"].astype(str))
    subjects = Subjects.from_rows(rows, targets).take(chosen)
    with progress_bar("measure", total=2 * len(MEASURES), unit="measures", quiet=quiet) as bar:
        found = [
            separation(features[chosen], subjects, settings=settings, advance=bar.update)
            for features in (pair.before, pair.after)
        ]
    frame = compare_measures(*found, confidence=settings.confidence)
    record = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        **{name: asdict(side) for name, side in sides},
        "titles": {name: ARRAYS[side.array].title for name, side in sides},
        "split": split,
        "settings": asdict(settings),
        "sources": sources,
        "manifest": manifest,
        "clustered_by": "source_id" if "source_id" in rows else "image",
        "n_subjects": len(rows),
        "n_measured": len(chosen),
        "environment": describe_environment(device="cpu"),
        "measures": _records(frame),
    }
    record["digest"] = _digest(record)
    write_json(path, record)
    return Separation(frame=frame, record=record, path=path, computed=True)


def load_separation(study: Study, path: Path) -> Separation:
    """Stored measures; reads no features.

    Raises InputError when the file is another, was changed since, or belongs to other features or
    another manifest than the study now has.
    """
    record = read_json(path)
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f"Expected separation measures in {path}, got another file.")
    body = {name: value for name, value in record.items() if name != "digest"}
    again = "make them again with `python -m analysis embed`"
    if record.get("version") != FORMAT_VERSION or record.get("digest") != _digest(body):
        raise InputError(f"Expected the measures that were written to {path}, got others; {again}.")
    # A study may be shared without its features; then the record stands alone.
    now = {name: source_hashes(study, Side(**record[name])) for name in ("before", "after")}
    stale = any(hashes and hashes != record["sources"][name] for name, hashes in now.items())
    if stale or not study.same_manifest(record["manifest"]):
        raise InputError(
            f"Expected measures of the study's present features in {path}, got those of others; "
            f"{again}."
        )
    frame = pd.DataFrame(record["measures"])
    texts = ("measure", "title", "n", "reason")
    numbers = [str(name) for name in frame.columns if name not in texts]
    frame[numbers] = frame[numbers].astype(float)
    return Separation(frame=frame, record=record, path=path)


def stored_separations(study: Study) -> list[Path]:
    """Paths of the stored measures, by name."""
    return sorted(
        path for path in embeddings_root(study).glob(f"*{SUFFIX}") if not path.name.startswith(".")
    )


def compare_measures(
    before: dict[str, Measured], after: dict[str, Measured], *, confidence: float
) -> pd.DataFrame:
    """A row a measure: before, after and change (after − before), each with `_low` and `_high`.

    Also chance_before, chance_after, n and reason (why a value is NaN). The change's interval
    comes from the same resampled images on both sides; where a measure has no draws (the probes)
    it combines the two intervals as if they were independent, which is wider than needed.
    """
    rows = []
    for name in before:
        first, second = before[name], after[name]
        low, high = _change_interval(first, second, confidence)
        rows.append(
            {
                "measure": name,
                "title": MEASURES[name],
                "before": first.value,
                "before_low": first.low,
                "before_high": first.high,
                "after": second.value,
                "after_low": second.low,
                "after_high": second.high,
                "change": second.value - first.value,
                "change_low": low,
                "change_high": high,
                "chance_before": first.chance,
                "chance_after": second.chance,
                "n": min(first.n, second.n),
                "reason": first.reason or second.reason,
            }
        )
    return pd.DataFrame(rows)


def _change_interval(first: Measured, second: Measured, confidence: float) -> tuple[float, float]:
    change = second.value - first.value
    if not math.isfinite(change):
        return float("nan"), float("nan")
    if first.draws is not None and second.draws is not None:
        reach = float(ndtri((1 + confidence) / 2) * (second.draws - first.draws).std())
        return change - reach, change + reach
    # Newcombe's square-and-add, from each value's distance to its own bounds.
    below = math.hypot(second.value - second.low, first.high - first.value)
    above = math.hypot(second.high - second.value, first.value - first.low)
    return change - below, change + above


def _choose(n: int, settings: SeparationSettings) -> np.ndarray:
    if n <= settings.max_points:
        return np.arange(n)
    generator = np.random.default_rng(settings.seed)
    return np.sort(generator.choice(n, settings.max_points, replace=False))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON values: NaN is null."""
    return [
        {
            str(name): None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in row.items()
        }
        for row in frame.to_dict("records")
    ]


def _digest(record: dict[str, Any]) -> str:
    text = json.dumps(record, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
