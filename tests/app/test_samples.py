"""Samples: a photograph with its credit, and rendered pictures that only their study may judge."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from app.samples import MAX_RENDERED, Sample, list_samples, thumbnail
from ccim_core.images import decode_image
from ccim_core.study import Study
from tests.app.fakes import FakePredictor

RunPage = Callable[..., AppTest]


def rendered(samples: list[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.key.startswith("rendered-")]


def test_without_a_demo_study_there_is_the_photograph(assets: Path) -> None:
    (sample,) = list_samples()
    picture = sample.load()
    assert picture.pixels.shape == (427, 640, 3)
    assert not picture.rendered
    assert "CC BY 2.0" in picture.credit


def test_rendered_samples_are_distinct_emotions_in_places_that_do_not_favour_them(
    demo: Study,
) -> None:
    samples = rendered(list_samples())
    assert len(samples) == MAX_RENDERED
    frame = demo.manifest.frame.set_index("sample_id")
    rows = frame.loc[[sample.key.removeprefix("rendered-") for sample in samples]]
    assert rows["labels"].is_unique
    assert set(rows["split"]) == {"shift"}
    assert not rows["favoured"].any()


def test_a_rendered_sample_brings_its_picture_and_its_known_box(demo: Study) -> None:
    sample = rendered(list_samples())[0]
    picture = sample.load()
    assert picture.rendered
    row = demo.manifest.frame.set_index("sample_id").loc[picture.name]
    assert picture.box == tuple(row[["x1", "y1", "x2", "y2"]].astype(float))
    assert (picture.pixels == demo.reader.read(row["image"])).all()


def test_thumbnails_are_small_square_jpegs(demo: Study) -> None:
    for sample in list_samples():
        header, content = thumbnail(sample).split(",", 1)
        assert header == "data:image/jpeg;base64"
        pixels = decode_image(base64.b64decode(content))
        assert pixels.shape[0] == pixels.shape[1] <= 268


def test_a_rendered_sample_is_judged_in_its_known_box_by_the_demo_studys_models(
    demo: Study, predictors: list[FakePredictor], run_page: RunPage
) -> None:
    sample = rendered(list_samples())[0]
    picture = sample.load()
    test = run_page("predict")
    test.button(key=f"use_{sample.key}").click().run()
    assert not test.error
    assert [one.value for one in test.info] == []
    assert predictors[-1].calls == [((96, 96, 3), picture.name, picture.box)]
    assert any("demo study's models only" in caption.value for caption in test.caption)
