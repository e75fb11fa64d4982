"""The app as a visitor sees it: the real server in a real Chromium."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from skimage import data

from app.registry import PAGES, PageEntry
from ccim_core.images import decode_image
from tests.app.conftest import Server, Visitor, start_server, stop_server
from tests.app.pictures import BAD_PICTURES, GOOD_PICTURES

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]
THEMES = ("light", "dark")
PICTURE = '[data-testid="stPlotlyChart"] .imagelayer, [data-testid="stPlotlyChart"] .im'
BARS = ".barlayer .trace.bars"


@pytest.fixture(scope="session")
def astronaut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A public-domain photograph of one smiling person, as a JPEG."""
    path = tmp_path_factory.mktemp("photographs") / "astronaut.jpg"
    Image.fromarray(data.astronaut()).save(path, quality=92)
    return path


def upload(visitor: Visitor, path: Path) -> None:
    """Upload a photograph on the Predict page and wait for its judgement."""
    visitor.page.set_input_files('input[type="file"]', path)
    visitor.page.get_by_text("After (solid bars)").wait_for(timeout=120_000)
    visitor.settle()


def verdict(visitor: Visitor) -> str:
    """The sentence above the bars."""
    return visitor.page.get_by_text("The reading ").first.inner_text()


@pytest.mark.parametrize("scheme", THEMES)
@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.name)
def test_every_page_opens_by_its_address(visit: Visit, entry: PageEntry, scheme: str) -> None:
    visitor = visit(scheme=scheme)
    page = visitor.open("" if entry is PAGES[0] else entry.url_path)
    assert page.locator("h1").count() == 1
    assert visitor.errors() == []
    background = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    assert visitor.violations() == []
    visitor.screenshot(f"{entry.name}_{scheme}")


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.name)
def test_no_page_is_wider_than_a_phone(visit: Visit, entry: PageEntry) -> None:
    visitor = visit(width=390, height=844)
    page = visitor.open("" if entry is PAGES[0] else entry.url_path)
    main = page.locator('[data-testid="stMain"]')
    assert main.evaluate("element => element.scrollWidth") <= 390
    visitor.screenshot(f"{entry.name}_phone")


def test_pictures_and_charts_have_text_alternatives(visit: Visit, astronaut: Path) -> None:
    visitor = visit()
    page = visitor.open()
    pictures = page.locator('[data-testid="stMain"] [data-testid="stImage"] img')
    assert pictures.count() >= 2
    assert all(picture.get_attribute("alt") for picture in pictures.all())
    visitor.open("predict")
    upload(visitor, astronaut)
    charts = page.locator('[data-testid="stPlotlyChart"]')
    assert charts.count() >= 2
    described = charts.evaluate_all(
        "elements => elements.map(e => Boolean(e.closest('[aria-label]') "
        "|| e.querySelector('[aria-label], [role=img], figcaption')))"
    )
    assert all(described)


def test_upload_choose_draw_compare(visit: Visit, astronaut: Path) -> None:
    visitor = visit()
    page = visitor.open("predict")
    upload(visitor, astronaut)
    assert visitor.errors() == []
    assert page.locator(PICTURE).count() >= 1
    assert page.locator(BARS).nth(0).locator(".point").count() >= 6
    assert page.locator(BARS).nth(1).locator(".point").count() >= 6
    visitor.screenshot("predict_upload")
    before = verdict(visitor)

    drag = page.locator('[data-testid="stPlotlyChart"] .nsewdrag').first
    drag.scroll_into_view_if_needed()
    box = drag.bounding_box()
    side = min(box["width"], box["height"])  # the picture is square and centred
    left = box["x"] + (box["width"] - side) / 2
    top = box["y"] + (box["height"] - side) / 2
    page.mouse.move(left + 0.25 * side, top + 0.05 * side)
    page.mouse.down()
    page.mouse.move(left + 0.50 * side, top + 0.30 * side, steps=5)
    page.mouse.move(left + 0.75 * side, top + 0.55 * side, steps=5)
    page.mouse.up()
    page.get_by_text("My box").wait_for()
    visitor.settle()
    # The astronaut is 512 × 512 pixels: the drag was from 128, 26 to 384, 282.
    corners = page.get_by_text("Subject (").first.inner_text()
    x1, y1, x2, y2 = (
        float(number)
        for part in corners.split("of")[0].replace("Subject", "").split("–")
        for number in part.strip(" ()").split(",")
    )
    assert (x1, y1, x2, y2) == pytest.approx((128, 26, 384, 282), abs=6)
    assert visitor.errors() == []
    visitor.screenshot("predict_box")

    page.get_by_text("Person 1").click()
    visitor.settle()
    assert verdict(visitor) == before

    page.get_by_label("After (solid bars)").click()
    page.get_by_role("option", name="Back-door, Eq. 2").click()
    visitor.settle()
    assert "after=backdoor" in page.url
    assert page.locator(BARS).count() >= 2
    assert visitor.errors() == []
    visitor.screenshot("predict_backdoor")

    page.get_by_text("the back-door estimate (Eq. 2)").wait_for()  # What if opens first
    assert "view=" not in page.url
    # The mean over the strata is the estimate that stands above, in the bars.
    after = verdict(visitor).split("→")[-1] if "→" in verdict(visitor) else verdict(visitor)
    mean = page.get_by_text("weighted by P(z)").first.inner_text()
    assert f"is {percent(after)}%: the back-door" in mean
    assert visitor.errors() == []
    visitor.screenshot("predict_what_if")

    page.locator(".st-key-view").get_by_text("Another place").click()
    page.get_by_text("Over 7 places").wait_for()
    visitor.settle()
    pictures = page.locator('[data-testid="stImage"] img[alt^="The person in"]')
    assert pictures.count() == 7
    assert visitor.errors() == []
    assert visitor.violations() == []
    visitor.screenshot("predict_another_place")

    told = json.loads(taken_along(visitor, "JSON"))
    assert told["compared"]["after"]["key"] == "backdoor"
    assert {"what_if", "another_place"} <= set(told)
    strata = told["what_if"][0]["strata"]
    for emotion, value in told["compared"]["after"]["probabilities"].items():
        mean = sum(one["prior"] * one["probabilities"][emotion] for one in strata)
        assert mean == pytest.approx(value, abs=1e-5)
    assert taken_along(visitor, "CSV").startswith(b"\xef\xbb\xbfimage,subject")
    assert decode_image(taken_along(visitor, "PNG")).shape[1] == 1200
    assert visitor.errors() == []


def percent(text: str) -> str:
    """The first percentage of a sentence, without its sign."""
    return text.split("%")[0].split()[-1].strip("(")


def taken_along(visitor: Visitor, label: str) -> bytes:
    """The file that one of the page's download buttons gives."""
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("button", name=label, exact=True).click()
    return Path(download.value.path()).read_bytes()


def test_a_link_to_a_drawing_elsewhere_opens_fresh(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("predict")
    page.locator('[data-testid="stButton"] button').first.click()
    page.get_by_text("After (solid bars)").wait_for(timeout=120_000)
    visitor.settle()
    other = visit()
    other.open(page.url.split("/")[-1] + "&view=places&places=beach,bar&after=backdoor")
    other.page.get_by_text("Over 3 places").wait_for(timeout=120_000)
    other.settle()
    assert other.errors() == []
    assert other.page.locator('[data-testid="stImage"] img[alt^="The person in"]').count() == 3
    other.screenshot("predict_drawn_elsewhere")


def test_many_photographs_are_listed_and_looked_at(
    visit: Visit, tmp_path: Path, astronaut: Path
) -> None:
    visitor = visit()
    page = visitor.open("predict")
    other = tmp_path / "turned.jpg"
    Image.fromarray(data.astronaut()[:, ::-1]).save(other)
    page.set_input_files('input[type="file"]', [astronaut, other])
    page.get_by_text("2 people in 2 of 2 photographs").wait_for(timeout=120_000)
    visitor.settle()
    assert visitor.errors() == []
    page.get_by_label("Photograph, of 2").click()
    page.get_by_role("option", name="2. turned.jpg").click()
    page.locator('[data-testid="stMarkdownContainer"] strong', has_text="turned.jpg").wait_for()
    visitor.settle()
    assert visitor.errors() == []
    visitor.screenshot("predict_many")


def test_a_picture_by_the_camera_is_judged(chromium: Any, server: Server) -> None:
    visitor = Visitor(chromium, server, width=1280, height=720, scheme="light")
    try:
        visitor.context.grant_permissions(["camera"], origin=server.url)
        page = visitor.open("predict?from=camera")
        shutter = page.get_by_text("Take Photo")
        shutter.wait_for()
        page.wait_for_function(
            "(video => video && video.readyState >= 2 && video.videoWidth > 0)"
            "(document.querySelector('[data-testid=stCameraInput] video'))"
        )
        shutter.click()
        page.get_by_text("Clear photo").wait_for()
        page.get_by_text("Nobody found.").wait_for(timeout=120_000)  # in the browser's test picture
        visitor.settle()
        assert visitor.errors() == []
        assert "camera.jpg" in page.content()
        assert visitor.problems == []
    finally:
        visitor.close()


def test_predict_in_the_dark_and_on_a_phone(visit: Visit, astronaut: Path) -> None:
    for name, options in (
        ("predict_upload_dark", {"scheme": "dark"}),
        ("predict_upload_phone", {"width": 390, "height": 844}),
    ):
        visitor = visit(**options)
        visitor.open("predict")
        upload(visitor, astronaut)
        assert visitor.errors() == []
        visitor.screenshot(name)


def test_a_picture_without_a_person_says_so(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("predict")
    page.locator('[data-testid="stButton"]', has_text="No one in front").click()
    page.get_by_text("Nobody found.").wait_for(timeout=120_000)
    visitor.settle()
    assert visitor.errors() == []
    assert page.get_by_text("After (solid bars)").count() == 0
    visitor.screenshot("predict_nobody")


def test_bad_files_are_one_clear_error_each_and_the_page_stays_usable(
    visit: Visit, tmp_path: Path, astronaut: Path
) -> None:
    visitor = visit()
    page = visitor.open("predict")
    seen: list[str] = []
    for name, content in BAD_PICTURES.items():
        path = tmp_path / name
        path.write_bytes(content())
        page.set_input_files('input[type="file"]', path)
        page.locator('[data-testid="stAlertContentError"]', has_text=name).wait_for()
        seen.append(name)
        page.locator('[data-testid="stAlertContentError"]').nth(len(seen) - 1).wait_for()
        visitor.settle()
        texts = visitor.errors()
        assert len(texts) == len(seen)  # one each of those in the list
        for bad in seen:
            (text,) = (text for text in texts if bad in text)
            assert text.startswith("Expected"), text
        assert "Traceback" not in page.content()
    visitor.screenshot("predict_bad_file")
    upload(visitor, astronaut)
    assert len(visitor.errors()) == len(seen)
    assert "Happy" in verdict(visitor)


def test_unusual_files_work(visit: Visit, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.open("predict")
    for name, content in GOOD_PICTURES.items():
        path = tmp_path / name
        path.write_bytes(content())
        page.set_input_files('input[type="file"]', path)
        page.get_by_text(f"{name}", exact=True).last.wait_for()
        page.get_by_text("Nobody found.").wait_for(timeout=120_000)  # these show none
        visitor.settle()
        assert visitor.errors() == [], name


def test_the_picture_survives_a_page_switch(visit: Visit, astronaut: Path) -> None:
    visitor = visit()
    page = visitor.open("predict")
    upload(visitor, astronaut)
    before = verdict(visitor)
    page.get_by_role("link", name="Overview").first.click()
    page.get_by_text("The question behind it").wait_for()
    page.get_by_role("link", name="Predict").first.click()
    page.get_by_text("After (solid bars)").wait_for()
    visitor.settle()
    assert verdict(visitor) == before


def test_overview_is_complete_within_ten_seconds_of_the_servers_start(chromium: Any) -> None:
    # Ten seconds on a machine of its own: where others share the cores, as many times longer.
    share = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    server = start_server()
    try:
        visitor = Visitor(chromium, server, width=1280, height=720, scheme="light")
        page = visitor.page
        page.goto(server.url)
        page.get_by_text("Where to go next").wait_for()
        visitor.settle()
        seconds = time.monotonic() - server.started
        visitor.close()
    finally:
        stop_server(server)
    assert seconds < 10 * share
