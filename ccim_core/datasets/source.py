"""A dataset as it was read, before anything was decided about its faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ccim_core.datasets.policy import Policy
from ccim_core.errors import InputError
from ccim_core.labels import LabelSet

__all__ = ["Completion", "ReadFault", "SourceTable", "find_file"]


@dataclass(frozen=True, kw_only=True)
class ReadFault:
    """Something at fault that an adapter found.

    `row` is the subject's position in the table, None where there is no subject (a picture
    without persons); then `split` and `record` say where.
    """

    cause: str
    detail: str
    row: int | None = None
    split: str = ""
    record: str = ""


Completion = Callable[[pd.DataFrame], tuple[pd.DataFrame, list[ReadFault], list[str]]]


@dataclass(frozen=True, kw_only=True)
class SourceTable:
    """What an adapter hands to `prepare_source`.

    Args:
        kind: the dataset ("emotic", "caer-s", …).
        frame: a row a subject: a manifest's columns (`width` and `height` where recorded) and
            `record`, the place in the dataset's own files, as its user would look it up.
        image_root: folder that `image` is relative to.
        faults: what only the reading can know.
        policy: the dataset's own defaults over the general ones.
        settings: what the table was made with, for the record.
        notes: sentences for the summary.
        write_pictures: where the dataset holds arrays and no files: writes the pictures that
            `image` names into a folder, quietly or not. Then `content_ids` tells them apart.
        content_ids: image → hash of its content.
        pictures_shared: pictures may lie in several splits by design, with different subjects.
        complete: where boxes depend on the pictures' sizes: called with the table once `width` and
            `height` are in it (NaN where a picture is missing or unreadable); returns the table
            with boxes, further faults, and notes.
    """

    kind: str
    frame: pd.DataFrame
    labels: LabelSet
    image_root: Path
    faults: tuple[ReadFault, ...] = ()
    policy: Policy = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    write_pictures: Callable[[Path, bool], None] | None = None
    content_ids: Mapping[str, str] = field(default_factory=dict)
    pictures_shared: bool = False
    complete: Completion | None = None


def find_file(
    root: Path, candidates: tuple[str, ...], *, what: str, hint: str, names: str = ""
) -> Path:
    """The first of `candidates` under `root`. Raises InputError naming what was looked for.

    `names` says in words what the candidates are, where they are too many to list.
    """
    if not root.is_dir():
        raise InputError(f"Expected a folder with {what} at {root}, got none; check --root.")
    for candidate in candidates:
        if (root / candidate).is_file():
            return root / candidate
    names = names or ", ".join(candidates)
    raise InputError(f"Expected {what} in {root} ({names}), got none; {hint}")
