"""The Predict page's logic, with a stand-in for the model."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import study_cache
from app.predict.asking import judge
from app.predict.state import MAX_PHOTOGRAPHS, MAX_RESULTS, PredictState
from app.uploads import LoadedPicture, decode_upload
from ccim_core.errors import InputError
from ccim_core.images import decode_image
from tests.app.fakes import FakePredictor, jpeg
from tests.app.pictures import BAD_PICTURES
from tests.app.test_uploads import FakeUpload

RunPage = Callable[..., AppTest]


@pytest.fixture
def page(predictors: list[FakePredictor], run_page: RunPage) -> AppTest:
    return run_page("predict")


def upload(test: AppTest, name: str, content: bytes) -> AppTest:
    return test.file_uploader(key="upload").upload(name, content, "image/jpeg").run()


def choose(test: AppTest, key: str, value: Any) -> AppTest:
    """Choose on a segmented control."""
    return next(group for group in test.button_group if group.key == key).set_value(value).run()


def charts(test: AppTest) -> list[Any]:
    return list(test.get("plotly_chart"))


def words(test: AppTest) -> str:
    return "\n".join(element.value for element in (*test.markdown, *test.caption))


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


def type_box(test: AppTest, *corners: int) -> AppTest:
    for label, value in zip(("Left", "Top", "Right", "Bottom"), corners, strict=True):
        next(box for box in test.number_input if box.label.startswith(label)).set_value(value)
    return next(button for button in test.button if button.label == "Use this box").click().run()


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
    assert len(charts(test)) == 4


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


# ---------------------------------------------------------------- any pair, reasons, views


def test_any_run_of_an_estimator_can_stand_on_either_side(
    page: AppTest, predictors: list[FakePredictor]
) -> None:
    test = upload(page, "holiday.jpg", jpeg())
    test.selectbox(key="after").set_value("backdoor").run()
    assert test.selectbox(key="after_run").options == ["run_backdoor", "other_run"]
    assert "**Neutral** (45.0%)" in words(test)
    test.selectbox(key="after_run").set_value("other_run").run()
    assert "**Happy** (60.0%) → **Sad** (100.0%)" in words(test)
    assert test.query_params["after_run"] == "other_run"
    test.selectbox(key="before").set_value("backdoor").run()
    assert "**Neutral** (45.0%) → **Sad** (100.0%)" in words(test)
    assert predictors[0].asked == [("other_run", "backdoor")]  # once, and kept
    assert len(predictors[0].calls) == 1


def test_a_link_names_the_runs_too(predictors: list[FakePredictor], run_page: RunPage) -> None:
    test = run_page("predict", before="backdoor", after="backdoor", after_run="other_run")
    test = upload(test, "holiday.jpg", jpeg())
    assert "**Neutral** (45.0%) → **Sad** (100.0%)" in words(test)


def test_an_estimate_without_prototypes_gives_none_as_a_reason(page: AppTest) -> None:
    test = upload(page, "holiday.jpg", jpeg())
    test.selectbox(key="after").set_value("prior_correction").run()
    assert "has no prototypes in it" in test.info[0].value
    assert len(charts(test)) == 2


def test_prototypes_that_move_nothing_are_not_shown(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    faint = {"ccim": {"Happy": 0.0004, "Sad": -0.0004}}
    told = {"index": 3, "scene": "sea", "prior": 0.2, "assigned": True, "emotions": {"Sad": 1.0}}
    monkeypatch.setattr(FakePredictor, "reasons", lambda *_, **__: [{**told, "effects": faint}])
    test = upload(page, "holiday.jpg", jpeg())
    assert "**No prototype moves this.**" in test.info[0].value
    assert len(charts(test)) == 2  # the picture and the bars


def test_what_if_shows_every_context_of_the_chosen_run(
    page: AppTest, predictors: list[FakePredictor]
) -> None:
    test = choose(upload(page, "holiday.jpg", jpeg()), "view", "what_if")
    assert not test.error
    assert "is 68.0%: the back-door estimate" in words(test)
    assert "10.0% of P(z), are left out" in words(test)
    assert test.query_params["view"] == "what_if"
    (table,) = test.dataframe
    assert table.value["scene"].tolist() == ["beach", "beach", "cemetery"]
    test.selectbox(key="contexts_of").set_value("other_run").run()
    assert predictors[0].asked == [("run_backdoor", "what if"), ("other_run", "what if")]
    choose(choose(test, "view", "reasons"), "view", "what_if")
    assert len(predictors[0].asked) == 2  # kept


def test_another_place_asks_every_estimate_in_the_chosen_scenes(
    page: AppTest, predictors: list[FakePredictor]
) -> None:
    test = choose(upload(page, "holiday.jpg", jpeg()), "view", "places")
    assert not test.error
    asked = predictors[0].asked
    assert len(asked) == 7 * 4  # here and six scenes, four estimates
    assert "Over 7 places **Likelihood P(Y|X)** moves most" in words(test)
    assert "moved by up to 12.5%" in words(test)
    choose(test, "places", ["snowfield", "bar"])
    assert "Over 3 places" in words(test)
    assert len(asked) == 7 * 4 + 3 * 4
    assert test.query_params["places"] == "snowfield,bar"
    choose(test, "cut", "box")
    assert len(asked) == 7 * 4 + 2 * 3 * 4
    choose(test, "cut", "person")
    assert len(asked) == 7 * 4 + 2 * 3 * 4  # kept
    choose(test, "places", [])
    assert "Choose or upload a place" in test.info[0].value


def test_another_place_can_be_a_photograph(page: AppTest, predictors: list[FakePredictor]) -> None:
    test = upload(page, "holiday.jpg", jpeg())
    test.query_params.update(places_from="mine")
    test = choose(test, "view", "places")
    choose(test, "places_from", "mine")
    assert "Choose or upload a place" in test.info[0].value
    test.file_uploader(key="place_upload").upload("office.jpg", jpeg(60, 60), "image/jpeg").run()
    assert not test.error
    assert "Over 2 places" in words(test)
    assert "**office.jpg**" in words(test)
    test.file_uploader(key="place_upload").upload("letter.jpg", b"text", "image/jpeg").run()
    assert "letter.jpg" in test.error[0].value


def test_a_link_opens_the_view_and_the_places(
    predictors: list[FakePredictor], run_page: RunPage
) -> None:
    test = run_page("predict", view="places", places="bar,moon,kitchen")
    test = upload(test, "holiday.jpg", jpeg())
    (places,) = (group for group in test.button_group if group.key == "places")
    assert places.value == ["bar", "kitchen"]
    assert "Over 3 places" in words(test)


# ---------------------------------------------------------------- many photographs, the camera


def upload_all(test: AppTest, *files: tuple[str, bytes]) -> AppTest:
    uploader = test.file_uploader(key="upload")
    return uploader.set_value([(name, content, "image/jpeg") for name, content in files]).run()


def test_many_photographs_are_a_table_and_each_can_be_looked_at(
    page: AppTest, predictors: list[FakePredictor]
) -> None:
    files = [("a.jpg", jpeg(96)), ("bad.jpg", b"text"), ("c.jpg", jpeg(80))]
    test = upload_all(page, *files)
    assert len(test.error) == 1
    assert "bad.jpg" in test.error[0].value
    (table,) = test.dataframe
    assert table.value["image"].tolist() == ["a.jpg", "a.jpg", "c.jpg", "c.jpg"]
    assert table.value["subject"].tolist() == [1, 2, 1, 2]
    assert table.value["after"].tolist() == ["Happy 62.0%"] * 4
    assert "**4 subjects in 2 photographs**" in words(test)
    assert len(predictors[0].calls) == 2
    assert "**a.jpg**" in words(test)
    test.selectbox(key="photograph").set_value(2).run()
    assert "**c.jpg**" in words(test)
    assert len(predictors[0].calls) == 2  # judged once
    test.selectbox(key="photograph").set_value(1).run()  # the one that is no picture
    assert len(test.error) == 1
    assert not charts(test)
    assert len(test.dataframe) == 1
    test.selectbox(key="photograph").set_value(0).run()
    assert len(charts(test)) == 4


def test_the_table_follows_the_compared_pair(
    page: AppTest, predictors: list[FakePredictor]
) -> None:
    test = upload_all(page, ("a.jpg", jpeg(96)), ("c.jpg", jpeg(80)))
    test.selectbox(key="after").set_value("backdoor").run()
    test.selectbox(key="after_run").set_value("other_run").run()
    assert test.dataframe[0].value["after"].tolist() == ["Sad 100.0%"] * 4
    assert test.dataframe[0].value["changed"].all()


def test_a_photograph_that_is_added_comes_to_the_foreground() -> None:
    state = PredictState()
    first, second, third = (FakeUpload(f"{i}.jpg", jpeg(40 + i)) for i in range(3))
    state.take([first], "upload")
    state.take([first, second, third], "upload")
    assert state.position == 1
    state.take([first, third], "upload")  # one was taken away
    assert state.position == 0


def test_too_many_photographs_are_said_and_the_first_are_taken() -> None:
    state = PredictState()
    files = [FakeUpload(f"{i}.jpg", jpeg(40 + i)) for i in range(MAX_PHOTOGRAPHS + 2)]
    state.take(files, "upload")
    assert len(state.photographs) == MAX_PHOTOGRAPHS
    assert state.problem is not None
    assert f"the first {MAX_PHOTOGRAPHS} are in work" in state.problem
    state.take(files[:1], "upload")
    assert state.problem is None


def test_an_upload_over_the_limit_is_refused_unread_beside_a_good_one() -> None:
    class Huge(FakeUpload):
        @property
        def size(self) -> int:
            return 2**40

        def getvalue(self) -> bytes:
            raise AssertionError("read although too large")

    state = PredictState()
    state.take([Huge("big.jpg", b""), FakeUpload("a.jpg", jpeg())], "upload")
    with pytest.raises(InputError, match="at most 10 MB"):
        state.open()
    state.go_to(1)
    state.open()
    assert state.picture is not None
    assert state.picture.name == "a.jpg"


def test_the_camera_is_offered_instead_of_the_uploader(
    predictors: list[FakePredictor], run_page: RunPage
) -> None:
    test = run_page("predict", **{"from": "camera"})
    assert not test.error
    assert not test.file_uploader
    shot = ("shot.jpg", jpeg(), "image/jpeg")
    test.camera_input(key="camera").set_value(shot).run()
    assert not test.error
    assert predictors[0].calls == [((64, 96, 3), "camera.jpg", None)]
    assert "**camera.jpg**" in words(test)
    test.camera_input(key="camera").set_value(None).run()
    assert not charts(test)


def test_a_sample_is_in_the_address_and_a_link_opens_it(
    page: AppTest, predictors: list[FakePredictor], run_page: RunPage
) -> None:
    test = page.button(key="use_china").click().run()
    assert test.query_params["sample"] == "china"
    again = run_page("predict", sample="china", view="what_if")
    assert "CC BY 2.0" in words(again)
    assert "the back-door estimate" in words(again)
    upload(again, "holiday.jpg", jpeg())
    assert "sample" not in again.query_params


# ---------------------------------------------------------------- what is taken along


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Any]]:
    """What makes each of the files on offer, by its ending."""
    makers: dict[str, Callable[[], Any]] = {}

    def button(label: str, data: Callable[[], Any], **_: Any) -> bool:
        makers[label.lower()] = data
        return False

    monkeypatch.setattr("streamlit.download_button", button)
    return makers


def test_files_hold_what_is_on_the_page(made: dict[str, Callable[[], Any]], page: AppTest) -> None:
    test = upload(page, "a.jpg", jpeg(96))
    test.selectbox(key="after").set_value("backdoor").run()
    test.selectbox(key="after_run").set_value("other_run").run()
    assert set(json.loads(made["json"]())) == {"predictions", "compared", "responsible_use"}
    choose(test, "view", "what_if")
    choose(test, "view", "places")
    type_box(test, 10, 5, 50, 60)
    told = json.loads(made["json"]())
    assert len(told["predictions"]) == 3  # two persons and the drawn box
    assert told["compared"]["box"] == [10, 5, 50, 60]
    assert told["compared"]["after"]["key"] == "backdoor@other_run"
    assert told["compared"]["after"]["probabilities"]["Sad"] == 1
    assert "what_if" not in told  # asked about another subject
    next(group for group in test.button_group if group.label == "Subject").set_value(1).run()
    told = json.loads(made["json"]())
    assert told["what_if"][0]["run"] == "run_backdoor"
    assert len(told["another_place"]["places"]) == 7
    rows = pd.read_csv(io.BytesIO(made["csv"]()))
    assert set(rows["run"]) >= {"run_likelihood", "other_run"}
    assert set(rows["subject"]) == {1, 2}
    assert decode_image(made["png"]()).shape[1] == 1200


def test_the_table_of_many_photographs_is_taken_along_whole(
    made: dict[str, Callable[[], Any]], page: AppTest
) -> None:
    upload_all(page, ("a.jpg", jpeg(96)), ("c.jpg", jpeg(80)))
    rows = pd.read_csv(io.BytesIO(made["csv"]()))
    assert set(rows["image"]) == {"a.jpg", "c.jpg"}
    assert len(json.loads(made["json"]())["predictions"]) == 4
