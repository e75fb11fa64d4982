"""Files that are no pictures, damaged ones, and ones too large to decode."""

from __future__ import annotations

import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from ccim_core.errors import InputError
from ccim_core.images import decode_image
from tests.ccim_core.picture_files import gradient, save


def png_header(width: int, height: int) -> bytes:
    """A PNG that declares a size and holds almost no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0II", b"Exif\0\0" + b"\xff" * 40]
)
def test_a_damaged_exif_block_leaves_the_picture_as_it_lies(exif: bytes) -> None:
    data = save(Image.fromarray(gradient()), "JPEG", exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert decode_image(data).shape == (24, 36, 3)


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
