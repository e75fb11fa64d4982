"""Finding and remembering the faces of portraits, with a stand-in for the face detector."""

import json

import pytest

from ccim_core.datasets.controlled.portraits import Portrait, find_portraits
from ccim_core.errors import InputError
from tests.ccim_core.datasets.controlled.making_pictures import save_picture


class Finder:
    """Finds a face in wide pictures only, and counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, picture):
        self.calls += 1
        height, width = picture.shape[:2]
        return (1.0, 2.0, width - 1.0, height - 2.0) if width > height else None


@pytest.fixture
def folder(tmp_path):
    save_picture(tmp_path / "wide.png", 1, (40, 30))
    save_picture(tmp_path / "tall.png", 2, (30, 40))
    save_picture(tmp_path / "tiny.png", 3, (8, 40))
    (tmp_path / "text.png").write_text("not a picture")
    return tmp_path


def find(folder, finder, files=("wide.png", "tall.png", "tiny.png", "text.png", "gone.png"), **k):
    return find_portraits(folder, files, find_face=finder, quiet=True, **k)


def test_faces_whole_portraits_and_faults_are_told_apart(folder):
    portraits, summary = find(folder, Finder())
    assert portraits == {
        "wide.png": Portrait(size=(40, 30), face=(1.0, 2.0, 39.0, 28.0)),
        "tall.png": Portrait(size=(30, 40), face=None),
    }
    assert portraits["tall.png"].face_or_whole == (0.0, 0.0, 30.0, 40.0)
    assert summary.n == 2
    assert summary.without_face == ("tall.png",)
    assert set(summary.left_out) == {"tiny.png", "text.png", "gone.png"}
    assert "at least 16 pixels" in summary.left_out["tiny.png"]


def test_a_portrait_is_looked_at_once_whatever_its_name(folder):
    cache, finder = folder / "faces.json", Finder()
    first, _ = find(folder, finder, cache=cache)
    assert finder.calls == 2
    (folder / "wide.png").rename(folder / "renamed.png")
    again, _ = find(folder, finder, files=("renamed.png", "tall.png"), cache=cache)
    assert finder.calls == 2
    assert again["renamed.png"] == first["wide.png"]
    save_picture(folder / "tall.png", 9, (30, 40))
    find(folder, finder, files=("tall.png",), cache=cache)
    assert finder.calls == 3


def test_a_strange_cache_is_refused(folder):
    cache = folder / "faces.json"
    cache.write_text(json.dumps({"abc": {"size": [1]}}))
    with pytest.raises(InputError, match="delete it"):
        find(folder, Finder(), cache=cache)
