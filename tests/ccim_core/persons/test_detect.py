"""Boxes and faces of a manifest: what replaces what, and that nothing is looked at twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ccim_core.detection import Face, FaceDetector, grow_body_box
from ccim_core.errors import InputError
from ccim_core.images import Picture
from ccim_core.labels import LABEL_SETS
from ccim_core.manifest import BOX_COLUMNS, FACE_COLUMNS, Manifest
from ccim_core.persons import cache
from ccim_core.persons.coco import CocoBoxes
from ccim_core.persons.detect import DetectConfig, detect_subjects
from ccim_core.persons.summary import DetectSummary
from ccim_core.pictures import PictureReader
from ccim_core.weights import LocalWeights

WIDTH, HEIGHT = 100, 80
LEFT, RIGHT = (5.0, 10.0, 35.0, 70.0), (50.0, 5.0, 95.0, 78.0)
LEFT_FACE, RIGHT_FACE = (15.0, 14.0, 25.0, 26.0), (66.0, 10.0, 80.0, 26.0)
WHOLE = (0.0, 0.0, float(WIDTH), float(HEIGHT))
POINTS = tuple((float(k), k + 0.5) for k in range(5))


class _Finder:
    """Finds in a picture what the number in its first pixel stands for, and counts its calls."""

    def __init__(self, found: dict[int, list[Any]], *, stop_after: int = 999) -> None:
        self.found, self.stop_after = found, stop_after
        self.shown: list[int] = []
        self.name, self.source, self.longest = "stub", "tests", 1024
        self.weights = LocalWeights(path=Path("x"), sha256="0", source="tests")

    def identity(self) -> str:
        return type(self).__name__

    def look(self, pictures: Sequence[Picture]) -> list[list[Any]]:
        numbers = [int(picture[0, 0, 0]) for picture in pictures]
        for number in numbers:
            if len(self.shown) == self.stop_after:
                raise KeyboardInterrupt
            self.shown.append(number)
        return [self.found.get(number, []) for number in numbers]


class Persons(_Finder):
    def detect(self, pictures: Sequence[Picture]) -> list[np.ndarray]:
        return [np.array(found, float).reshape(-1, 5) for found in self.look(pictures)]


class Faces(_Finder):
    def detect_all(self, pictures: Sequence[Picture]) -> list[list[Face]]:
        return self.look(pictures)


def face(box: tuple[float, float, float, float]) -> Face:
    return Face(box=box, score=0.95, landmarks=POINTS)


def person(box: tuple[float, float, float, float], score: float = 0.9) -> tuple[float, ...]:
    return (*box, score)


def make_manifest(root: Path, rows: list[dict[str, Any]]) -> tuple[Manifest, PictureReader]:
    """Rows of pictures by number; a row says of itself what is not usual."""
    root.mkdir(parents=True, exist_ok=True)
    frame = []
    for index, row in enumerate(rows):
        number = row.pop("picture", index)
        picture = np.full((HEIGHT, WIDTH, 3), 99, np.uint8)
        picture[0, 0] = number
        Image.fromarray(picture).save(root / f"{number}.png")
        box = dict(zip(BOX_COLUMNS, row.pop("box", WHOLE), strict=True))
        given = row.pop("face", (np.nan,) * 4)
        base = {"sample_id": f"s{index}", "image": f"{number}.png", "split": "train"}
        base |= {"labels": "Happy", "box_source": "picture"}
        frame.append({**base, **box, **dict(zip(FACE_COLUMNS, given, strict=True)), **row})
    manifest = Manifest(frame=pd.DataFrame(frame), labels=LABEL_SETS["controlled"])
    return manifest, PictureReader({"images": root})


class Finding:
    """`detect_subjects` on a folder with what is to be found in it."""

    def __init__(self, root: Path, rows: list[dict[str, Any]]) -> None:
        self.root = root
        self.manifest, self.reader = make_manifest(root / "images", rows)

    def __call__(
        self,
        persons: Persons | None,
        mtcnn: Faces | None = None,
        imported: CocoBoxes | None = None,
        manifest: Manifest | None = None,
        **config: Any,
    ) -> tuple[pd.DataFrame, DetectSummary]:
        found = detect_subjects(
            self.manifest if manifest is None else manifest,
            self.reader,
            DetectConfig(**config),
            root=self.root / "features",
            open_persons=None if persons is None else lambda: persons,
            open_faces=lambda: mtcnn or Faces({}),
            imported=imported,
            batch_size=2,
            quiet=True,
        )
        assert found is not None
        self.found = found[0]
        return found[0].frame, found[1]


def box_of(row: pd.Series) -> tuple[float, ...]:
    return tuple(row[list(BOX_COLUMNS)].astype(float).round(3))


def face_of(row: pd.Series) -> tuple[float, ...]:
    return tuple(row[list(FACE_COLUMNS)].astype(float).round(3))


def test_each_row_gets_the_best_that_was_found_and_says_which(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}, {}, {"face": LEFT_FACE}, {"face": LEFT_FACE}, {}, {}])
    both = [person(LEFT), person(RIGHT)]
    persons = Persons({0: [person(LEFT)], 1: both, 2: both, 3: [person(RIGHT)]})
    faces = Faces({1: [face(RIGHT_FACE), face(LEFT_FACE)], 4: [face(LEFT_FACE)]})
    frame, summary = find(persons, faces)
    grown = tuple(np.round(grow_body_box(LEFT_FACE, WIDTH, HEIGHT), 3))
    expected: list[tuple[Any, ...]] = [
        (LEFT, "detector", "only", 1),
        (RIGHT, "detector", "largest", 2),
        (LEFT, "detector", "holds_face", 2),
        (grown, "face", None, 0),  # nobody holds the given face
        (grown, "face", None, 0),  # nobody, but a face
        (WHOLE, "picture", None, 0),
    ]
    for (_, row), (box, source, choice, n) in zip(frame.iterrows(), expected, strict=True):
        assert box_of(row) == box
        assert row["box_source"] == source
        assert (row["box_choice"] == choice) or (choice is None and pd.isna(row["box_choice"]))
        assert row["n_persons"] == n or source == "face"
    assert frame["box_score"].round(3).tolist()[:3] == [0.9] * 3
    assert face_of(frame.iloc[1]) == RIGHT_FACE  # the one in the box that was chosen
    assert frame["face_source"].fillna("-").tolist() == [
        "-",
        "detector",
        "given",
        "given",
        "detector",
        "-",
    ]
    assert summary.boxes == {"detector": 3, "face": 2, "picture": 1}
    assert summary.choices == {"holds_face": 1, "largest": 1, "only": 1}
    assert summary.faces == {"none": 2, "detector": 2, "given": 2}
    assert summary.changed == 5
    assert "whole picture" in str(summary)


def test_the_face_that_is_found_is_the_subjects_own(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{"box": LEFT, "box_source": "annotated"}])
    frame, _ = find(Persons({}), Faces({0: [face(RIGHT_FACE), face(LEFT_FACE)]}))
    assert face_of(frame.iloc[0]) == LEFT_FACE
    assert box_of(frame.iloc[0]) == LEFT


@pytest.mark.parametrize("source", ["annotated", "imported", "drawn by hand", None])
def test_what_somebody_made_stays_unless_the_user_says_otherwise(
    tmp_path: Path, source: str | None
) -> None:
    find = Finding(tmp_path, [{"box": LEFT, "box_source": source}, {}])
    persons = Persons({0: [person(RIGHT)], 1: [person(RIGHT)]})
    frame, _ = find(persons)
    assert box_of(frame.iloc[0]) == LEFT
    assert frame["box_source"].iloc[0] == (source or "annotated")
    assert persons.shown == [1]  # nor is the network run for it


def test_a_replaced_annotation_is_kept_beside_it(tmp_path: Path) -> None:
    find = Finding(
        tmp_path, [{"box": LEFT, "box_source": "annotated"}, {"box_source": "annotated"}]
    )
    persons, faces = Persons({0: [person(RIGHT)]}), Faces({1: [face(LEFT_FACE)]})
    frame, _ = find(persons, faces, replace=("annotated",))
    assert box_of(frame.iloc[0]) == RIGHT
    assert frame["box_source"].tolist() == ["detector", "annotated"]
    assert frame.loc[0, [f"annotated_{name}" for name in BOX_COLUMNS]].tolist() == list(LEFT)
    # Where no person was found, the annotation is not given up for a guess from a face.
    assert box_of(frame.iloc[1]) == WHOLE
    again, _ = find(Persons({0: [person(LEFT)]}), faces, manifest=find.found)
    assert box_of(again.iloc[0]) == RIGHT  # what was found is on disk
    assert again.loc[0, "annotated_x1"] == LEFT[0]


def test_a_person_is_not_given_up_when_nobody_looks_for_persons(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}, {}])
    persons, faces = (
        Persons({0: [person(LEFT)]}),
        Faces({0: [face(LEFT_FACE)], 1: [face(LEFT_FACE)]}),
    )
    frame, _ = find(None, faces)
    assert frame["box_source"].tolist() == ["face", "face"]
    assert "n_persons" not in frame
    frame, _ = find(persons, faces, manifest=find.found)
    assert frame["box_source"].tolist() == ["detector", "face"]
    before = frame
    frame, summary = find(None, faces, manifest=find.found)
    pd.testing.assert_frame_equal(frame, before)
    assert summary.changed == 0
    # A higher bar is an answer of the network: then the body is grown after all.
    frame, _ = find(persons, faces, manifest=find.found, min_score=0.95)
    assert frame["box_source"].tolist() == ["face", "face"]
    frame, _ = find(persons, Faces({}), manifest=find.manifest, min_score=0.95)
    assert box_of(frame.iloc[0]) != WHOLE  # what the first faces found is on disk too


def test_unsure_persons_are_not_considered(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}])
    persons = Persons({0: [person(LEFT, 0.8), person(RIGHT, 0.4)]})
    frame, _ = find(persons)
    assert (box_of(frame.iloc[0]), frame["box_choice"].iloc[0]) == (LEFT, "only")
    frame, _ = find(persons, min_score=0.3)
    assert (box_of(frame.iloc[0]), frame["box_choice"].iloc[0]) == (RIGHT, "largest")
    assert persons.shown == [0]


def test_an_interrupted_call_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "CHUNK_ROWS", 2)
    find = Finding(tmp_path, [{} for _ in range(7)])
    found = {number: [person(LEFT)] for number in range(7)}
    with pytest.raises(KeyboardInterrupt):
        find(Persons(found, stop_after=5))
    persons = Persons(found)
    frame, _ = find(persons)
    assert persons.shown == [4, 5, 6]
    assert (frame["box_source"] == "detector").all()
    persons = Persons(found)
    again, summary = find(persons, manifest=find.found)
    assert persons.shown == []
    assert summary.changed == 0
    pd.testing.assert_frame_equal(again, frame)


def test_a_picture_is_looked_at_once_and_rows_that_share_a_box_are_counted(tmp_path: Path) -> None:
    rows = [{"picture": 1}, {"picture": 1}, {"picture": 2, "face": LEFT_FACE}]
    rows.append({"picture": 2, "face": RIGHT_FACE})
    find = Finding(tmp_path, rows)
    both = [person(LEFT), person(RIGHT)]
    persons = Persons({1: both, 2: both})
    frame, summary = find(persons)
    assert sorted(persons.shown) == [1, 2]
    assert [box_of(row) for _, row in frame.iterrows()] == [RIGHT, RIGHT, LEFT, RIGHT]
    assert summary.shared == 2
    assert "share" not in str(summary)
    assert "2 rows have the picture and box of another row" in str(summary)


def test_where_all_is_known_nothing_is_looked_at_or_changed(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{"box": LEFT, "face": LEFT_FACE}])
    frame = find.manifest.frame.drop(columns="box_source")
    plain = Manifest(frame=frame, labels=find.manifest.labels)

    def refuse() -> Any:
        raise AssertionError("a network was built")

    found = detect_subjects(
        plain,
        find.reader,
        DetectConfig(),
        root=tmp_path / "features",
        open_persons=refuse,
        open_faces=refuse,
    )
    assert found is not None
    assert found[0] is plain
    assert found[1].boxes == {"annotated": 1}


def test_rows_are_left_out_only_when_asked(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}, {}, {}])
    persons, faces = (
        Persons({0: [person(LEFT)]}),
        Faces({0: [face(RIGHT_FACE)], 1: [face(LEFT_FACE)]}),
    )
    frame, _ = find(persons, faces)
    assert len(frame) == 3
    frame, summary = find(persons, faces, drop_boxless=True)
    assert frame["sample_id"].tolist() == ["s0", "s1"]
    assert summary.dropped == {"boxless": 1, "faceless": 0}
    frame, summary = find(persons, faces, drop_faceless=True)
    assert frame["sample_id"].tolist() == ["s1"]
    assert summary.dropped == {"boxless": 0, "faceless": 2}
    assert "Left out 2 faceless rows" in str(summary)
    with pytest.raises(InputError, match="Expected subjects to be left"):
        Finding(tmp_path / "none", [{}])(Persons({}), drop_boxless=True)


def test_without_faces_none_are_looked_for(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}])
    faces = Faces({0: [face(LEFT_FACE)]})
    frame, _ = find(Persons({0: [person(LEFT)]}), faces, faces=False)
    assert faces.shown == []
    assert frame["face_x1"].isna().all()


def test_a_picture_that_cannot_be_read_names_the_row(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}, {}])
    (tmp_path / "images" / "1.png").write_text("no")
    with pytest.raises(InputError, match="Sample s1: Expected a picture"):
        find(Persons({}))


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="boxes to replace"):
        DetectConfig(replace=("drawn",))
    with pytest.raises(InputError, match="min_score"):
        DetectConfig(min_score=1.5)


def coco(**values: Any) -> CocoBoxes:
    empty: dict[str, Any] = {"person": {}, "face": {}}
    sizes = {f"{number}.png": (WIDTH, HEIGHT) for number in range(4)}
    return CocoBoxes(
        **{"name": "f.json", "of_image": empty, "of_sample": empty, "sizes": sizes, **values}
    )


def test_a_files_boxes_take_the_detectors_place(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{}, {"face": LEFT_FACE}, {"box": LEFT, "box_source": "annotated"}]
    rows.append({"box": LEFT, "box_source": "detector"})
    find = Finding(tmp_path, rows)
    both = [(LEFT, 0.5), (RIGHT, np.nan)]
    of_image = {"0.png": both, "1.png": both, "2.png": both}
    file = coco(of_image={"person": of_image, "face": {"0.png": [(RIGHT_FACE, np.nan)]}})
    persons = Persons({number: [person(LEFT)] for number in range(4)})
    frame, summary = find(persons, Faces({3: [face(LEFT_FACE)]}), imported=file)
    assert persons.shown == []
    assert [box_of(row) for _, row in frame.iterrows()] == [RIGHT, LEFT, LEFT, LEFT]
    assert frame["box_source"].tolist() == ["imported", "imported", "annotated", "detector"]
    assert frame["box_choice"].tolist()[:2] == ["largest", "holds_face"]
    assert frame["face_source"].fillna("-").tolist() == ["imported", "given", "-", "detector"]
    text = str(summary)
    assert "f.json gave 2 boxes and 1 faces" in text
    assert "1 rows keep a box that f.json has otherwise" in text
    frame, _ = find(persons, imported=file, replace=("annotated",), manifest=find.found)
    assert box_of(frame.iloc[2]) == RIGHT
    assert frame.loc[2, "annotated_x1"] == LEFT[0]


def test_a_file_may_name_its_subjects_and_an_unchanged_box_keeps_its_numbers(
    tmp_path: Path,
) -> None:
    exact = (1 / 3, 2 / 3, 100 / 3, 70 / 3)
    find = Finding(
        tmp_path, [{"picture": 0, "box": exact, "box_source": "detector"}, {"picture": 0}]
    )
    nearly = tuple(np.add(exact, 1e-9).tolist())
    of_sample = {"person": {"s0": (nearly, 0.5), "s1": (RIGHT, np.nan)}, "face": {}}
    frame, _ = find(None, imported=coco(of_sample=of_sample))
    assert tuple(frame.loc[0, list(BOX_COLUMNS)]) == exact  # features are filed by these numbers
    assert box_of(frame.iloc[1]) == RIGHT
    assert frame["box_choice"].tolist() == ["sample_id"] * 2


def test_a_file_of_other_pictures_is_refused(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}])
    file = coco(of_image={"person": {"0.png": [(LEFT, np.nan)]}, "face": {}})
    with pytest.raises(InputError, match=r"0.png of 100 × 80 pixels.* got 50 × 40"):
        find(None, imported=coco(of_image=file.of_image, sizes={"0.png": (50, 40)}))
    with pytest.raises(InputError, match="Expected boxes of the manifest's subjects in f.json"):
        find(None, imported=coco())


def test_faces_of_real_photographs_are_found_and_bodies_grown(tmp_path: Path) -> None:
    from skimage import data

    find = Finding(tmp_path, [{"box": (0.0, 0.0, 512.0, 512.0)}])
    Image.fromarray(data.astronaut()).save(tmp_path / "images" / "0.png")
    found = detect_subjects(
        find.manifest,
        find.reader,
        DetectConfig(),
        root=tmp_path / "features",
        open_persons=None,
        open_faces=FaceDetector,
        quiet=True,
    )
    assert found is not None
    row = found[0].frame.iloc[0]
    assert row["box_source"] == "face"
    assert row["face_score"] > 0.99
    assert 170 < row["face_x1"] < row["face_x2"] < 280
    assert row["x1"] < row["face_x1"]
    assert row["y2"] == 512
    assert found[1].networks["faces"]["source"].startswith("facenet-pytorch")
