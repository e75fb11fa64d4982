"""Predict on a new picture: subjects found, every estimate a study's runs support, the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ccim_core.auxiliary import AUXILIARY, check_auxiliary, depth_in_picture
from ccim_core.backbones import Encoder
from ccim_core.causal.estimators import ESTIMATORS
from ccim_core.detection import FaceDetector, Subject, find_subjects
from ccim_core.errors import InputError
from ccim_core.features import View
from ccim_core.files import read_json
from ccim_core.labels import LabelSet
from ccim_core.reasons import backdoor_removal, ccim_removal
from ccim_core.run import Run
from ccim_core.run_choice import assign_estimators, default_runs
from ccim_core.study import Study
from ccim_core.training.streams import StreamPlan

__all__ = ["PHOTO_MODEL", "Predictor"]

PHOTO_MODEL = Path(__file__).parent / "assets" / "photo_model"

_MOST_PROTOTYPES = 8
# A subject's streams by plan, and what is known of it beside the picture by kind.
Streams = dict[StreamPlan | str, Tensor]


class Predictor:
    """A study's runs, ready to answer for pictures. Not safe for concurrent use: hold a lock.

    Args:
        study: the opened study.
        runs: runs to answer with; by default one a trained-in intervention, alike in all else.
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

    @cached_property
    def _detector(self) -> FaceDetector:
        return FaceDetector()

    def find_subjects(
        self, picture: np.ndarray, *, box: tuple[float, float, float, float] | None = None
    ) -> list[Subject]:
        """Subjects of a picture (H, W, 3) uint8, largest face first; or the one in `box`."""
        return find_subjects(picture, detector=self._detector, box=box)

    def predict(
        self,
        picture: np.ndarray,
        *,
        image: str,
        box: tuple[float, float, float, float] | None = None,
        known: Mapping[str, np.ndarray] | None = None,
    ) -> list[dict[str, Any]]:
        """A prediction object a subject (DESIGN: image, box, face, estimates, absent, warnings).

        Args:
            picture: (H, W, 3) uint8.
            image: name to report.
            box: x1, y1, x2, y2 in pixels instead of detection.
            known: of the subject in `box`, what a model reads beside the picture: landmarks
                (68, 2), keypoints (17, 3), depth (H, W). What needs others is absent.

        Raises:
            InputError: a box outside the picture, or `known` without a box or of other shapes.
        """
        if known and box is None:
            raise InputError(f"Expected a box with {', '.join(known)}: whose they are, got none.")
        subjects = self.find_subjects(picture, box=box)
        return [self._predict_one(picture, image, subject, known or {}) for subject in subjects]

    @torch.no_grad()
    def _predict_one(
        self, picture: np.ndarray, image: str, subject: Subject, known: Mapping[str, np.ndarray]
    ) -> dict[str, Any]:
        record = _record(subject)
        cache = _known_streams(known, record, picture.shape)
        projected = {
            name: self._project(run, picture, record, cache)
            for name, run in self._runs.items()
            if not _missing(run, known)
        }
        estimates: dict[str, dict[str, Any]] = {}
        absent = dict(self.absent)
        for key, run in self.by_estimator.items():
            if run.name not in projected:
                absent[key] = (
                    f"{run.name}: {run.config.model.name} needs the subject's "
                    f"{' and '.join(_missing(run, known))}, which the picture alone does not give."
                )
                continue
            u, v, stratum = projected[run.name]
            values = run.estimate(key, u, v, stratum)[0]
            estimates[key] = {
                "probabilities": self._named(values),
                "run": run.name,
                "weights_sha256": run.weights_sha256,
                "link": run.labels.link,
                "dataset": self.study.name,
            }
        return {
            "image": image,
            "box": [round(float(value), 1) for value in subject.box],
            "face": None
            if subject.face is None
            else [round(float(value), 1) for value in subject.face.box],
            "estimates": estimates,
            "absent": absent,
            "warnings": [*subject.warnings, *self._face_warning(subject)],
            "prototypes": self._prototypes(projected),
        }

    def _face_warning(self, subject: Subject) -> list[str]:
        if not any(_reads_box_as_face(run, subject) for run in self._runs.values()):
            return []
        return ["These models read a face; none was found, so they read the whole box as one."]

    def _named(self, values: Tensor) -> dict[str, float]:
        return dict(zip(self.labels.emotions, values.double().tolist(), strict=True))

    # -- streams ----------------------------------------------------------------------------

    def _project(
        self,
        run: Run,
        picture: np.ndarray,
        record: dict[str, float],
        cache: Streams,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """u (1, d_u), v (1, d_v) and stratum (1,) of one subject for one run."""
        features: dict[str, Tensor] = {}
        for stream, value in run.encoders.items():
            if "auxiliary" in value:
                features[stream] = cache[value["auxiliary"]]
                continue
            plan = _plan(value)
            finetuned = run.config.encoder.finetune and stream != "dictionary"
            if plan not in cache or finetuned:
                encoder = self._encoder(plan)
                preprocessing = encoder.preprocessing
                cut = plan.view.resolve(preprocessing).apply(picture, record)
                if plan.stage == "pixels":
                    cache[plan] = torch.from_numpy(preprocessing.resize(cut))[None].float()
                else:
                    pixels = preprocessing([cut])
                    cache[plan] = pixels if finetuned else _encode(encoder, pixels, plan.stage)
            features[stream] = cache[plan]
            if finetuned:
                del cache[plan]
        u, v = run.project(features)
        masked = features["dictionary"].numpy()
        return u, v, torch.from_numpy(run.context.dictionary.predict(masked)).long()

    def _encoder(self, plan: StreamPlan) -> Encoder:
        key = (plan.encoder, plan.weights, plan.size)
        if key not in self._encoders:
            self._encoders[key] = plan.open_encoder(self.study.path).eval()
        return self._encoders[key]

    # -- reasons ----------------------------------------------------------------------------

    def _prototypes(
        self, projected: dict[str, tuple[Tensor, Tensor, Tensor]]
    ) -> list[dict[str, Any]]:
        """Strata with the change that the removal of each makes, largest effects first.

        Empty unless the runs in use share one dictionary: indices would not be comparable.
        """
        effects: dict[str, Tensor] = {}
        reference = self._shared_dictionary()
        if reference is None or reference.name not in projected:
            return []
        answering = {key: run for key, run in self.by_estimator.items() if run.name in projected}
        if "backdoor" in answering:
            run = answering["backdoor"]
            effects["backdoor"] = backdoor_removal(run, projected[run.name][0])
        if "ccim" in answering and self._has_prototypes(answering["ccim"]):
            run = answering["ccim"]
            effects["ccim"] = ccim_removal(run, *projected[run.name][:2])
        if not effects:
            return []
        size = torch.stack([effect.abs().sum(-1) for effect in effects.values()]).amax(0)
        assigned = int(projected[reference.name][2][0])
        chosen = size.nan_to_num(-1).argsort(descending=True)[:_MOST_PROTOTYPES].tolist()
        if assigned not in chosen:
            chosen[-1] = assigned
        context = reference.context
        return [
            {
                "index": index,
                "scene": context.names[index] if context.names else "",
                "prior": float(context.strata.prior[index]),
                "assigned": index == assigned,
                "emotions": self._named(context.conditional[index]),
                "effects": {key: self._named(effect[index]) for key, effect in effects.items()},
            }
            for index in chosen
        ]

    def _has_prototypes(self, run: Run) -> bool:
        config = run.config
        return config.intervention.attention != "constant" and config.dictionary.kind == "kmeans"

    def _shared_dictionary(self) -> Run | None:
        runs = list(self._runs.values())
        first = runs[0].context.dictionary.centers_
        for run in runs[1:]:
            centres = run.context.dictionary.centers_
            if centres.shape != first.shape or not np.allclose(centres, first, atol=1e-3):
                return None
        return runs[0]


def _plan(value: Mapping[str, Any]) -> StreamPlan:
    """A stream of `encoder.json`."""
    return StreamPlan(
        encoder=value["encoder"],
        weights=value["weights"],
        size=value["size"],
        view=View(**value["view"]),
        stage=value.get("stage", "pooled"),
    )


def _encode(encoder: Encoder, pixels: Tensor, stage: str) -> Tensor:
    feature_map = encoder(pixels)
    return encoder.pool(feature_map) if stage == "pooled" else feature_map


def _missing(run: Run, known: Mapping[str, np.ndarray]) -> list[str]:
    """What a run reads beside the picture and is not known."""
    wanted = [value["auxiliary"] for value in run.encoders.values() if "auxiliary" in value]
    return [kind for kind in wanted if kind not in known]


def _known_streams(
    known: Mapping[str, np.ndarray], record: dict[str, float], shape: tuple[int, ...]
) -> Streams:
    """What is known of a subject as models read it, checked."""
    streams: Streams = {}
    for kind in AUXILIARY:
        if kind in known:
            values = check_auxiliary(kind, np.asarray(known[kind]), source=f"the given {kind}")
            if kind == "depth":
                box = np.array([record[name] for name in ("x1", "y1", "x2", "y2")])
                values = depth_in_picture(values, box, shape)
            streams[kind] = torch.from_numpy(np.asarray(values, np.float32))[None]
    return streams


def _record(subject: Subject) -> dict[str, float]:
    """A subject as the manifest columns that views read.

    Without a face the box stands in for one: the answer then comes with a warning that says so
    (`_reads_box_as_face`), never in silence.
    """
    box = tuple(map(float, subject.box))
    face = box if subject.face is None else tuple(map(float, subject.face.box))
    names = ("x1", "y1", "x2", "y2")
    record = dict(zip(names, box, strict=True))
    record.update(zip((f"face_{name}" for name in names), face, strict=True))
    return record


def _reads_box_as_face(run: Run, subject: Subject) -> bool:
    views = [value.get("view") or {} for value in run.encoders.values()]
    return subject.face is None and any(view.get("kind") == "face" for view in views)
