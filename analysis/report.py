"""One self-contained HTML of everything that is known about a study.

Nothing is trained and no network is opened: the report is made of what the study keeps, and says
where something is not kept which command makes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from analysis.bias_text import bias_sentence
from analysis.figure_page import Card
from analysis.report_card import card_chapter, settings_chapter
from analysis.report_data import bias_chapter, data_chapter, dictionary_chapter
from analysis.report_page import Chapter, write_report_page
from analysis.report_results import (
    control_sentences,
    features_chapter,
    methods_chapter,
    paper_chapter,
    reproductions,
    stored_rows,
    story_cards,
)
from analysis.run_records import read_runs
from analysis.stored import load_bias
from analysis.story import measured_bias
from analysis.table_data import open_studies
from analysis.table_notes import provenance
from ccim_core.progress import progress
from ccim_core.study import Study

__all__ = ["Report", "report_chapters", "write_report"]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Where a report is, how large, and its chapters' titles."""

    path: Path
    size: int
    chapters: tuple[str, ...]


def write_report(
    study: Study, path: Path, *, pictures: bool | None = None, quiet: bool = False
) -> Report:
    """Write the report of a study.

    Args:
        pictures: whether pictures of the data are in it; by default only those that are drawn,
            since most data sets of people may not be passed on.

    Raises:
        InputError: stored results that belong to other data, or a page that grows too large.
    """
    shown = study.kind == "controlled" if pictures is None else pictures
    chapters = report_chapters(study, pictures=shown, quiet=quiet)
    subtitle = (
        f"Context bias and causal intervention for context-aware emotion recognition: study "
        f"“{study.name}”, label set {study.labels.name}, manifest "
        f"`{study.manifest.content_hash()[:12]}`."
    )
    size = write_report_page(
        path, title=f"{study.name}: a report", subtitle=subtitle, chapters=chapters
    )
    return Report(path=path, size=size, chapters=tuple(one.title for one in chapters))


def report_chapters(study: Study, *, pictures: bool, quiet: bool = False) -> list[Chapter]:
    """The chapters, in order; those of results that a study has none of are left out."""
    runs, rows = read_runs(study), stored_rows(study)
    made, problems = reproductions(study) if runs else ({}, [])
    makers: dict[str, Callable[[], Chapter | None]] = {
        "in short": lambda: _summary(study, len(runs), control_sentences(made)),
        "data": lambda: data_chapter(study, pictures=pictures),
        "bias": lambda: bias_chapter(study),
        "dictionary": lambda: dictionary_chapter(study, pictures=pictures),
        "methods": lambda: methods_chapter(study, rows),
        "tables": lambda: paper_chapter(study, made, problems, pictures=pictures) if runs else None,
        "features": lambda: features_chapter(study),
        "card": lambda: card_chapter(study, runs, rows),
        "settings": lambda: settings_chapter(study, runs, provenance(open_studies([study.path]))),
    }
    chapters = [
        makers[name]() for name in progress(list(makers), "report", unit="chapters", quiet=quiet)
    ]
    return [one for one in chapters if one is not None]


def _summary(study: Study, n_runs: int, controls: list[str]) -> Chapter:
    """The findings in a few sentences and numbers."""
    sentences, cards = story_cards(study, stored_rows(study))
    bias = load_bias(study)
    if bias is not None:
        share, words = measured_bias(bias.dataset)
        cards = [Card(label="The scene tells", value=share, note=words.split(",")[0]), *cards]
        sentences = [bias_sentence(bias), *sentences]
    lead = [*sentences, *controls] or [
        f"{len(study.manifest):,} subjects, {n_runs} finished runs; the chapters say what has been "
        "measured and which commands measure the rest."
    ]
    return Chapter(title="In short", lead=lead, cards=cards)
