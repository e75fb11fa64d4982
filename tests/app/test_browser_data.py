"""From a folder of ten pictures to trained models in a real browser, through reload and death."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ccim_core.study import Study
from tests.app.conftest import Server, Visitor, start_server, stop_server
from tests.ccim_core.datasets.test_own_pictures import make_folders

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]
PATIENCE = 240_000  # ms; torch is imported by a process that makes way for all others
PARTS = (
    "experiments?show=evaluation",
    "experiments?show=compare",
    "experiments?show=paper",
    "data?do=make",
    "data?do=make&form=table",
    "data?do=train",
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that visitors may open paths in: ten pictures of two emotions."""
    path = tmp_path_factory.mktemp("root")
    make_folders(path / "ten", n=5)
    return path


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[Server]:
    """The app with a workspace of its own."""
    running = start_server("--", "--root", str(root))
    yield running
    for record in root.glob("studies/.jobs/*/process.json"):  # jobs outlive it
        try:
            os.killpg(int(json.loads(record.read_text())["pid"]), signal.SIGKILL)
        except ProcessLookupError:
            continue
    stop_server(running)


def button(visitor: Visitor, name: str) -> Any:
    return visitor.page.get_by_role("button", name=name, exact=True)


def wait_for(visitor: Visitor, text: str) -> None:
    """Wait for a line that ends in `text`: an icon's name may come first."""
    line = re.compile(rf"(^|\s){re.escape(text)}$")
    visitor.page.get_by_text(line).first.wait_for(timeout=PATIENCE)


def make_study(visitor: Visitor) -> None:
    """Choose the folder, check it, and start the job."""
    page = visitor.open("data?do=make")
    page.get_by_role("textbox", name="Folder of the pictures").fill("ten")
    page.keyboard.press("Enter")
    page.get_by_text("the whole picture is the person").click()
    visitor.settle()
    button(visitor, "Check").click()
    wait_for(visitor, "No faults found.")
    visitor.settle()
    visitor.screenshot("data_checked")
    button(visitor, "Make the study").click()
    wait_for(visitor, "at work")


def test_from_ten_pictures_to_trained_models(visit: Visit, root: Path) -> None:
    visitor = visit()
    make_study(visitor)
    visitor.screenshot("data_job")
    # A stop, and on with it; the page is reloaded meanwhile, and another visitor comes.
    button(visitor, "Stop").click()
    wait_for(visitor, "stopped")
    visitor.open("data")
    wait_for(visitor, "stopped")
    button(visitor, "Resume").click()
    wait_for(visitor, "at work")
    other = visit(scheme="dark")
    other.open("data")
    wait_for(other, "at work")
    assert other.errors() == []
    other.page.get_by_text("Step 2 of 7: Encode the pictures").wait_for(timeout=PATIENCE)
    other.screenshot("data_job_dark")
    # The process dies: both see it, and the work is not lost.
    (record,) = root.glob("studies/.jobs/*/process.json")
    os.kill(int(json.loads(record.read_text())["pid"]), signal.SIGKILL)
    wait_for(other, "stopped")
    button(other, "Resume").click()
    visitor.open("data")
    wait_for(visitor, "at work")
    wait_for(visitor, "done")
    visitor.settle()
    assert visitor.errors() == []
    study = Study.open(root / "studies" / "ten")
    assert len(study.run_paths()) == 2
    log = (record.parent / "log.txt").read_text()
    assert log.count("Wrote ") == 1  # the study, made once
    # What it made is on every page.
    button(visitor, "Show this study").click()
    visitor.settle()
    assert "study=ten" in visitor.page.url
    visitor.page.get_by_role("link", name="Experiments").first.click()
    wait_for(visitor, "One run")
    visitor.settle()
    assert visitor.errors() == []
    visitor.screenshot("experiments_own_study")
    fresh = visit(width=390, height=844)
    page = fresh.open("experiments?study=ten&show=compare")
    wait_for(fresh, "By emotion")
    assert fresh.errors() == []
    assert page.get_by_role("combobox", name="Before").input_value().startswith("emot_net-none-")


@pytest.mark.parametrize("scheme", ("light", "dark"))
def test_every_part_is_accessible(visit: Visit, scheme: str) -> None:
    visitor = visit(scheme=scheme)
    for part in PARTS:
        visitor.open(part)
        assert visitor.errors() == [], part
        assert visitor.violations() == [], part
        name = re.sub(r"\W", "_", part)
        visitor.screenshot(f"{name}_{scheme}")


def test_every_part_fits_a_phone(visit: Visit) -> None:
    visitor = visit(width=390, height=844)
    for part in PARTS:
        main = visitor.open(part).locator('[data-testid="stMain"]')
        assert main.evaluate("element => element.scrollWidth") <= 390, part


def test_the_keyboard_alone_reaches_a_part_and_a_filter(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("experiments")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText || ''").strip() == "Runs":
            break
    else:
        raise AssertionError("the parts cannot be reached with the Tab key")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    visitor.settle()
    wait_for(visitor, "Download these rows")
    assert "show=evaluation" in page.url
    assert visitor.errors() == []
