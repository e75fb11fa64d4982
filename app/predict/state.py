"""What the Predict page remembers for one visitor: picture, chosen subject, drawn box, results.

Kept in the session only, so that it survives a page switch and ends with the session.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from app import study_cache
from app.study_cache import StudyEntry
from app.uploads import LoadedPicture
from ccim_core.images import Box, clip_box

__all__ = ["PredictState", "current_state", "judge"]

MAX_RESULTS = 12
Prediction = dict[str, Any]


@dataclass
class PredictState:
    """One visitor's work on the page.

    Attributes:
        picture: the picture in work.
        source: where it came from: `"upload"`, or the key of a sample.
        drawn: the box the visitor drew, in the picture's pixels.
        chosen: number of the chosen subject, from 1; 0 for the drawn box.
        results: predictions by (study, version, picture, box).
    """

    picture: LoadedPicture | None = None
    source: str | None = None
    drawn: Box | None = None
    chosen: int = 1
    results: dict[tuple[object, ...], list[Prediction]] = field(default_factory=dict)

    def show(self, picture: LoadedPicture | None, source: str | None) -> None:
        """Put another picture in work (or none)."""
        if picture is None or self.picture is None or picture.key != self.picture.key:
            self.chosen, self.drawn = 1, None
        self.picture, self.source = picture, source

    def draw(self, box: Box) -> None:
        """Take a drawn box, clipped to the picture, as the subject. Raises InputError if empty."""
        assert self.picture is not None
        x1, y1, x2, y2 = clip_box(box, self.picture.width, self.picture.height)
        self.drawn, self.chosen = (round(x1, 1), round(y1, 1), round(x2, 1), round(y2, 1)), 0


def current_state() -> PredictState:
    """This visitor's state."""
    return st.session_state.setdefault("predict_state", PredictState())


def judge(
    state: PredictState, entry: StudyEntry, picture: LoadedPicture, box: Box | None
) -> list[Prediction]:
    """Predictions for every subject found, or for the subject in `box`; remembered.

    Raises InputError as the predictor does, and when other visitors keep it busy too long.
    """
    version = (entry.path / "study.json").stat().st_mtime_ns
    key = (entry.key, version, picture.key, box)
    if key not in state.results:
        shared = study_cache.load_predictor(entry.path)
        message = (
            "The model is with another visitor's picture: yours is next …"
            if shared.busy
            else "Finding the subject and judging the picture …"
        )
        with st.spinner(message), shared.reserved() as predictor:
            predictions = predictor.predict(picture.pixels, image=picture.name, box=box)
        while len(state.results) >= MAX_RESULTS:
            del state.results[next(iter(state.results))]
        state.results[key] = predictions
    return state.results[key]
