"""What the renderer knows of its picture: boxes, landmarks, keypoints and depth, exactly."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ccim_core.rendered.rendering import (
    KEYPOINTS,
    LANDMARK_GROUPS,
    SCENES,
    layout,
    render,
)
from tests.ccim_core.rendered.specifications import SIZE, inside, make_spec


@pytest.mark.parametrize("seed", range(40))
def test_the_layout_is_the_masks_bounds(seed: int) -> None:
    spec = make_spec(seed, size=(96, 128, 224)[seed % 3])
    rendered, placed = render(spec), layout(spec)
    rows = np.flatnonzero(rendered.mask.any(axis=1))
    columns = np.flatnonzero(rendered.mask.any(axis=0))
    bounds = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    np.testing.assert_allclose(placed.box, bounds, atol=1)
    assert placed.box == rendered.box
    assert placed.face_box == rendered.face_box


@pytest.mark.parametrize("seed", range(20))
def test_boxes_nest_within_the_picture(seed: int) -> None:
    rendered = render(make_spec(seed))
    (bx1, by1, bx2, by2), (fx1, fy1, fx2, fy2) = rendered.box, rendered.face_box
    assert 0 <= bx1 < bx2 <= SIZE
    assert 0 <= by1 < by2 <= SIZE
    assert bx1 - 1 <= fx1 < fx2 <= bx2 + 1
    assert by1 - 1 <= fy1 < fy2 <= by2 + 1
    assert inside(rendered.face_box, rendered.mask).mean() > 0.85
    # A face large enough to be read at the sizes in use (112 pixels and more).
    assert (fy2 - fy1) / SIZE > 0.13


@pytest.mark.parametrize("seed", range(12))
def test_landmarks_lie_on_the_face_where_they_belong(seed: int) -> None:
    rendered = render(make_spec(seed, size=224))
    points = rendered.landmarks
    assert points.shape == (68, 2)
    assert sum(len(range(68)[group]) for group in LANDMARK_GROUPS.values()) == 68
    middle = {name: points[group].mean(axis=0) for name, group in LANDMARK_GROUPS.items()}
    assert middle["right_eye"][0] < middle["nose_bridge"][0] < middle["left_eye"][0]
    assert middle["right_brow"][1] < middle["right_eye"][1] < middle["nostrils"][1]
    assert middle["nostrils"][1] < middle["outer_lips"][1] < points[8, 1]
    x1, y1, x2, y2 = rendered.face_box
    inner = points[17:]
    assert (inner >= (x1 - 1, y1 - 1)).all()
    assert (inner <= (x2 + 1, y2 + 1)).all()


@pytest.mark.parametrize("seed", range(12))
def test_keypoints_are_in_cocos_order_and_say_what_is_seen(seed: int) -> None:
    rendered = render(make_spec(seed, size=224))
    table = dict(zip(KEYPOINTS, rendered.keypoints, strict=True))
    assert set(rendered.keypoints[:, 2]) <= {0, 1, 2}
    # The subject faces the viewer: its left is on the picture's right.
    for part in ("eye", "ear", "shoulder", "hip"):
        assert table[f"left_{part}"][0] > table[f"right_{part}"][0]
    for side in ("left", "right"):
        heights = [table[f"{side}_{k}"][1] for k in ("eye", "shoulder", "hip", "knee", "ankle")]
        assert heights == sorted(heights)
    for name, (x, y, seen) in table.items():
        within = 0 <= x < 224 and 0 <= y < 224
        assert (seen > 0) == within, name
        if seen == 2 and "wrist" not in name and "ankle" not in name and "ear" not in name:
            assert rendered.mask[int(y), int(x)], name


@pytest.mark.parametrize("scene", SCENES)
def test_the_subject_is_nearest_and_the_background_farther(scene: str) -> None:
    spec = make_spec(4, scene=scene)
    rendered = render(spec)
    depth, mask = rendered.depth, rendered.mask
    assert depth.dtype == np.float32
    assert np.isfinite(depth).all()
    assert (depth > 0).all()
    subject = depth[mask]
    assert subject.max() == subject.min()
    assert subject.max() < depth[~mask].min()
    people = [np.median(inside(box, depth)) for box in rendered.bystanders]
    assert max(people) < np.percentile(depth, 99)
    assert people == sorted(people, reverse=True)
    behind = np.array(depth)
    for left, top, right, _ in rendered.bystanders:
        behind[int(top) :, int(left) : int(right) + 1] = np.nan
    behind[mask] = np.nan
    assert np.nanmax(behind) > subject.max() + 1
    assert len(np.unique(behind[np.isfinite(behind)])) >= 5  # the scene is not one plane


def test_without_the_scene_the_backdrop_is_one_far_plane() -> None:
    rendered = render(dataclasses.replace(make_spec(4), parts="subject"))
    near, far = np.unique(rendered.depth)
    assert (rendered.depth[rendered.mask] == near).all()
    assert far > near + 1


# -- what may change what ------------------------------------------------------------------------
