"""torchvision's Faster R-CNN and keypoint R-CNN with published or local weights.

Sources: Ren et al., "Faster R-CNN", NeurIPS 2015; He et al., "Mask R-CNN", ICCV 2017; both as in
torchvision (BSD-3-Clause), trained on COCO.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from ccim_core.checkpoints import load_into, read_checkpoint
from ccim_core.errors import InputError
from ccim_core.weights import LocalWeights, locate_weights

__all__ = ["NETWORKS", "LoadedNetwork", "NetworkSpec", "load_network"]

DEFAULT = "default"


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """How a detector is built.

    Args:
        make: the untrained network, its tensors named as in the checkpoint.
        weights: name for `weights get`.
        joints: whether it has a head for joints (keypoint R-CNN).
        epsilon: of its batch normalisation, as the weights were trained; None: torchvision's.
    """

    make: Callable[[], nn.Module]
    weights: str
    joints: bool = False
    epsilon: float | None = None


@dataclass(frozen=True, kw_only=True)
class LoadedNetwork:
    """A detector in evaluation mode, and where its weights came from."""

    name: str
    module: nn.Module
    weights: LocalWeights


def _builder(name: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        from torchvision.models import detection

        return getattr(detection, name)(weights=None, weights_backbone=None)

    return make


# The first published weights of both ResNet-50 networks were trained with a normalisation frozen
# at its statistics, without the usual 1e-5 under the root.
NETWORKS: dict[str, NetworkSpec] = {
    "fasterrcnn-resnet50": NetworkSpec(
        make=_builder("fasterrcnn_resnet50_fpn"), weights="fasterrcnn-resnet50-coco", epsilon=0.0
    ),
    "fasterrcnn-resnet50-v2": NetworkSpec(
        make=_builder("fasterrcnn_resnet50_fpn_v2"), weights="fasterrcnn-resnet50-v2-coco"
    ),
    "fasterrcnn-mobilenet": NetworkSpec(
        make=_builder("fasterrcnn_mobilenet_v3_large_fpn"), weights="fasterrcnn-mobilenet-coco"
    ),
    "keypointrcnn-resnet50": NetworkSpec(
        make=_builder("keypointrcnn_resnet50_fpn"),
        weights="keypointrcnn-resnet50-coco",
        joints=True,
        epsilon=0.0,
    ),
}


def load_network(
    name: str, *, weights: Path | str = DEFAULT, joints: bool = False
) -> LoadedNetwork:
    """A detector with trained weights, in evaluation mode, on the CPU, in float32.

    Args:
        name: key of `NETWORKS`.
        weights: "default", or a local checkpoint of the same architecture.
        joints: whether one that finds joints is wanted, or one that finds persons.

    Raises:
        InputError: an unknown name, missing weights (it says how to get them), or a checkpoint
            that is damaged or of another architecture. Nothing else is loaded in their place.
    """
    able = [key for key, spec in NETWORKS.items() if spec.joints == joints]
    if name not in able:
        raise InputError(f"Expected a detector of {able}, got {name!r}.")
    spec = NETWORKS[name]
    if weights == DEFAULT:
        found = locate_weights(spec.weights)
    else:
        found = LocalWeights.from_file(weights, f"weights for {name}")
    state = read_checkpoint(found.path)
    module = spec.make().eval().requires_grad_(False)
    load_into(module, state, what=name, path=found.path)
    if spec.epsilon is not None:
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.eps = spec.epsilon
    return LoadedNetwork(name=name, module=module, weights=found)
