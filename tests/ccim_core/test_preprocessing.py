import numpy as np
import pytest
import torch
from PIL import Image

from ccim_core.errors import InputError
from ccim_core.preprocessing import Preprocessing

PREPROCESSING = Preprocessing(size=32, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(48, 64), (200, 31), (16, 16), (32, 32), (1, 1)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_batch_equals_pillow_and_the_formula(shape: tuple[int, int], interpolation: str) -> None:
    picture = noise(*shape)
    preprocessing = Preprocessing(
        size=32, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4), interpolation=interpolation
    )
    resampling = Image.Resampling[interpolation.upper()]
    resized = np.asarray(Image.fromarray(picture).resize((32, 32), resampling), np.float64)
    expected = (resized / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.3, 0.4]
    batch = preprocessing([picture])
    assert batch.dtype == torch.float32
    one_level = 1.01 / 255 / 0.2  # torch and Pillow may round a byte apart
    np.testing.assert_allclose(batch[0].permute(1, 2, 0).numpy(), expected, atol=one_level)


def test_sizes_may_differ_within_a_batch_and_change_nothing() -> None:
    pictures = [noise(40, 50), noise(100, 20, 1), noise(32, 32, 2)]
    batch = PREPROCESSING(pictures)
    assert batch.shape == (3, 3, 32, 32)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    for index, picture in enumerate(pictures):
        assert torch.equal(batch[index], PREPROCESSING([picture])[0])


def test_slices_and_mirrored_views_are_taken() -> None:
    picture = noise(64, 64)
    view = picture[::-2, 1:60:3]
    assert torch.equal(PREPROCESSING([view]), PREPROCESSING([view.copy()]))


def test_no_pictures_give_an_empty_batch() -> None:
    assert PREPROCESSING([]).shape == (0, 3, 32, 32)


def test_grey_is_luma_in_three_equal_channels() -> None:
    picture = noise(32, 32)
    grey = Preprocessing(size=32, mean=(0.5,) * 3, std=(0.5,) * 3, grey=True)
    batch = grey([picture])[0]
    assert torch.equal(batch[0], batch[1])
    assert torch.equal(batch[0], batch[2])
    luma = np.asarray(Image.fromarray(picture).convert("L"), np.float64)
    np.testing.assert_allclose(batch[0].numpy() * 127.5 + 127.5, luma, atol=0.51)


def test_mean_colour_is_nearly_zero_after_normalisation() -> None:
    picture = np.broadcast_to(np.array(PREPROCESSING.mean_colour, np.uint8), (40, 40, 3))
    assert PREPROCESSING([picture]).abs().max() < 0.5 / 255 / 0.224 + 1e-4


def test_dict_round_trip_and_unknown_keys() -> None:
    assert Preprocessing.from_dict(PREPROCESSING.to_dict()) == PREPROCESSING
    with pytest.raises(InputError, match="keys"):
        Preprocessing.from_dict({**PREPROCESSING.to_dict(), "crop": 1})
    with pytest.raises(InputError):
        Preprocessing.from_dict({"size": 32})


@pytest.mark.parametrize(
    "changes",
    [{"size": 8}, {"size": 32.0}, {"std": (1, 0, 1)}, {"mean": (0, 0)}, {"interpolation": "area"}],
)
def test_bad_settings_are_refused(changes: dict) -> None:
    with pytest.raises(InputError, match="Expected"):
        Preprocessing(**{**PREPROCESSING.to_dict(), **changes})


@pytest.mark.parametrize("picture", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_undecoded_pictures_are_a_programming_error(picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        PREPROCESSING([picture])
