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
CHART = '[data-testid="stPlotlyChart"]'


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


def test_a_lasso_on_one_side_greys_the_other_and_fills_the_gallery(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("embeddings")
    box = page.locator(f"{CHART} .nsewdrag").first.bounding_box()
    corners = [(0.05, 0.05), (0.95, 0.05), (0.95, 0.5), (0.05, 0.5), (0.05, 0.06)]
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()
    page.get_by_text(" chosen").first.wait_for()
    visitor.settle()
    assert visitor.errors() == []
    chosen = int(page.get_by_text(" chosen").first.inner_text().split()[0])
    assert 0 < chosen < 84
    assert page.locator(STRIP).count() == min(chosen, 12)
    highlighted = (
        page.locator(f"{CHART} .js-plotly-plot")
        .nth(1)
        .evaluate("plot => plot.data.reduce((sum, trace) => sum + trace.selectedpoints.length, 0)")
    )
    assert highlighted == chosen
    visitor.screenshot("embeddings_lasso")


def test_a_link_opens_the_colour_and_side_it_names(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("embeddings?colour=scene&lasso=after")
    assert page.get_by_label("Colour by").input_value() == "scene"
    assert page.get_by_label("Lasso on").input_value().endswith("right")
    assert visitor.errors() == []


def test_pages_fit_a_phone_and_the_dark(visit: Visit) -> None:
    for name in ("context-bias", "embeddings"):
        visitor = visit(width=390, height=844, scheme="dark")
        page = visitor.open(name)
        main = page.locator('[data-testid="stMain"]')
        assert main.evaluate("element => element.scrollWidth") <= 390
        assert visitor.errors() == []
