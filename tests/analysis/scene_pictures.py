"""Pictures of one colour, and a Places365 network that names the scene by the colour."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn

from ccim_core.backbones import Encoder
from ccim_core.weights import WEIGHTS, Preprocessing, Provenance
from tests.ccim_core.places365_files import CATEGORIES, NAMES
from tests.ccim_core.python2_pickle import save_as_python2

__all__ = ["COLOURS", "colour_encoder", "install_places365", "picture_table"]

# The first three scenes of the stand-in's list, by the colour that it takes for them.
COLOURS = {NAMES[0]: (250, 0, 0), NAMES[1]: (0, 250, 0), NAMES[2]: (0, 0, 250)}
SIZE = 64


def picture_table(
    folder: Path,
    scenes: Sequence[str],
    *,
    subject: tuple[int, int, int] = (0, 0, 0),
    subjects: int = 1,
    emotions: Sequence[str] = ("Happy", "Sad"),
) -> pd.DataFrame:
    """A picture a scene of its colour with the subjects' box in another, and their table."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for k, scene in enumerate(scenes):
        pixels = np.full((SIZE, SIZE, 3), COLOURS[scene], np.uint8)
        pixels[8:56, 8:56] = subject
        Image.fromarray(pixels).save(folder / f"{k:03d}.png")
        for place in range(subjects):
            rows.append(
                {
                    "sample_id": f"{k:03d}-{place}",
                    "image": f"{k:03d}.png",
                    "split": "train",
                    "x1": 8.0,
                    "y1": 8.0,
                    "x2": 56.0,
                    "y2": 56.0,
                    "labels": emotions[(k + place) % len(emotions)],
                    "scene": scene,
                }
            )
    return pd.DataFrame(rows)


def colour_encoder(*, named: bool = True) -> Encoder:
    """An encoder whose feature is the mean colour, and whose classifier knows three of them."""
    trunk = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False))
    with torch.no_grad():
        trunk[0].weight.copy_(torch.eye(3)[:, :, None, None])
    classifier = nn.Linear(3, len(NAMES))
    with torch.no_grad():
        classifier.weight.zero_()
        classifier.bias.fill_(-30.0)
        classifier.weight[:3] = 40 * torch.eye(3)
        classifier.bias[:3] = 0.0
    provenance = Provenance(
        name="resnet18-places365",
        source="made for tests",
        sha256="0123456789abcdef" * 4,
        preprocessing=Preprocessing(size=32, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
    )
    return Encoder(
        trunk,
        name="resnet18-places365",
        width=3,
        provenance=provenance,
        classifier=classifier,
        class_names=NAMES if named else None,
    ).eval()


def install_places365(*, names: bool = True) -> None:
    """A random ResNet-18 with 365 outputs where `weights get resnet18-places365` would put it."""
    from torchvision.models import resnet18

    torch.manual_seed(0)
    network = resnet18(weights=None, num_classes=365)
    with torch.no_grad():
        network.fc.weight.mul_(30)  # so that pictures differ in their scene
    state = OrderedDict((f"module.{key}", value) for key, value in network.state_dict().items())
    path = WEIGHTS["resnet18-places365"].path
    path.parent.mkdir(parents=True)
    save_as_python2({"epoch": 1, "state_dict": state}, path)
    if names:
        WEIGHTS["places365-categories"].path.write_text(CATEGORIES)
