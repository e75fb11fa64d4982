"""The one decode: every Pillow mode and format, every orientation, every kind of bad file."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, ImageOps

from ccim_core.errors import InputError
from ccim_core.images import (
    _to_rgb,
    clip_box,
    crop_box,
    decode_image,
    encode_jpeg,
    encode_png,
    mask_box,
    pixel_bounds,
    resize_picture,
    shrink_picture,
)

RED, WHITE = (255, 0, 0), (255, 255, 255)


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def gradient(height: int = 24, width: int = 36) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 / width, y * 255 / height, (x + y) * 3.0], axis=-1).astype(np.uint8)


def png_header(width: int, height: int) -> bytes:
    """A PNG that declares a size and holds almost no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


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


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0II", b"Exif\0\0" + b"\xff" * 40]
)
def test_a_damaged_exif_block_leaves_the_picture_as_it_lies(exif: bytes) -> None:
    data = save(Image.fromarray(gradient()), "JPEG", exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert decode_image(data).shape == (24, 36, 3)


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


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "empty file"),
        (b"Dear diary, today I saw a beach.\n", "got text"),
        ("Un été à la plage, où il fit très chaud".encode() * 9, "got text"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "Expected a picture"),
        (bytes(range(128, 256)), "something else"),
    ],
)
def test_a_file_that_is_no_picture_is_named_for_what_it_is(
    content: bytes, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "beach.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as error:
        decode_image(path)
    assert "beach.jpg" in str(error.value)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        decode_image(tmp_path / "absent.png")
    with pytest.raises(InputError, match="no file"):
        decode_image(tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM"])
def test_a_truncated_file_is_refused_wherever_it_ends(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    data = save(Image.fromarray(noise), kind)
    for part in (0.9, 0.5, 0.1):
        with pytest.raises(InputError, match=r"damaged|truncated|Expected a picture"):
            decode_image(data[: int(len(data) * part)])


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM"]),
    place=st.floats(0, 1, exclude_max=True),
    noise=st.binary(min_size=1, max_size=8),
)
def test_damaged_bytes_give_a_picture_or_an_input_error(
    kind: str, place: float, noise: bytes
) -> None:
    data = bytearray(save(Image.fromarray(gradient()), kind))
    start = int(len(data) * place)
    data[start : start + len(noise)] = noise
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            picture = decode_image(bytes(data), max_pixels=1_000_000)
        except InputError:
            return
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3


def test_a_bomb_is_refused_from_its_header_without_touching_pillows_settings() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # The second lies where Pillow only warns, the third where Pillow says nothing.
        for width, height in ((30_000, 30_000), (10_000, 10_000), (8_000, 8_000)):
            with pytest.raises(InputError, match=f"{width} × {height}"):
                decode_image(png_header(width, height))
    assert not caught
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


def test_a_larger_limit_is_the_callers_choice_and_pillow_has_no_say() -> None:
    with pytest.raises(InputError, match="damaged or truncated"):  # so it went on to decode
        decode_image(png_header(20_000, 10_000), max_pixels=200_000_000)


def test_limits_are_inclusive() -> None:
    data = save(Image.new("RGB", (10, 10)), "PNG")
    assert decode_image(data, max_pixels=100, max_bytes=len(data)).shape == (10, 10, 3)
    with pytest.raises(InputError, match="pixels"):
        decode_image(data, max_pixels=99)
    with pytest.raises(InputError, match="bytes in my upload"):
        decode_image(data, max_bytes=len(data) - 1, name="my upload")


def test_threads_decode_good_pictures_among_bombs() -> None:
    good, bomb = save(Image.fromarray(gradient()), "PNG"), png_header(12_000, 12_000)

    def decode(i: int) -> bool:
        if i % 2:
            with pytest.raises(InputError, match="12000 × 12000"):
                decode_image(bomb)
            return True
        return bool((decode_image(good) == gradient()).all())

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(decode, range(64)))


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


def test_png_round_trip_is_exact() -> None:
    picture = gradient()
    np.testing.assert_array_equal(decode_image(encode_png(picture)), picture)
