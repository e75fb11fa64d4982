"""What `detect` did, for the user and for the record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ccim_core.persons.rows import BOX_SOURCES, SubjectRows

__all__ = ["DetectSummary", "summarise"]

_MEANINGS = {
    "annotated": "annotated",
    "imported": "imported",
    "detector": "persons that were found",
    "face": "bodies grown from faces",
    "picture": "the whole picture, for want of a person or face",
}


@dataclass(frozen=True, kw_only=True)
class Account:
    """What counting rows does not tell.

    dropped: rows left out, by reason. networks, settings: what boxes were made with. notes:
    sentences.
    """

    dropped: Mapping[str, int]
    networks: Mapping[str, Any]
    settings: Mapping[str, Any]
    notes: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class DetectSummary(Account):
    """Counts of rows, before any were left out.

    boxes: by source; choices: of the persons chosen, by reason; changed: boxes that are other than
    before; faces: by source, and "none"; shared: rows with the picture and box of another row.
    """

    rows: int
    changed: int
    boxes: Mapping[str, int]
    choices: Mapping[str, int]
    faces: Mapping[str, int]
    shared: int

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)

    def __str__(self) -> str:
        boxes = "; ".join(
            f"{count:,} {_MEANINGS.get(name, name)}" for name, count in self.boxes.items()
        )
        faces = ", ".join(f"{name} {count:,}" for name, count in self.faces.items())
        lines = [
            f"Boxes of {self.rows:,} subjects: {boxes}. {self.changed:,} are new or other.",
            f"Faces: {faces}.",
        ]
        if self.choices:
            chosen = ", ".join(f"{name} {count:,}" for name, count in self.choices.items())
            lines.insert(1, f"Why these persons: {chosen}.")
        lines += [f"Left out {n:,} {name} rows." for name, n in self.dropped.items() if n]
        if self.shared:
            lines.append(
                f"{self.shared:,} rows have the picture and box of another row: give their faces "
                "(face_x1 …) or boxes, so that each subject is told from the others."
            )
        return "\n".join([*lines, *self.notes])


def summarise(
    before: SubjectRows, rows: SubjectRows, images: Sequence[str], account: Account
) -> DetectSummary:
    """The summary of a call, from the rows before and after it."""
    sources, faces = Counter(rows.box_source), Counter(rows.face_source)
    places = Counter(zip(images, map(tuple, rows.boxes.tolist()), strict=True))
    chosen = [choice for choice in rows.box_choice if choice is not None]
    known = [name for name in BOX_SOURCES if name in sources]
    others = sorted(name for name in sources if name not in BOX_SOURCES)
    return DetectSummary(
        rows=len(rows.boxes),
        changed=int((rows.boxes != before.boxes).any(1).sum()),
        boxes={name: sources[name] for name in (*known, *others)},
        choices=dict(sorted(Counter(chosen).items())),
        faces={name or "none": faces[name] for name in sorted(faces, key=str)},
        shared=sum(count for count in places.values() if count > 1),
        **asdict(account),
    )
