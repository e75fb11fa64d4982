"""Estimates filed by subject: the right row's, once, and from one source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ccim_core.auxiliary import depth_in_picture, extract_auxiliary, import_auxiliary
from ccim_core.auxiliary_estimates import (
    DepthEstimates,
    JointEstimates,
    estimate_auxiliary,
    find_face_points,
)
from ccim_core.auxiliary_stores import AuxiliaryKind
from ccim_core.detection import Face
from ccim_core.errors import InputError
from ccim_core.images import Picture
from ccim_core.manifest import BOX_COLUMNS, FACE_COLUMNS, Manifest
from ccim_core.persons import cache
from ccim_core.pictures import PictureReader
from ccim_core.weights import LocalWeights
from tests.ccim_core.features.toys import make_manifest

NO_FACE = (np.nan,) * 4


class Joints:
    """In place of a network: joints that tell the picture and the box that they were asked of."""

    name, longest = "stub", 1000
    weights = LocalWeights(path=Path("x"), sha256="0", source="tests")

    def __init__(self, *, stop_after: int = 999) -> None:
        self.asked: list[int] = []
        self.stop_after = stop_after

    def joints(self, pictures: Sequence[Picture], boxes: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = []
        for picture, each in zip(pictures, boxes, strict=True):
            if len(self.asked) == self.stop_after:
                raise KeyboardInterrupt
            self.asked.append(len(each))
            joints = np.zeros((len(each), 17, 3), np.float32)
            joints[:, :4, 0] = each
            joints[:, 4, 0] = picture.sum()
            found.append(joints)
        return found


class Depth:
    """In place of a network: half the picture's green."""

    source = "tests"

    def depth(self, pictures: Sequence[Picture]) -> list[np.ndarray]:
        return [picture[::2, ::2, 1].astype(np.float32) for picture in pictures]


class Faces:
    """In place of MTCNN: faces by a picture's height and width."""

    source, longest = "tests", 1024

    def __init__(self, faces: dict[tuple[int, ...], list[Face]]) -> None:
        self.faces = faces
        self.looks = 0

    def identity(self) -> str:
        return "faces"

    def detect_all(self, pictures: Sequence[Picture]) -> list[list[Face]]:
        self.looks += len(pictures)
        return [self.faces.get(picture.shape[:2], []) for picture in pictures]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Five pictures with two subjects each."""
    return make_manifest(tmp_path / "images", 5, subjects=2)


@pytest.fixture
def reader(tmp_path: Path) -> PictureReader:
    return PictureReader({"images": tmp_path / "images"})


def changed(manifest: Manifest, **columns: object) -> Manifest:
    return Manifest(frame=manifest.frame.assign(**columns), labels=manifest.labels)


def test_each_row_has_the_joints_of_its_picture_and_box(
    tmp_path: Path, manifest: Manifest, reader: PictureReader
) -> None:
    network = Joints()
    shuffled = Manifest(frame=manifest.frame.sample(frac=1, random_state=0), labels=manifest.labels)
    options = {"root": tmp_path / "f", "batch_size": 4, "quiet": True}
    store = estimate_auxiliary(shuffled, reader, JointEstimates(network), **options)
    found = store.gather(manifest, reader)
    for row, joints in enumerate(found):
        np.testing.assert_array_equal(joints[:4, 0], manifest.boxes()[row])
        assert joints[4, 0] == reader.read(manifest.frame["image"][row]).sum()
    assert sum(network.asked) == 10
    estimate_auxiliary(manifest, reader, JointEstimates(network), **options)
    assert sum(network.asked) == 10
    (read,) = extract_auxiliary(manifest, reader, ["keypoints"], root=tmp_path / "f")
    np.testing.assert_array_equal(read.gather(manifest, reader), found)


def test_rows_of_one_picture_are_asked_of_it_together(
    tmp_path: Path, manifest: Manifest, reader: PictureReader
) -> None:
    network = Joints()
    estimate_auxiliary(
        manifest, reader, JointEstimates(network), root=tmp_path, batch_size=10, quiet=True
    )
    assert network.asked == [2] * 5


def test_an_interrupted_call_goes_on_where_it_was(
    tmp_path: Path, manifest: Manifest, reader: PictureReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccim_core.auxiliary_estimates.CHUNK_ROWS", 2)
    assert cache.CHUNK_ROWS > 2
    options = {"root": tmp_path / "f", "batch_size": 2, "quiet": True}
    with pytest.raises(KeyboardInterrupt):
        estimate_auxiliary(manifest, reader, JointEstimates(Joints(stop_after=3)), **options)
    network = Joints()
    store = estimate_auxiliary(manifest, reader, JointEstimates(network), **options)
    assert network.asked == [2, 2]
    assert len(store) == 10


def test_depth_maps_are_filled_where_each_subject_is(
    tmp_path: Path, manifest: Manifest, reader: PictureReader
) -> None:
    store = estimate_auxiliary(manifest, reader, DepthEstimates(Depth()), root=tmp_path, quiet=True)
    for row, found in enumerate(store.gather(manifest, reader)):
        picture = reader.read(manifest.frame["image"][row])
        depth = picture[::2, ::2, 1].astype(np.float32)
        expected = depth_in_picture(depth, manifest.boxes()[row], picture.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("kind", ["keypoints", "depth"])
def test_a_subject_without_a_box_of_its_own_has_none(
    tmp_path: Path, manifest: Manifest, reader: PictureReader, kind: AuxiliaryKind
) -> None:
    boxless = changed(manifest, box_source=["picture"] * 2 + ["detector"] * 8)
    estimates = JointEstimates(Joints()) if kind == "keypoints" else DepthEstimates(Depth())
    with pytest.raises(InputError, match=r"in 2 of 10 .*python -m ccim_core detect"):
        estimate_auxiliary(boxless, reader, estimates, root=tmp_path, quiet=True)
    if kind == "depth":
        for name in manifest.frame["sample_id"]:
            np.save(tmp_path / f"{name}.npy", np.ones((4, 4)))
        with pytest.raises(InputError, match=r"in 2 of 10 .*python -m ccim_core detect"):
            import_auxiliary(boxless, reader, "depth", tmp_path, root=tmp_path, quiet=True)


def test_one_kind_has_one_source(tmp_path: Path, manifest: Manifest, reader: PictureReader) -> None:
    root = tmp_path / "features"
    store = estimate_auxiliary(manifest, reader, JointEstimates(Joints()), root=root, quiet=True)
    other = Joints()
    other.weights = LocalWeights(path=Path("x"), sha256="1", source="others")
    with pytest.raises(InputError, match="of one source, got those of stub .tests") as error:
        estimate_auxiliary(manifest, reader, JointEstimates(other), root=root, quiet=True)
    assert str(store.path) in str(error.value)
    for name in manifest.frame["sample_id"]:
        np.save(tmp_path / f"{name}.npy", np.ones((17, 3)))
    with pytest.raises(InputError, match="of one source"):
        import_auxiliary(manifest, reader, "keypoints", tmp_path, root=root, quiet=True)
    elsewhere = tmp_path / "elsewhere"
    import_auxiliary(manifest, reader, "keypoints", tmp_path, root=elsewhere, quiet=True)
    with pytest.raises(InputError, match="of one source, got those of files"):
        estimate_auxiliary(manifest, reader, JointEstimates(other), root=elsewhere, quiet=True)
    store.path.rename(elsewhere / store.path.name)
    with pytest.raises(InputError, match="files and stub|stub.* and files"):
        extract_auxiliary(manifest, reader, ["keypoints"], root=elsewhere)


def face(*box: float, mark: float) -> Face:
    x1, y1, x2, y2 = box
    return Face(
        box=(x1, y1, x2, y2), score=0.9, landmarks=tuple((mark, k) for k in map(float, range(5)))
    )


def test_a_rows_points_are_those_of_its_own_face(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path / "images", 1, subjects=5)
    reader = PictureReader({"images": tmp_path / "images"})
    shape = reader.read("0.png").shape[:2]
    large, small = face(12, 5, 20, 12, mark=1), face(4, 5, 10, 11, mark=2)
    boxes = np.array(
        [[0, 0, 11, 20], [0, 0, 22, 20], [8, 0, 22, 20], [0, 0, 23, 20], [0, 14, 9, 20]]
    )
    faces = np.array([[4, 5, 10, 12], [13, 5, 20, 13], NO_FACE, NO_FACE, NO_FACE])
    placed = dict(zip((*BOX_COLUMNS, *FACE_COLUMNS), np.hstack([boxes, faces]).T, strict=True))
    rows = changed(manifest, **placed)
    detector = Faces({shape: [large, small]})
    store, has_face = find_face_points(rows, reader, detector, root=tmp_path / "f", quiet=True)
    assert has_face.tolist() == [True] * 4 + [False]
    known = Manifest(frame=rows.frame[has_face], labels=rows.labels)
    assert store.gather(known, reader)[:, 0, 0].tolist() == [2, 1, 1, 1]
    with pytest.raises(InputError, match="none for 1 of 5 .*--drop-faceless"):
        extract_auxiliary(rows, reader, ["face_points"], root=tmp_path / "f")
    find_face_points(rows, reader, detector, root=tmp_path / "f", quiet=True)
    assert detector.looks == 1


def test_a_given_face_that_was_not_found_is_not_anothers(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path / "images", 1)  # its face: 5, 5, 11, 12
    reader = PictureReader({"images": tmp_path / "images"})
    shape = reader.read("0.png").shape[:2]
    detector = Faces({shape: [face(10, 11, 16, 18, mark=1)]})
    _, has_face = find_face_points(manifest, reader, detector, root=tmp_path / "f", quiet=True)
    assert not has_face.any()


def test_the_points_of_a_real_face_are_where_it_is(tmp_path: Path) -> None:
    from PIL import Image
    from skimage import data

    from ccim_core.detection import FaceDetector

    manifest = make_manifest(tmp_path / "images", 1)
    Image.fromarray(data.astronaut()).save(tmp_path / "images" / "0.png")
    body = dict(zip(BOX_COLUMNS, (30.0, 0.0, 420.0, 512.0), strict=True))
    rows = changed(manifest, **body, **dict.fromkeys(FACE_COLUMNS, np.nan))
    reader = PictureReader({"images": tmp_path / "images"})
    store, has_face = find_face_points(
        rows, reader, FaceDetector(), root=tmp_path / "f", quiet=True
    )
    assert has_face.all()
    left, right, nose, left_mouth, right_mouth = store.gather(rows, reader)[0]
    assert left[0] < nose[0] < right[0]
    assert left[1] < nose[1] < left_mouth[1]
    assert np.hypot(*((left_mouth + right_mouth) / 2 - (223, 150))) < 15


def test_rendered_pictures_need_no_estimates(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path / "images", 1)
    rendered = changed(manifest, image="rendered:x")
    with pytest.raises(InputError, match="the renderer knows; leave --estimate out"):
        estimate_auxiliary(
            rendered, PictureReader({}), JointEstimates(Joints()), root=tmp_path, quiet=True
        )
