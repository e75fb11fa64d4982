"""Where the face lies in each portrait: found once, remembered by the file's content."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccim_core.errors import InputError
from ccim_core.files import read_json, write_json
from ccim_core.images import Box, Picture, decode_image
from ccim_core.pictures import file_content_id
from ccim_core.progress import progress

__all__ = ["FaceFinder", "Portrait", "PortraitSummary", "find_portraits"]

FaceFinder = Callable[[Picture], Box | None]
"""The largest face of a picture, (x1, y1, x2, y2) in pixels within it, or None."""

_SMALLEST_SIDE = 16  # pixels; below this there is no expression to see
_SAVE_EVERY = 500


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """One portrait: (width, height) in pixels, and its face's box, None where none was found."""

    size: tuple[int, int]
    face: Box | None

    @property
    def face_or_whole(self) -> Box:
        """The face's box, or the whole portrait's."""
        return self.face or (0.0, 0.0, float(self.size[0]), float(self.size[1]))


@dataclass(frozen=True, kw_only=True)
class PortraitSummary:
    """n read; without a face (the whole portrait stands for it); left out, file → why."""

    n: int
    without_face: tuple[str, ...]
    left_out: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "n": self.n,
            "without_face": list(self.without_face),
            "left_out": dict(self.left_out),
        }


def find_portraits(
    root: Path | str,
    files: Sequence[str],
    *,
    cache: Path | str | None = None,
    find_face: FaceFinder | None = None,
    quiet: bool = False,
) -> tuple[dict[str, Portrait], PortraitSummary]:
    """Size and largest face of every readable portrait: file → Portrait.

    files: relative to `root`. Unreadable files and those under 16 pixels are left out, said in
    the summary. cache: a JSON file that is read and added to, keyed by content, so that a file is
    looked at once even when it is renamed; saved every 500 portraits. find_face: MTCNN by default.
    """
    root = Path(root)
    known = _load_cache(cache)
    portraits: dict[str, Portrait] = {}
    left_out: dict[str, str] = {}
    unsaved = 0
    for file in progress(files, "Find faces", unit="portrait", quiet=quiet):
        try:
            key = file_content_id(root / file)
            if key not in known:
                find_face = find_face or _default_finder()
                known[key] = _look(root / file, find_face)
                unsaved += 1
        except InputError as error:
            left_out[file] = str(error)
            continue
        portraits[file] = known[key]
        if cache is not None and unsaved >= _SAVE_EVERY:
            _save_cache(cache, known)
            unsaved = 0
    if cache is not None and unsaved:
        _save_cache(cache, known)
    without = tuple(file for file, portrait in portraits.items() if portrait.face is None)
    return portraits, PortraitSummary(n=len(portraits), without_face=without, left_out=left_out)


def _look(path: Path, find_face: FaceFinder) -> Portrait:
    picture = decode_image(path)
    height, width = picture.shape[:2]
    if min(height, width) < _SMALLEST_SIDE:
        raise InputError(
            f"Expected a portrait of at least {_SMALLEST_SIDE} pixels a side at {path}, "
            f"got {width} × {height}."
        )
    return Portrait(size=(width, height), face=find_face(picture))


def _default_finder() -> FaceFinder:
    from ccim_core.detection import FaceDetector

    detector = FaceDetector()

    def find(picture: Picture) -> Box | None:
        faces = detector.detect(picture)
        return faces[0].box if faces else None  # the largest comes first

    return find


def _load_cache(path: Path | str | None) -> dict[str, Portrait]:
    if path is None or not Path(path).exists():
        return {}
    try:
        return {
            key: Portrait(
                size=(int(value["size"][0]), int(value["size"][1])),
                face=None if value["face"] is None else _as_box(value["face"]),
            )
            for key, value in read_json(path).items()
        }
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"Expected a cache of portraits' faces in {path}, got something else ({error}); "
            "delete it to look again."
        ) from None


def _as_box(values: Sequence[float]) -> Box:
    x1, y1, x2, y2 = (float(value) for value in values)
    return x1, y1, x2, y2


def _save_cache(path: Path | str, known: Mapping[str, Portrait]) -> None:
    write_json(
        path,
        {
            key: {"size": list(portrait.size), "face": portrait.face and list(portrait.face)}
            for key, portrait in known.items()
        },
    )
