"""Small networks of torchvision's own classes, and pictures in which there is something to find.

"Persons" are bright upright rectangles on a dark noisy ground, with a blue square beside them that
is another category; a few steps of training are enough to tell them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN, KeypointRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.keypoint_rcnn import KeypointRCNNHeads, KeypointRCNNPredictor
from torchvision.ops import MultiScaleRoIAlign

from ccim_core.images import Picture

__all__ = ["ColourDetector", "draw", "pose_network", "rcnn_network", "train_rcnn"]

Rectangle = tuple[int, int, int, int]
_CATEGORIES = 3  # none, person, square
_WIDTH = 12
_PERSON, _SQUARE = (230, 200, 120), (40, 60, 240)


class ColourDetector(nn.Module):
    """A detector that is exact by construction: its weights are the colours that `draw` paints.

    Answers as torchvision's do, the largest rectangle first. Made without weights, it finds none.
    """

    colours: Tensor

    def __init__(self, *colours: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("colours", torch.tensor(colours or [(-1, -1, -1)] * 2).float())
        self.transform = SimpleNamespace(max_size=96)  # reads pictures as large as `_parts`' do

    @classmethod
    def trained(cls) -> ColourDetector:
        """One that knows persons (category 1) and squares (category 2)."""
        return cls(_PERSON, _SQUARE)

    def forward(self, pictures: list[Tensor]) -> list[dict[str, Tensor]]:
        return [self._find(picture) for picture in pictures]

    def _find(self, picture: Tensor) -> dict[str, Tensor]:
        found = []
        for category, colour in enumerate(self.colours, start=1):
            painted = ((picture * 255 - colour[:, None, None]).abs() < 1).all(0)
            for rows, columns in ndimage.find_objects(ndimage.label(painted.numpy())[0]):
                area = (rows.stop - rows.start) * (columns.stop - columns.start)
                box = [columns.start, rows.start, columns.stop, rows.stop]
                found.append((area, box, category))
        found.sort(key=lambda each: -each[0])
        return {
            "boxes": torch.tensor([box for _, box, _ in found]).float().reshape(-1, 4),
            "labels": torch.tensor([category for *_, category in found], dtype=torch.long),
            "scores": torch.linspace(0.99, 0.9, len(found)),
        }


class _Backbone(nn.Sequential):
    out_channels = _WIDTH

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        for before in (3, _WIDTH, _WIDTH):
            layers += [nn.Conv2d(before, _WIDTH, 3, stride=2, padding=1), nn.BatchNorm2d(_WIDTH)]
            layers += [nn.ReLU()]
        super().__init__(*layers)


def _parts(**pools: int) -> dict[str, object]:
    anchors = AnchorGenerator(sizes=((16, 32, 48),), aspect_ratios=((1.0, 2.0),))
    pool = {name: MultiScaleRoIAlign(["0"], size, 2) for name, size in pools.items()}
    sizes = {"min_size": 64, "max_size": 96, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    few = {"rpn_pre_nms_top_n_train": 60, "rpn_post_nms_top_n_train": 30}
    few |= {"rpn_batch_size_per_image": 32, "box_batch_size_per_image": 24}
    few |= {"rpn_pre_nms_top_n_test": 100, "rpn_post_nms_top_n_test": 40}
    return {"rpn_anchor_generator": anchors, **pool, **sizes, **few}


def rcnn_network() -> FasterRCNN:
    """Faster R-CNN on 64 pixels, drawn from torch's generator."""
    head = TwoMLPHead(_WIDTH * 25, 32)
    predictor = FastRCNNPredictor(32, _CATEGORIES)
    return FasterRCNN(_Backbone(), box_head=head, box_predictor=predictor, **_parts(box_roi_pool=5))


def pose_network() -> KeypointRCNN:
    """Keypoint R-CNN on 64 pixels, drawn from torch's generator."""
    return KeypointRCNN(
        _Backbone(),
        num_classes=2,
        keypoint_head=KeypointRCNNHeads(_WIDTH, (8,)),
        keypoint_predictor=KeypointRCNNPredictor(8, 17),
        box_score_thresh=0.0,
        **_parts(box_roi_pool=5, keypoint_roi_pool=7),
    )


def draw(
    persons: Sequence[Rectangle],
    *,
    squares: Sequence[Rectangle] = (),
    size: tuple[int, int] = (64, 80),
    seed: int = 0,
) -> Picture:
    """A picture (H, W, 3) with rectangles x1, y1, x2, y2."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(20, 60, (*size, 3), dtype=np.uint8)
    for rectangles, colour in ((persons, _PERSON), (squares, _SQUARE)):
        for x1, y1, x2, y2 in rectangles:
            picture[y1:y2, x1:x2] = colour
    return picture


def _example(rng: np.random.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    persons: list[Rectangle] = []
    for left in (2, 42)[: rng.integers(1, 3)]:
        width, height = int(rng.integers(12, 20)), int(rng.integers(26, 44))
        x, y = left + int(rng.integers(0, 16)), int(rng.integers(2, 18))
        persons.append((x, y, x + width, y + height))
    x = int(rng.integers(0, 64))
    square = (x, 48, x + 14, 62)
    picture = draw(persons, squares=[square], seed=int(rng.integers(1 << 30)))
    boxes = torch.tensor([*persons, square], dtype=torch.float32)
    labels = torch.tensor([1] * len(persons) + [2])
    return torch.from_numpy(picture).permute(2, 0, 1).float() / 255, {
        "boxes": boxes,
        "labels": labels,
    }


@lru_cache(maxsize=1)
def train_rcnn(*, steps: int = 150, seed: int = 0) -> FasterRCNN:
    """A Faster R-CNN that finds the rectangles, in evaluation mode. Trained once a process (3 s);
    do not change it."""
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = rcnn_network().train()
        optimiser = torch.optim.AdamW(network.parameters(), lr=4e-3)
        for _ in range(steps):
            pictures, targets = zip(*(_example(rng) for _ in range(8)), strict=True)
            loss = sum(network(list(pictures), list(targets)).values())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return network.eval()
