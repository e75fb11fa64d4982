"""One photograph on the Predict page: judged, boxed, refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from app import study_cache
from app.predict.asking import judge
from app.predict.state import MAX_RESULTS, PredictState
from app.uploads import LoadedPicture, decode_upload
from ccim_core.errors import InputError
from tests.app.fakes import FakePredictor, jpeg
from tests.app.pictures import BAD_PICTURES
from tests.app.predict.acts import charts, choose, type_box, upload, words
from tests.app.test_uploads import FakeUpload

RunPage = Callable[..., AppTest]


def test_starts_empty_with_an_explanation_and_samples(page: AppTest) -> None:
    assert not page.error
    assert not charts(page)
    assert "What you will see" in words(page)
    assert page.button(key="use_china").label == "No one in front"


def test_an_upload_is_judged_by_two_estimators(
    page: AppTest, predictors: list[FakePredictor]
) -> None:
    test = upload(page, "holiday.jpg", jpeg())
    assert not test.exception
    assert not test.error
    assert predictors[0].calls == [((64, 96, 3), "holiday.jpg", None)]
    assert (test.selectbox(key="before").value, test.selectbox(key="after").value) == (
        "likelihood",
        "ccim",
    )
    assert "**Happy**: 60.0% → 62.0%" in words(test)
    told = words(test)
    assert "Answered by **Photograph model**, `run_likelihood` and `run_ccim`" in told
    assert "trained on photographs, with boxes of bodies" in told
    assert "the back-door estimate" in told  # What if comes first
    choose(test, "view", "reasons")
    assert len(charts(test)) == 4  # the picture, the bars, the effects, the mixes
    choose(test, "view", "estimates")
    assert "is absent: the study has no run trained with it." in words(test)
    assert "run `run_ccim`" in words(test)
    assert len(predictors[0].calls) == 1


def test_changing_what_is_compared_judges_nothing_again(
    page: AppTest, predictors: list[FakePredictor]
) -> None:
    test = upload(page, "holiday.jpg", jpeg())
    test.selectbox(key="after").set_value("backdoor").run()
    assert "The reading changes: **Happy** (60.0%) → **Neutral** (45.0%)." in words(test)
    assert len(predictors[0].calls) == 1


def test_a_link_opens_the_comparison_it_names(
    predictors: list[FakePredictor], run_page: RunPage
) -> None:
    test = run_page("predict", before="prior_correction", after="backdoor")
    test = upload(test, "holiday.jpg", jpeg())
    assert "**Happy** (40.0%) → **Neutral** (45.0%)" in words(test)


def test_another_person_is_chosen_and_brings_its_warning(page: AppTest) -> None:
    test = upload(page, "holiday.jpg", jpeg())
    assert not test.warning
    chooser = next(group for group in test.button_group if group.label == "Subject")
    chooser.set_value(2).run()
    assert [warning.value for warning in test.warning] == ["Its face is small."]


def test_a_typed_box_becomes_the_subject_and_survives_a_page_switch(
    page: AppTest, predictors: list[FakePredictor]
) -> None:
    test = upload(page, "holiday.jpg", jpeg())
    test = type_box(test, 10, 5, 50, 60)
    assert not test.error
    assert predictors[0].calls[-1] == ((64, 96, 3), "holiday.jpg", (10.0, 5.0, 50.0, 60.0))
    assert "**Surprise** (100.0%) → **Anger** (100.0%)" in words(test)
    test.switch_page("app_pages/overview.py").run()
    test.switch_page("app_pages/predict.py").run()
    assert "**Surprise** (100.0%) → **Anger** (100.0%)" in words(test)
    assert len(predictors[0].calls) == 2


def test_a_picture_whose_subject_is_not_found_is_shown_and_can_be_boxed(page: AppTest) -> None:
    test = upload(page, "lost.jpg", jpeg())
    assert len(test.error) == 1
    assert len(charts(test)) == 1  # the picture
    test = type_box(test, 10, 5, 50, 60)
    assert "**Surprise** (100.0%) → **Anger** (100.0%)" in words(test)


def test_an_inverted_box_is_one_sentence_and_changes_nothing(page: AppTest) -> None:
    test = upload(page, "holiday.jpg", jpeg())
    test = type_box(test, 50, 5, 10, 60)
    (error,) = test.error
    assert "x1 \\< x2" in error.value
    assert "**Happy**: 60.0% → 62.0%" in words(test)


@pytest.mark.parametrize("name", sorted(BAD_PICTURES))
def test_a_bad_file_is_one_error_and_a_good_one_after_it_works(page: AppTest, name: str) -> None:
    test = upload(page, name, BAD_PICTURES[name]())
    assert len(test.error) == 1
    assert not test.exception
    assert not charts(test)
    test = upload(test, "holiday.jpg", jpeg())
    assert not test.error
    assert len(charts(test)) > 1


def test_the_models_own_refusal_is_shown_as_its_sentence(page: AppTest) -> None:
    test = upload(page, "refuse.jpg", jpeg())
    assert [error.value for error in test.error] == [
        r"Expected a picture with a person, got \*none\*."
    ]
    assert len(charts(test)) == 1  # the picture itself


def test_a_defect_shows_no_details(page: AppTest) -> None:
    test = upload(page, "break.jpg", jpeg())
    (error,) = test.error
    assert "secret" not in error.value
    assert not test.exception


def test_removing_the_upload_removes_its_picture(page: AppTest) -> None:
    test = upload(page, "holiday.jpg", jpeg())
    test.file_uploader(key="upload").clear().run()
    assert not charts(test)
    assert "What you will see" in words(test)


def test_a_sample_is_shown_with_its_credit(page: AppTest, predictors: list[FakePredictor]) -> None:
    test = page.button(key="use_china").click().run()
    assert not test.error
    assert predictors[0].calls == [((427, 640, 3), "china.jpg", None)]
    assert "CC BY 2.0" in words(test)


def test_a_rendered_picture_is_not_judged_by_the_photograph_model(
    predictors: list[FakePredictor], run_page: RunPage
) -> None:
    test = run_page("predict")
    picture = decode_upload(FakeUpload("drawn.jpg", jpeg()))
    state = PredictState(
        picture=LoadedPicture(name="drawn", key=picture.key, pixels=picture.pixels, rendered=True),
        source="rendered-1",
    )
    test.session_state["predict_state"] = state
    test.run()
    assert not predictors
    assert "No installed study has models for such a picture" in test.info[0].value


def test_remembered_results_are_bounded(predictors: list[FakePredictor]) -> None:
    entry = study_cache.available_studies()["photographs"]
    picture = decode_upload(FakeUpload("holiday.jpg", jpeg()))
    state = PredictState(picture=picture)
    for right in range(20, 20 + 2 * MAX_RESULTS):
        judge(state, entry, picture, (0.0, 0.0, float(right), 60.0))
    assert len(state.results) == MAX_RESULTS
    assert len(predictors[0].calls) == 2 * MAX_RESULTS
    judge(state, entry, picture, (0.0, 0.0, float(right), 60.0))
    assert len(predictors[0].calls) == 2 * MAX_RESULTS


def test_another_picture_forgets_the_box_and_the_same_one_keeps_it() -> None:
    first = decode_upload(FakeUpload("a.jpg", jpeg(96)))
    second = decode_upload(FakeUpload("b.jpg", jpeg(80)))
    state = PredictState()
    state.show(first, "upload")
    state.draw((-20, 5, 50, 900))
    assert state.drawn == (0, 5, 50, 64)
    assert state.chosen == 0
    state.show(first, "upload")
    assert state.drawn is not None
    with pytest.raises(InputError, match="outside"):
        state.draw((500, 500, 600, 600))
    assert state.drawn == (0, 5, 50, 64)
    state.show(second, "upload")
    assert (state.drawn, state.chosen) == (None, 1)


def test_nobody_in_a_picture_is_no_estimate_but_a_question(
    page: AppTest, predictors: list[FakePredictor]
) -> None:
    test = upload(page, "strip.jpg", jpeg(400, 60))
    assert not test.error
    assert "**Nobody found.**" in test.info[0].value
    assert len(charts(test)) == 1  # the picture
    assert not any(box.key == "before" for box in test.selectbox)
    test = type_box(test, 10, 5, 50, 60)
    assert "**Surprise** (100.0%) → **Anger** (100.0%)" in words(test)
