"""Contact sheets: what they hold, and the command that writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ccim_core.errors import InputError
from ccim_core.rendered.contact_sheet import (
    SHEETS,
    contact_sheet,
    main,
    sheet_specs,
)
from ccim_core.rendered.rendering import EMOTIONS, SCENES, RenderSpec, render_picture


def make_spec(seed: int, size: int = 32) -> RenderSpec:
    return RenderSpec(
        scene="beach",
        emotion="Sad",
        cue="Sad",
        subject_seed=seed,
        place_seed=1,
        cue_seed=1,
        size=size,
    )


def test_pictures_lie_row_by_row() -> None:
    specs = [make_spec(seed) for seed in range(5)]
    sheet = contact_sheet(specs, 3)
    assert sheet.shape == (2 * 36 - 4, 3 * 36 - 4, 3)
    for index, spec in enumerate(specs):
        y, x = divmod(index, 3)
        cell = sheet[36 * y : 36 * y + 32, 36 * x : 36 * x + 32]
        np.testing.assert_array_equal(cell, render_picture(spec.to_uri()))
    assert (sheet[36:, 72:] == 255).all()


def test_a_sheet_needs_pictures_of_one_size() -> None:
    with pytest.raises(InputError, match="one picture or more"):
        contact_sheet([], 3)
    with pytest.raises(InputError, match="one column or more"):
        contact_sheet([make_spec(0)], 0)
    with pytest.raises(InputError, match="one size"):
        contact_sheet([make_spec(0), make_spec(1, size=40)], 2)


def test_sheets_show_what_they_say() -> None:
    by_emotion = sheet_specs("emotion", rows=3)
    assert [[spec.emotion for spec in row] for row in by_emotion] == [list(EMOTIONS)] * 3
    assert [row[0].scene for row in sheet_specs("scene")] == list(SCENES)
    for row in sheet_specs("clarity"):
        clarity = [spec.clarity for spec in row]
        assert clarity == sorted(clarity)
        assert len({(spec.subject_seed, spec.place_seed, spec.emotion) for spec in row}) == 1
    for row in sheet_specs("twins"):
        assert len({spec.scene for spec in row}) == len(row)
        assert len({(spec.subject_seed, spec.cue_seed) for spec in row}) == 1
    assert sheet_specs("emotion", seed=1) != by_emotion
    with pytest.raises(InputError, match="Expected a sheet of emotion, scene"):
        sheet_specs("hair")
    assert set(SHEETS) == {"emotion", "scene", "clarity", "twins"}


def test_the_command_writes_a_picture(tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    assert main(["--by", "emotion", "--out", str(out), "--size", "32", "--rows", "1"]) == 0
    assert Image.open(out).size == (7 * 36 - 4, 32)
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_the_command_refuses_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--by", "clarity", "--out", str(tmp_path / "sheet.txt")]) == 2
    assert main(["--by", "clarity", "--out", str(tmp_path / "sheet.png"), "--size", "7"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("error: Expected") for line in lines)
    assert not list(tmp_path.iterdir())
