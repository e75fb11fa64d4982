"""Folders of labelled pictures: listed by class, and dealt into pools that never share a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ccim_core.errors import InputError

__all__ = ["LabelledFiles", "deal_files", "list_labelled_files", "list_pictures"]

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}


@dataclass(frozen=True, kw_only=True)
class LabelledFiles:
    """Files by class, as paths relative to `root` with forward slashes, sorted.

    skipped: folders that are no wanted class → number of their files.
    """

    root: Path
    files: Mapping[str, tuple[str, ...]]
    skipped: Mapping[str, int] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, str]:
        """File → class."""
        return {name: label for label, names in self.files.items() for name in names}


def list_labelled_files(
    root: Path | str, *, what: str, wanted: Sequence[str] | None = None
) -> LabelledFiles:
    """Pictures of `root`'s sub-folders, which are named by class.

    what: "emotion" or "scene", for messages.
    wanted: the classes to take, matched without regard to case; all of them must be there, other
        folders are counted in `skipped`. None takes every sub-folder that holds a picture.

    Raises InputError when there is no such folder, or a wanted class has no picture.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"Expected a folder of pictures by {what} at {root}, got none.")
    found: dict[str, tuple[str, ...]] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if not folder.name.startswith("."):
            found[folder.name] = list_pictures(folder, root)
    if wanted is None:
        files = {name: names for name, names in found.items() if names}
        skipped = {name: 0 for name, names in found.items() if not names}
        if len(files) < 2:
            raise InputError(
                f"Expected two or more sub-folders of pictures, one for each {what}, in {root}, "
                f"got {sorted(files)}."
            )
        return LabelledFiles(root=root, files=files, skipped=skipped)
    by_name = {name.lower(): name for name in found}
    absent = [name for name in wanted if not found.get(by_name.get(name.lower(), ""))]
    if absent:
        raise InputError(
            f"Expected sub-folders of pictures named {', '.join(wanted)} in {root}, "
            f"got none for {', '.join(absent)}."
        )
    files = {name: found.pop(by_name[name.lower()]) for name in wanted}
    return LabelledFiles(
        root=root, files=files, skipped={name: len(names) for name, names in found.items()}
    )


def list_pictures(folder: Path, root: Path | None = None) -> tuple[str, ...]:
    """Paths of the pictures in and below a folder, relative to `root` (else the folder), sorted."""
    root = root or folder
    return tuple(
        sorted(
            path.relative_to(root).as_posix()
            for path in folder.rglob("*")
            if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file()
        )
    )


def deal_files(
    files: Mapping[str, Sequence[str]],
    shares: Mapping[str, float],
    *,
    rng: np.random.Generator,
    groups: Mapping[str, int] | None = None,
) -> dict[str, str]:
    """Deal files into pools, class by class: file → pool.

    files: class → files. shares: pool → share of each class (normalised).
    groups: file → number of its near-duplicates' group; a group goes to one pool whole and counts
        for the rarest class in it. Every pool gets at least one file of every class.

    Raises InputError for a class with fewer files (or groups) than there are pools.
    """
    total = sum(shares.values())
    if not shares or min(shares.values()) <= 0 or not np.isfinite(total):
        raise InputError(f"Expected positive shares for the pools of files, got {dict(shares)}.")
    bundles = _bundle(files, groups or {})
    pool_of: dict[str, str] = {}
    for label, of_label in bundles.items():
        if len(of_label) < len(shares):
            raise InputError(
                f"Expected at least {len(shares)} different pictures of {label!r}, one for each "
                f"of {', '.join(shares)}, got {len(of_label)}; it can't be split."
            )
        counts = _apportion(len(of_label), [share / total for share in shares.values()])
        order = rng.permutation(len(of_label))
        for pool, start, count in zip(shares, np.cumsum([0, *counts]), counts, strict=False):
            for k in order[start : start + count]:
                pool_of.update(dict.fromkeys(of_label[k], pool))
    return pool_of


def _bundle(
    files: Mapping[str, Sequence[str]], groups: Mapping[str, int]
) -> dict[str, list[list[str]]]:
    """Class → bundles of files that stay together; a bundle of several classes is the rarest's."""
    members: dict[object, list[str]] = {}
    owner: dict[object, str] = {}
    for label in sorted(files, key=lambda name: (len(files[name]), name)):
        for name in files[label]:
            key: object = groups.get(name, name)
            members.setdefault(key, []).append(name)
            owner.setdefault(key, label)
    bundles: dict[str, list[list[str]]] = {label: [] for label in files}
    for key, names in members.items():
        bundles[owner[key]].append(names)
    return bundles


def _apportion(n: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers that sum to n, near n · share (largest remainders), none of them 0."""
    exact = np.array(shares) * n
    counts = np.floor(exact).astype(int)
    for k in np.argsort(counts - exact, kind="stable")[: n - counts.sum()]:
        counts[k] += 1
    while (counts == 0).any():
        counts[counts.argmax()] -= 1
        counts[counts.argmin()] += 1
    return [int(count) for count in counts]
