"""Questions to the shared model: under its lock, once each, with a word to who has to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import streamlit as st

from analysis.prediction_tables import pair_key
from app import study_cache
from app.predict.state import MAX_ANSWERS, MAX_RESULTS, Key, Prediction, PredictState, remember
from app.study_cache import SharedPredictor, StudyEntry
from app.uploads import LoadedPicture
from ccim_core.images import Box

if TYPE_CHECKING:
    from ccim_core.predict import Predictor
    from ccim_core.subject_reading import SubjectReading

__all__ = [
    "MAX_READINGS",
    "Pair",
    "Subject",
    "ask",
    "estimate_key",
    "judge",
    "offered_pairs",
    "reading_of",
    "subject_key",
    "with_estimates",
]

Answer = TypeVar("Answer")
Pair = tuple[str, str]
"""(estimator, run)."""

MAX_READINGS = 6
WAITING = "The model is with another visitor's picture: yours is next …"
FINDING = "Finding the subject and judging the picture …"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whom questions are about: the `number`-th (from 0) that was judged in a picture or a box."""

    entry: StudyEntry
    picture: LoadedPicture
    box: Box | None
    number: int
    prediction: Prediction

    @property
    def key(self) -> Key:
        """What answers about this subject are kept under."""
        return (*subject_key(self.entry, self.picture.key, self.box), self.number)


def subject_key(entry: StudyEntry, picture: str, box: Box | None) -> Key:
    """What a picture's (by its key) subjects, or the one in a box, are kept under."""
    version = (entry.path / "study.json").stat().st_mtime_ns
    return (entry.key, version, picture, box)


def offered_pairs(entry: StudyEntry) -> dict[str, list[str]]:
    """Estimator to the runs that can give it, the default one first."""
    return study_cache.load_predictor(entry.path).pairs


@contextmanager
def _waiting(shared: SharedPredictor, doing: str) -> Iterator[Predictor]:
    with st.spinner(WAITING if shared.busy else doing), shared.reserved() as predictor:
        yield predictor


def judge(
    state: PredictState, entry: StudyEntry, picture: LoadedPicture, box: Box | None
) -> list[Prediction]:
    """Predictions for every subject found, or for the subject in `box`; remembered.

    Raises InputError as the predictor does, and when other visitors keep it busy too long.
    """
    key = subject_key(entry, picture.key, box)
    if key not in state.results:
        with _waiting(study_cache.load_predictor(entry.path), FINDING) as predictor:
            readings = predictor.read(picture.pixels, box=box)
            found = [predictor.judge(reading, image=picture.name) for reading in readings]
        remember(state.results, key, found, MAX_RESULTS)
        if picture is state.picture:
            remember(state.readings, key, readings, MAX_READINGS)
    return state.results[key]


def reading_of(state: PredictState, subject: Subject) -> SubjectReading:
    """The model's reading of a subject: kept for the picture in work, made again for others."""
    key = subject_key(subject.entry, subject.picture.key, subject.box)
    readings = state.readings.get(key)
    if readings is None:
        with _waiting(study_cache.load_predictor(subject.entry.path), FINDING) as predictor:
            readings = predictor.read(subject.picture.pixels, box=subject.box)
        if subject.picture is state.picture:
            remember(state.readings, key, readings, MAX_READINGS)
    return readings[subject.number]


def ask(
    state: PredictState,
    subject: Subject,
    question: Key,
    answer: Callable[[Predictor, SubjectReading], Answer],
    *,
    doing: str = "Asking the model …",
) -> Answer:
    """What `answer` gives under the lock; remembered under the subject and the question.

    Raises InputError like `judge`.
    """
    key = (*subject.key, *question)
    if key not in state.answers:
        reading = reading_of(state, subject)
        with _waiting(study_cache.load_predictor(subject.entry.path), doing) as predictor:
            found = answer(predictor, reading)
        remember(state.answers, key, found, MAX_ANSWERS)
    return cast(Answer, state.answers[key])


def estimate_key(pair: Pair, offered: dict[str, list[str]]) -> str:
    """Key of a pair's estimate: the estimator alone where the run is its default one."""
    estimator, run = pair
    return estimator if offered[estimator][0] == run else pair_key(estimator, run)


def _estimate(pair: Pair, predictor: Predictor, reading: SubjectReading) -> dict[str, Any]:
    return predictor.estimate(reading, run=pair[1], estimator=pair[0])


def with_estimates(
    state: PredictState, subject: Subject, pairs: tuple[Pair, ...], offered: dict[str, list[str]]
) -> Prediction:
    """The subject's prediction with the estimates of some more pairs beside the default ones."""
    estimates = dict(subject.prediction["estimates"])
    for pair in pairs:
        key = estimate_key(pair, offered)
        if key not in estimates:
            estimates[key] = ask(state, subject, ("estimate", *pair), partial(_estimate, pair))
    return {**subject.prediction, "estimates": estimates}
