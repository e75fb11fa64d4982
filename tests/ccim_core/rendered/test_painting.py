"""Canvas, curves and scenes: coverage, untouched pixels, depth, and places that vary."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ccim_core.rendered.canvas import Canvas
from ccim_core.rendered.colours import hexa, mix, scaled
from ccim_core.rendered.curves import ellipse, mirrored, moved, ribbon, smooth
from ccim_core.rendered.scenes import SCENES, paint_scene


def noise(size: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8))


def test_folding_keeps_untouched_pixels_exactly() -> None:
    picture = noise(40)
    before = np.array(picture)
    canvas = Canvas(picture, size=40, scale=3, region=(5, 5, 35, 30))
    canvas.fill(ellipse(0.5, 0.4, 0.1, 0.1), (255, 0, 0))
    canvas.fold()
    changed = (np.array(picture) != before).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert rows.min() >= 11
    assert rows.max() <= 20
    assert columns.min() >= 15
    assert columns.max() <= 24
    assert (np.array(picture)[15, 20] == (255, 0, 0)).all()


def test_coverage_is_the_share_of_each_pixel() -> None:
    canvas = Canvas(None, size=20, scale=4, coverage=True)
    canvas.solid(np.array([(0.1, 0.1), (0.625, 0.1), (0.625, 0.5), (0.1, 0.5)]), (0, 0, 0))
    canvas.fill(ellipse(0.8, 0.8, 0.1, 0.1), (0, 0, 0))  # not solid: no coverage
    coverage = canvas.coverage()
    assert (coverage[3:9, 3:11] == 255).all()
    assert 90 <= coverage[5, 12] <= 165  # half a pixel
    assert (coverage[12:] == 0).all()


def test_soft_shading_stays_within_its_shape_and_off_canvas_parts_are_cut() -> None:
    picture = Image.new("RGB", (30, 30), (100, 100, 100))
    canvas = Canvas(picture, size=30, scale=2)
    square = np.array([(-0.5, 0.2), (0.5, 0.2), (0.5, 0.6), (-0.5, 0.6)])
    canvas.shade(square, "right", (0, 0, 0), 1.0)
    canvas.glow(2.0, 2.0, 0.1, 0.1, (255, 255, 255))
    canvas.fold()
    pixels = np.array(picture)[:, :, 0]
    assert (pixels[:5] == 100).all()
    assert (pixels[:, 16:] == 100).all()
    row = pixels[12, :15].astype(int)
    assert row[14] < 30 < row[0]
    assert (np.diff(row) <= 1).all()  # darker to the right, as over the whole shape


def test_depth_is_written_where_opaque_shapes_are() -> None:
    depth = Image.new("F", (20, 20), 60.0)
    canvas = Canvas(Image.new("RGB", (20, 20)), size=20, scale=2, depth=depth)
    canvas.ground_depth(0.5)
    canvas.distance = 3.0
    canvas.rect(0.0, 0.0, 0.25, 1.0, (9, 9, 9))
    canvas.rect(0.5, 0.0, 0.75, 1.0, (9, 9, 9), 0.2)  # see-through
    canvas.distance = 0.0
    canvas.rect(0.75, 0.0, 1.0, 1.0, (9, 9, 9))
    values = np.array(depth)
    assert (values[:, 1:4] == 3).all()
    assert (values[:10, 8:] == 60).all()
    assert (np.diff(values[10:, 18]) <= 0).all()
    np.testing.assert_allclose(values[19, 18], 1.6 / 0.475, rtol=1e-5)


def test_a_spline_passes_through_its_control_points() -> None:
    control = np.array([(0.0, 0.0), (1.0, 2.0), (3.0, 1.0), (4.0, 4.0)])
    open_curve, closed = smooth(control, closed=False, steps=5), smooth(control, steps=5)
    np.testing.assert_allclose(open_curve[::5], control, atol=1e-12)
    np.testing.assert_allclose(closed[::5], control, atol=1e-12)
    assert len(open_curve) == 16
    assert len(closed) == 20


def test_a_ribbon_is_as_wide_as_asked_all_along() -> None:
    line = np.stack([np.linspace(0, 1, 9), np.zeros(9)], axis=1)
    even = ribbon(line, 0.2)
    np.testing.assert_allclose(even[:9, 1], 0.1)
    np.testing.assert_allclose(even[9:, 1], -0.1)
    tapered = ribbon(line, (0.0, 0.4, 0.0))
    reference = 0.5 * np.interp(line[:, 0], [0, 0.5, 1], [0, 0.4, 0])
    np.testing.assert_allclose(tapered[:9, 1], reference, atol=1e-12)
    np.testing.assert_allclose(tapered[9:][::-1, 1], -reference, atol=1e-12)
    np.testing.assert_allclose(tapered[:9, 0], line[:, 0])


def test_points_move_and_mirror() -> None:
    points = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(moved(points, 1, -1), [[2.0, 1.0, 3.0]])
    np.testing.assert_array_equal(mirrored(points), [[-1.0, 2.0, 3.0]])


def test_colours() -> None:
    assert hexa("f0c8a0") == (240, 200, 160)
    assert mix((0, 0, 0), (100, 200, 50), 0.5) == (50, 100, 25)
    assert scaled((100, 200, 250), (2.0, 0.5, 1.5)) == (200, 100, 255)


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_varies_with_its_seed_and_covers_the_picture(name: str) -> None:
    pictures = [np.asarray(paint_scene(name, seed, 64)[0]).astype(float) for seed in range(8)]
    again = np.asarray(paint_scene(name, 3, 64)[0])
    np.testing.assert_array_equal(again, pictures[3])
    for k, picture in enumerate(pictures):
        assert (picture.sum(axis=2) == 0).mean() < 0.02, f"seed {k} leaves canvas bare"
        assert all(np.abs(picture - other).mean() > 2 for other in pictures[:k])


@pytest.mark.parametrize("name", SCENES)
def test_a_scenes_light_is_no_stronger_than_faces_can_bear(name: str) -> None:
    sides = set()
    for seed in range(30):
        _, light = paint_scene(name, seed, 32)
        sides.add(light.side)
        assert all(0.7 <= value <= 1.15 for value in light.key)
        assert all(0.5 <= value < 1 for value in light.shade)
    assert sides == {-1, 1}


def test_scenes_are_told_apart_by_their_pictures() -> None:
    """Mean small pictures: the nearest scene mean names an unseen picture far above chance."""
    names = list(SCENES)

    def features(seed: int) -> np.ndarray:
        rows = [np.asarray(paint_scene(name, seed, 32)[0], float).ravel() for name in names]
        return np.stack(rows)

    means = np.mean([features(seed) for seed in range(12)], axis=0)
    right = 0
    for seed in range(100, 106):
        distance = ((features(seed)[:, None] - means[None]) ** 2).sum(axis=2)
        right += int((distance.argmin(axis=1) == np.arange(len(names))).sum())
    assert right / (6 * len(names)) > 0.3  # chance is 1 in 16
