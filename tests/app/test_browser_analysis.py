"""The analysis pages' main acts in a real browser: click a cell, lasso a group, filter a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.bias import BiasSettings, bias_study
from analysis.store import store_study_analysis
from analysis.stored import save_bias
from ccim_core.manifest import Manifest
from ccim_core.study import Study
from ccim_core.training.config import RunConfig, replace_field
from tests.analysis.embedding_study import ARRAYS, make_run
from tests.app.conftest import Server, Visitor, start_server, stop_server

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]
STRIP = '[data-testid="stMain"] [data-testid="stImage"] img'
MAPS = ".st-key-maps"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, demo_manifest: Manifest) -> Iterator[Server]:
    """The app on a small rendered study with bias study and embeddings (PCA)."""
    path = tmp_path_factory.mktemp("analysed") / "small"
    study = Study.create(
        path, name="Small", kind="controlled", labels=demo_manifest.labels, manifest=demo_manifest
    )
    rng = np.random.default_rng(0)
    for name, arrays in (("none", ARRAYS), ("ccim", ("ccim", "context", "backdoor"))):
        config = replace_field(replace(RunConfig(), name=name), "intervention.name", name)
        make_run(study, config, arrays, rng)
    store_study_analysis(study, quiet=True, method="pca")
    settings = BiasSettings(split="shift", n_null=39, n_bootstrap=39, min_support=3)
    save_bias(study, bias_study(study.manifest, settings=settings))
    running = start_server("--", "--study", str(path))
    yield running
    stop_server(running)


def chart(visitor: Visitor, key: str) -> Any:
    """A chart's drag layer, scrolled into sight."""
    layer = visitor.page.locator(f".st-key-{key} .nsewdrag").first
    layer.scroll_into_view_if_needed()
    visitor.page.wait_for_timeout(300)
    return layer.bounding_box()


def test_a_click_on_a_cell_opens_its_pictures(visit: Visit, demo_manifest: Manifest) -> None:
    visitor = visit()
    page = visitor.open("context-bias")
    assert page.locator(STRIP).count() == 0
    box = chart(visitor, "heatmap")
    ticks = page.locator(".st-key-heatmap .ytick text").all()
    scene = min(ticks, key=lambda tick: tick.bounding_box()["y"]).text_content()
    rows = demo_manifest.split("shift").frame
    readable = rows["scene"].str.replace("_", " ").str.replace("/", ", ")
    emotions = list(demo_manifest.labels.emotions)
    emotion = rows.loc[readable == scene, "labels"].iloc[0]
    # Near the left edge of the cell, far from its middle.
    x = box["x"] + (emotions.index(emotion) + 0.1) / len(emotions) * box["width"]
    page.mouse.move(x - 1, box["y"] + 7)
    page.mouse.move(x, box["y"] + 8)
    page.wait_for_timeout(300)
    page.mouse.down()
    page.mouse.up()
    page.locator(STRIP).first.wait_for()
    visitor.settle()
    assert visitor.errors() == []
    alternatives = {one.get_attribute("alt") for one in page.locator(STRIP).all()}
    assert alternatives == {f"{emotion} in {scene}"}
    visitor.screenshot("context_bias_cell")


def lasso(visitor: Visitor, map_: int, corners: list[tuple[float, float]]) -> int:
    """Draw a lasso on a map, in shares of its width and height. Returns how many are chosen."""
    page = visitor.page
    box = page.locator(f"{MAPS} .nsewdrag").nth(map_).bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()
    page.get_by_text(" chosen").first.wait_for()
    page.wait_for_timeout(1000)
    visitor.settle()
    return int(page.get_by_text(" chosen").first.inner_text().split()[0])


def coloured(visitor: Visitor) -> list[int]:
    """How many points each map keeps in colour; -1 where it greys none."""
    return [
        plot.evaluate(
            "plot => plot.data.some(trace => trace.selectedpoints) ? "
            "plot.data.reduce((sum, trace) => sum + (trace.selectedpoints ?? []).length, 0) : -1"
        )
        for plot in visitor.page.locator(f"{MAPS} .js-plotly-plot").all()
    ]


def test_a_lasso_on_either_side_greys_both_and_fills_the_gallery(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("embeddings")
    chosen = lasso(visitor, 0, [(0.05, 0.05), (0.95, 0.05), (0.95, 0.5), (0.05, 0.5), (0.05, 0.06)])
    assert 0 < chosen < 84
    assert coloured(visitor) == [chosen, chosen]
    assert page.locator(STRIP).count() == min(chosen, 12)
    visitor.screenshot("embeddings_lasso")
    other = lasso(visitor, 1, [(0.05, 0.4), (0.95, 0.4), (0.95, 0.95), (0.05, 0.95), (0.05, 0.41)])
    assert coloured(visitor) == [other, other]
    assert lasso(visitor, 0, [(0.1, 0.1), (0.9, 0.1), (0.9, 0.5), (0.1, 0.5), (0.1, 0.11)]) < 84
    again = coloured(visitor)
    assert again[0] == again[1] > 0
    # They stay chosen in another colour, and after a look at another page.
    page.get_by_role("link", name="Overview").first.click()
    page.get_by_text("The question behind it").wait_for()
    page.get_by_role("link", name="Embeddings").first.click()
    page.get_by_text(" chosen").first.wait_for()
    visitor.settle()
    assert coloured(visitor) == again
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("Rest on a point").wait_for()
    visitor.settle()
    assert coloured(visitor) == [-1, -1]
    assert visitor.errors() == []


def test_a_point_under_the_mouse_shows_its_picture(visit: Visit, demo_manifest: Manifest) -> None:
    visitor = visit()
    page = visitor.open("embeddings")
    card = page.locator(".hover-picture")
    assert card.is_hidden()
    for map_ in (0, 1):
        x, y, who = page.evaluate(
            """map => {
              const plot = document.querySelectorAll('.st-key-maps .js-plotly-plot')[map];
              const trace = plot._fullData[0], layout = plot._fullLayout;
              const area = plot.querySelector('.nsewdrag').getBoundingClientRect();
              return [area.left + layout.xaxis.l2p(trace.x[1]),
                      area.top + layout.yaxis.l2p(trace.y[1]), trace.customdata[1][0]];
            }""",
            map_,
        )
        page.mouse.move(x - 40, y)
        page.mouse.move(x, y, steps=6)
        label = page.locator(f"{MAPS} .hoverlayer").nth(map_).get_by_text(who)
        label.wait_for(state="attached")
        card.wait_for(state="visible")
        rows = demo_manifest.frame.set_index("sample_id")
        assert card.locator("figcaption").inner_text().startswith(f"{rows['labels'][who]} in ")
        assert card.locator("img").evaluate("image => image.naturalWidth") > 50
        visitor.screenshot(f"embeddings_hover_{map_}")
        page.mouse.move(5, 5)
        card.wait_for(state="hidden")
    assert visitor.errors() == []


def test_a_link_opens_the_colour_that_it_names(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("embeddings?colour=scene")
    assert page.get_by_label("Colour by").input_value() == "scene"
    assert visitor.errors() == []


def test_pages_fit_a_phone_and_the_dark(visit: Visit) -> None:
    for name in ("context-bias", "embeddings"):
        visitor = visit(width=390, height=844, scheme="dark")
        page = visitor.open(name)
        main = page.locator('[data-testid="stMain"]')
        assert main.evaluate("element => element.scrollWidth") <= 390
        assert visitor.errors() == []
