"""The public collection of labelled portraits, as cloned: `images/` and `data/legend.csv`.

Source: github.com/muxspace/facial_expressions (Apache-2.0). `legend.csv` has the columns
`user.id,image,emotion`; its labels were given by students, in mixed case, some portraits several
times and not always alike.

Policies, each counted in `LegendSummary`:
- a label is read without regard to case and spelling ("HAPPINESS", "happy" → Happy); one outside
  the label set (contempt) is no vote;
- repeated votes of one user for one picture count once;
- files with the same bytes are one picture, kept under the first name, with the votes of all;
- a picture takes the label that most users gave it; a tie leaves it out (`conflicts="majority"`),
  or any disagreement does (`conflicts="drop"`);
- missing, unreadable and tiny files are left out.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from ccim_core.datasets.labelled_files import deal_files
from ccim_core.datasets.vocabulary import spelled_as
from ccim_core.errors import InputError
from ccim_core.files import resolve_inside, sha256_file, write_json
from ccim_core.images import decode_image
from ccim_core.labels import LabelSet, get_label_set
from ccim_core.progress import progress

__all__ = ["LegendConfig", "LegendSummary", "legend_manifest", "read_legend", "write_folders"]

_COLUMNS = ("user.id", "image", "emotion")


@dataclass(frozen=True, kw_only=True)
class LegendConfig:
    """How to read the collection.

    conflicts: "majority" or "drop" (see the module). smallest_side: pixels; smaller pictures are
    left out. cap: at most so many pictures a class, chosen by `seed`; None keeps all.
    """

    label_set: str = "controlled"
    conflicts: Literal["majority", "drop"] = "majority"
    smallest_side: int = 48
    cap: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.conflicts not in ("majority", "drop"):
            raise InputError(f"Expected conflicts to be majority or drop, got {self.conflicts!r}.")
        if self.smallest_side < 1:
            raise InputError(f"Expected smallest_side of at least 1, got {self.smallest_side}.")
        if self.cap is not None and self.cap < 1:
            raise InputError(f"Expected cap of at least 1 picture a class, got {self.cap}.")


@dataclass(frozen=True, kw_only=True)
class LegendSummary:
    """What was read and what was left out: counts of rows (the CSV's) and of pictures."""

    rows: int
    rows_without_name: int
    rows_of_other_emotions: dict[str, int]
    rows_repeated: int
    pictures_named: int
    pictures_missing: int
    pictures_unreadable: int
    pictures_tiny: int
    pictures_duplicate: int
    pictures_in_conflict: int
    pictures_over_cap: int
    pictures_kept: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)

    def __str__(self) -> str:
        kept = ", ".join(f"{label} {count}" for label, count in self.pictures_kept.items())
        others = ", ".join(f"{name} {n}" for name, n in self.rows_of_other_emotions.items())
        return "\n".join(
            [
                f"Kept {sum(self.pictures_kept.values())} pictures: {kept}.",
                f"Read {self.rows} rows naming {self.pictures_named} pictures; "
                f"{self.rows_repeated} rows repeat a vote, {self.rows_without_name} name no "
                f"picture or emotion; other emotions: {others or 'none'}.",
                f"Left out {self.pictures_missing} missing, {self.pictures_unreadable} "
                f"unreadable, {self.pictures_tiny} tiny, {self.pictures_duplicate} byte-identical, "
                f"{self.pictures_in_conflict} with conflicting labels, "
                f"{self.pictures_over_cap} over the cap.",
            ]
        )


def read_legend(
    root: Path | str, config: LegendConfig | None = None, *, quiet: bool = False
) -> tuple[pd.DataFrame, LegendSummary]:
    """The pictures to keep, in order of name, and what happened to the rest.

    Returns a frame of file (relative to `root`/images), label, votes (for the label), voters,
    width, height, sha256. Raises InputError when `root` is not such a clone or nothing is left.
    """
    config = config or LegendConfig()
    root = Path(root)
    labels = get_label_set(config.label_set)
    images = root / "images"
    if not images.is_dir():
        raise InputError(
            f"Expected the collection's folder images/ in {root}, got none; "
            "name the folder that was cloned."
        )
    votes, row_counts = _read_votes(root / "data" / "legend.csv", labels)
    looked, picture_counts = _look_at_pictures(images, votes, config, quiet=quiet)
    kept, n_conflicts = _settle(looked, config)
    capped = _cap(kept, config)
    if capped.empty:
        raise InputError(f"Expected pictures with labels of {labels.name!r} in {root}, got none.")
    found = capped["label"].value_counts()
    summary = LegendSummary(
        **row_counts,
        **picture_counts,
        pictures_in_conflict=n_conflicts,
        pictures_over_cap=len(kept) - len(capped),
        pictures_kept={label: int(found.get(label, 0)) for label in labels.emotions},
    )
    return capped, summary


def _read_votes(
    path: Path, labels: LabelSet
) -> tuple[dict[str, dict[str, set[str]]], dict[str, Any]]:
    """Picture → emotion → the users who gave it, and the counts of rows."""
    votes: dict[str, dict[str, set[str]]] = {}
    others: Counter[str] = Counter()
    rows = nameless = repeated = 0
    for row in _rows(path):
        rows += 1
        user, image, text = ((row.get(column) or "").strip() for column in _COLUMNS)
        if not image or not text:
            nameless += 1
            continue
        votes.setdefault(image, {})
        emotion = spelled_as(text, labels.emotions)
        if emotion is None:
            others[text.lower()] += 1
        elif user in votes[image].setdefault(emotion, set()):
            repeated += 1
        else:
            votes[image][emotion].add(user)
    counts = {
        "rows": rows,
        "rows_without_name": nameless,
        "rows_of_other_emotions": dict(others.most_common()),
        "rows_repeated": repeated,
        "pictures_named": len(votes),
    }
    return votes, counts


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            absent = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
            if absent:
                raise InputError(
                    f"Expected the columns {', '.join(_COLUMNS)} in {path}, "
                    f"got none named {', '.join(absent)}."
                )
            return list(reader)
    except FileNotFoundError:
        raise InputError(
            f"Expected the collection's labels at {path}, got no such file; "
            "name the folder that was cloned."
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"Expected a CSV table in {path}, got something else ({error}).") from None


def _look_at_pictures(
    images: Path, votes: dict[str, dict[str, set[str]]], config: LegendConfig, *, quiet: bool
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One record a distinct readable picture with a vote, and the counts of the others."""
    counts = dict.fromkeys(
        (f"pictures_{name}" for name in ("missing", "unreadable", "tiny", "duplicate")), 0
    )
    by_content: dict[str, dict[str, Any]] = {}
    named = sorted(name for name, given in votes.items() if given)
    for name in progress(named, "Read portraits", unit="portrait", quiet=quiet):
        path = resolve_inside(images, name)
        if not path.is_file():
            counts["pictures_missing"] += 1
            continue
        content = sha256_file(path)
        if content in by_content:
            counts["pictures_duplicate"] += 1
            _merge(by_content[content]["given"], votes[name])
            continue
        try:
            height, width = decode_image(path).shape[:2]
        except InputError:
            counts["pictures_unreadable"] += 1
            continue
        if min(height, width) < config.smallest_side:
            counts["pictures_tiny"] += 1
            continue
        by_content[content] = {
            "file": name,
            "given": {emotion: set(users) for emotion, users in votes[name].items()},
            "width": width,
            "height": height,
            "sha256": content,
        }
    return list(by_content.values()), counts


def _merge(into: dict[str, set[str]], more: dict[str, set[str]]) -> None:
    for emotion, users in more.items():
        into.setdefault(emotion, set()).update(users)


def _settle(looked: Sequence[dict[str, Any]], config: LegendConfig) -> tuple[pd.DataFrame, int]:
    """One label a picture, and how many pictures were left out for want of one."""
    records = []
    for record in looked:
        given = {emotion: len(users) for emotion, users in record["given"].items()}
        ranked = sorted(given.items(), key=lambda item: -item[1])
        tied = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
        if tied or (config.conflicts == "drop" and len(ranked) > 1):
            continue
        label, votes = ranked[0]
        rest = {key: record[key] for key in ("file", "width", "height", "sha256")}
        records.append({**rest, "label": label, "votes": votes, "voters": sum(given.values())})
    columns = ["file", "label", "votes", "voters", "width", "height", "sha256"]
    return pd.DataFrame(records, columns=columns), len(looked) - len(records)


def _cap(kept: pd.DataFrame, config: LegendConfig) -> pd.DataFrame:
    if config.cap is None:
        return kept
    rng = np.random.default_rng(config.seed)
    chosen = [
        rows[np.sort(rng.permutation(len(rows))[: config.cap])]
        for rows in (np.asarray(index) for index in kept.groupby("label").indices.values())
    ]
    rows = np.sort(np.concatenate(chosen)) if chosen else np.array([], int)
    return kept.iloc[rows].reset_index(drop=True)


def write_folders(
    kept: pd.DataFrame, summary: LegendSummary, root: Path | str, out: Path | str
) -> Path:
    """Copy the pictures to `out`/<label>/<file>, the layout that `--subjects` takes, with
    `summary.json` beside the folders. Whole or not at all. Returns `out`.

    Raises InputError when `out` exists and is not an empty folder.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"Expected a new or empty folder to write to, got {out}; name another.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
        whole = Path(temporary) / "whole"
        for file, label in zip(kept["file"], kept["label"], strict=True):
            target = whole / label / Path(file).name
            if target.exists():
                target = target.with_name(f"{Path(file).parent.name}-{Path(file).name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(resolve_inside(Path(root) / "images", file), target)
        write_json(whole / "summary.json", summary.to_dict())
        if out.exists():
            out.rmdir()
        whole.rename(out)
    return out


def legend_manifest(kept: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """The manifest's rows: whole portraits as subjects, split 80/10/10 by file within each label.

    `image` is relative to the clone's folder images/. `box_source` says that nobody has looked
    where in the portrait the subject is, until `detect` does.
    """
    files = {str(label): list(group["file"]) for label, group in kept.groupby("label")}
    shares = {"train": 0.8, "val": 0.1, "test": 0.1}
    pools = deal_files(files, shares, rng=np.random.default_rng(seed))
    return pd.DataFrame(
        {
            "sample_id": kept["sha256"].str[:16],
            "image": kept["file"],
            "split": kept["file"].map(pools),
            "x1": 0.0,
            "y1": 0.0,
            "x2": kept["width"].astype(float),
            "y2": kept["height"].astype(float),
            "box_source": "picture",
            "labels": kept["label"],
            "source_id": kept["sha256"],
            "votes": kept["votes"],
            "voters": kept["voters"],
        }
    )
