"""Cropping, masking, clipping and resizing pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccim_core.errors import InputError
from ccim_core.images import (
    clip_box,
    crop_box,
    mask_box,
    pixel_bounds,
    resize_picture,
    shrink_picture,
)
from tests.ccim_core.picture_files import RED, gradient

boxes = st.tuples(*[st.floats(-20, 60) for _ in range(4)])


@given(box=boxes)
def test_crop_and_mask_share_every_pixel_between_them(box: tuple[float, ...]) -> None:
    picture = gradient(30, 40)
    try:
        left, top, right, bottom = pixel_bounds(box, 40, 30)
    except InputError:
        for refuses in (crop_box, lambda p, b: mask_box(p, b, RED)):
            with pytest.raises(InputError):
                refuses(picture, box)
        return
    inside = np.zeros((30, 40), bool)
    inside[top:bottom, left:right] = True
    centres_x, centres_y = np.arange(40) + 0.5, np.arange(30) + 0.5
    covered = ((centres_x > box[0]) & (centres_x < box[2]))[None, :] & (
        (centres_y > box[1]) & (centres_y < box[3])
    )[:, None]
    assert inside[covered].all()
    masked = mask_box(picture, box, (1, 2, 3))
    assert (masked[inside] == (1, 2, 3)).all()
    np.testing.assert_array_equal(masked[~inside], picture[~inside])
    np.testing.assert_array_equal(crop_box(picture, box).reshape(-1, 3), picture[inside])


def test_masking_and_cropping_leave_the_picture_alone() -> None:
    picture = gradient()
    before = picture.copy()
    mask_box(picture, (0, 0, 5, 5), RED)
    crop_box(picture, (0, 0, 5, 5))[:] = 0
    np.testing.assert_array_equal(picture, before)


def test_clip_box() -> None:
    assert clip_box((-5, 2.5, 50, 9), 40, 30) == (0.0, 2.5, 40.0, 9.0)
    for box, words in (
        ((5, 5, 5, 9), "x1 < x2"),
        ((9, 5, 5, 9), "x1 < x2"),
        ((float("nan"), 0, 1, 1), "finite"),
        ((40, 0, 50, 9), "outside"),
        ((-9, 0, 0, 9), "outside"),
    ):
        with pytest.raises(InputError, match=words):
            clip_box(box, 40, 30)


def test_resizing_takes_height_first_and_averages() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = resize_picture(stripes, (16, 8))
    assert small.shape == (16, 8, 3)
    assert np.abs(small[:, 1:-1].astype(int) - 127).max() <= 3  # not aliased to black or white
    assert set(np.unique(resize_picture(stripes, (16, 8), interpolation="nearest"))) <= {0, 255}


def test_shrinking_keeps_the_shape_and_never_enlarges() -> None:
    assert shrink_picture(np.zeros((100, 400, 3), np.uint8), 200).shape == (50, 200, 3)
    assert shrink_picture(np.zeros((1, 4000, 3), np.uint8), 100).shape == (1, 100, 3)
    assert shrink_picture(np.zeros((10, 20, 3), np.uint8), 200).shape == (10, 20, 3)
