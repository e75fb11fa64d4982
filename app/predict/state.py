"""What the Predict page remembers for one visitor: pictures, chosen subject, drawn box, answers.

Kept in the session only, so that it survives a page switch and ends with the session. Of several
photographs the files' bytes are kept and one is decoded at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.uploads import MAX_UPLOAD_BYTES, LoadedPicture, Upload, decode_upload
from ccim_core.errors import InputError
from ccim_core.images import Box, clip_box

if TYPE_CHECKING:
    from ccim_core.subject_reading import SubjectReading

__all__ = [
    "MAX_ANSWERS",
    "MAX_PHOTOGRAPHS",
    "MAX_RESULTS",
    "Key",
    "Photograph",
    "PredictState",
    "Prediction",
    "current_state",
    "remember",
]

MAX_RESULTS = 64
MAX_ANSWERS = 64
MAX_PHOTOGRAPHS = 24
MAX_BYTES = 100 * 2**20
"""What one visitor's photographs may take in memory, encoded."""

Prediction = dict[str, Any]
Key = tuple[object, ...]


@dataclass(kw_only=True, eq=False)
class Photograph:
    """One uploaded file, encoded. `key` is its SHA-256, `problem` why it cannot be used."""

    name: str
    key: str
    content: bytes = field(repr=False)
    problem: str | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)

    def getvalue(self) -> bytes:
        """The file."""
        return self.content


@dataclass
class PredictState:
    """One visitor's work on the page.

    Attributes:
        photographs: what was uploaded last.
        position: which of them is in work.
        picture: the picture in work.
        source: where it came from: `"upload"`, `"camera"`, or the key of a sample.
        drawn: the box the visitor drew, in the picture's pixels.
        chosen: number of the chosen subject, from 1; 0 for the drawn box.
        results: predictions by (study, version, picture, box).
        readings: of the picture in work, by the same keys.
        listed: subjects of photographs as the table of all has them.
        answers: what else was asked about subjects, by (…, subject's number, question).
        problem: why not all of an upload was taken, to be shown until the next one.
    """

    photographs: list[Photograph] = field(default_factory=list)
    position: int = 0
    picture: LoadedPicture | None = None
    source: str | None = None
    drawn: Box | None = None
    chosen: int = 1
    results: dict[Key, list[Prediction]] = field(default_factory=dict)
    readings: dict[Key, list[SubjectReading]] = field(default_factory=dict)
    listed: dict[Key, list[Any]] = field(default_factory=dict)
    answers: dict[Key, Any] = field(default_factory=dict)
    problem: str | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to look at yet."""
        return self.picture is None and not self.photographs

    def take(self, uploads: Sequence[Upload], source: str) -> None:
        """Put uploaded files in work, the first new one in the foreground; none clears the page."""
        known = {(one.key, one.name): one for one in self.photographs}
        self.photographs, self.position, self.problem = [], 0, None
        room = MAX_BYTES
        for upload in uploads[:MAX_PHOTOGRAPHS]:
            too_large = upload.size > MAX_UPLOAD_BYTES
            content = b"" if too_large else upload.getvalue()
            room -= len(content)
            if room < 0:
                break
            name = "camera.jpg" if source == "camera" else upload.name
            key = hashlib.sha256(content).hexdigest()
            fresh = Photograph(name=name, key=key, content=content)
            if too_large:
                fresh.problem = _refused(upload)
            self.photographs.append(known.get((key, name), fresh))
        if len(self.photographs) < len(uploads):
            self.problem = (
                f"Expected at most {MAX_PHOTOGRAPHS} photographs and {MAX_BYTES // 2**20} MB at "
                f"once, got {len(uploads)}: the first {len(self.photographs)} are in work."
            )
        new = [i for i, one in enumerate(self.photographs) if one not in known.values()]
        self.position = new[0] if new else 0
        self.show(None, source)

    def open(self) -> None:
        """Decode the photograph in the foreground. Raises InputError if it is no usable picture."""
        photograph = self.photographs[self.position]
        if photograph.problem is not None:
            raise InputError(photograph.problem)
        try:
            self.show(decode_upload(photograph), self.source)
        except InputError as error:
            photograph.problem = str(error)
            raise

    def go_to(self, position: int, chosen: int = 1) -> None:
        """Bring another of the photographs to the foreground."""
        if position != self.position:
            self.position = position
            self.show(None, self.source)
        self.chosen = chosen

    def show(self, picture: LoadedPicture | None, source: str | None) -> None:
        """Put another picture in work (or none)."""
        if picture is None or self.picture is None or picture.key != self.picture.key:
            self.chosen, self.drawn = 1, None
            self.readings.clear()
        self.picture, self.source = picture, source

    def draw(self, box: Box) -> None:
        """Take a drawn box, clipped to the picture, as the subject. Raises InputError if empty."""
        assert self.picture is not None
        x1, y1, x2, y2 = clip_box(box, self.picture.width, self.picture.height)
        self.drawn, self.chosen = (round(x1, 1), round(y1, 1), round(x2, 1), round(y2, 1)), 0


def _refused(upload: Upload) -> str:
    """The sentence of an upload that is too large, without reading it."""
    try:
        decode_upload(upload)
    except InputError as error:
        return str(error)
    raise AssertionError(f"{upload.name} with {upload.size} bytes was not refused")


def current_state() -> PredictState:
    """This visitor's state."""
    return st.session_state.setdefault("predict_state", PredictState())


def remember(kept: dict[Key, Any], key: Key, value: Any, most: int) -> Any:
    """Keep `value` under `key`, the oldest given up beyond `most`; returns it."""
    while len(kept) >= most:
        del kept[next(iter(kept))]
    kept[key] = value
    return value
