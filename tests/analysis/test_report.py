"""The report: one file that needs nothing else, made of what a study keeps."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import report_page
from analysis.cli import main
from analysis.cli.reproduce_tables import SHIPPED
from analysis.figure_page import Section
from analysis.report import write_report
from analysis.report_page import Chapter, write_report_page
from analysis.report_results import method_table, reproductions, targets_for
from ccim_core.errors import InputError
from ccim_core.evaluation.table import study_table, table_rows
from ccim_core.files import read_json, write_json
from ccim_core.study import Study
from tests.analysis.table_study import make_table_study

CHAPTERS = (
    "In short",
    "Data",
    "Context bias",
    "Confounder dictionary",
    "Methods",
    "The paper's tables",
    "Features",
    "Model card",
    "Settings and versions",
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Runs, and nothing stored: no bias study, clusters, embeddings or table of variants."""
    return make_table_study(tmp_path_factory.mktemp("report") / "study")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of the shipped study, which keeps everything."""
    # Its commands name the study by a path without a place to break at.
    long = tmp_path_factory.mktemp("shipped") / "a_study_of_a_rather_long_name_in_a_folder_as_long"
    shutil.copytree(SHIPPED, long)
    table = study_table(Study.open(long))
    write_json(long / "analysis" / "evaluation.json", table_rows(table))
    path = long.parent / "report.html"
    found = write_report(Study.open(long), path, quiet=True)
    assert found.chapters == CHAPTERS
    assert found.size == path.stat().st_size < 15_000_000
    return path.read_text(encoding="utf-8")


class Links(HTMLParser):
    """Everything that a page would fetch, its anchors and the links to them."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors.add(found.get("id") or "")
        if tag == "a":
            self.links.append(found.get("href") or "")
        elif tag in ("script", "img", "link", "iframe", "source"):
            self.fetched.append(found.get("src") or found.get("href") or "")


def parsed(page: str) -> Links:
    links = Links()
    links.feed(page)
    return links


def test_a_page_needs_no_network_and_holds_plotly_once(shipped: str) -> None:
    links = parsed(shipped)
    assert all(one == "" or one.startswith("data:image/jpeg;base64,") for one in links.fetched)
    assert shipped.count("plotly.js v") == 1
    assert "@import" not in shipped.split("</style>")[0]
    assert "url(" not in shipped.split("</style>")[0]


def test_every_chapter_is_linked(shipped: str) -> None:
    links = parsed(shipped)
    assert len(links.links) == len(CHAPTERS)
    assert all(link.startswith("#") and link[1:] in links.anchors for link in links.links)


def test_it_holds_bias_dictionary_results_controls_settings_and_the_card(shipped: str) -> None:
    text = re.sub(r"<script.*?</script>", "", shipped, flags=re.DOTALL)
    for words in (
        "The scene tells",
        "Scenes that decide an emotion",
        "Clusters whose emotions are furthest",
        "Every variant and estimator",
        "The subject&#x27;s box alone, with no context",
        "Eq. 2 asks the network for f(X, z)",
        "With random contexts in place of its own strata",
        "there is no oracle of emoticon that sees",
        "epoch by",
        "Controls: did the module do anything?",
        "between two seeds of the plain model",
        "Change from the full + CCIM",
        "How many there are of each kind",
        "How much of the scene is left",
        "Responsible use",
        "Trained on drawings: on photographs its outputs mean nothing.",
        "commit of the runs",
        "python -m ccim_core demo",
    ):
        assert words in text, words
    assert "nan" not in re.findall(r"<td[^>]*>([^<]*)</td>", text)


def test_what_a_study_does_not_keep_is_named_with_its_command(study: Study, tmp_path: Path) -> None:
    found = write_report(study, tmp_path / "report.html", quiet=True)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Features" not in found.chapters
    assert page.count(f"python -m analysis store --study {study.path}") == 2
    assert f"python -m ccim_core evaluate --study {study.path}" in page
    assert "75.82" in page, "the published number of the dataset"
    assert not re.search(r"data:image(/|\\u002f)jpeg;base64,", page), (
        "pictures of people are left out unless asked for"
    )


def test_a_study_without_runs_has_a_report_too(tmp_path: Path) -> None:
    empty = make_table_study(tmp_path / "study", "emotic", settings=())
    found = write_report(empty, tmp_path / "report.html", quiet=True)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The paper's tables" not in found.chapters
    assert "there is no model to describe" in page


def test_predictions_with_missing_subjects_are_said_once_for_all_tables(tmp_path: Path) -> None:
    spoilt = make_table_study(tmp_path / "study", n=20)
    file = spoilt.run_path("emot_net-ccim-seed0") / "predictions.parquet"
    table = pd.read_parquet(file)
    table.drop(table.index[table["split"] == "test"][:3]).to_parquet(file, index=False)
    made, notes = reproductions(spoilt)
    assert not made
    [note] = notes
    assert note.startswith("table3, ")
    assert "one prediction for each of the 20 subjects of split 'test'" in note
    assert "evaluate --study" in note


def test_names_from_a_study_are_shown_as_text(study: Study, tmp_path: Path) -> None:
    path = study.path / "study.json"
    info = read_json(path)
    write_json(path, {**info, "name": "<script>alert(1)</script> & co"})
    write_report(Study.open(study.path), tmp_path / "report.html", quiet=True)
    write_json(path, info)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in page


def test_a_page_that_grows_too_large_is_refused_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_page, "LIMIT_BYTES", 20_000)
    chapter = Chapter(title="One", sections=[Section(title="", points=["x" * 20_000])])
    with pytest.raises(InputError, match="--no-pictures"):
        write_report_page(tmp_path / "r.html", title="t", subtitle="s", chapters=[chapter])
    assert not list(tmp_path.iterdir())


def test_the_papers_table_of_the_dataset_comes_first(study: Study) -> None:
    assert targets_for(study)[0] == "table3"


def test_methods_are_a_row_a_variant_with_splits_side_by_side() -> None:
    rows: list[dict[str, Any]] = [
        {
            "variant": "ccim",
            "model": "emot_net",
            "recipe": "00000000",
            "inputs": "full",
            "masks": False,
            "select_by": "reweighted",
            "estimator": "ccim",
            "split": split,
            "runs": 3,
            "headline": value,
            "headline_sd": 0.01,
            "ece": 0.1,
            "worst_group": None,
            "recovery": None,
            "recovery_reason": "no oracle of it" if split == "shift" else "",
        }
        for split, value in (("test", 0.8), ("shift", 0.4))
    ]
    rows.append({**rows[0], "variant": "none", "estimator": "likelihood", "headline_sd": None})
    table = method_table(rows).set_index("variant")
    assert table.loc["ccim", "test"] == "80.0 ± 1.0"
    assert table.loc["ccim", "shift"] == "40.0 ± 1.0"
    assert table.loc["none", "shift"] == "–"
    assert table.loc["ccim", "won back, %"] == "no oracle of it"
    assert table.loc["ccim", "epoch by"] == "reweighted validation"
    bounded = method_table(
        [
            {
                **rows[1],
                "headline_low": 0.3,
                "headline_high": 0.5,
                "difference": 0.1,
                "difference_low": -0.1,
                "difference_high": 0.3,
                "difference_seeds": 3,
                "recovery": 0.5,
            }
        ]
    ).iloc[0]
    assert bounded["shift"] == "40.0 [30.0, 50.0]"
    assert bounded["against plain"] == "+10.0 [−10.0, +30.0]"
    assert bounded["won back, %"] == "50.0"
    assert table.loc["none", "test"] == "80.0"
    assert "worst group (shift), %" not in table, "nobody has one"


def test_the_command_says_where_the_page_is(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page.html"
    assert main(["report", "--study", str(study.path), "--out", str(out), "--quiet"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith(f"{out} (")
    assert printed[1].startswith("next: ")
    assert main(["report", "--study", str(tmp_path)]) == 2
    assert "Expected a study directory" in capsys.readouterr().err


@pytest.mark.browser
def test_offline_every_figure_is_drawn_and_nothing_overflows(
    chromium: Any, shipped: str, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(shipped, encoding="utf-8")
    context = chromium.new_context(viewport={"width": 1400, "height": 900}, offline=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda one: wrong.append(one.text) if one.type == "error" else None)
    page.on("request", lambda one: wrong.append(one.url) if one.url.startswith("http") else None)
    page.goto(path.as_uri(), timeout=60_000)
    drawn = "[...document.querySelectorAll('.plotly-graph-div')].every(d => d.querySelector('svg'))"
    page.wait_for_function(drawn, timeout=60_000)
    assert page.evaluate("document.querySelectorAll('.plotly-graph-div').length") > 15
    for width in (1400, 400):
        page.set_viewport_size({"width": width, "height": 900})
        fits = "document.documentElement.scrollWidth <= window.innerWidth"
        page.wait_for_function(fits, timeout=60_000)
    context.close()
    assert wrong == []


def test_prevalence_is_that_of_each_split(study: Study) -> None:
    from analysis.report_data import prevalence_figure

    figure = prevalence_figure(study)
    test = next(trace for trace in figure.data if trace.name == "test")
    expected = study.manifest.split("test").targets().mean(axis=0) * 100
    np.testing.assert_allclose(test.x, expected)
