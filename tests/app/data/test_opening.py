"""Opening a study by its path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import study_cache
from ccim_core.errors import InputError
from tests.app.data.acts import press
from tests.app.fakes import make_photo_study

RunPage = Callable[..., AppTest]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Expected the path of a study inside"),
        ("nothing", "Expected a study directory"),
        ("..", "leads out of it"),
        ("../assets/photo_model", "leads out of it"),
        ("/etc", "leads out of it"),
        ("link", "leads out of it"),
        ("plain", "Expected a study directory"),
        ("broken", "Expected a CCIM Studio study"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(
    root: Path, run_page: RunPage, text: str, sentence: str
) -> None:
    make_photo_study(study_cache.ASSETS / "photo_model")
    (root / "link").symlink_to(study_cache.ASSETS / "photo_model")
    (root / "plain").mkdir()
    (root / "broken").mkdir()
    (root / "broken" / "study.json").write_text("{}")
    test = run_page("data")
    test.text_input(key="open_path").set_value(text)
    test = press(test, "Open")
    assert not test.exception
    (error,) = test.error
    assert sentence in error.value
    assert test.selectbox(key="study").options == ["Photograph model"]


def test_a_study_opened_by_path_stays_on_offer(root: Path, run_page: RunPage) -> None:
    make_photo_study(study_cache.ASSETS / "photo_model")
    make_photo_study(root / "elsewhere" / "mine")
    test = run_page("data")
    test.text_input(key="open_path").set_value(str(root / "elsewhere" / "mine"))
    test = press(test, "Open")
    assert not test.error
    assert test.selectbox(key="study").value == "mine"
    assert test.query_params["study"] == "mine"
    table = test.dataframe[0].value
    assert table.loc[table["loaded"], "where"].tolist() == ["elsewhere/mine"]
    # Another visitor, or the same one after a restart, opens the link.
    st.cache_resource.clear()
    assert run_page("overview", study="mine").selectbox(key="study").value == "mine"
    # One that was moved away, or is no study any more, is not on offer.
    (root / "elsewhere" / "mine" / "study.json").write_text("{}")
    assert run_page("overview").selectbox(key="study").options == ["Photograph model"]


def test_studies_of_one_folder_name_have_keys_of_their_own(root: Path) -> None:
    make_photo_study(study_cache.ASSETS / "photo_model")
    make_photo_study(root / "studies" / "photographs")
    shipped, own = study_cache.available_studies().items()
    assert shipped[0] == "photographs"
    assert own[0].startswith("photographs-")
    assert study_cache.key_of(root / "studies" / "photographs") == own[0]
    assert study_cache.is_shipped(shipped[1].path)
    assert not study_cache.is_shipped(own[1].path)
    with pytest.raises(InputError, match="open it first"):
        study_cache.key_of(root)


def test_nothing_here_yet_says_what_to_do(root: Path, run_page: RunPage) -> None:
    assert "python -m ccim_core demo --out studies/demo" in run_page("data").info[0].value
    assert "open or make one first" in run_page("data", do="train").info[0].value
