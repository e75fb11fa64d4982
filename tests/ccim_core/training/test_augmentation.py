"""Random changes of portraits: bounds, identity, reproducibility."""

import pytest
import torch

from ccim_core.errors import InputError
from ccim_core.training.augmentation import AugmentationConfig, augment_portraits

OFF = {
    "rotation": 0.0,
    "scale": 0.0,
    "shift": 0.0,
    "stretch": 0.0,
    "contrast": 0.0,
    "brightness": 0.0,
    "blur": 0.0,
    "erase": 0.0,
    "flip": 0.0,
}


def augment(pictures, seed=0, size=32, **settings):
    return augment_portraits(
        pictures,
        size=size,
        config=AugmentationConfig(**settings),
        generator=torch.Generator().manual_seed(seed),
    )


@pytest.fixture
def pictures():
    return torch.randint(0, 256, (6, 1, 32, 32), generator=torch.Generator().manual_seed(1)).to(
        torch.uint8
    )


def test_nothing_changes_when_all_is_off(pictures):
    torch.testing.assert_close(augment(pictures, **OFF), pictures.float(), atol=0.01, rtol=0)


def test_a_sure_flip_mirrors(pictures):
    flipped = augment(pictures, **{**OFF, "flip": 1.0})
    torch.testing.assert_close(flipped, pictures.float().flip(3), atol=0.01, rtol=0)


def test_a_shift_moves_and_mirrors_beyond_the_edge():
    step = torch.zeros(40, 1, 32, 32, dtype=torch.uint8)
    step[:, :, :, 16:] = 200
    moved = augment(step, **{**OFF, "shift": 0.25})
    starts = (moved[:, 0, 16] > 100).float().argmax(1)
    assert starts.min() >= 8
    assert starts.max() <= 24
    assert len(set(starts.tolist())) > 8
    # What comes in from beyond an edge is mirrored: no black seam on the bright side.
    torch.testing.assert_close(moved[:, 0, :, -1], torch.full((40, 32), 200.0))
    torch.testing.assert_close(moved[:, 0, :, 0], torch.zeros(40, 32))


def test_brightness_and_contrast_stay_within_their_range():
    flat = torch.full((200, 1, 32, 32), 120, dtype=torch.uint8)
    values = augment(flat, **{**OFF, "brightness": 20.0, "contrast": 0.3})[:, 0, 0, 0]
    assert 100 <= values.min() < 105
    assert 135 < values.max() <= 140


def test_erasing_fills_one_rectangle_of_the_chosen_share(pictures):
    many = pictures[:1].repeat(300, 1, 1, 1)
    changed = augment(many, **{**OFF, "erase": 0.4, "erase_side": (0.25, 0.5)}) - many.float()
    hit = changed.abs() > 0.5
    share = hit.flatten(1).any(1).float().mean()
    assert share == pytest.approx(0.4, abs=0.1)
    down = hit[:, 0].any(2).sum(1)
    across = hit[:, 0].any(1).sum(1)
    assert down.max() <= 17
    assert across.max() <= 17
    assert down[down > 0].min() >= 6


def test_values_stay_in_range_and_draws_are_the_seeds(pictures):
    changed = augment(pictures, size=24)
    assert changed.shape == (6, 1, 24, 24)
    assert changed.min() >= 0
    assert changed.max() <= 255
    assert torch.equal(changed, augment(pictures, size=24))
    assert not torch.equal(changed, augment(pictures, size=24, seed=1))
    same = augment(pictures[:1].repeat(2, 1, 1, 1))
    assert not torch.equal(same[0], same[1])  # each picture has its own draws


@pytest.mark.parametrize("bad", [{"erase": 1.5}, {"scale": 1.0}, {"erase_side": (0.5, 0.2)}])
def test_impossible_settings_are_refused(bad):
    with pytest.raises(InputError, match="Expected"):
        AugmentationConfig(**bad)
