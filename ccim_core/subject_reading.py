"""One subject of one picture as runs see it: each stream encoded once, projected by every run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ccim_core.auxiliary import AUXILIARY, check_auxiliary, depth_in_picture
from ccim_core.backbones import Encoder
from ccim_core.detection import Subject
from ccim_core.features import View
from ccim_core.images import Box, Picture, resize_picture
from ccim_core.run import Run
from ccim_core.training.streams import StreamPlan

__all__ = ["OpenEncoder", "Projection", "SubjectReading"]

OpenEncoder = Callable[[StreamPlan], Encoder]

# What stays true of a subject when the picture round it changes; a depth map does not.
_OF_THE_SUBJECT = ("landmarks", "face_points", "keypoints")


class Projection(NamedTuple):
    """What one run's estimators are asked with: u (1, d_u), v (1, d_v), stratum (1,)."""

    u: Tensor
    v: Tensor
    stratum: Tensor


class SubjectReading:
    """A subject, its picture, and what was computed of them so far.

    Not safe for concurrent use, for its encoders are shared: hold the predictor's lock.

    Args:
        picture: (H, W, 3) uint8.
        subject: whose emotion is asked for.
        open_encoder: gives the encoder of a stream, in evaluation mode.
        known: of the subject, what a model reads beside the picture: landmarks (68, 2), keypoints
            (17, 3), depth (H, W); face_points (5, 2) are the found face's where not given.

    Raises:
        InputError: `known` of other shapes.
    """

    def __init__(
        self,
        picture: Picture,
        subject: Subject,
        *,
        open_encoder: OpenEncoder,
        known: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.picture = picture
        self.subject = subject
        self._open_encoder = open_encoder
        self._known = dict(known or {})
        if subject.face is not None and len(subject.face.landmarks) == 5:
            self._known.setdefault("face_points", np.array(subject.face.landmarks))
        self._record = _record(subject)
        self._streams: dict[StreamPlan | str, Tensor] = {}
        self._streams.update(_known_streams(self._known, self._record, picture.shape))
        self._projections: dict[str, Projection] = {}

    def moved_to(self, picture: Picture) -> SubjectReading:
        """The same subject, box, face and pose, in another picture of the same size."""
        if picture.shape != self.picture.shape:
            raise ValueError(f"Expected a picture {self.picture.shape}, got {picture.shape}.")
        known = {kind: value for kind, value in self._known.items() if kind in _OF_THE_SUBJECT}
        return SubjectReading(picture, self.subject, open_encoder=self._open_encoder, known=known)

    def shrunk(self, scale: float) -> SubjectReading:
        """The same subject in a copy of the picture, `scale` (at most 1) times as large."""
        if not 0 < scale <= 1:
            raise ValueError(f"Expected a scale above 0 and at most 1, got {scale}.")
        height, width = (max(1, round(scale * side)) for side in self.picture.shape[:2])
        down, across = height / self.picture.shape[0], width / self.picture.shape[1]
        factors = np.array([across, down])
        known = dict(self._known)
        for kind in set(_OF_THE_SUBJECT) & set(known):
            moved = np.asarray(known[kind], np.float64).copy()
            moved[:, :2] *= factors
            known[kind] = moved
        return SubjectReading(
            resize_picture(self.picture, (height, width)),
            _scaled(self.subject, factors),
            open_encoder=self._open_encoder,
            known=known,
        )

    def missing(self, run: Run) -> list[str]:
        """What a run reads beside the picture and is not known."""
        wanted = [value["auxiliary"] for value in run.encoders.values() if "auxiliary" in value]
        return [kind for kind in wanted if kind not in self._known]

    def reads_box_as_face(self, run: Run) -> bool:
        """Whether the box stands in for a face that was not found, where the run reads one."""
        views = [value.get("view") or {} for value in run.encoders.values()]
        return self.subject.face is None and any(view.get("kind") == "face" for view in views)

    @torch.no_grad()
    def project(self, run: Run) -> Projection:
        """The run's projections of the subject; what is `missing` must be nothing."""
        key = str(run.path)
        if key not in self._projections:
            features = {name: self._stream(run, name) for name in run.encoders}
            u, v = run.project(features)
            masked = features["dictionary"].numpy()
            stratum = torch.from_numpy(run.context.dictionary.predict(masked)).long()
            self._projections[key] = Projection(u, v, stratum)
        return self._projections[key]

    def _stream(self, run: Run, name: str) -> Tensor:
        """One stream of the run; those of encoders that it fine-tuned are its own pixels."""
        value = run.encoders[name]
        if "auxiliary" in value:
            return self._streams[value["auxiliary"]]
        plan = _plan(value)
        finetuned = run.config.encoder.finetune and name != "dictionary"
        if plan in self._streams and not finetuned:
            return self._streams[plan]
        encoder = self._open_encoder(plan)
        cut = plan.view.resolve(encoder.preprocessing).apply(self.picture, self._record)
        if plan.stage == "pixels":
            stream = torch.from_numpy(encoder.preprocessing.resize(cut))[None].float()
        else:
            pixels = encoder.preprocessing([cut])
            if finetuned:
                return pixels
            feature_map = encoder(pixels)
            stream = encoder.pool(feature_map) if plan.stage == "pooled" else feature_map
        self._streams[plan] = stream
        return stream


def _scaled(subject: Subject, factors: np.ndarray) -> Subject:
    """The subject after its picture's width and height were multiplied by `factors` (2,)."""

    def scaled(box: Box) -> Box:
        x1, y1, x2, y2 = (np.array(box) * np.tile(factors, 2)).tolist()
        return x1, y1, x2, y2

    face = subject.face
    if face is not None:
        marks = tuple((x * factors[0], y * factors[1]) for x, y in face.landmarks)
        face = replace(face, box=scaled(face.box), landmarks=marks)
    return replace(subject, box=scaled(subject.box), face=face)


def _plan(value: Mapping[str, Any]) -> StreamPlan:
    """A stream of `encoder.json`."""
    return StreamPlan(
        encoder=value["encoder"],
        weights=value["weights"],
        size=value["size"],
        view=View(**value["view"]),
        stage=value.get("stage", "pooled"),
    )


def _known_streams(
    known: Mapping[str, np.ndarray], record: dict[str, float], shape: tuple[int, ...]
) -> dict[str, Tensor]:
    """What is known of a subject as models read it, checked."""
    streams: dict[str, Tensor] = {}
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
    (`SubjectReading.reads_box_as_face`), never in silence.
    """
    box = tuple(map(float, subject.box))
    face = box if subject.face is None else tuple(map(float, subject.face.box))
    names = ("x1", "y1", "x2", "y2")
    record = dict(zip(names, box, strict=True))
    record.update(zip((f"face_{name}" for name in names), face, strict=True))
    return record
