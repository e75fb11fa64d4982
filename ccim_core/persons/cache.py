"""What was found in each picture, kept on disk like features: by content, resumable, shared.

Two stores under `features/`, a row a picture:

    persons  (1 + 100, 5)   first (width, height, n, 0, 0); then x1, y1, x2, y2, score
    faces    (1 + 32, 15)   first (width, height, n, 0, …); then box, score, five landmarks

in pixels, the surest persons and the largest faces first, zeros after the last. The networks look
at a picture once, whatever is decided about it later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccim_core.detection import Face, FaceDetector
from ccim_core.errors import InputError
from ccim_core.features.keys import row_keys
from ccim_core.features.store import FeatureStore
from ccim_core.features.views import View
from ccim_core.features.work import Chunk, Work, work_through
from ccim_core.images import Picture
from ccim_core.manifest import Manifest
from ccim_core.persons.detectors import PersonDetector
from ccim_core.pictures import PictureReader
from ccim_core.weights import Preprocessing, Provenance

__all__ = ["Seen", "look_for_faces_and_persons", "read_pictures"]

_MOST_PERSONS = 100  # all that torchvision gives out
_MOST_FACES = 32
_FACE_CELLS = 15

CHUNK_ROWS = 32
"""Pictures between two writes: about a minute's work on a CPU, which an interruption loses."""

_WHOLE = View(kind="whole")


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """One picture: its size in pixels, and what was found in it.

    persons: (n, 5), x1, y1, x2, y2, score, the surest first; None where none were looked for.
    faces: the largest first; None where none were looked for.
    """

    width: float
    height: float
    persons: np.ndarray | None
    faces: list[Face] | None


def look_for_faces_and_persons(
    manifest: Manifest,
    reader: PictureReader,
    *,
    root: Path,
    persons: PersonDetector | None,
    faces: FaceDetector | None,
    persons_in: np.ndarray,
    faces_in: np.ndarray,
    batch_size: int = 4,
    workers: int = 0,
    rank: int = 0,
    world_size: int = 1,
    quiet: bool = False,
) -> dict[str, Seen]:
    """Image → what is in it, for the rows (n,) bool of `persons_in` and `faces_in`.

    Args:
        root: folder of stores, a study's `features`.
        persons, faces: who looks; None where no row asks for it.
        batch_size: pictures at a time. workers: threads that decode them; 0: this one does.
        rank, world_size: this process among those that were started together.

    Raises:
        InputError: a picture that cannot be read, naming the row.
    """
    images = manifest.frame["image"]
    wants = pd.DataFrame({"persons": persons_in, "faces": faces_in}).groupby(images).any()
    first = images.drop_duplicates()
    chosen = first[first.map(wants.any(axis=1)).to_numpy(bool)]
    pictures = Manifest(frame=manifest.frame.loc[chosen.index], labels=manifest.labels)
    if not len(pictures):
        return {}
    keys = row_keys(pictures, reader, _WHOLE, threads=workers)
    wanted = wants.loc[pictures.frame["image"]].to_numpy(bool)
    lookers: dict[str, _Looker] = {}
    if persons is not None and wanted[:, 0].any():
        lookers["persons"] = _person_looker(persons, root)
    if faces is not None and wanted[:, 1].any():
        lookers["faces"] = _face_looker(faces, root)
    columns = {"persons": wanted[:, 0], "faces": wanted[:, 1]}
    for names in (["persons", "faces"], ["persons"], ["faces"]):
        # Each picture is decoded once for all who look at it.
        rows = np.all([columns[n] == (n in names) for n in columns], axis=0)
        active = [lookers[name] for name in names if name in lookers]
        if rows.any() and active:
            part = Manifest(frame=pictures.frame[rows], labels=pictures.labels)
            _fill(
                part,
                reader,
                active,
                keys[rows],
                batch_size=batch_size,
                workers=workers,
                rank=rank,
                world_size=world_size,
                quiet=quiet,
            )
    return _collect(pictures, keys, columns, lookers)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Looker:
    """One who looks at pictures: its store, and pictures to rows of it."""

    store: FeatureStore
    look: Callable[[Sequence[Picture]], list[np.ndarray]]


def _fill(
    manifest: Manifest,
    reader: PictureReader,
    lookers: Sequence[_Looker],
    keys: np.ndarray,
    *,
    batch_size: int,
    workers: int,
    quiet: bool,
    **processes: int,
) -> None:
    work = Work(
        [looker.store for looker in lookers],
        [keys] * len(lookers),
        batch_size=batch_size,
        chunk_rows=max(CHUNK_ROWS, batch_size),
        **processes,
    )
    if not work.n_open:
        return

    def make(chunk: Chunk, report: Callable[[int], object]) -> list[np.ndarray]:
        parts: list[list[np.ndarray]] = [[] for _ in lookers]
        rows = [row for row, _ in chunk.items]
        wanted = dict(chunk.items)
        for batch in read_pictures(manifest, reader, rows, batch_size=batch_size, workers=workers):
            for index, (looker, part) in enumerate(zip(lookers, parts, strict=True)):
                shown = [picture for row, picture in batch if wanted[row] >> index & 1]
                part += looker.look(shown) if shown else []
                report(len(shown))
        return [
            np.stack(part) if part else np.empty((0, *looker.store.shape))
            for part, looker in zip(parts, lookers, strict=True)
        ]

    work_through(
        work, make, label="look at pictures", unit="looks", quiet=quiet or bool(processes["rank"])
    )


def read_pictures(
    manifest: Manifest,
    reader: PictureReader,
    rows: Sequence[int],
    *,
    batch_size: int,
    workers: int = 0,
) -> Iterator[list[tuple[int, Picture]]]:
    """Batches of rows with their pictures; neighbouring rows of one image share its array.

    Raises InputError naming the row of a picture that cannot be read.
    """
    images, names = manifest.frame["image"].tolist(), manifest.frame["sample_id"].tolist()

    def read(row: int) -> Picture:
        try:
            return reader.read(images[row])
        except InputError as error:
            raise InputError(f"Sample {names[row]}: {error}") from None

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            distinct = {images[row]: row for row in batch}
            decoded = pool.map(read, distinct.values()) if workers else map(read, distinct.values())
            pictures = dict(zip(distinct, decoded, strict=True))
            yield [(row, pictures[images[row]]) for row in batch]


def _person_looker(detector: PersonDetector, root: Path) -> _Looker:
    def look(pictures: Sequence[Picture]) -> list[np.ndarray]:
        found = zip(pictures, detector.detect(pictures), strict=True)
        return [_row(picture, rows, _MOST_PERSONS, 5) for picture, rows in found]

    shape = (1 + _MOST_PERSONS, 5)
    size, source = detector.longest, detector.weights.source
    store = _store(root, detector.name, source, detector.identity(), "persons", shape, size)
    return _Looker(store=store, look=look)


def _face_looker(detector: FaceDetector, root: Path) -> _Looker:
    def look(pictures: Sequence[Picture]) -> list[np.ndarray]:
        rows = []
        for picture, faces in zip(pictures, detector.detect_all(pictures), strict=True):
            cells = [[*face.box, face.score, *np.ravel(face.landmarks)] for face in faces]
            values = np.array(cells, np.float64).reshape(-1, _FACE_CELLS)
            rows.append(_row(picture, values, _MOST_FACES, _FACE_CELLS))
        return rows

    shape = (1 + _MOST_FACES, _FACE_CELLS)
    size = detector.longest
    store = _store(root, "mtcnn", detector.source, detector.identity(), "faces", shape, size)
    return _Looker(store=store, look=look)


def _row(picture: Picture, values: np.ndarray, most: int, cells: int) -> np.ndarray:
    row = np.zeros((1 + most, cells), np.float32)
    kept = values[:most]
    row[0, :3] = picture.shape[1], picture.shape[0], len(kept)
    row[1 : 1 + len(kept)] = kept
    return row


def _store(
    root: Path,
    name: str,
    source: str,
    identity: str,
    stage: str,
    shape: tuple[int, ...],
    longest: int,
) -> FeatureStore:
    # What a detector does to a picture first is its own; the size is the longer side's.
    preprocessing = Preprocessing(size=max(longest, 16), mean=(0.0,) * 3, std=(1.0,) * 3)
    return FeatureStore.create(
        root,
        provenance=Provenance(
            name=name, source=source, sha256=identity, preprocessing=preprocessing
        ),
        fingerprint=identity,
        view=_WHOLE,
        stage=stage,
        precision="fp32",
        dtype="float32",
        shape=shape,
    )


def _collect(
    pictures: Manifest,
    keys: np.ndarray,
    wanted: dict[str, np.ndarray],
    lookers: dict[str, _Looker],
) -> dict[str, Seen]:
    found: dict[str, dict[int, np.ndarray]] = {}
    for name, looker in lookers.items():
        rows = np.flatnonzero(wanted[name])
        values = looker.store.take(keys[rows])
        found[name] = dict(zip(rows.tolist(), values, strict=True))
    seen = {}
    for row, image in enumerate(pictures.frame["image"]):
        persons, faces = (found.get(name, {}).get(row) for name in ("persons", "faces"))
        some = persons if persons is not None else faces
        if some is not None:
            seen[str(image)] = Seen(
                width=float(some[0, 0]),
                height=float(some[0, 1]),
                persons=None if persons is None else _listed(persons),
                faces=None if faces is None else [_face(cells) for cells in _listed(faces)],
            )
    return seen


def _listed(row: np.ndarray) -> np.ndarray:
    return row[1 : 1 + int(row[0, 2])].astype(np.float64)


def _face(cells: Any) -> Face:
    values = [float(value) for value in cells]
    x1, y1, x2, y2, score, *marks = values
    points = tuple(zip(marks[::2], marks[1::2], strict=True))
    return Face(box=(x1, y1, x2, y2), score=score, landmarks=points)
