"""The one decode: every Pillow mode and format, every orientation."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from ccim_core.images import _to_rgb, decode_image, encode_jpeg, encode_png
from tests.ccim_core.picture_files import RED, WHITE, gradient, save


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM", "TIFF", "GIF", "WEBP", "JPEG2000"])
def test_a_lossless_file_of_each_format_gives_its_pixels(kind: str, tmp_path: Path) -> None:
    picture = np.zeros((6, 9, 3), np.uint8)
    picture[2:, 3:] = RED
    options = {"lossless": True} if kind == "WEBP" else {}
    path = tmp_path / "picture.dat"  # the suffix is not believed
    path.write_bytes(save(Image.fromarray(picture), kind, **options))
    decoded = decode_image(path)
    np.testing.assert_array_equal(decoded, picture)
    assert decoded.dtype == np.uint8
    assert decoded.flags.writeable


def test_jpeg_is_near_its_source() -> None:
    picture = gradient()
    error = np.abs(decode_image(encode_jpeg(picture, quality=95)).astype(int) - picture)
    assert error.mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_agrees_with_pillow(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = save(Image.fromarray(gradient()), kind, exif=exif)
    reference = np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    np.testing.assert_array_equal(decode_image(data), reference)


def in_mode(mode: str) -> Image.Image:
    """White beside black, which every mode can show, as a Pillow image of `mode`."""
    image = Image.new("RGB", (8, 8), WHITE)
    image.paste((0, 0, 0), (4, 0, 8, 8))
    if mode == "LAB":
        image = Image.new("LAB", (8, 8), (255, 128, 128))
        image.paste((0, 128, 128), (4, 0, 8, 8))
        return image
    if mode in ("I", "F") or mode.startswith("I;16"):
        depth = {"I": "=i4", "F": "=f4", "I;16B": ">u2", "I;16N": "=u2"}.get(mode, "<u2")
        grey = np.array(image.convert("L")) * np.uint16(257 if "16" in mode else 1)
        return Image.frombytes(mode, (8, 8), grey.astype(depth).tobytes())
    if mode in ("PA", "La", "RGBa"):  # reached from their plain forms only
        return image.convert({"PA": "P", "La": "LA", "RGBa": "RGBA"}[mode]).convert(mode)
    return image.convert(mode)


@pytest.mark.parametrize("mode", sorted({*Image.MODES, "I;16B", "La", "RGBa", "LA", "PA"}))
def test_every_mode_keeps_black_and_white(mode: str) -> None:
    image = in_mode(mode)
    assert image.mode == mode
    decoded = _to_rgb(image).astype(int)
    assert np.abs(decoded[:, :4] - 255).max() <= 2
    assert np.abs(decoded[:, 4:]).max() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "LAB", "I;16"])
def test_every_mode_a_tiff_holds_decodes(mode: str) -> None:
    decoded = decode_image(save(in_mode(mode), "TIFF"))
    np.testing.assert_array_equal(decoded, _to_rgb(in_mode(mode)))


def test_cmyk_jpeg_keeps_its_colour() -> None:
    data = save(Image.new("RGB", (16, 16), RED).convert("CMYK"), "JPEG", quality=95)
    assert Image.open(io.BytesIO(data)).mode == "CMYK"
    assert np.abs(decode_image(data).astype(int) - RED).max() <= 4


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_16_bit_grey_is_scaled_by_its_full_range(dtype: str) -> None:
    levels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    image = Image.fromarray((levels * 257).astype(dtype))
    assert image.mode.startswith("I;16")
    decoded = decode_image(save(image, "TIFF"))
    np.testing.assert_array_equal(decoded, np.repeat(levels[:, :, None], 3, axis=2))


def test_16_bit_png_is_neither_clipped_nor_black() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    decoded = decode_image(save(Image.fromarray(ramp), "PNG"))[:, :, 0].ravel()
    np.testing.assert_allclose(decoded, np.arange(256), atol=1)


@pytest.mark.parametrize(
    "values, expected",
    [
        (np.array([[0, 128, 255]], np.int32), [0, 128, 255]),
        (np.array([[0, 25700, 65535]], np.int32), [0, 100, 255]),
        (np.array([[-10, 0, 10]], np.int32), [0, 128, 255]),
        (np.array([[0, 500_000, 1_000_000]], np.int32), [0, 128, 255]),
        (np.array([[0, 0.4, 1]], np.float32), [0, 102, 255]),
        (np.array([[0, 7, 255]], np.float32), [0, 7, 255]),
        (np.array([[np.nan, 0.4, np.inf]], np.float32), [0, 102, 0]),
        (np.array([[-3, -3, -3]], np.float32), [0, 0, 0]),
    ],
)
def test_integers_and_floats_are_scaled_by_the_range_that_holds_them(
    values: np.ndarray, expected: list[int]
) -> None:
    decoded = decode_image(save(Image.fromarray(values), "TIFF"))
    assert decoded[0, :, 1].tolist() == expected


def test_transparency_is_laid_over_white() -> None:
    clear = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    clear.putpixel((1, 0), (*RED, 255))
    palette = Image.new("P", (2, 1), 0)
    palette.putpalette([0, 0, 255, *RED])
    palette.putpixel((1, 0), 1)
    grey = Image.fromarray(np.array([[0, 30000]], np.uint16))
    for data in (
        save(clear, "PNG"),
        save(palette, "PNG", transparency=0),
        save(palette, "GIF", transparency=0),
    ):
        assert decode_image(data)[0].tolist() == [list(WHITE), list(RED)]
    assert decode_image(save(palette, "PNG", transparency=bytes([0, 255])))[0, 0].tolist() == list(
        WHITE
    )
    assert decode_image(save(grey, "PNG", transparency=0))[0, :, 0].tolist() == [255, 117]
    half = save(Image.new("LA", (1, 1), (0, 128)), "PNG")
    assert decode_image(half)[0, 0].tolist() == [127, 127, 127]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_an_animation_gives_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, (0, 255, 0), (0, 0, 255))]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = save(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert Image.open(io.BytesIO(data)).n_frames == 3
    assert (decode_image(data) == RED).all()


def test_one_pixel_is_a_picture() -> None:
    assert decode_image(save(Image.new("RGB", (1, 1), RED), "PNG")).tolist() == [[list(RED)]]


def test_png_round_trip_is_exact() -> None:
    picture = gradient()
    np.testing.assert_array_equal(decode_image(encode_png(picture)), picture)
