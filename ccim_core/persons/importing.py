"""The boxes of a COCO file given to a manifest's rows."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ccim_core.errors import InputError
from ccim_core.images import Box
from ccim_core.manifest import Manifest
from ccim_core.persons.choice import choose_person
from ccim_core.persons.coco import CocoBoxes
from ccim_core.persons.coco_export import picture_sizes
from ccim_core.persons.rows import SubjectRows
from ccim_core.pictures import PictureReader

__all__ = ["take_boxes_in"]

_DIFFERS = 0.5  # pixels


def take_boxes_in(
    manifest: Manifest,
    reader: PictureReader,
    rows: SubjectRows,
    imported: CocoBoxes,
    changing: np.ndarray,
    replace: Collection[str],
    quiet: bool = False,
) -> list[str]:
    """Give rows their boxes and faces from a file. Returns notes for the user.

    A box that names its subject is its; of the others in a picture a row takes the one that holds
    its given face, else the largest.

    Args:
        changing: (n,) bool, whose box may be replaced. replace: sources of such boxes; the
            faces that came with the data are replaced only with "annotated".

    Raises:
        InputError: a picture of another size than the file says.
    """
    _check_sizes(manifest, reader, imported, quiet=quiet)
    counts = {"taken": 0, "kept": 0, "same": 0, "faces": 0}
    columns = (manifest.frame[name].astype(str) for name in ("sample_id", "image"))
    for row, (sample, image) in enumerate(zip(*columns, strict=True)):
        faced = rows.face_source[row] == "given" and "annotated" not in replace
        exact = None if faced else imported.of_sample["face"].get(sample)
        if exact is not None:
            rows.set_face(row, exact[0], "imported", exact[1])
            counts["faces"] += 1
        found = _body(rows, row, imported, sample, image)
        if found is not None and changing[row]:
            box, choice, score, n = found
            rows.set_box(row, box, "imported", choice=choice, score=score, n_persons=n)
            counts["taken"] += 1
        elif found is not None:
            same = np.allclose(rows.boxes[row], found[0], atol=_DIFFERS)
            counts["same" if same else "kept"] += 1
        inside = None if faced or exact is not None else _face(rows, row, imported, image)
        if inside is not None:
            rows.set_face(row, inside[0], "imported", inside[1])
            counts["faces"] += 1
    if not any(counts.values()):
        raise InputError(
            f"Expected boxes of the manifest's subjects in {imported.name}, got none; check its "
            "pictures and categories."
        )
    return _notes(imported, counts)


def _notes(imported: CocoBoxes, counts: dict[str, int]) -> list[str]:
    notes = [
        f"{imported.name} gave {counts['taken']:,} boxes and {counts['faces']:,} faces; it has "
        f"{imported.unmatched:,} pictures that the manifest lacks, and {imported.skipped:,} "
        "annotations of these, of crowds or of other categories."
    ]
    if counts["same"]:
        notes.append(f"{counts['same']:,} rows have the box of {imported.name} already.")
    if counts["kept"]:
        notes.append(
            f"{counts['kept']:,} rows keep a box that {imported.name} has otherwise: name its "
            "source with --replace (such as annotated) to take the file's."
        )
    return notes


def _check_sizes(
    manifest: Manifest, reader: PictureReader, imported: CocoBoxes, *, quiet: bool
) -> None:
    concerned = manifest.frame["image"].astype(str).isin(imported.sizes)
    part = Manifest(frame=manifest.frame[concerned], labels=manifest.labels)
    for image, size in picture_sizes(part, reader, quiet=quiet).items():
        if tuple(imported.sizes[image]) != size:
            width, height = imported.sizes[image]
            raise InputError(
                f"Expected {image} of {size[0]} × {size[1]} pixels, as it has, in {imported.name}, "
                f"got {width:g} × {height:g}; its boxes are of another picture."
            )


def _body(
    rows: SubjectRows, row: int, imported: CocoBoxes, sample: str, image: str
) -> tuple[Box, str, float, float] | None:
    """A row's box in the file, why it, its score, and out of how many."""
    exact = imported.of_sample["person"].get(sample)
    if exact is not None:
        return exact[0], "sample_id", exact[1], np.nan
    listed = imported.of_image["person"].get(image, [])
    boxes = np.array([box for box, _ in listed], float).reshape(-1, 4)
    face = rows.given_face(row)
    choice = choose_person(boxes, None if face is None else face.tolist())
    if choice is None:
        return None
    box, score = listed[choice.index]
    return box, choice.reason, score, float(len(listed))


def _face(rows: SubjectRows, row: int, imported: CocoBoxes, image: str) -> tuple[Box, float] | None:
    """The largest of the file's faces whose centre is in a row's box, with its score."""
    x1, y1, x2, y2 = rows.boxes[row]
    inside = [
        (box, score)
        for box, score in imported.of_image["face"].get(image, [])
        if x1 <= (box[0] + box[2]) / 2 <= x2 and y1 <= (box[1] + box[3]) / 2 <= y2
    ]
    if not inside:
        return None
    return max(inside, key=lambda each: (each[0][2] - each[0][0]) * (each[0][3] - each[0][1]))
