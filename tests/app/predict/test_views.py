"""Any pair of estimates, and the views below them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.fakes import FakePredictor, jpeg
from tests.app.predict.acts import charts, choose, upload, words

RunPage = Callable[..., AppTest]


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
    asked = [one for one in predictors[0].asked if one[1] == "backdoor"]
    assert asked == [("other_run", "backdoor")]  # once, and kept
    assert len(predictors[0].calls) == 1


def test_a_link_names_the_runs_too(predictors: list[FakePredictor], run_page: RunPage) -> None:
    test = run_page("predict", before="backdoor", after="backdoor", after_run="other_run")
    test = upload(test, "holiday.jpg", jpeg())
    assert "**Neutral** (45.0%) → **Sad** (100.0%)" in words(test)


def test_an_estimate_without_prototypes_gives_none_as_a_reason(page: AppTest) -> None:
    test = upload(page, "holiday.jpg", jpeg())
    test = choose(test, "view", "reasons")
    test.selectbox(key="after").set_value("prior_correction").run()
    assert "has no prototypes in it" in test.info[0].value
    assert len(charts(test)) == 2


def test_prototypes_that_move_nothing_are_not_shown(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    faint = {"ccim": {"Happy": 0.0004, "Sad": -0.0003}}
    told = {"index": 3, "scene": "sea", "prior": 0.2, "assigned": True, "emotions": {"Sad": 1.0}}
    monkeypatch.setattr(FakePredictor, "reasons", lambda *_, **__: [{**told, "effects": faint}])
    test = choose(upload(page, "holiday.jpg", jpeg()), "view", "reasons")
    assert "less than 0.5 points" in test.info[0].value
    (table,) = test.dataframe
    assert table.value["Change"].tolist() == pytest.approx([0.04])
    assert "**No single context matters here.**" in test.info[0].value
    assert len(charts(test)) == 2  # the picture and the bars


def test_what_if_shows_every_context_of_the_chosen_run(
    page: AppTest, predictors: list[FakePredictor]
) -> None:
    test = upload(page, "holiday.jpg", jpeg())  # the view that comes first
    assert not test.error
    assert "is 68.0%: the back-door estimate" in words(test)
    assert "10.0% of P(z), are left out" in words(test)
    (table,) = test.dataframe
    assert table.value["scene"].tolist() == ["beach", "beach", "cemetery"]
    test.selectbox(key="contexts_of").set_value("other_run").run()
    assert predictors[0].asked == [("run_backdoor", "what if"), ("other_run", "what if")]
    choose(choose(test, "view", "reasons"), "view", "what_if")
    assert len(predictors[0].asked) == 2  # kept


def test_another_place_asks_every_estimate_in_the_chosen_scenes(
    page: AppTest, predictors: list[FakePredictor]
) -> None:
    page.query_params["view"] = "places"
    test = upload(page, "holiday.jpg", jpeg())
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
