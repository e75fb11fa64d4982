"""Many photographs, the camera, and samples."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from app.predict.state import MAX_PHOTOGRAPHS, PredictState
from ccim_core.errors import InputError
from tests.app.fakes import FakePredictor, jpeg
from tests.app.predict.acts import charts, upload, upload_all, words
from tests.app.test_uploads import FakeUpload

RunPage = Callable[..., AppTest]


def test_many_photographs_are_a_table_and_each_can_be_looked_at(
    page: AppTest, predictors: list[FakePredictor]
) -> None:
    files = [("a.jpg", jpeg(96)), ("bad.jpg", b"text"), ("c.jpg", jpeg(80))]
    test = upload_all(page, *files)
    assert len(test.error) == 1
    assert "bad.jpg" in test.error[0].value
    table = test.dataframe[0]
    assert table.value["image"].tolist() == ["a.jpg", "a.jpg", "c.jpg", "c.jpg"]
    assert table.value["subject"].tolist() == [1, 2, 1, 2]
    assert table.value["after"].tolist() == ["Happy 62.0%"] * 4
    assert "**4 people in 2 of 2 photographs**" in words(test)
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
    assert len(charts(test)) > 1


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
