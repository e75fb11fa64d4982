from pathlib import Path

import pytest

from ccim_core.errors import InputError
from ccim_core.files import write_json
from ccim_core.labels import get_label_set
from ccim_core.study import Study


def make(path: Path) -> Study:
    return Study.create(
        path, name="tiny", kind="table", labels=get_label_set("controlled"), roots={"images": "."}
    )


def test_created_study_opens(tmp_path: Path) -> None:
    make(tmp_path / "s")
    study = Study.open(tmp_path / "s")
    assert (study.name, study.kind, study.labels.size) == ("tiny", "table", 7)
    assert study.roots["images"] == tmp_path / "s"
    assert study.run_paths() == []
    with pytest.raises(InputError, match="finished run"):
        study.run_path("x")


def test_only_finished_runs_are_listed(tmp_path: Path) -> None:
    study = make(tmp_path / "s")
    for name in ("b", "a", "unfinished"):
        (study.runs_root / name).mkdir(parents=True)
        if name != "unfinished":
            (study.runs_root / name / "done").touch()
    assert [path.name for path in study.run_paths()] == ["a", "b"]


@pytest.mark.parametrize("content", [None, "[]", '{"format": "other"}'])
def test_a_folder_that_is_no_study_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "study.json").write_text(content)
    with pytest.raises(InputError, match="study"):
        Study.open(tmp_path)


def test_a_folder_with_other_things_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="something else"):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_another_version_is_refused(tmp_path: Path) -> None:
    study = make(tmp_path / "s")
    write_json(study.path / "study.json", {**study.info, "version": 99})
    with pytest.raises(InputError, match="99"):
        Study.open(study.path)
