"""Predict on a new picture: subjects found, every estimate a study's runs support, the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ccim_core.backbones import Encoder
from ccim_core.causal.estimators import ESTIMATORS
from ccim_core.detection import FaceDetector, Subject, face_in_box, find_subjects
from ccim_core.errors import InputError
from ccim_core.files import read_json
from ccim_core.images import Box, Picture
from ccim_core.labels import LabelSet
from ccim_core.reasons import prototypes, removal_effects
from ccim_core.run import Run
from ccim_core.run_choice import answering_runs, assign_estimators, default_runs
from ccim_core.study import Study
from ccim_core.subject_box import SubjectBox
from ccim_core.subject_reading import SubjectReading
from ccim_core.training.streams import StreamPlan
from ccim_core.what_if import WhatIf, what_if

__all__ = ["PHOTO_MODEL", "Predictor"]

_LOOKED_AT = 16
"""Pictures of a study looked at for faces, where neither run nor manifest tells of them."""

PHOTO_MODEL = Path(__file__).parent / "assets" / "photo_model"


class Predictor:
    """A study's runs, ready to answer for pictures. Not safe for concurrent use: hold a lock.

    `predict` is the whole way from a picture to its predictions. `read` is its first half; what it
    gives can be asked on (`judge`, `estimate`, `reasons`, `what_if`) without another look at the
    picture.

    Args:
        study: the opened study.
        runs: runs to answer with; by default one a trained-in intervention, alike in all else.
            `estimate`, `reasons` and `what_if` take any other run of the study too.
    """

    def __init__(self, study: Study, runs: list[Run] | None = None) -> None:
        self.study = study
        available = runs if runs is not None else default_runs(study)
        if not available:
            raise InputError(
                f"Expected finished runs in {study.runs_root}, got none; train one with "
                f"`python -m ccim_core train --study {study.path}`."
            )
        self.by_estimator, self.absent = assign_estimators(available)
        self._runs = {run.name: run for run in available}
        self._others: dict[str, Run] = {}
        self._encoders: dict[tuple[str, str, int], Encoder] = {}

    @classmethod
    def open(cls, path: Path | str | None = None) -> Predictor:
        """Open a study's predictor; None opens the shipped photograph model."""
        return cls(Study.open(PHOTO_MODEL if path is None else path))

    @property
    def title(self) -> str:
        """The study's name."""
        return self.study.name

    @property
    def labels(self) -> LabelSet:
        """The label set of every estimate."""
        return self.study.labels

    @cached_property
    def card(self) -> dict[str, Any]:
        """The model card, or {} when the study has none."""
        path = self.study.path / "card.json"
        return read_json(path) if path.is_file() else {}

    @property
    def runs(self) -> list[dict[str, str]]:
        """The runs in use: name and intervention."""
        return [
            {"name": name, "intervention": run.config.intervention.name}
            for name, run in self._runs.items()
        ]

    @property
    def estimators(self) -> list[dict[str, str]]:
        """The estimates that `predict` gives: key, title and the run that answers."""
        return [
            {"key": key, "title": ESTIMATORS[key].title, "run": run.name}
            for key, run in self.by_estimator.items()
        ]

    def pairs(self) -> dict[str, list[str]]:
        """Estimator to the runs that support it, the one that `predict` uses first.

        Runs are all those of the study that have weights and its emotions, as they are now.
        """
        known = [self._runs.get(run.name, run) for run in answering_runs(self.study)]
        found: dict[str, list[str]] = {}
        for key in ESTIMATORS:
            able = [run.name for run in known if run.estimators()[key] is None]
            if key in self.by_estimator:
                first = self.by_estimator[key].name
                able = [first, *(name for name in able if name != first)]
            if able:
                found[key] = able
        return found

    def _run(self, name: str) -> Run:
        if name in self._runs:
            return self._runs[name]
        if name not in self._others:
            self._others[name] = Run.open(self.study.run_path(name))
        return self._others[name]

    @cached_property
    def _detector(self) -> FaceDetector:
        return FaceDetector()

    def find_subjects(self, picture: Picture, *, box: Box | None = None) -> list[Subject]:
        """Subjects of a picture (H, W, 3) uint8, largest face first; or the one in `box`.

        Faces are grown to boxes as the runs in use were trained on. Without a face: nobody.
        """
        grown = self.subject_box
        found = find_subjects(picture, detector=self._detector, box=box, grow=grown.grow)
        if box is not None or not grown.warnings:
            return found
        return [replace(one, warnings=(*one.warnings, *grown.warnings)) for one in found]

    @cached_property
    def subject_box(self) -> SubjectBox:
        """What boxes the runs in use were trained on: as recorded, else by the study's manifest."""
        for run in self._runs.values():
            path = run.path / "environment.json"
            record = read_json(path).get("subject_box") if path.is_file() else None
            if record and record["kind"] != "unknown":
                return SubjectBox.from_dict(record)
        if "composite" in self.study.info.get("settings", {}):
            return SubjectBox(kind="body")  # composites have bodies grown from faces
        if not (self.study.path / "manifest.parquet").is_file():
            return SubjectBox(kind="unknown")
        found = SubjectBox.of(self.study.manifest)
        return self._boxes_by_sight() if found.kind == "unknown" else found

    def _boxes_by_sight(self) -> SubjectBox:
        """That of a manifest without faces, by those found in some of its pictures."""
        rows = np.linspace(0, len(self.study.manifest) - 1, _LOOKED_AT).round().astype(int)
        boxes, faces = self.study.manifest.boxes()[rows], np.full((_LOOKED_AT, 4), np.nan)
        for i, (row, (x1, y1, x2, y2)) in enumerate(zip(rows, boxes.tolist(), strict=True)):
            try:
                picture = self.study.reader.read(str(self.study.manifest.frame["image"][row]))
            except InputError:
                continue  # a study may be here without its pictures
            face = face_in_box(self._detector.detect(picture), (x1, y1, x2, y2))
            if face is not None:
                faces[i] = face.box
        return SubjectBox.measured(boxes, faces)

    def predict(
        self,
        picture: Picture,
        *,
        image: str,
        box: Box | None = None,
        known: Mapping[str, np.ndarray] | None = None,
    ) -> list[dict[str, Any]]:
        """A prediction object a subject (DESIGN: image, box, face, estimates, absent, warnings).

        Without a face and without a box there is no subject: an empty list.

        Args:
            picture: (H, W, 3) uint8.
            image: name to report.
            box: x1, y1, x2, y2 in pixels instead of detection.
            known: of the subject in `box`, what a model reads beside the picture: landmarks
                (68, 2), keypoints (17, 3), depth (H, W). What needs others is absent.

        Raises:
            InputError: a box outside the picture, or `known` without a box or of other shapes.
        """
        return [
            self.judge(reading, image=image) for reading in self.read(picture, box=box, known=known)
        ]

    def read(
        self,
        picture: Picture,
        *,
        box: Box | None = None,
        known: Mapping[str, np.ndarray] | None = None,
    ) -> list[SubjectReading]:
        """The picture's subjects, to be asked about. Arguments and errors as `predict`."""
        if known and box is None:
            raise InputError(f"Expected a box with {', '.join(known)}: whose they are, got none.")
        return [
            SubjectReading(picture, subject, open_encoder=self._encoder, known=known)
            for subject in self.find_subjects(picture, box=box)
        ]

    def _encoder(self, plan: StreamPlan) -> Encoder:
        key = (plan.encoder, plan.weights, plan.size)
        if key not in self._encoders:
            self._encoders[key] = plan.open_encoder(self.study.path).eval()
        return self._encoders[key]

    def judge(self, reading: SubjectReading, *, image: str) -> dict[str, Any]:
        """The prediction object of one subject, by the runs in use."""
        subject = reading.subject
        estimates: dict[str, dict[str, Any]] = {}
        absent = dict(self.absent)
        for key, run in self.by_estimator.items():
            reason = _unreadable(reading, run)
            if reason is None:
                estimates[key] = self.estimate(reading, run=run.name, estimator=key)
            else:
                absent[key] = reason
        return {
            "image": image,
            "box": [round(float(value), 1) for value in subject.box],
            "face": None
            if subject.face is None
            else [round(float(value), 1) for value in subject.face.box],
            "estimates": estimates,
            "absent": absent,
            "warnings": [*subject.warnings, *self._face_warning(reading)],
            "prototypes": self._prototypes(reading, tuple(estimates)),
        }

    def _face_warning(self, reading: SubjectReading) -> list[str]:
        if not any(reading.reads_box_as_face(run) for run in self._runs.values()):
            return []
        return ["These models read a face; none was found, so they read the whole box as one."]

    def estimate(self, reading: SubjectReading, *, run: str, estimator: str) -> dict[str, Any]:
        """One run's estimate: probabilities (emotion to value), run, weights_sha256, link, dataset.

        Raises:
            InputError: no such run, an estimator that it does not support, or a subject of which
                the run reads more than the picture gives.
        """
        chosen = self._able(reading, run, estimator)
        return {
            "probabilities": self._named(chosen.estimate(estimator, *reading.project(chosen))[0]),
            "run": chosen.name,
            "weights_sha256": chosen.weights_sha256,
            "link": chosen.labels.link,
            "dataset": self.study.name,
        }

    @torch.no_grad()
    def reasons(self, reading: SubjectReading, *, run: str, estimator: str) -> list[dict[str, Any]]:
        """The prototypes of one run with what their removal changes in one of its estimates.

        Records as in a prediction's `prototypes`, their effects keyed by the estimator; empty
        where prototypes have no part in it. Raises InputError like `estimate`.
        """
        chosen = self._able(reading, run, estimator)
        u, v, stratum = reading.project(chosen)
        effects = removal_effects(chosen, estimator, u, v)
        return [] if effects is None else prototypes(chosen, {estimator: effects}, int(stratum[0]))

    def what_if(self, reading: SubjectReading, *, run: str) -> WhatIf:
        """The subject's prediction in every stratum of a run. Raises InputError like `estimate`."""
        chosen = self._able(reading, run, "backdoor")
        return what_if(chosen, reading.project(chosen))

    def subject_shift(self, reading: SubjectReading, other: SubjectReading, *, run: str) -> float:
        """‖u′ − u‖ / ‖u‖ between two readings of a subject: how far its own features moved."""
        chosen = self._able(reading, run, "backdoor")
        u, moved = reading.project(chosen).u, other.project(chosen).u
        return float((moved - u).norm() / u.norm().clamp_min(1e-12))

    def _able(self, reading: SubjectReading, name: str, estimator: str) -> Run:
        run = self._run(name)
        reasons = run.estimators()
        if estimator not in reasons:
            raise InputError(f"Expected an estimator of {list(reasons)}, got {estimator!r}.")
        reason = reasons[estimator] or _unreadable(reading, run)
        if reason is not None:
            raise InputError(f"Expected a run that gives {estimator}, got {name}: {reason}")
        return run

    def _named(self, values: Tensor) -> dict[str, float]:
        return dict(zip(self.labels.emotions, values.double().tolist(), strict=True))

    @torch.no_grad()
    def _prototypes(
        self, reading: SubjectReading, estimated: tuple[str, ...]
    ) -> list[dict[str, Any]]:
        """Strata with the change that the removal of each makes, largest effects first.

        Empty unless the runs in use share one dictionary: indices would not be comparable.
        """
        reference = self._shared_dictionary
        if reference is None or reading.missing(reference):
            return []
        effects: dict[str, Tensor] = {}
        for key in ("backdoor", "ccim"):
            if key in estimated:
                run = self.by_estimator[key]
                u, v, _ = reading.project(run)
                found = removal_effects(run, key, u, v)
                if found is not None:
                    effects[key] = found
        return prototypes(reference, effects, int(reading.project(reference).stratum[0]))

    @cached_property
    def _shared_dictionary(self) -> Run | None:
        runs = list(self._runs.values())
        first = runs[0].context.dictionary.centers_
        for run in runs[1:]:
            centres = run.context.dictionary.centers_
            if centres.shape != first.shape or not np.allclose(centres, first, atol=1e-3):
                return None
        return runs[0]


def _unreadable(reading: SubjectReading, run: Run) -> str | None:
    """Why a run cannot be asked about a subject; None if it can."""
    missing = reading.missing(run)
    if not missing:
        return None
    return (
        f"{run.name}: {run.config.model.name} needs the subject's {' and '.join(missing)}, which "
        "the picture alone does not give."
    )
