"""The Overview page: what it tells of the study that is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ccim_core.files import write_json
from ccim_core.study import Study
from tests.analysis.test_story import ROWS
from tests.app.fakes import FakePredictor

RunPage = Callable[..., AppTest]


def words(test: AppTest) -> str:
    return "\n".join(element.value for element in (*test.markdown, *test.caption, *test.subheader))


def metrics(test: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}


def test_without_a_study_it_says_how_to_get_one(assets: Path, run_page: RunPage) -> None:
    test = run_page("overview")
    assert "python -m ccim_core demo" in test.info[0].value
    assert "The question behind it" in words(test)


def test_the_photograph_models_card_is_told(
    predictors: list[FakePredictor], run_page: RunPage
) -> None:
    test = run_page("overview")
    assert metrics(test)["Balanced accuracy"] == "0.60 ± 0.02"
    assert metrics(test)["Portraits"] == "990"
    assert r"Portraits of a \*public\* collection" in words(test)
    assert "Not for decisions about people." in words(test)


def test_a_study_is_told_in_cards_and_its_story_beside_the_oracle(
    demo: Study,
    run_page: RunPage,
) -> None:
    truth = {"bias": 0.8, "emotion_prior": [0.25] * 4, "scene_information_bits": 0.5}
    write_json(demo.path / "truth.json", truth)
    write_json(demo.analysis_root / "evaluation.json", ROWS)
    test = run_page("overview")
    assert not test.error
    told = metrics(test)
    assert told["Subjects"] == f"{len(demo.manifest):,}"
    assert told["Planted bias"] == "80%"
    assert told["Scene reveals"] == "25%"
    assert told["CCIM's causal share"] == "0.004"
    assert "Loaded: Rendered benchmark" in words(test)
    assert "CCIM wins back **5%** of it (95% interval −23% to 21%), within the noise." in words(
        test
    )
    assert "controls do as well" in words(test)
    assert "No share: Subject's box alone, no context: no oracle of" in words(test)
    assert len(test.get("plotly_chart")) == 1


@pytest.mark.parametrize("content", ["[]", "not json"])
def test_a_study_without_a_usable_evaluation_still_shows_the_rest(
    demo: Study,
    run_page: RunPage,
    content: str,
) -> None:
    demo.analysis_root.mkdir()
    (demo.analysis_root / "evaluation.json").write_text(content)
    test = run_page("overview")
    assert not test.exception
    assert len(test.error) == (content == "not json")
    assert not test.get("plotly_chart")
    assert "The question behind it" in words(test)
