"""Same person, another place: every estimator run again on pixels that were intervened on.

Stratum substitution (Eq. 2) changes the context in the model's features; here the picture itself
is changed, and the whole way from pixels to output is walked again. An estimator that reads the
person alone answers alike in every place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np

from ccim_core.errors import InputError
from ccim_core.labels import LabelSet
from ccim_core.metrics.consistency import Movement, within_group_movement
from ccim_core.places import Place
from ccim_core.predict import Predictor
from ccim_core.subject_reading import SubjectReading

__all__ = [
    "Consistency",
    "Pair",
    "Relocation",
    "Reserve",
    "consistency",
    "relocate",
    "working_copy",
]

Pair = tuple[str, str]
"""(estimator, run)."""

Reserve = Callable[[], AbstractContextManager[Predictor]]
"""Gives the predictor for the length of a `with` block; between places others may have it."""

WORKING_PIXELS = 1024
"""Longer side to which photographs are shrunk first: compositing more buys nothing."""

_FACE_PIXELS = 160  # shrinking stops here, for the subject's encoder reads about as many


@dataclass(frozen=True, kw_only=True)
class Consistency:
    """How alike an estimator's answers are for one subject in several places.

    value: 1 − the mean over pairs of places of the total variation ½ Σ_c |p_c − q_c| (with several
        labels a subject: of the mean over emotions of |p_c − q_c|). 1: the place makes no
        difference; 0: the answers have nothing in common. NaN for scores, and for one place.
    top_change: share of pairs of places whose leading emotion differs.
    n_places: how many places were compared.
    """

    value: float
    top_change: float
    n_places: int


def consistency(outputs: np.ndarray, labels: LabelSet) -> Consistency:
    """Consistency of the outputs (K, C) of one subject in K places."""
    moved: Movement = within_group_movement(
        outputs,
        np.zeros(len(outputs), int),
        multi_label=labels.kind == "multi",
        probabilities=labels.link != "identity",
    )
    return Consistency(
        value=1 - moved.total_variation, top_change=moved.top_change, n_places=len(outputs)
    )


@dataclass(frozen=True, kw_only=True)
class Relocation:
    """What every (estimator, run) answers for one subject in K places.

    Attributes:
        places: names, the picture's own place first.
        labels: names and link of the outputs' columns.
        outputs: pair to outputs, (K, C).
        subject_shift: run to the mean over other places of ‖u_k − u‖ / ‖u‖: how far the run's
            *subject* features move although only the place was changed. 0 for a perfect cut and a
            model that reads nothing else; what is above it is background in the subject's box.
    """

    places: tuple[str, ...]
    labels: LabelSet
    outputs: dict[Pair, np.ndarray]
    subject_shift: dict[str, float]

    def consistency(self, pair: Pair) -> Consistency:
        """Consistency over all K places, the picture's own included."""
        return consistency(self.outputs[pair], self.labels)

    def average(self, pair: Pair) -> np.ndarray:
        """Mean output over the places, each counted once: P(Y|do(place)) by pixels, (C,)."""
        return self.outputs[pair].mean(0)


def working_copy(reading: SubjectReading) -> SubjectReading:
    """The reading in a copy of its picture small enough to composite quickly.

    The longer side comes down to `WORKING_PIXELS`, unless the face would get too small to read.
    """
    scale = WORKING_PIXELS / max(reading.picture.shape[:2])
    face = reading.subject.face
    if face is not None:
        x1, y1, x2, y2 = face.box
        scale = max(scale, _FACE_PIXELS / max(x2 - x1, y2 - y1))
    return reading if scale >= 1 else reading.shrunk(scale)


def relocate(
    reserve: Reserve,
    reading: SubjectReading,
    places: Iterable[Place],
    pairs: Sequence[Pair],
    *,
    on_place: Callable[[str], None] = lambda name: None,
) -> Relocation:
    """Ask every pair about the subject in its own picture and in each of the places.

    Args:
        reserve: called once a place.
        reading: of the subject where it is (`working_copy`).
        places: the *whole* pictures, of the reading's size, subject included
            (`places.composites` or `places.redrawn_places`).
        pairs: which (estimator, run) to ask; none twice.
        on_place: called with each place's name once it is done.

    Raises:
        InputError: no pair or no place, or as `Predictor.estimate`.
    """
    if not pairs:
        raise InputError("Expected an estimator to ask in another place, got none.")
    names: list[str] = []
    answers: dict[Pair, list[list[float]]] = {pair: [] for pair in pairs}
    shifts: dict[str, list[float]] = {run: [] for _, run in pairs}
    for name, moved in _readings(reading, places):
        with reserve() as predictor:
            labels = predictor.labels
            for estimator, run in pairs:
                told = predictor.estimate(moved, run=run, estimator=estimator)
                answers[estimator, run].append(list(told["probabilities"].values()))
            for run in shifts:
                shifts[run].append(predictor.subject_shift(reading, moved, run=run))
        names.append(name)
        on_place(name)
    if len(names) < 2:
        raise InputError("Expected another place to put the subject in, got none; choose one.")
    return Relocation(
        places=tuple(names),
        labels=labels,
        outputs={pair: np.array(rows) for pair, rows in answers.items()},
        subject_shift={run: float(np.mean(values[1:])) for run, values in shifts.items()},
    )


def _readings(
    reading: SubjectReading, places: Iterable[Place]
) -> Iterable[tuple[str, SubjectReading]]:
    yield "here", reading
    for place in places:
        yield place.name, reading.moved_to(place.picture)
