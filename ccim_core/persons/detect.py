"""A manifest with its subjects' boxes and faces found, and the account of where each came from.

Only boxes that nobody has looked at are replaced, unless the user says otherwise. A person found by
the detector is better than a body grown from a face, and that than the whole picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ccim_core.detection import FaceDetector, face_in_box, grow_body_box
from ccim_core.errors import InputError
from ccim_core.manifest import Manifest, build_manifest
from ccim_core.persons.cache import Seen, look_for_faces_and_persons
from ccim_core.persons.choice import choose_person
from ccim_core.persons.coco import CocoBoxes
from ccim_core.persons.detectors import PersonDetector
from ccim_core.persons.importing import take_boxes_in
from ccim_core.persons.rows import AUTOMATIC, BOX_SOURCES, SubjectRows
from ccim_core.persons.summary import Account, DetectSummary, summarise
from ccim_core.pictures import PictureReader

__all__ = ["DetectConfig", "detect_subjects"]


@dataclass(frozen=True, kw_only=True)
class DetectConfig:
    """How subjects are found.

    Args:
        replace: sources of boxes that may be replaced, of `BOX_SOURCES`; None: those that nobody
            has looked at, and for a file's boxes an earlier file's too.
        min_score: persons less sure than this are not considered.
        faces: whether to look for the faces that rows lack.
        drop_boxless: leave out rows that end with the whole picture as their box.
        drop_faceless: leave out rows that end without a face.
    """

    replace: tuple[str, ...] | None = None
    min_score: float = 0.7
    faces: bool = True
    drop_boxless: bool = False
    drop_faceless: bool = False

    def __post_init__(self) -> None:
        unknown = [name for name in self.replace or () if name not in BOX_SOURCES]
        if unknown:
            raise InputError(
                f"Expected boxes to replace of {list(BOX_SOURCES)}, got {unknown[0]!r}."
            )
        if not 0 <= self.min_score <= 1:
            raise InputError(f"Expected min_score in [0, 1], got {self.min_score}.")

    def may_replace(self, *, from_file: bool) -> tuple[str, ...]:
        """Sources of boxes that may be replaced by what a network finds, or by a file's."""
        if self.replace is not None:
            return self.replace
        return (*AUTOMATIC, "imported") if from_file else AUTOMATIC


def detect_subjects(
    manifest: Manifest,
    reader: PictureReader,
    config: DetectConfig,
    *,
    root: Path,
    open_persons: Callable[[], PersonDetector] | None,
    open_faces: Callable[[], FaceDetector],
    imported: CocoBoxes | None = None,
    **options: Any,
) -> tuple[Manifest, DetectSummary] | None:
    """Find the subjects' boxes and faces.

    Args:
        root: folder of stores, where what the networks find is kept.
        open_persons: called once a row needs it; None: bodies are grown from faces alone.
        open_faces: likewise.
        imported: boxes that take the detector's place; rows without one keep what they have.
        options: of `look_for_faces_and_persons`.

    Returns:
        None for the further ones of several processes, once all pictures are looked at.

    Raises:
        InputError: pictures that cannot be read, weights that are not there, or no row left.
    """
    before, rows = SubjectRows.of(manifest), SubjectRows.of(manifest)
    replace = config.may_replace(from_file=imported is not None)
    changing = np.isin(rows.box_source.astype(str), replace)
    notes, networks = [], {}
    if imported is not None:
        quiet = bool(options.get("quiet"))
        notes = take_boxes_in(manifest, reader, rows, imported, changing, replace, quiet)
        networks["file"] = {"name": imported.name}
    given = np.array([rows.given_face(row) is not None for row in range(len(manifest))])
    faces_in = ~given & config.faces
    persons_in = changing & (imported is None and open_persons is not None)
    persons = open_persons() if open_persons is not None and persons_in.any() else None
    faces = open_faces() if faces_in.any() else None
    networks |= _describe(persons, faces)
    seen = look_for_faces_and_persons(
        manifest,
        reader,
        root=root,
        persons=persons,
        faces=faces,
        persons_in=persons_in,
        faces_in=faces_in,
        **options,
    )
    if options.get("rank", 0) > 0:
        return None
    images = manifest.frame["image"].astype(str).tolist()
    for row in np.flatnonzero(changing) if imported is None else ():
        _place_body(rows, int(row), seen.get(images[row]), config.min_score)
    for row in np.flatnonzero(faces_in):
        _place_face(rows, int(row), seen.get(images[row]))
    found, dropped = _finish(manifest, before, rows, config)
    settings = {"replace": list(replace), "min_score": config.min_score}
    account = Account(notes=notes, networks=networks, settings=settings, dropped=dropped)
    return found, summarise(before, rows, images, account)


def _place_body(rows: SubjectRows, row: int, seen: Seen | None, min_score: float) -> None:
    """A row's box: a person, else a body grown from a face, else the picture."""
    face = rows.given_face(row)
    looked = seen is not None and seen.persons is not None
    persons = seen.persons if seen is not None and seen.persons is not None else np.empty((0, 5))
    persons = persons[persons[:, 4] >= min_score]
    choice = choose_person(persons, None if face is None else face.tolist())
    if choice is not None:
        box, score = persons[choice.index, :4].tolist(), float(persons[choice.index, 4])
        n = len(persons)
        rows.set_box(row, box, "detector", choice=choice.reason, score=score, n_persons=n)
        return
    source = rows.box_source[row]
    if source not in ("face", "picture") and not (source == "detector" and looked):
        return  # what somebody made, or a person found before, is not given up for a guess
    n_persons = 0.0 if looked else rows.n_persons[row]
    # Of a row that no network looked for, the whole picture as its box tells the size.
    known = source == "picture" or seen is not None
    width, height = (seen.width, seen.height) if seen is not None else rows.boxes[row][2:].tolist()
    if face is None and seen is not None and seen.faces:
        face = np.array(seen.faces[0].box)
    if face is not None and known:
        body = grow_body_box(face.tolist(), width, height)
        rows.set_box(row, body, "face", n_persons=n_persons)
    elif source == "detector" and seen is not None:
        rows.set_box(row, (0.0, 0.0, width, height), "picture", n_persons=n_persons)
    else:
        rows.n_persons[row] = n_persons


def _place_face(rows: SubjectRows, row: int, seen: Seen | None) -> None:
    """The largest face in a row's box (in the picture, where there is no box), or none."""
    found = seen.faces if seen is not None and seen.faces is not None else []
    x1, y1, x2, y2 = (float(value) for value in rows.boxes[row])
    face = face_in_box(found, (x1, y1, x2, y2))
    if face is None:
        rows.set_face(row, None, "detector")
    else:
        rows.set_face(row, face.box, "detector", face.score)


def _finish(
    manifest: Manifest, before: SubjectRows, rows: SubjectRows, config: DetectConfig
) -> tuple[Manifest, dict[str, int]]:
    """The manifest with what was found, without the rows that the user wants left out; the very
    same one where nothing is other than before."""
    faceless = np.isnan(rows.faces).any(1)
    boxless = rows.box_source == "picture"
    leave = {
        "boxless": boxless & config.drop_boxless,
        "faceless": faceless & config.drop_faceless,
    }
    keep = ~np.logical_or(*leave.values())
    if not keep.any():
        raise InputError(
            f"Expected subjects to be left, got none: of {len(keep)} rows {int(boxless.sum())} "
            f"have no box and {int(faceless.sum())} no face; keep them."
        )
    dropped = {name: int(mask.sum()) for name, mask in leave.items()}
    if keep.all() and rows.same_as(before):
        return manifest, dropped
    frame = rows.to_frame(manifest.frame)[keep]
    found, _ = build_manifest(frame.reset_index(drop=True), manifest.labels)
    return found, dropped


def _describe(persons: PersonDetector | None, faces: FaceDetector | None) -> dict[str, Any]:
    """Where the numbers came from."""
    record: dict[str, Any] = {}
    if persons is not None:
        source, sha256 = persons.weights.source, persons.weights.sha256
        record["persons"] = {"name": persons.name, "source": source, "sha256": sha256}
    if faces is not None:
        record["faces"] = {"name": "mtcnn", "source": faces.source}
    return record
