"""From a dataset as it was read to a manifest: look at pictures, find faults, act, account for it.

Every adapter ends here, so that each fault means the same in each dataset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccim_core.datasets.perceptual_hashes import NearDuplicates, find_near_duplicates
from ccim_core.datasets.picture_files import PictureFacts, look_at_pictures
from ccim_core.datasets.policy import ALL_CAUSES, Policy, PolicyAction, complete_policy
from ccim_core.datasets.preparation_summary import PreparationSummary, summarise
from ccim_core.datasets.row_faults import (
    RowFault,
    duplicate_subjects,
    leaking_files,
    manifest_faults,
    picture_faults,
    placed_faults,
)
from ccim_core.datasets.source import SourceTable
from ccim_core.errors import InputError
from ccim_core.manifest import (
    FACE_COLUMNS,
    VAD_COLUMNS,
    Action,
    CheckPictures,
    Manifest,
    build_manifest,
)
from ccim_core.pictures import PictureReader

__all__ = ["MISSING_SHARE", "Inspection", "Preparation", "inspect_source", "prepare_source"]

MISSING_SHARE = 0.05
"""A split that lacks more of its pictures than this was looked for in the wrong place."""

_FAULTS_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """A dataset made ready: the manifest and the account of how it came about."""

    source: SourceTable
    manifest: Manifest
    summary: PreparationSummary


def prepare_source(
    source: SourceTable,
    *,
    policy: Policy | None = None,
    check_pictures: CheckPictures = "decode",
    near_duplicates: int | None = None,
    quiet: bool = False,
) -> Preparation:
    """Make a manifest of what an adapter read.

    Args:
        policy: cause → action, over the dataset's own and the general defaults.
        check_pictures: "decode" each picture once, look whether it "exists", or "none". Sizes are
            the pictures' own where decoded, else those that the dataset records; pictures with
            the same bytes in two splits are found with "decode".
        near_duplicates: largest distance in bits of a perceptual hash at which pictures of two
            splits are reported as near-duplicates; None reports nothing. Needs "decode".

    Raises:
        InputError: a fault whose policy is "fail", with its rows; more than 5% of a split's
            pictures missing; no row left.
    """
    found = inspect_source(
        source,
        policy=policy,
        check_pictures=check_pictures,
        perceptual=near_duplicates is not None,
        quiet=quiet,
    )
    frame, faults, actions = found.frame, found.faults, found.actions
    _refuse(faults, actions)
    kept = _apply(frame, faults, actions)
    if kept.empty:
        raise InputError(
            f"Expected subjects to be left, got none: all {len(frame):,} are at fault."
        )
    manifest, built = build_manifest(kept, source.labels, policy=_manifest_policy(actions))
    summary = summarise(
        source,
        frame,
        manifest,
        faults,
        actions,
        notes=found.notes,
        clipped=built.clipped,
        check_pictures=check_pictures,
        near_duplicates=_report_near_duplicates(manifest, found.facts, near_duplicates),
    )
    return Preparation(source=source, manifest=manifest, summary=summary)


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a look at a dataset found, before anything is done about it.

    frame: the table, completed, with the pictures' sizes. faults: by row. actions: cause → what
    is done about it. facts: image → what its file is.
    """

    frame: pd.DataFrame
    faults: list[RowFault]
    actions: dict[str, PolicyAction]
    notes: list[str]
    facts: Mapping[str, PictureFacts]


def inspect_source(
    source: SourceTable,
    *,
    policy: Policy | None = None,
    check_pictures: CheckPictures = "decode",
    perceptual: bool = False,
    quiet: bool = False,
) -> Inspection:
    """Every fault of what an adapter read, whatever the policy says of it.

    perceptual: with "decode", also hash the pictures as eyes would.

    Raises InputError for no rows, more than 5% of a split's pictures missing, and an unknown
    policy.
    """
    actions = complete_policy(source.policy, policy or {})
    frame = source.frame.reset_index(drop=True)
    if frame.empty:
        raise InputError(f"Expected annotated subjects in the {source.kind} data, got none.")
    facts = _look(source, frame, check_pictures, perceptual, quiet)
    _require_pictures(source, frame, facts)
    faults = picture_faults(frame, facts)
    if not source.pictures_shared:
        faults += leaking_files(frame, facts)
    frame = _with_sizes(frame, facts)
    found, notes = list(source.faults), list(source.notes)
    if source.complete is not None:
        frame, more, further = source.complete(frame)
        found, notes = found + more, notes + further
    faults += placed_faults(frame, found) + duplicate_subjects(frame)
    faults += manifest_faults(frame, source.labels)
    faults.sort(key=lambda fault: -1 if fault.row is None else fault.row)
    return Inspection(frame=frame, faults=faults, actions=actions, notes=notes, facts=facts)


def _look(
    source: SourceTable,
    frame: pd.DataFrame,
    check: CheckPictures,
    perceptual: bool,
    quiet: bool,
) -> dict[str, PictureFacts]:
    if source.write_pictures is not None:  # arrays: sound by their type
        return {
            image: PictureFacts(state="there", mode="RGB", sha256=content)
            for image, content in source.content_ids.items()
        }
    if perceptual and check != "decode":
        raise InputError("Expected pictures to be decoded for a near-duplicate report, got not.")
    images = [str(image) for image in frame["image"].dropna().unique()]
    reader = PictureReader({"images": source.image_root})
    sizes = source.complete is not None or (check == "exists" and "width" not in frame)
    return look_at_pictures(
        images, reader, check=check, sizes=sizes, perceptual=perceptual, quiet=quiet
    )


def _require_pictures(
    source: SourceTable, frame: pd.DataFrame, facts: Mapping[str, PictureFacts]
) -> None:
    """The 5% rule, by distinct picture."""
    if not facts:
        return
    pictures = frame[["image", "split"]].dropna().drop_duplicates()
    images = pictures["image"].astype(str).to_numpy(object)
    of_image = pictures["split"].to_numpy(object)
    missing = np.array([facts[image].state == "missing" for image in images], bool)
    for split in dict.fromkeys(of_image):
        count, total = int(missing[of_image == split].sum()), int((of_image == split).sum())
        if count > MISSING_SHARE * total:
            first = images[missing & (of_image == split)][0]
            raise InputError(
                f"Expected the pictures of split {split!r} under {source.image_root}, got "
                f"{count:,} of {total:,} missing (such as {first}); check --root, or that the "
                "archive was unpacked whole."
            )


def _with_sizes(frame: pd.DataFrame, facts: Mapping[str, PictureFacts]) -> pd.DataFrame:
    """`width` and `height` as the pictures have them, else as recorded."""
    sizes = {image: (fact.width, fact.height) for image, fact in facts.items() if fact.width}
    if not sizes:
        return frame
    frame = frame.copy()
    for k, column in enumerate(("width", "height")):
        measured = frame["image"].map(lambda image, k=k: sizes.get(str(image), (np.nan,) * 2)[k])
        recorded = frame.get(column, np.nan)
        frame[column] = measured.astype(float).where(measured.notna(), recorded)
    return frame


def _refuse(faults: Sequence[RowFault], actions: Mapping[str, PolicyAction]) -> None:
    failing = [fault for fault in faults if actions.get(fault.cause, "fail") == "fail"]
    if not failing:
        return
    causes = list(dict.fromkeys(fault.cause for fault in failing))
    options = " ".join(f"--policy {cause}=drop" for cause in causes if cause in ALL_CAUSES)
    hint = f", or leave such rows out with {options}" if options else ""
    lines = [
        f"Expected data without faults of these kinds, got {len(failing):,} "
        f"({', '.join(causes)}); correct them{hint}:"
    ]
    lines += [f"  {fault}" for fault in failing[:_FAULTS_SHOWN]]
    if len(failing) > _FAULTS_SHOWN:
        lines.append(f"  … and {len(failing) - _FAULTS_SHOWN:,} more")
    raise InputError("\n".join(lines))


def _apply(
    frame: pd.DataFrame, faults: Sequence[RowFault], actions: Mapping[str, PolicyAction]
) -> pd.DataFrame:
    """The rows to keep, with values at fault left empty where their policy is "keep"."""
    frame = frame.copy()
    keep = np.ones(len(frame), bool)
    blank: dict[str, list[int]] = {}
    for fault in faults:
        if fault.row is None:
            continue
        if actions[fault.cause] == "drop":
            keep[fault.row] = False
        elif actions[fault.cause] == "keep":
            for column in _blanked_columns(fault):
                blank.setdefault(column, []).append(fault.row)
    for column, rows in blank.items():
        if column in frame:
            values = frame[column].astype(object)
            values.iloc[rows] = None
            frame[column] = values
    return frame[keep]


def _blanked_columns(fault: RowFault) -> tuple[str, ...]:
    if fault.cause.startswith("face_box"):
        return FACE_COLUMNS
    if fault.column in VAD_COLUMNS:
        return (fault.column,)
    return ("source_id",) if fault.cause == "source_in_two_splits" else ()


def _manifest_policy(actions: Mapping[str, PolicyAction]) -> dict[str, Action]:
    """What `build_manifest` still has to do: clip. The rest was done, and would be a defect."""
    return {
        cause: "clip"
        for cause in ("box_partly_outside", "face_box_partly_outside")
        if actions[cause] == "clip"
    }


def _report_near_duplicates(
    manifest: Manifest, facts: Mapping[str, PictureFacts], max_distance: int | None
) -> NearDuplicates | None:
    if max_distance is None:
        return None
    hashes = {
        image: fact.perceptual_hash
        for image, fact in facts.items()
        if fact.perceptual_hash is not None
    }
    return find_near_duplicates(
        manifest.frame["image"].tolist(),
        manifest.frame["split"].tolist(),
        hashes,
        max_distance=max_distance,
    )
