"""Uploads: checked by content and size, decoded in memory."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.uploads import MAX_UPLOAD_BYTES, LoadedPicture, decode_upload
from ccim_core.errors import InputError
from tests.app.fakes import jpeg
from tests.app.pictures import BAD_PICTURES, GOOD_PICTURES


@dataclass
class FakeUpload:
    name: str
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def getvalue(self) -> bytes:
        return self.content


def test_decodes_with_name_and_content_key() -> None:
    content = jpeg(96, 64)
    picture = decode_upload(FakeUpload("holiday.jpg", content))
    assert isinstance(picture, LoadedPicture)
    assert (picture.name, picture.width, picture.height) == ("holiday.jpg", 96, 64)
    assert picture.key == hashlib.sha256(content).hexdigest()
    assert picture.pixels.dtype == np.uint8
    assert not picture.rendered


@pytest.mark.parametrize("name", sorted(BAD_PICTURES))
def test_bad_pictures_are_one_sentence_that_names_the_file(name: str) -> None:
    with pytest.raises(InputError) as caught:
        decode_upload(FakeUpload(name, BAD_PICTURES[name]()))
    message = str(caught.value)
    assert name in message
    assert message.startswith("Expected")
    assert "\n" not in message


@pytest.mark.parametrize("name", sorted(GOOD_PICTURES))
def test_unusual_pictures_work(name: str) -> None:
    picture = decode_upload(FakeUpload(name, GOOD_PICTURES[name]()))
    assert picture.pixels.shape == (64, 96, 3)


def test_too_many_bytes_are_refused_before_they_are_read() -> None:
    class Huge(FakeUpload):
        @property
        def size(self) -> int:
            return MAX_UPLOAD_BYTES + 1

        def getvalue(self) -> bytes:
            raise AssertionError("read although too large")

    with pytest.raises(InputError, match="at most 10 MB"):
        decode_upload(Huge("big.jpg", b""))


def test_the_name_does_not_decide_what_a_file_is() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(stream, "PNG")
    picture = decode_upload(FakeUpload("photo.jpg", stream.getvalue()))
    assert picture.pixels[0, 0].tolist() == [255, 0, 0]


def test_browser_and_server_agree_on_the_limit() -> None:
    import tomllib

    config = tomllib.loads(Path(__file__).parents[2].joinpath(".streamlit/config.toml").read_text())
    assert config["server"]["maxUploadSize"] * 2**20 == MAX_UPLOAD_BYTES
