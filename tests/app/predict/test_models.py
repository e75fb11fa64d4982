"""Whose models judge: the chosen study's, or whose the visitor names; never in silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from app import workspace
from ccim_core.files import write_json
from ccim_core.study import Study
from tests.app.fakes import FakePredictor, jpeg, make_photo_study
from tests.app.predict.acts import charts, upload, words

RunPage = Callable[..., AppTest]


@pytest.fixture
def mine(predictors: list[FakePredictor]) -> Study:
    """A study of one's own, with a run."""
    study = make_photo_study(workspace.studies_root() / "mine")
    (study.path / "card.json").unlink()
    write_json(study.path / "study.json", study.info | {"name": "My study"})
    return study


def test_the_chosen_study_answers_and_is_named(mine: Study, run_page: RunPage) -> None:
    test = upload(run_page("predict", study="mine"), "a.jpg", jpeg())
    assert test.selectbox(key="model").value == "mine"
    assert "Answered by **My study**, `run_likelihood` and `run_ccim`" in words(test)
    assert not test.warning


@pytest.mark.parametrize("lack", ["weights", "encoder", "streams", "runs"])
def test_a_study_that_cannot_answer_says_why_and_asks(
    mine: Study, run_page: RunPage, predictors: list[FakePredictor], lack: str
) -> None:
    run = mine.runs_root / "plain"
    if lack == "runs":
        (run / "done").unlink()
    elif lack == "weights":
        (run / "model.safetensors").unlink()
    else:
        stream = {"weights": "encoders/a.safetensors"} if lack == "encoder" else {}
        stream |= {"auxiliary": "depth"} if lack == "streams" else {}
        write_json(run / "encoder.json", {"context": stream})
    test = upload(run_page("predict", study="mine"), "a.jpg", jpeg())
    (warning,) = test.warning
    said = {
        "weights": "without weights",
        "encoder": "encoders/a.safetensors",
        "streams": "its models read depth",
        "runs": "no trained runs",
    }
    assert "**My study**, the study in the sidebar, can't answer" in warning.value
    assert said[lack] in warning.value
    assert not charts(test)
    assert not predictors  # nobody else answers unasked
    test.selectbox(key="model").set_value("photographs").run()
    assert "Answered by **Photograph model**" in words(test)


def test_a_shipped_study_of_rendered_pictures_leaves_photographs_to_its_counterpart_aloud(
    predictors: list[FakePredictor], demo: Study, run_page: RunPage
) -> None:
    test = upload(run_page("predict"), "a.jpg", jpeg())
    assert "trained on rendered pictures, and this is a photograph" in words(test)
    assert "Answered by **Photograph model**" in words(test)


def test_a_batch_counts_people_and_names_the_pictures_of_nobody(page: AppTest) -> None:
    from tests.app.predict.acts import upload_all

    test = upload_all(page, ("strip.jpg", jpeg(400, 60)), ("a.jpg", jpeg()))
    assert "**2 people in 1 of 2 photographs**" in words(test)
    assert "Nobody was found in 1 of 2 photographs: **strip.jpg**" in test.warning[0].value
    assert test.dataframe[0].value["image"].tolist() == ["a.jpg", "a.jpg"]
