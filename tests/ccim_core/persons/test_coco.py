"""COCO's JSON: there and back, and one sentence for each way in which a file can be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ccim_core.errors import InputError
from ccim_core.manifest import Manifest
from ccim_core.persons.coco import read_coco
from ccim_core.persons.coco_export import export_coco
from ccim_core.pictures import PictureReader
from tests.ccim_core.features.toys import make_manifest

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Three pictures with two subjects each."""
    return make_manifest(tmp_path / "pictures", 3, subjects=2)


@pytest.fixture
def reader(tmp_path: Path) -> PictureReader:
    return PictureReader({"images": tmp_path / "pictures"})


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def make_content() -> dict[str, Any]:
    """One person in one picture of 20 × 20 pixels or more."""
    return {
        "images": [{"id": 7, "file_name": "0.png", "width": 50, "height": 40}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "bbox": [2, 3, 10, 12]}],
        "categories": [{"id": 1, "name": "Person"}, {"id": 3, "name": "dog"}],
    }


def test_what_is_exported_is_read_back(
    tmp_path: Path, manifest: Manifest, reader: PictureReader
) -> None:
    path = tmp_path / "boxes.json"
    assert export_coco(manifest, reader, path, quiet=True) == (6, 6)
    found = read_coco(path, manifest)
    assert (found.unmatched, found.skipped) == (0, 0)
    assert not any(found.of_image.values())
    for category, expected in (("person", manifest.boxes()), ("face", manifest.face_boxes())):
        boxes = found.of_sample[category]
        for name, box in zip(manifest.frame["sample_id"], expected, strict=True):
            np.testing.assert_allclose(boxes[name][0], box, atol=1e-9)
    for image, (width, height) in found.sizes.items():
        assert reader.read(image).shape == (height, width, 3)


def test_an_export_is_what_tools_of_coco_expect(
    tmp_path: Path, manifest: Manifest, reader: PictureReader
) -> None:
    frame = manifest.frame.assign(width=99.0, height=88.0, box_source="annotated")
    frame.loc[0, "box_source"] = "picture"
    frame.loc[1, "face_x1"] = np.nan
    partly = Manifest(frame=frame, labels=manifest.labels)
    path = tmp_path / "boxes.json"
    assert export_coco(partly, reader, path, quiet=True) == (5, 5)
    content = json.loads(path.read_text())
    assert [each["name"] for each in content["categories"]] == ["person", "face"]
    assert content["images"][0] == {"id": 1, "file_name": "0.png", "width": 99, "height": 88}
    assert len(content["images"]) == 3
    first = content["annotations"][0]
    assert (first["sample_id"], first["category_id"], first["iscrowd"]) == ("0-0", 2, 0)
    body = next(each for each in content["annotations"] if each["category_id"] == 1)
    assert body["sample_id"] == "0-1"
    assert body["bbox"] == [5, 4, 11, 16.5]
    assert body["area"] == 11 * 16.5


def test_other_categories_crowds_and_other_pictures_are_passed_over(
    tmp_path: Path, manifest: Manifest
) -> None:
    content = make_content()
    content["images"].append({"id": 8, "file_name": "elsewhere.png", "width": 9, "height": 9})
    for number, change in enumerate(
        ({"category_id": 3}, {"iscrowd": 1}, {"image_id": 8, "bbox": [0, 0, 9, 9]}), start=2
    ):
        content["annotations"].append({**content["annotations"][0], "id": number, **change})
    content["annotations"].append({**content["annotations"][0], "id": 9, "score": 0.25})
    found = read_coco(write(tmp_path / "f.json", content), manifest)
    assert (found.unmatched, found.skipped) == (1, 3)
    (plain, scored) = found.of_image["person"]["0.png"]
    assert plain[0] == (2, 3, 12, 15)
    assert np.isnan(plain[1])
    assert scored[1] == 0.25


@pytest.mark.parametrize("place", ["itself", "attributes"])
def test_an_annotation_may_name_its_subject(tmp_path: Path, manifest: Manifest, place: str) -> None:
    content = make_content()
    name = {"sample_id": "0-1"}
    content["annotations"][0] |= name if place == "itself" else {"attributes": name}
    found = read_coco(write(tmp_path / "f.json", content), manifest)
    assert found.of_sample["person"]["0-1"][0] == (2, 3, 12, 15)
    assert not found.of_image["person"]


@pytest.mark.parametrize("name", ["0.png", "task/pictures/0.png", "\\task\\0.png"])
def test_a_longer_path_ends_in_the_manifests(tmp_path: Path, manifest: Manifest, name: str) -> None:
    content = make_content()
    content["images"][0]["file_name"] = name
    assert list(read_coco(write(tmp_path / "f.json", content), manifest).sizes) == ["0.png"]


def test_a_shorter_path_is_one_of_the_manifests_or_nobodys(
    tmp_path: Path, manifest: Manifest
) -> None:
    images = ["a/b/0.png", "a/1.png", "b/1.png", "b/2.png", "c.png", "d.png"]
    longer = Manifest(frame=manifest.frame.assign(image=images), labels=manifest.labels)
    content = make_content()
    assert list(read_coco(write(tmp_path / "f.json", content), longer).sizes) == ["a/b/0.png"]
    content["images"][0]["file_name"] = "1.png"
    with pytest.raises(InputError, match="2 that end so"):
        read_coco(write(tmp_path / "f.json", content), longer)


def test_rounding_over_the_edge_is_no_fault(tmp_path: Path, manifest: Manifest) -> None:
    content = make_content()
    content["annotations"][0]["bbox"] = [-0.4, 0, 50.8, 40.3]
    found = read_coco(write(tmp_path / "f.json", content), manifest)
    assert found.of_image["person"]["0.png"][0][0] == (0, 0, 50, 40)


def annotate(**values: object) -> Change:
    return lambda content: content["annotations"][0].update(values)


def again(which: str, **values: object) -> Change:
    return lambda content: content[which].append({**content[which][0], **values})


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda content: content.pop("categories"), "no list named categories"),
        (lambda content: content.update(images={}), "no list named images"),
        (lambda content: content["categories"][0].update(name="cat"), "person or face .* cat, dog"),
        (again("categories", name="x"), "each category id once .* 1 again"),
        (again("images", file_name="1.png"), "each image id once .* 7 again"),
        (again("images", id=8), "each picture once .* 0.png again"),
        (again("images", id=8, file_name="x/0.png"), "each picture once .* 0.png by 2 names"),
        (again("annotations"), "each annotation id once .* 1 again"),
        (annotate(id=None), "an id of annotation 1 .* None"),
        (lambda content: content["annotations"].append("text"), "an id of annotation 2"),
        (annotate(image_id=99), "image_id of annotation 1 .* 99"),
        (annotate(category_id=99), "category_id of annotation 1 .* 99"),
        (annotate(bbox=[1, 2, 3]), "four numbers"),
        (annotate(bbox=[1, 2, float("nan"), 3]), "four numbers"),
        (annotate(bbox=[1, 2, "3", 4]), "four numbers"),
        (annotate(bbox=[1, 2, 0, 4]), "an area"),
        (annotate(bbox=[1, 2, -5, 4]), "an area"),
        (annotate(bbox=[45, 2, 10, 4]), "lie in 0.png, which has 50 × 40 pixels"),
        (annotate(bbox=[-5, 2, 10, 4]), "lie in 0.png"),
        (annotate(bbox=[60, 2, 10, 4]), "lie in 0.png"),
        (annotate(score="high"), "score of annotation 1"),
        (annotate(sample_id="nobody"), "one of the manifest's, got 'nobody'"),
        (annotate(sample_id="1-0"), "in 1.png, where the manifest has it, got 0.png"),
        (lambda content: content["images"][0].update(width=0), "width and height of 0.png"),
        (lambda content: content["images"][0].pop("file_name"), "a file_name of image 7"),
        (lambda content: content["images"][0].update(file_name="no.png"), "got none of them"),
    ],
)
def test_each_fault_is_one_sentence_that_names_it(
    tmp_path: Path, manifest: Manifest, change: Change, message: str
) -> None:
    content = make_content()
    change(content)
    with pytest.raises(InputError, match=message) as error:
        read_coco(write(tmp_path / "f.json", content), manifest)
    assert str(error.value).startswith("Expected")
    assert "\n" not in str(error.value)


def test_a_subject_has_one_box_of_a_kind(tmp_path: Path, manifest: Manifest) -> None:
    content = make_content()
    content["annotations"][0]["sample_id"] = "0-0"
    content["annotations"].append({**content["annotations"][0], "id": 2})
    with pytest.raises(InputError, match="one box of each kind of '0-0'"):
        read_coco(write(tmp_path / "f.json", content), manifest)


@pytest.mark.parametrize("text", ["", "[1, 2]", "{"])
def test_what_is_no_coco_file_is_refused(tmp_path: Path, manifest: Manifest, text: str) -> None:
    (tmp_path / "f.json").write_text(text)
    with pytest.raises(InputError, match="Expected (JSON|a COCO file)"):
        read_coco(tmp_path / "f.json", manifest)
