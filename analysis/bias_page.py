"""A bias report as one HTML page: the number, every emotion, the map, the strongest cells."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.bias_report import BiasReport
from analysis.bias_text import (
    bias_sentence,
    bracket,
    cell_rows,
    number,
    percent,
    readable_scene,
)
from analysis.figure_page import Card, Section, write_page
from analysis.figures import association_heatmap
from analysis.figures_entropy import bias_histogram, zero_entropy_figure

__all__ = ["bias_cards", "bias_sections", "write_bias_page"]

CELLS_SHOWN = 20
SCENES_SHOWN = 40


def write_bias_page(report: BiasReport, path: Path, *, title: str, seed: int | None = None) -> None:
    """Write the page, whole or not at all. `seed` is shown among the settings."""
    settings = dict(report.settings.to_dict())
    if seed is not None:
        settings["seed"] = seed
    write_page(
        path,
        title=title,
        lead=[bias_sentence(report)],
        cards=bias_cards(report),
        sections=bias_sections(report),
        notes=report.notes,
        settings=settings,
    )


def bias_sections(report: BiasReport) -> list[Section]:
    """The page's sections: scenes that decide, emotions, the map, strongest cells, histograms."""
    defined = list(report.emotions.loc[report.emotions["reason"] == "", "emotion"])
    sections = []
    if defined:
        sections.append(_zero_entropy(report))
    sections.append(Section(title="Every emotion", table=_emotions(report.emotions)))
    sections += [_map(report), _cells(report)]
    if defined:
        sections.append(_histograms(report, defined))
    return sections


def bias_cards(report: BiasReport) -> list[Card]:
    """What the page opens with; where the scenes come from is among it."""
    data, settings = report.dataset, report.settings
    interval = bracket(data["information_share_interval"], percent)
    chance = data["mutual_information_null_mean"] / (data["entropy_bits"] or float("nan"))
    return [
        Card(
            label="The scene tells",
            value=f"{percent(data['information_share'])} of H(Y)",
            note=f"{settings.confidence:.0%} interval {interval}",
        ),
        Card(
            label="Chance would seem to tell",
            value=percent(chance, 1),
            note="scenes dealt to pictures at random, before correction",
        ),
        Card(
            label="Cells that count",
            value=f"{data['significant_cells']:,} of {data['tested_cells']:,}",
            note=f"tested, at a false discovery rate below {settings.level:g}",
        ),
        Card(
            label="Subjects",
            value=f"{data['subjects']:,}",
            note=f"{data['images']:,} images, split {settings.split or 'all'}",
        ),
        Card(
            label="Scenes",
            value=f"{data['scenes']:,}",
            note=f"from: {data['scene_source']}",
        ),
    ]


def _zero_entropy(report: BiasReport) -> Section:
    settings = report.settings
    by = "over all subjects" if settings.selected_by == "overall" else "among the emotion's own"
    return Section(
        title="Scenes that decide an emotion",
        caption=f"Share of the {settings.top_k} most frequent scenes {by} in which everybody or "
        "nobody has the emotion (zero entropy), over what chance gives: rare scenes have zero "
        "entropy whatever the emotion.",
        figure=zero_entropy_figure(report.emotions),
    )


def _map(report: BiasReport) -> Section:
    scenes = list(dict.fromkeys(report.cells["scene"]))
    total = int((report.scenes["subjects"] > 0).sum())
    which = f"the {SCENES_SHOWN} largest of {total} scenes; all are in cells.csv"
    return Section(
        title="Which scenes go with which emotions",
        caption="Normalised pointwise mutual information: orange more often than by chance, blue "
        f"less often, grey where q is above {report.settings.level:g} or the scene is too small "
        f"to test. {'Every scene' if total <= SCENES_SHOWN else which.capitalize()}.",
        figure=association_heatmap(
            report.cells,
            level=report.settings.level,
            scenes=scenes[:SCENES_SHOWN],
            titles={name: readable_scene(name) for name in scenes},
        ),
    )


def _cells(report: BiasReport) -> Section:
    rows = cell_rows(report)
    rows = rows[rows["q"].notna()].head(CELLS_SHOWN)
    table = pd.DataFrame(
        [
            {
                "scene": readable_scene(str(row["scene"])),
                "emotion": row["emotion"],
                "subjects": f"{row['count']:,.0f} of {row['scene_support']:,.0f}",
                "share": percent(row["share"]),
                "interval": bracket((row["share_low"], row["share_high"]), percent),
                "base rate": percent(row["base_rate"]),
                "lift": number(row["lift"], 2),
                "nPMI": number(row["npmi"], 2),
                "q": f"{row['q']:.2g}",
            }
            for row in rows.to_dict("records")
        ]
    )
    caption = (
        f"The {len(table)} with the smallest q, of {report.dataset['tested_cells']:,} tested; "
        "cells.csv has all."
        if len(table)
        else "No cell could be tested; the notes say why."
    )
    return Section(title="Strongest cells", caption=caption, table=table if len(table) else None)


def _histograms(report: BiasReport, emotions: list[str]) -> Section:
    of = "all" if report.settings.negatives == "all" else "balanced"
    return Section(
        title="Scenes by entropy",
        caption=f"After Figure 2 of the paper: scenes by H(emotion | scene) in bits over {of} "
        "negatives, those at exactly zero leftmost, with what chance gives drawn over them.",
        figure=bias_histogram(report.histogram, emotions=emotions),
    )


def _emotions(emotions: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame([_emotion(row) for row in emotions.to_dict("records")])


def _emotion(row: Mapping[Hashable, Any]) -> dict[str, str]:
    strongest = row["strongest_scene"]
    where = readable_scene(strongest) if isinstance(strongest, str) else "–"
    return {
        "emotion": str(row["emotion"]),
        "subjects": f"{row['support']:,.0f}",
        "zero-entropy scenes": percent(row["zero_entropy_share"], 1),
        "by chance": percent(row["zero_entropy_null_mean"], 1),
        "excess, interval": _pair(row, "zero_entropy_excess", lambda value: percent(value, 1)),
        "I (bits)": number(row["mutual_information_corrected"], 4),
        "interval": _pair(row, "mutual_information", lambda value: number(value, 4)),
        "V": number(row["cramers_v"], 2),
        "cells": f"{row['significant_cells']:,}",
        "strongest scene": str(row["reason"]) or where,
    }


def _pair(row: Mapping[Hashable, Any], name: str, write: Any) -> str:
    return bracket((row[f"{name}_low"], row[f"{name}_high"]), write)
