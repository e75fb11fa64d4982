"""A small stand-in for the predictor: fast, and wrong in ways that the tests can tell apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from ccim_core.errors import InputError
from ccim_core.files import write_json
from ccim_core.images import encode_jpeg
from ccim_core.labels import get_label_set
from ccim_core.study import Study
from ccim_core.subject_box import SubjectBox

EMOTIONS = get_label_set("photographs").emotions
ESTIMATES = {
    "likelihood": (0.05, 0.05, 0.60, 0.20, 0.05, 0.05),
    "ccim": (0.05, 0.05, 0.62, 0.18, 0.05, 0.05),
    "backdoor": (0.10, 0.05, 0.25, 0.45, 0.10, 0.05),
    "prior_correction": (0.10, 0.05, 0.40, 0.30, 0.10, 0.05),
}


@dataclass(frozen=True)
class FakeReading:
    """A subject in a picture: number from 0, and the box that was asked for, if any."""

    picture: np.ndarray
    number: int
    asked: Any
    subject: Any

    def moved_to(self, picture: np.ndarray) -> FakeReading:
        return replace(self, picture=picture)


class FakePredictor:
    """Finds two persons in every picture; a drawn box is read as Surprise."""

    calls: list[tuple[tuple[int, ...], str, Any]]
    asked: list[tuple[str, str]]
    labels = get_label_set("photographs")
    subject_box = SubjectBox(kind="body", heights=5.0)

    def __init__(self) -> None:
        self.calls = []
        self.asked = []

    @classmethod
    def open(cls, path: Path | None = None) -> FakePredictor:
        return cls()

    def pairs(self) -> dict[str, list[str]]:
        return {
            "likelihood": ["run_likelihood"],
            "ccim": ["run_ccim"],
            "backdoor": ["run_backdoor", "other_run"],
            "prior_correction": ["run_prior_correction"],
        }

    def read(self, picture: np.ndarray, *, box: Any = None) -> list[FakeReading]:
        height, width = picture.shape[:2]
        if box is None and width > 3 * height:
            return []  # a strip shows nobody
        halves = [(0.0, 0.0, width / 2, height), (width / 2, 0.0, width, height)]
        return [
            FakeReading(picture, number, box, SimpleNamespace(box=one, face=None))
            for number, one in enumerate(halves if box is None else [box])
        ]

    def judge(self, reading: FakeReading, *, image: str) -> dict[str, Any]:
        if reading.number == 0:
            self.calls.append((reading.picture.shape, image, reading.asked))
        if "refuse" in image or ("lost" in image and reading.asked is None):
            raise InputError("Expected a picture with a person, got *none*.")
        if "break" in image:
            raise RuntimeError("secret detail")
        if reading.asked is not None:
            drawn = {
                "likelihood": (0, 0, 0, 0, 0, 1.0),
                "ccim": (1.0,),
                "backdoor": (0, 1.0),
            }
            return prediction(image, reading.asked, drawn)
        warnings = ["Its face is small."] if reading.number else []
        return prediction(image, reading.subject.box, warnings=warnings)

    def estimate(self, reading: FakeReading, *, run: str, estimator: str) -> dict[str, Any]:
        """The likelihood follows the picture's brightness; another run than the first is sad."""
        self.asked.append((run, estimator))
        told = prediction("", reading.subject.box)["estimates"][estimator]
        if run != f"run_{estimator}":
            told["probabilities"] = dict.fromkeys(EMOTIONS, 0.0) | {"Sad": 1.0}
        elif estimator == "likelihood":
            light = float(reading.picture.mean()) / 255
            told["probabilities"] = dict.fromkeys(EMOTIONS, 0.0) | {
                "Happy": light,
                "Sad": 1 - light,
            }
        return {**told, "run": run}

    def reasons(self, reading: FakeReading, *, run: str, estimator: str) -> list[dict[str, Any]]:
        told = prediction("", reading.subject.box)["prototypes"]
        return told if estimator in ("ccim", "backdoor") else []

    def what_if(self, reading: FakeReading, *, run: str) -> Any:
        from ccim_core.what_if import WhatIf

        self.asked.append((run, "what if"))
        outputs = np.full((3, len(EMOTIONS)), 0.02)
        for row, lead in enumerate(("Happy", "Happy", "Sad")):
            outputs[row, EMOTIONS.index(lead)] = 0.9
        return WhatIf(
            run=run,
            link="softmax",
            emotions=EMOTIONS,
            index=np.array([0, 1, 4]),
            names=("beach", "beach", "cemetery"),
            prior=np.array([0.5, 0.25, 0.25]),
            outputs=outputs,
            own=outputs[0],
            assigned=0,
            dropped_mass=0.1,
        )

    def subject_shift(self, reading: FakeReading, other: FakeReading, *, run: str) -> float:
        return 0.125


def prediction(
    image: str,
    box: Any,
    estimates: dict[str, tuple[float, ...]] = ESTIMATES,
    *,
    warnings: list[str] | None = None,
    link: str = "softmax",
) -> dict[str, Any]:
    """A prediction of DESIGN's form."""
    return {
        "image": image,
        "box": [float(value) for value in box],
        "face": None,
        "estimates": {
            name: {
                "probabilities": dict(
                    zip(EMOTIONS, (*values, *[0.0] * (len(EMOTIONS) - len(values))), strict=True)
                ),
                "run": f"run_{name}",
                "weights_sha256": "ab" * 32,
                "link": link,
                "dataset": "photographs",
            }
            for name, values in estimates.items()
        },
        "absent": {"counterfactual": "the study has no run trained with it."},
        "warnings": warnings or [],
        "prototypes": [
            {
                "index": 3,
                "scene": "football_field",
                "prior": 0.2,
                "assigned": True,
                "emotions": dict(zip(EMOTIONS, (0.1, 0.1, 0.5, 0.1, 0.1, 0.1), strict=True)),
                "effects": {
                    "ccim": {"Happy": 0.01, "Sad": -0.002},
                    "backdoor": {"Happy": 0.05, "Sad": -0.08},
                },
            },
            {
                "index": 7,
                "scene": None,
                "prior": 0.05,
                "assigned": False,
                "emotions": {"Sad": 1.0},
                "effects": {"ccim": {"Happy": 0.0, "Sad": 0.0}, "backdoor": {"Happy": -0.1}},
            },
        ],
    }


def make_photo_study(path: Path) -> Study:
    """A study with the outline of the shipped photograph model: a card and a finished run."""
    study = Study.create(
        path, name="Photograph model", kind="photographs", labels=get_label_set("photographs")
    )
    (study.runs_root / "plain").mkdir(parents=True)
    (study.runs_root / "plain" / "done").touch()
    (study.runs_root / "plain" / "model.safetensors").touch()
    write_json(study.path / "card.json", CARD)
    return study


def jpeg(width: int = 96, height: int = 64) -> bytes:
    """A small JPEG with some structure."""
    rows = np.linspace(0, 255, height)[:, None, None]
    columns = np.linspace(0, 255, width)[None, :, None]
    picture = np.broadcast_to((rows + columns) / 2, (height, width, 3))
    return encode_jpeg(picture.astype(np.uint8))


def _figures(run: str, estimator: str, split: str, accuracy: float, **more: Any) -> dict[str, Any]:
    return {
        "run": run,
        "estimator": estimator,
        "split": split,
        "n": 100,
        "balanced_accuracy": accuracy,
        "scene_total_variation": None,
        "emotion_total_variation": None,
        **more,
    }


CARD: dict[str, Any] = {
    "name": "Photograph model",
    "data": "Portraits of a *public* collection, composed on photographs of scenes.",
    "emotions": list(EMOTIONS),
    "left_out": ["Fear"],
    "portraits": {"read": 1000, "without_face": 10, "pools": {"train": 800, "test": 190}},
    "encoder": {
        "held_out": {
            "balanced_accuracy": 0.6,
            "standard_error": 0.02,
            "accuracy": 0.7,
            "recall": {"Happy": 0.93, "Sad": 0.50, "Surprise": None},
            "counts": {"Happy": 200, "Sad": 40, "Surprise": 0},
        }
    },
    "estimates": [
        _figures("plain", "likelihood", "test", 0.70),
        _figures("plain", "likelihood", "shift", 0.40),
        _figures("plain", "likelihood", "twins", 0.45, scene_total_variation=0.30),
        _figures("plain", "backdoor", "test", 0.60),
        _figures("ccim", "likelihood", "test", 0.10),
    ],
    "limits": ["The labels are noisy.", "Not for decisions about people."],
}
