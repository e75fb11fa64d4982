"""From a raw table to a manifest: what is done about each fault, and the account of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ccim_core.errors import InputError
from ccim_core.labels import LabelSet
from ccim_core.manifest.checks import (
    CheckPictures,
    collect_findings,
    is_blank,
    numbers,
    spell_out,
)
from ccim_core.manifest.schema import (
    BOX_COLUMNS,
    CAUSES,
    FACE_COLUMNS,
    SIZE_COLUMNS,
    TABLE_CAUSES,
    TEXT_COLUMNS,
    VAD_COLUMNS,
    Finding,
)
from ccim_core.manifest.table import Manifest
from ccim_core.pictures import PictureReader

__all__ = ["CLEANING_POLICY", "Action", "Summary", "build_manifest"]

Action = Literal["fail", "drop", "clip"]

CLIPPED_CAUSES = ("box_partly_outside", "face_box_partly_outside")
CLEANING_POLICY: dict[str, Action] = {
    cause: "clip" if cause in CLIPPED_CAUSES else "drop"
    for cause in CAUSES
    if cause not in TABLE_CAUSES
}
"""Drops every faulty row and clips boxes partly outside: the usual cleaning of a raw dataset."""

_FAULTS_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What building a manifest did: rows read and kept, and rows at fault by cause and split.

    `faults[cause][split]` counts rows; one row can count under several causes, so `dropped` is
    no sum of them. `actions[cause]` is what was done about it.
    """

    rows: int
    kept: int
    clipped: int
    splits: dict[str, int]
    faults: dict[str, dict[str, int]]
    actions: dict[str, Action]

    @property
    def dropped(self) -> int:
        """Rows left out."""
        return self.rows - self.kept

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "rows": self.rows,
            "kept": self.kept,
            "dropped": self.dropped,
            "clipped": self.clipped,
            "splits": self.splits,
            "faults": self.faults,
            "actions": dict(self.actions),
        }

    def __str__(self) -> str:
        sizes = ", ".join(f"{split} {count:,}" for split, count in self.splits.items())
        lines = [f"{self.kept:,} of {self.rows:,} rows kept ({sizes})"]
        for cause, by_split in self.faults.items():
            done = {"drop": "dropped", "clip": "clipped"}[self.actions[cause]]
            where = ", ".join(f"{split} {count:,}" for split, count in by_split.items())
            lines.append(f"  {done} {sum(by_split.values()):,}: {CAUSES[cause]} ({cause}: {where})")
        return "\n".join(lines)


def build_manifest(
    frame: pd.DataFrame,
    labels: LabelSet,
    *,
    reader: PictureReader | None = None,
    check_pictures: CheckPictures = "none",
    policy: Mapping[str, Action] | None = None,
    quiet: bool = True,
) -> tuple[Manifest, Summary]:
    """Validate a table whole and make it a manifest.

    Args:
        frame: the table; extra columns are kept; it is not changed.
        labels: the vocabulary that `labels` is read with.
        reader: reads the pictures, where `check_pictures` asks for that (see `find_faults`).
        check_pictures: whether each picture is looked for, or decoded.
        policy: by cause (`CAUSES`): `"fail"` (the default for each), `"drop"` the row, or, for
            boxes partly outside, `"clip"` the box. `CLEANING_POLICY` drops and clips all.
        quiet: no progress bar while pictures are checked.

    Raises:
        InputError: listing faults by row, when a cause with the policy `"fail"` occurs; when no
            row is left; when the policy names an unknown cause or action.
    """
    actions = _complete_policy(policy or {})
    findings, sizes = collect_findings(
        frame, labels, reader=reader, check_pictures=check_pictures, quiet=quiet
    )
    failing = [finding for finding in findings if actions[finding.cause] == "fail"]
    if failing:
        raise InputError(_describe(failing, frame))
    clipped = _clip_boxes(frame, findings, actions, sizes)
    keep = np.ones(len(frame), bool)
    for finding in findings:
        if actions[finding.cause] == "drop":
            keep[finding.rows] = False
    if not keep.any():
        raise InputError(
            f"Expected rows to be left, got none: all {len(frame):,} are at fault "
            f"({_count_causes(findings)})."
        )
    manifest = Manifest(frame=_normalise(clipped[keep]), labels=labels)
    return manifest, _summarise(frame, manifest, findings, actions, keep)


def _complete_policy(policy: Mapping[str, Action]) -> dict[str, Action]:
    for cause, action in policy.items():
        if cause not in CAUSES:
            raise InputError(f"Expected a cause of {list(CAUSES)}, got {cause!r}.")
        allowed = ["fail"]
        if cause not in TABLE_CAUSES:
            allowed += ["drop", "clip"] if cause in CLIPPED_CAUSES else ["drop"]
        if action not in allowed:
            raise InputError(f"Expected an action of {allowed} for {cause}, got {action!r}.")
    fail: Action = "fail"
    return {cause: policy.get(cause, fail) for cause in CAUSES}


def _count_causes(findings: Sequence[Finding]) -> str:
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.cause] = counts.get(finding.cause, 0) + len(finding.rows)
    return ", ".join(f"{cause} {counts[cause]:,}" for cause in CAUSES if cause in counts)


def _describe(failing: Sequence[Finding], frame: pd.DataFrame) -> str:
    total = sum(len(finding.rows) for finding in failing)
    faults = spell_out(failing, frame)
    lines = [
        f"Expected a manifest without faults, got {total:,} ({_count_causes(failing)}); correct "
        "them, or choose to drop such rows. Rows count from 1 below the header:"
    ]
    lines += [f"  {fault}" for fault, _ in zip(faults, range(_FAULTS_SHOWN), strict=False)]
    if total > _FAULTS_SHOWN:
        lines.append(f"  … and {total - _FAULTS_SHOWN:,} more")
    return "\n".join(lines)


def _clip_boxes(
    frame: pd.DataFrame,
    findings: Sequence[Finding],
    actions: Mapping[str, Action],
    sizes: np.ndarray,
) -> pd.DataFrame:
    """A copy, rows numbered from 0, with the boxes clipped that the policy says to clip."""
    frame = frame.reset_index(drop=True)
    for finding in findings:
        if actions[finding.cause] == "clip":
            columns = list(FACE_COLUMNS if finding.cause.startswith("face") else BOX_COLUMNS)
            boxes = numbers(frame, columns)
            limits = np.tile(sizes[finding.rows], 2)
            # fmin: an unknown (NaN) size is no limit
            boxes[finding.rows] = np.fmin(np.maximum(boxes[finding.rows], 0), limits)
            frame[columns] = boxes
    return frame


def _normalise(frame: pd.DataFrame) -> pd.DataFrame:
    """Text as str (missing stays missing), split names trimmed, coordinates and VAD as float64."""
    frame = frame.copy()
    for column in (column for column in TEXT_COLUMNS if column in frame):
        cells = frame[column].astype(object).map(str)
        if column in ("split", "labels"):  # of the others, spaces may be a part
            cells = cells.str.strip()
        frame[column] = cells.where(~is_blank(frame[column]), None)
    for column in (*BOX_COLUMNS, *FACE_COLUMNS, *VAD_COLUMNS, *SIZE_COLUMNS):
        if column in frame:
            frame[column] = numbers(frame, [column])[:, 0]
    return frame


def _summarise(
    frame: pd.DataFrame,
    manifest: Manifest,
    findings: Sequence[Finding],
    actions: Mapping[str, Action],
    keep: np.ndarray,
) -> Summary:
    splits = frame["split"].fillna("").astype(str).str.strip().replace("", "(none)").to_numpy()
    faults: dict[str, dict[str, int]] = {}
    clipped = np.zeros(len(frame), bool)
    for finding in findings:
        counts = faults.setdefault(finding.cause, {})
        for split, count in zip(*np.unique(splits[finding.rows], return_counts=True), strict=True):
            counts[str(split)] = counts.get(str(split), 0) + int(count)
        if actions[finding.cause] == "clip":
            clipped[finding.rows] = True
    sizes = manifest.frame["split"].value_counts(sort=False)
    return Summary(
        rows=len(frame),
        kept=len(manifest),
        clipped=int((clipped & keep).sum()),
        splits={split: int(sizes[split]) for split in manifest.splits},
        faults=faults,
        actions={cause: actions[cause] for cause in faults},
    )
