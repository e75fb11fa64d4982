"""Features on a map with their separation, as one HTML page."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.bias_text import bracket, number
from analysis.figure_page import Section, write_page
from analysis.figures_embeddings import embedding_figure, pair_figure
from analysis.figures_separation import separation_figure
from analysis.probe_tables import FEATURES, probe_figure

__all__ = ["embedding_sections", "probe_section", "write_embedding_page"]

_COLOURS = {
    "emotion": "Coloured by emotion",
    "scene": "Coloured by scene",
    "cluster": "Coloured by context cluster",
    "change": "Coloured by what the intervention changes",
}


def write_embedding_page(
    points: pd.DataFrame,
    path: Path,
    *,
    title: str,
    titles: Sequence[str],
    emotions: Sequence[str],
    basis: str,
    measures: pd.DataFrame | None = None,
    probes: pd.DataFrame | None = None,
    notes: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write the page, whole or not at all.

    Args:
        points: as by `describe_points`, or the part of it that a table's embedding has.
        titles: of the one or two sets of features. basis: how they were laid out, in words.
        measures: as by `compare_measures` of two sets, `list_measures` of one.
    """
    n = points["sample_id"].nunique()
    write_page(
        path,
        title=title,
        lead=[f"{n:,} subjects: {' and '.join(titles)}, {basis}."],
        sections=embedding_sections(
            points, titles=titles, emotions=emotions, measures=measures, probes=probes
        ),
        notes=notes,
        settings=settings,
    )


def embedding_sections(
    points: pd.DataFrame,
    *,
    titles: Sequence[str],
    emotions: Sequence[str],
    measures: pd.DataFrame | None = None,
    probes: pd.DataFrame | None = None,
) -> list[Section]:
    """The page's sections: a map for each colouring that is known, measures, probes."""
    sections = [
        Section(title=words, figure=_map(points, titles, colour, emotions))
        for colour, words in _COLOURS.items()
        if colour in points and points[colour].notna().any()
    ]
    if measures is not None and len(measures):
        sections.append(_separation(measures, titles))
        sections.append(Section(title="Measures", table=measures_table(measures)))
    if probes is not None and (probes["label"] == "scene").any():
        sections.append(probe_section(probes))
    return sections


def _map(points: pd.DataFrame, titles: Sequence[str], colour: str, emotions: Sequence[str]) -> Any:
    if len(titles) == 1:
        return embedding_figure(points, side="before", colour_by=colour, emotions=emotions)
    return pair_figure(points, titles=(titles[0], titles[1]), colour_by=colour, emotions=emotions)


def _separation(measures: pd.DataFrame, titles: Sequence[str]) -> Section:
    return Section(
        title="How features are organised",
        caption="Measured in the features' own space, never in the map; intervals resample whole "
        "images; the short bars are what chance gives on the same subjects.",
        figure=separation_figure(measures, titles=titles),
    )


def measures_table(measures: pd.DataFrame) -> pd.DataFrame:
    """Measures of one or two sets of features as texts, a row a measure."""
    sides = 2 if "after" in measures else 1
    table = pd.DataFrame([_row(row, sides) for row in measures.to_dict("records")])
    return table if (measures["reason"] != "").any() else table.drop(columns="not defined")


def _row(row: Mapping[Hashable, Any], sides: int) -> dict[str, str]:
    names = ("before", "after") if sides == 2 else ("value",)
    cells = {"measure": str(row["title"])}
    for side, name in zip(("before", "after"), names, strict=False):
        interval = bracket((row[f"{side}_low"], row[f"{side}_high"]))
        cells[name] = f"{number(row[side])} {interval}"
    if sides == 2:
        interval = bracket((row["change_low"], row["change_high"]))
        cells["change"] = "–" if row["reason"] else f"{row['change']:+.3f} {interval}"
    cells["chance"] = number(row["chance_after" if sides == 2 else "chance_before"])
    cells["not defined"] = str(row["reason"])
    return cells


def probe_section(probes: pd.DataFrame) -> Section:
    """How well the scene is read from each run's features (`analysis.probe_tables`)."""
    scene = probes[probes["label"] == "scene"]
    columns = [name for name in FEATURES if (scene["features"] == name).any()]
    cells: dict[str, dict[str, str]] = {}
    for row in scene.to_dict("records"):
        interval = bracket((row["low"], row["high"]), lambda value: number(value, 2))
        cells.setdefault(str(row["run"]), {})[str(row["features"])] = (
            f"{number(row['accuracy'], 2)} {interval}"
        )
    table = pd.DataFrame(
        [
            {"run": run} | {name: mine.get(name, "–") for name in columns}
            for run, mine in cells.items()
        ]
    )
    return Section(
        title="How much of the scene is left",
        caption="Held-out accuracy of a linear probe for the scene, for each run that was probed, "
        "on subjects whose scene does not depend on their emotion.",
        figure=probe_figure(probes),
        table=table,
    )
