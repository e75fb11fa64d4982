from pathlib import Path

import pytest

from ccim_core.errors import InputError
from ccim_core.places365 import read_indoor, read_scene_names
from tests.ccim_core.places365_files import CATEGORIES, INDOOR, NAMES


def test_names_lose_their_folder_only(tmp_path: Path) -> None:
    path = tmp_path / "categories_places365.txt"
    path.write_text(CATEGORIES)
    assert read_scene_names(path) == NAMES
    path.write_bytes(CATEGORIES.replace("\n", "\r\n").encode() + b"\r\n")
    assert read_scene_names(path) == NAMES


def test_indoor_flags(tmp_path: Path) -> None:
    path = tmp_path / "IO_places365.txt"
    path.write_text(INDOOR)
    indoor = read_indoor(path)
    assert indoor.shape == (365,)
    assert indoor[:160].all()
    assert not indoor[160:].any()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"/a/airfield\n",
        b"airfield 0\n",
        CATEGORIES[:3000].encode(),
        "\n".join(reversed(CATEGORIES.split("\n"))).encode(),
        INDOOR.replace(" 2", " 1").encode(),
        b"\xff\xfe\x00",
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    for read in (read_scene_names, read_indoor):
        with pytest.raises(InputError, match="Expected"):
            read(path)
    with pytest.raises(InputError, match="no such file"):
        read_scene_names(tmp_path / "missing.txt")


def test_the_two_lists_are_not_taken_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text(INDOOR)
    with pytest.raises(InputError, match=r"categories_places365\.txt"):
        read_scene_names(path)
    path.write_text(CATEGORIES)
    with pytest.raises(InputError, match=r"IO_places365\.txt"):
        read_indoor(path)
