"""Persons and joints against torchvision's own answers, and against where they were drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models.detection import KeypointRCNN

from ccim_core.images import resize_picture
from ccim_core.persons.detectors import JOINTS, PersonDetector, PoseEstimator
from ccim_core.persons.networks import LoadedNetwork
from ccim_core.weights import LocalWeights
from tests.ccim_core.persons.tiny import draw, pose_network, train_rcnn

WEIGHTS = LocalWeights(path=Path("x"), sha256="0", source="tests")
TALL, SHORT = (8, 6, 24, 48), (52, 20, 66, 48)
SQUARE = (30, 44, 44, 58)


@pytest.fixture(scope="module")
def detector() -> PersonDetector:
    torch.set_num_threads(1)
    return PersonDetector(LoadedNetwork(name="tiny", module=train_rcnn(), weights=WEIGHTS))


@pytest.fixture(scope="module")
def estimator() -> PoseEstimator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = pose_network().eval()
        # Untrained maps are flat: sharper ones have joints that are seen and joints that are not.
        for parameter in network.roi_heads.keypoint_predictor.parameters():
            torch.nn.init.normal_(parameter, std=40.0)
    return PoseEstimator(LoadedNetwork(name="tiny-pose", module=network, weights=WEIGHTS))


def overlap(a: np.ndarray, b: tuple[int, ...]) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:4], b[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    areas = np.prod(a[2:4] - a[:2]) + (b[2] - b[0]) * (b[3] - b[1])
    return float(shared / (areas - shared))


def sure(found: np.ndarray) -> np.ndarray:
    return found[found[:, 4] > 0.5]


def test_persons_are_found_where_they_are_and_other_things_are_not(
    detector: PersonDetector,
) -> None:
    (found,) = detector.detect([draw([TALL, SHORT], squares=[SQUARE])])
    assert (np.diff(found[:, 4]) <= 0).all()
    best = [max(overlap(row, box) for row in sure(found)) for box in (TALL, SHORT)]
    assert min(best) > 0.6
    assert all(overlap(row, SQUARE) < 0.3 for row in sure(found))
    assert len(sure(detector.detect([draw([], squares=[SQUARE])])[0])) == 0


def test_boxes_are_in_the_pictures_own_pixels_and_inside(detector: PersonDetector) -> None:
    picture = draw([TALL], squares=[SQUARE])
    large = resize_picture(picture, (64 * 5, 80 * 5))  # more than the network reads
    (found,) = detector.detect([large])
    assert max(overlap(row, tuple(5 * v for v in TALL)) for row in sure(found)) > 0.6
    assert (found[:, :4] >= 0).all()
    assert (found[:, [0, 2]] <= 400).all()
    assert (found[:, [1, 3]] <= 320).all()


def test_a_pictures_answer_does_not_depend_on_its_neighbours(detector: PersonDetector) -> None:
    pictures = [
        draw([TALL], seed=1),
        draw([SHORT], size=(80, 64), seed=2),
        draw([TALL, SHORT], seed=3),
        draw([(2, 2, 12, 28)], size=(30, 20), seed=4),
    ]
    together = detector.detect(pictures)
    assert len({len(found) for found in together}) > 1
    for picture, found in zip(pictures, together, strict=True):
        (alone,) = detector.detect([picture])
        np.testing.assert_allclose(found, alone, atol=1e-3)


def test_persons_are_torchvisions_of_category_one(detector: PersonDetector) -> None:
    picture = draw([TALL, SHORT], squares=[SQUARE])
    with torch.inference_mode():
        tensor = torch.from_numpy(picture).permute(2, 0, 1).float() / 255
        (expected,) = train_rcnn()([tensor])
    persons = expected["labels"] == 1
    assert 0 < persons.sum() < len(persons)
    (found,) = detector.detect([picture])
    np.testing.assert_allclose(found[:, :4], expected["boxes"][persons], atol=1e-4)
    np.testing.assert_allclose(found[:, 4], expected["scores"][persons], atol=1e-5)


def test_identity_changes_with_the_weights(detector: PersonDetector) -> None:
    other = LocalWeights(path=Path("x"), sha256="1", source="tests")
    loaded = LoadedNetwork(name="tiny", module=train_rcnn(), weights=other)
    assert PersonDetector(loaded).identity() != detector.identity()
    assert len(detector.identity()) == 64


def test_joints_of_given_boxes_are_keypoint_rcnns_of_its_own(estimator: PoseEstimator) -> None:
    picture = draw([TALL, SHORT], size=(70, 90))
    network: KeypointRCNN = estimator.network
    with torch.inference_mode():
        tensor = torch.from_numpy(picture).permute(2, 0, 1).float() / 255
        (expected,) = network([tensor])
    boxes = expected["boxes"][:6].double().numpy()
    (found,) = estimator.joints([picture], [boxes])
    assert found.shape == (len(boxes), JOINTS, 3)
    seen = found[..., 2] == 2
    assert 0 < seen.sum() < seen.size
    np.testing.assert_allclose(
        found[..., :2][seen], expected["keypoints"][: len(boxes), :, :2].numpy()[seen], atol=0.1
    )
    assert (found[~seen] == 0).all()


def test_joints_scale_with_the_picture_and_do_not_mix(estimator: PoseEstimator) -> None:
    pictures = [draw([TALL], seed=5), draw([SHORT], seed=6), draw([TALL], size=(40, 90), seed=7)]
    boxes = [np.array([TALL, SHORT], float), np.array([SHORT], float), np.array([TALL], float)]
    together = estimator.joints(pictures, boxes)
    assert [len(each) for each in together] == [2, 1, 1]
    for picture, box, found in zip(pictures, boxes, together, strict=True):
        (alone,) = estimator.joints([picture], [box])
        np.testing.assert_allclose(found, alone, atol=1e-3)
        for (x1, y1, x2, y2), joints in zip(box, found, strict=True):
            shown = joints[joints[:, 2] == 2]
            assert ((shown[:, :2] >= (x1, y1)) & (shown[:, :2] <= (x2, y2))).all()
