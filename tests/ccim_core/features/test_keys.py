import shutil
from pathlib import Path

import numpy as np
import pytest

from ccim_core.features import View
from ccim_core.features.keys import row_keys
from ccim_core.manifest import Manifest
from ccim_core.pictures import PictureReader
from tests.ccim_core.features.toys import make_manifest

VIEWS = [View(kind="whole"), View(kind="masked"), View(kind="subject"), View(kind="face")]


def change(manifest: Manifest, **columns: object) -> Manifest:
    return Manifest(frame=manifest.frame.assign(**columns), labels=manifest.labels)


@pytest.mark.parametrize("view", VIEWS)
def test_keys_follow_content_and_box_only(tmp_path: Path, view: View) -> None:
    manifest = make_manifest(tmp_path / "a", 3)
    reader = PictureReader({"images": tmp_path / "a"})
    keys = row_keys(manifest, reader, view)
    assert len(set(keys.tolist())) == 3
    same = change(manifest, sample_id=["x", "y", "z"], labels="Sad", split="test")
    assert (row_keys(same, reader, view) == keys).all()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert (row_keys(manifest, PictureReader({"images": tmp_path / "b"}), view) == keys).all()
    body = row_keys(change(manifest, x1=3.0), reader, view) != keys
    assert body.all() if view.kind in ("masked", "subject") else not body.any()
    face = row_keys(change(manifest, face_y2=13.0), reader, view) != keys
    assert face.all() if view.kind == "face" else not face.any()


def test_growth_is_part_of_the_box(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path, 2)
    reader = PictureReader({"images": tmp_path})
    plain = row_keys(manifest, reader, View(kind="face"))
    assert (row_keys(manifest, reader, View(kind="face", grow=1.3)) != plain).all()


def test_a_changed_file_has_another_key(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path, 2)
    reader = PictureReader({"images": tmp_path})
    keys = row_keys(manifest, reader, View(kind="whole"))
    path = tmp_path / "0.png"
    path.write_bytes(path.read_bytes() + b"\0")
    assert (row_keys(manifest, reader, View(kind="whole")) != keys).tolist() == [True, False]


def test_threads_change_nothing(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path, 20, subjects=2)
    reader = PictureReader({"images": tmp_path})
    view = View(kind="masked")
    np.testing.assert_array_equal(
        row_keys(manifest, reader, view), row_keys(manifest, reader, view, threads=3)
    )


def test_an_empty_manifest_has_no_keys(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path, 1)
    empty = Manifest(frame=manifest.frame.iloc[:0], labels=manifest.labels)
    for view in VIEWS:
        assert row_keys(empty, PictureReader({"images": tmp_path}), view).shape == (0,)
