"""Plain paths, rendered and composite URIs, and identities that follow the content."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ccim_core import pictures
from ccim_core.errors import InputError
from ccim_core.images import encode_png
from ccim_core.pictures import PictureReader, file_content_id

RENDERING = "ccim_core.rendered.rendering"
COMPOSITOR = "ccim_core.datasets.controlled.compositor"


def plain(colour: int) -> np.ndarray:
    return np.full((5, 7, 3), colour, np.uint8)


@pytest.fixture
def reader(tmp_path: Path) -> PictureReader:
    root = tmp_path / "images"
    (root / "a").mkdir(parents=True)
    (root / "a" / "grey.png").write_bytes(encode_png(plain(90)))
    (root / "notes.jpg").write_text("not a picture")
    (tmp_path / "outside.png").write_bytes(encode_png(plain(1)))
    return PictureReader({"images": root, "scenes": tmp_path})


def test_a_plain_path_is_read_from_the_image_root(reader: PictureReader) -> None:
    np.testing.assert_array_equal(reader.read("a/grey.png"), plain(90))
    expected = hashlib.sha256((reader.roots["images"] / "a/grey.png").read_bytes()).hexdigest()
    assert reader.content_id("a/grey.png") == expected
    reader.require("a/grey.png")


@pytest.mark.parametrize(
    "image, words",
    [
        ("../outside.png", "leads out"),
        ("a/../../outside.png", "leads out"),
        ("/etc/hostname", "leads out"),
        ("a/absent.png", "no such file"),
        ("a", "no"),
        ("", "got ''"),
        ("a\0b.png", "image folder"),
        ("https://example.org/a.png", "download"),
    ],
)
def test_paths_that_cannot_be_read_are_refused_by_every_question(
    reader: PictureReader, image: str, words: str
) -> None:
    for ask in (reader.read, reader.content_id, reader.require):
        with pytest.raises(InputError, match=words):
            ask(image)


def test_a_link_out_of_the_root_is_refused(reader: PictureReader, tmp_path: Path) -> None:
    (reader.roots["images"] / "link.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(InputError, match="leads out"):
        reader.read("link.png")


def test_a_file_that_is_no_picture_is_there_but_unreadable(reader: PictureReader) -> None:
    reader.require("notes.jpg")
    with pytest.raises(InputError, match="got text"):
        reader.read("notes.jpg")


def test_a_root_is_needed_only_when_asked_for() -> None:
    with pytest.raises(InputError, match=r"folder that 'x\.png' lies in"):
        PictureReader({}).read("x.png")


def test_a_hash_is_computed_once_and_again_when_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def counting(path: str) -> str:
        hashed.append(path)
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()

    monkeypatch.setattr(pictures, "sha256_file", counting)
    path = tmp_path / "picture.png"
    path.write_bytes(b"one")
    first = file_content_id(path)
    assert file_content_id(path) == first
    assert len(hashed) == 1
    path.write_bytes(b"two")  # the same size
    os.utime(path, ns=(1, 1))
    assert file_content_id(path) == hashlib.sha256(b"two").hexdigest() != first
    assert len(hashed) == 2


@pytest.fixture
def painters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the two generators, which echo what they were asked."""
    rendering, compositor = ModuleType(RENDERING), ModuleType("compositor")

    def render_picture(uri: str) -> np.ndarray:
        return plain(len(uri))

    def composite_picture(uri: str, roots: Mapping[str, Path]) -> np.ndarray:
        return plain(100 + len(roots))

    vars(rendering).update(render_picture=render_picture, content_id=lambda uri: "r" + uri)
    vars(compositor).update(
        composite_picture=composite_picture,
        content_id=lambda uri, roots: "c" + uri + ",".join(sorted(roots)),
    )
    monkeypatch.setitem(sys.modules, RENDERING, rendering)
    monkeypatch.setitem(sys.modules, COMPOSITOR, compositor)


@pytest.mark.usefixtures("painters")
def test_uris_go_to_their_generators_whole(reader: PictureReader) -> None:
    uri = "rendered:v=1&scene=beach"
    np.testing.assert_array_equal(reader.read(uri), plain(len(uri)))
    assert reader.content_id(uri) == "r" + uri
    np.testing.assert_array_equal(reader.read("composite:v=1"), plain(102))
    assert reader.content_id("composite:v=1") == "ccomposite:v=1images,scenes"


@pytest.mark.usefixtures("painters")
def test_requiring_a_uri_asks_its_generator(
    reader: PictureReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(uri: str) -> str:
        raise InputError(f"Expected a scene, got {uri!r}.")

    reader.require("rendered:v=1")
    monkeypatch.setattr(sys.modules[RENDERING], "content_id", refuse)
    with pytest.raises(InputError, match="Expected a scene"):
        reader.require("rendered:v=1")


@pytest.mark.usefixtures("painters")
def test_a_generator_that_breaks_its_contract_is_a_defect(
    reader: PictureReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules[RENDERING]
    monkeypatch.setattr(module, "render_picture", lambda uri: np.zeros((5, 5)))
    with pytest.raises(AssertionError, match="drew"):
        reader.read("rendered:v=1")


def test_a_reader_travels_to_worker_processes(reader: PictureReader) -> None:
    clone = pickle.loads(pickle.dumps(reader))
    np.testing.assert_array_equal(clone.read("a/grey.png"), plain(90))
