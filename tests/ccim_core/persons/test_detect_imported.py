"""A file's boxes in the detector's place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ccim_core.errors import InputError
from ccim_core.manifest import BOX_COLUMNS
from ccim_core.persons.coco import CocoBoxes
from tests.ccim_core.persons.finding import (
    HEIGHT,
    LEFT,
    LEFT_FACE,
    RIGHT,
    RIGHT_FACE,
    WIDTH,
    Faces,
    Finding,
    Persons,
    box_of,
    face,
    person,
)


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


def test_a_file_of_the_boxes_that_rows_have_changes_nothing(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{"box": LEFT, "box_source": "annotated"}])
    file = coco(of_sample={"person": {"s0": (LEFT, np.nan)}, "face": {}})
    frame, summary = find(None, imported=file, faces=False)
    assert box_of(frame.iloc[0]) == LEFT
    assert frame["box_source"].tolist() == ["annotated"]
    assert summary.changed == 0
    assert "1 rows have the box of f.json already" in str(summary)


def test_a_file_of_other_pictures_is_refused(tmp_path: Path) -> None:
    find = Finding(tmp_path, [{}])
    file = coco(of_image={"person": {"0.png": [(LEFT, np.nan)]}, "face": {}})
    with pytest.raises(InputError, match=r"0.png of 100 × 80 pixels.* got 50 × 40"):
        find(None, imported=coco(of_image=file.of_image, sizes={"0.png": (50, 40)}))
    with pytest.raises(InputError, match="Expected boxes of the manifest's subjects in f.json"):
        find(None, imported=coco())
