"""The account of a preparation: what was read, kept and dropped, by split, cause and row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ccim_core.datasets.perceptual_hashes import NearDuplicates
from ccim_core.datasets.policy import ALL_CAUSES, PolicyAction
from ccim_core.datasets.row_faults import RowFault
from ccim_core.manifest import Manifest

if TYPE_CHECKING:
    from ccim_core.datasets.source import SourceTable

__all__ = ["PreparationSummary", "SplitSummary", "summarise"]

_ROWS_SHOWN = 40
_DONE = {"drop": "dropped", "clip": "clipped", "keep": "kept"}


@dataclass(frozen=True, kw_only=True)
class SplitSummary:
    """One split: what was read, what is left, and how its labels are spread.

    `subjects_read` counts annotated subjects before, `images` and `subjects` what was kept;
    `labels_per_subject` is a mean, `prevalence` the share of subjects with each emotion.
    """

    subjects_read: int
    images: int
    subjects: int
    dropped: dict[str, int]
    labels_per_subject: float
    prevalence: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class PreparationSummary:
    """What preparing a dataset did. A subject can be at fault for several causes, so the counts
    of a split's `dropped` may add up to more than it lost."""

    dataset: str
    splits: dict[str, SplitSummary]
    faults: tuple[RowFault, ...]
    actions: dict[str, PolicyAction]
    clipped: int
    check_pictures: str
    settings: dict[str, Any]
    notes: tuple[str, ...]
    near_duplicates: NearDuplicates | None

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Cause → split → number of faults."""
        counts: dict[str, dict[str, int]] = {}
        for fault in self.faults:
            of_cause = counts.setdefault(fault.cause, {})
            of_cause[fault.split] = of_cause.get(fault.split, 0) + 1
        return {cause: counts[cause] for cause in ALL_CAUSES if cause in counts}

    @property
    def subjects(self) -> int:
        """Subjects kept, over all splits."""
        return sum(split.subjects for split in self.splits.values())

    @property
    def subjects_read(self) -> int:
        """Subjects read, over all splits."""
        return sum(split.subjects_read for split in self.splits.values())

    def to_dict(self) -> dict[str, Any]:
        """JSON form, with every fault by row."""
        return {
            "dataset": self.dataset,
            "subjects_read": self.subjects_read,
            "subjects": self.subjects,
            "clipped": self.clipped,
            "check_pictures": self.check_pictures,
            "settings": self.settings,
            "notes": list(self.notes),
            "splits": {
                name: {
                    "subjects_read": split.subjects_read,
                    "images": split.images,
                    "subjects": split.subjects,
                    "dropped": split.dropped,
                    "labels_per_subject": _defined(split.labels_per_subject),
                    "prevalence": {
                        emotion: _defined(share) for emotion, share in split.prevalence.items()
                    },
                }
                for name, split in self.splits.items()
            },
            "causes": {
                cause: {
                    "action": self.actions[cause],
                    "meaning": ALL_CAUSES[cause],
                    "faults": count,
                }
                for cause, count in self.counts.items()
            },
            "faults": [
                {
                    "cause": fault.cause,
                    "action": self.actions[fault.cause],
                    "record": fault.record,
                    "split": fault.split,
                    "sample_id": fault.sample_id,
                    "detail": fault.detail,
                }
                for fault in self.faults
            ],
            "near_duplicates": self.near_duplicates and self.near_duplicates.to_dict(),
        }

    def __str__(self) -> str:
        lines = [
            f"{self.dataset}: {self.subjects:,} of {self.subjects_read:,} subjects kept",
            "",
            *_split_lines(self.splits),
        ]
        if self.faults:
            lines += ["", "At fault:", *self._cause_lines(), "", *self._fault_lines()]
        lines += ["", "Share of subjects with each emotion:", *_prevalence_lines(self.splits)]
        if self.near_duplicates is not None:
            lines += ["", str(self.near_duplicates)]
        if self.notes:
            lines += ["", *self.notes]
        return "\n".join(lines)

    def _cause_lines(self) -> list[str]:
        lines = []
        for cause, by_split in self.counts.items():
            where = ", ".join(f"{split or '-'} {count:,}" for split, count in by_split.items())
            done = _DONE[self.actions[cause]]
            total = sum(by_split.values())
            lines.append(f"  {done} {total:,}: {ALL_CAUSES[cause]} ({cause}: {where})")
        return lines

    def _fault_lines(self) -> list[str]:
        # What changed the data comes before what was only remarked on.
        ordered = sorted(self.faults, key=lambda fault: self.actions[fault.cause] == "keep")
        lines = [f"  {fault}" for fault in ordered[:_ROWS_SHOWN]]
        rest = len(self.faults) - _ROWS_SHOWN
        return [*lines, f"  … and {rest:,} more in the summary file"] if rest > 0 else lines


def _defined(value: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(value) else value


def _split_lines(splits: Mapping[str, SplitSummary]) -> list[str]:
    head = ("split", "images", "subjects", "read", "dropped", "labels a subject")
    rows = [
        (
            name,
            f"{split.images:,}",
            f"{split.subjects:,}",
            f"{split.subjects_read:,}",
            f"{split.subjects_read - split.subjects:,}",
            f"{split.labels_per_subject:.2f}",
        )
        for name, split in splits.items()
    ]
    return _table([head, *rows])


def _prevalence_lines(splits: Mapping[str, SplitSummary]) -> list[str]:
    emotions = list(next(iter(splits.values())).prevalence)
    rows = [("emotion", *splits)]
    for emotion in emotions:
        shares = (split.prevalence[emotion] for split in splits.values())
        rows.append((emotion, *("-" if np.isnan(share) else f"{share:.1%}" for share in shares)))
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  "
        + row[0].ljust(widths[0])
        + "".join("  " + cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]


def summarise(
    source: SourceTable,
    frame: pd.DataFrame,
    manifest: Manifest,
    faults: Sequence[RowFault],
    actions: Mapping[str, PolicyAction],
    *,
    notes: Sequence[str],
    clipped: int,
    check_pictures: str,
    near_duplicates: NearDuplicates | None,
) -> PreparationSummary:
    """The account of `frame` having become `manifest`."""
    occurring = {fault.cause for fault in faults}
    return PreparationSummary(
        dataset=source.kind,
        splits=_summarise_splits(frame, manifest, faults, actions),
        faults=tuple(faults),
        actions={cause: action for cause, action in actions.items() if cause in occurring},
        clipped=clipped,
        check_pictures="from arrays" if source.write_pictures else check_pictures,
        settings=dict(source.settings),
        notes=tuple(notes),
        near_duplicates=near_duplicates,
    )


def _summarise_splits(
    frame: pd.DataFrame,
    manifest: Manifest,
    faults: Sequence[RowFault],
    actions: Mapping[str, PolicyAction],
) -> dict[str, SplitSummary]:
    read = frame["split"].astype(str).str.strip()
    kept = manifest.frame["split"].to_numpy(object)
    images = manifest.frame["image"]
    targets = manifest.targets()
    dropped: dict[str, dict[str, int]] = {}
    for fault in faults:
        if actions[fault.cause] == "drop":
            of_split = dropped.setdefault(fault.split, {})
            of_split[fault.cause] = of_split.get(fault.cause, 0) + 1
    summaries = {}
    for split in dict.fromkeys(read[frame["split"].notna()]):
        rows = np.flatnonzero(kept == split)
        found = targets[rows]
        share = (
            found.mean(axis=0, dtype=np.float64)
            if len(rows)
            else np.full(manifest.labels.size, np.nan)
        )
        summaries[split] = SplitSummary(
            subjects_read=int((read == split).sum()),
            images=int(images.iloc[rows].nunique()),
            subjects=len(rows),
            dropped=dropped.get(split, {}),
            labels_per_subject=float(found.sum(axis=1).mean()) if len(rows) else float("nan"),
            prevalence=dict(zip(manifest.labels.emotions, map(float, share), strict=True)),
        )
    return summaries
