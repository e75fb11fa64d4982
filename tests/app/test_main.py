"""Navigation, sidebar, and what happens when a page breaks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import layout
from app.registry import PAGES
from tests.app.conftest import ROOT
from tests.app.fakes import FakePredictor, make_photo_study

RunPage = Callable[..., AppTest]


def test_registered_pages_exist_with_addresses_of_their_own() -> None:
    assert all(entry.path.is_file() for entry in PAGES)
    assert len({entry.url_path for entry in PAGES}) == len(PAGES)
    # A page that is written is in the navigation.
    written = {path.stem for path in (ROOT / "app" / "app_pages").glob("*.py")}
    assert written == {entry.name for entry in PAGES}


def test_every_page_opens_without_any_study(assets: Path, run_page: RunPage) -> None:
    for entry in PAGES:
        test = run_page(entry.name)
        assert not test.exception, entry.name
        assert not test.error, entry.name
        assert test.title


def test_sidebar_shows_the_study_and_the_responsible_use_note(
    predictors: list[FakePredictor], run_page: RunPage
) -> None:
    test = run_page("overview")
    assert test.sidebar.selectbox(key="study").options == ["Photograph model"]
    assert layout.RESPONSIBLE_USE in [caption.value for caption in test.sidebar.caption]


def test_the_study_is_in_the_address(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_page: RunPage
) -> None:
    make_photo_study(assets / "photo_model")
    make_photo_study(tmp_path / "mine")
    monkeypatch.setattr("sys.argv", ["app/main.py", "--study", str(tmp_path / "mine")])
    test = run_page("overview")
    chooser = test.sidebar.selectbox(key="study")
    assert chooser.options == ["Photograph model (mine)", "Photograph model (photographs)"]
    assert chooser.value == "mine"
    assert test.query_params == {}
    chooser.set_value("photographs").run()
    assert test.query_params == {"study": "photographs"}
    # The choice, and its address, survive a page switch.
    test.switch_page("app_pages/predict.py").run()
    assert test.sidebar.selectbox(key="study").value == "photographs"
    assert test.query_params == {"study": "photographs"}
    test = run_page("overview", study="photographs")
    assert test.sidebar.selectbox(key="study").value == "photographs"
    test = run_page("overview", study="/etc/passwd")
    assert test.sidebar.selectbox(key="study").value == "mine"


def test_a_broken_study_leaves_the_page_usable(assets: Path, run_page: RunPage) -> None:
    (assets / "photo_model").mkdir()
    (assets / "photo_model" / "study.json").write_text("{}")
    test = run_page("overview")
    assert not test.exception
    assert test.error
    assert all("Expected a CCIM Studio study" in error.value for error in test.error)
    assert test.title[0].value == "CCIM Studio"


def test_overview_imports_nothing_heavy() -> None:
    """The first page must be complete within seconds of the server's start."""
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
test = AppTest.from_file({str(ROOT / "app" / "main.py")!r}, default_timeout=60).run()
assert not test.exception and test.title, test
heavy = {{"torch", "torchvision", "umap", "sklearn", "accelerate", "facenet_pytorch", "numba"}}
print(sorted(heavy & set(sys.modules)))
"""
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip().splitlines()[-1] == "[]"
