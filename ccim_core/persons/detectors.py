"""Pictures to persons' boxes, and boxes to joints, with torchvision's networks.

What is found in a picture does not depend on the pictures beside it: only pictures of one size go
through a network together, since torchvision pads a mixed batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ccim_core.images import Picture, shrink_picture
from ccim_core.persons.networks import LoadedNetwork

__all__ = ["JOINTS", "PersonDetector", "PoseEstimator"]

JOINTS = 17
"""COCO's: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles."""

_PERSON = 1  # COCO's category
_MIN_SCORE = 0.05  # torchvision's: below it nothing is given out
_MIN_JOINT = 0.05


class _Detector:
    """A network on a device, and the pictures as it reads them."""

    def __init__(self, loaded: LoadedNetwork, *, device: torch.device | str = "cpu") -> None:
        self.name = loaded.name
        self.weights = loaded.weights
        self.device = torch.device(device)
        self.network: Any = loaded.module.to(self.device)

    @property
    def longest(self) -> int:
        """Longer side, in pixels, of the pictures that the network reads."""
        return int(self.network.transform.max_size)

    def _fingerprint(self, *settings: object) -> str:
        text = repr((self.name, self.weights.sha256, self.longest, *settings))
        return hashlib.sha256(text.encode()).hexdigest()

    def _shrink(self, picture: Picture) -> Picture:
        """The network would shrink it too, without antialiasing."""
        return shrink_picture(picture, self.longest)

    def _tensor(self, picture: Picture) -> Tensor:
        planes = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)
        return planes.to(self.device).float() / 255

    def _exact(self) -> Any:
        # Otherwise convolutions run in TF32 on a GPU, 0.1% from a CPU's.
        if self.device.type != "cuda":
            return nullcontext()
        return torch.backends.cudnn.flags(enabled=True, benchmark=False, allow_tf32=False)


class PersonDetector(_Detector):
    """Persons in pictures, by Faster R-CNN."""

    def identity(self) -> str:
        """Hex SHA-256 of what decides its answers."""
        return self._fingerprint("persons", _MIN_SCORE)

    @torch.inference_mode()
    def detect(self, pictures: Sequence[Picture]) -> list[np.ndarray]:
        """Persons of each picture (H, W, 3) uint8: (n, 5), x1, y1, x2, y2 in its pixels and the
        score in [0, 1], the surest first; boxes lie inside the picture and have an area."""
        found: list[np.ndarray] = [np.empty((0, 5))] * len(pictures)
        small = [self._shrink(picture) for picture in pictures]
        with self._exact():
            for members in _of_one_size(small):
                outputs = self.network([self._tensor(small[k]) for k in members])
                for k, output in zip(members, outputs, strict=True):
                    found[k] = _persons(output, pictures[k].shape, small[k].shape)
        return found


class PoseEstimator(_Detector):
    """Joints of given persons, by keypoint R-CNN's head on their boxes.

    Differs from keypoint R-CNN as published: the boxes are given and no proposals are made, so
    that the joints are surely those of the subject whose box it is. A joint counts as seen where
    its heat map's peak, as a probability over the map, is at least 0.05 (Detectron2's threshold).
    """

    def identity(self) -> str:
        """Hex SHA-256 of what decides its answers."""
        return self._fingerprint("joints", _MIN_JOINT)

    @torch.inference_mode()
    def joints(self, pictures: Sequence[Picture], boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Joints of the persons in `boxes` (n, 4) of each picture, in its pixels.

        Returns (n, 17, 3) for each: x, y in pixels, and 2 for a joint that is seen; one that is
        not is (0, 0, 0).
        """
        found: list[np.ndarray] = [np.empty((0, JOINTS, 3), np.float32)] * len(pictures)
        small = [self._shrink(picture) for picture in pictures]
        with self._exact():
            for members in _of_one_size(small):
                scales = [_scale(small[k].shape, pictures[k].shape) for k in members]
                given = [boxes[k] * scale for k, scale in zip(members, scales, strict=True)]
                answers = self._read([small[k] for k in members], given)
                for k, scale, (points, seen) in zip(members, scales, answers, strict=True):
                    values = np.concatenate([points / scale[:2], 2 * seen[..., None]], -1)
                    found[k] = np.where(seen[..., None], values, 0).astype(np.float32)
        return found

    def _read(
        self, pictures: Sequence[Picture], boxes: Sequence[np.ndarray]
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each picture of one size: joints (n, 17, 2) in its pixels, and which are seen."""
        from torchvision.models.detection.roi_heads import keypointrcnn_inference

        sizes = [picture.shape for picture in pictures]
        targets = [
            {"boxes": torch.as_tensor(each, dtype=torch.float32, device=self.device)}
            for each in boxes
        ]
        batch, targets = self.network.transform([self._tensor(p) for p in pictures], targets)
        features = self.network.backbone(batch.tensors)
        if isinstance(features, Tensor):
            features = {"0": features}
        heads = self.network.roi_heads
        given = [target["boxes"] for target in targets]
        pooled = heads.keypoint_roi_pool(features, given, batch.image_sizes)
        maps = heads.keypoint_predictor(heads.keypoint_head(pooled))
        points, _ = keypointrcnn_inference(maps, given)
        peaks = maps.flatten(2).softmax(-1).amax(-1) >= _MIN_JOINT
        seen = peaks.split([len(each) for each in given])
        return [
            (
                each[..., :2].cpu().numpy() / _scale(read, size)[:2],
                which.cpu().numpy(),
            )
            for each, which, read, size in zip(points, seen, batch.image_sizes, sizes, strict=True)
        ]


def _persons(output: dict[str, Tensor], shape: Sequence[int], small: Sequence[int]) -> np.ndarray:
    """One picture's output to persons in the picture's own pixels."""
    chosen = (output["labels"] == _PERSON) & (output["scores"] >= _MIN_SCORE)
    boxes = output["boxes"][chosen].double().cpu().numpy() / _scale(small, shape)
    scores = output["scores"][chosen].double().cpu().numpy()
    boxes = np.clip(boxes, 0, np.tile([shape[1], shape[0]], 2))
    held = np.column_stack([boxes, scores])
    held = held[(boxes[:, 2:] > boxes[:, :2]).all(1)]
    return held[np.argsort(-held[:, 4], kind="stable")]


def _scale(after: Sequence[int], before: Sequence[int]) -> np.ndarray:
    """What boxes (x, y, x, y) are multiplied by, from sizes (H, W, …) before and after."""
    return np.tile([after[1] / before[1], after[0] / before[0]], 2)


def _of_one_size(pictures: Sequence[Picture]) -> Iterator[list[int]]:
    groups: dict[tuple[int, ...], list[int]] = {}
    for k, picture in enumerate(pictures):
        groups.setdefault(picture.shape, []).append(k)
    yield from groups.values()
