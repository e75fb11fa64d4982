"""A reproduced table or figure as files: CSV, Markdown, LaTeX, and a page with its figures."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

from analysis.figure_page import Section, write_page
from analysis.figures_ablation import ablation_dots, size_lines
from analysis.figures_examples import Thumbnail, examples_figure
from analysis.figures_results import gain_dumbbells, published_bars
from analysis.missing_runs import missing_script
from analysis.palette import INK
from analysis.published import ABLATION_DATASETS
from analysis.reproduction import Part, Reproduction
from analysis.table_data import TableData
from analysis.table_examples import RULE
from analysis.table_markup import latex_table, markdown_table
from analysis.tables_ablation import published_changes
from ccim_core.errors import InputError
from ccim_core.files import write_atomically

__all__ = ["latex_text", "markdown_text", "part_figures", "read_thumbnails", "write_reproduction"]

_LONGEST = 420
_WHISKERS = "Whiskers: 95% intervals."
_HOLLOW = "Hollow: one seed, whose interval holds the images alone."


def part_figures(
    result: Reproduction,
    part: Part,
    *,
    pictures: Mapping[str, Thumbnail] | None = None,
    ink: str = INK["light"],
) -> list[tuple[str, str, go.Figure]]:
    """The figures of a part, each with title and caption; none where there is nothing to draw."""
    frame = part.frame
    if part.name == "results":
        return [
            (f"{part.title}, {split}", "", published_bars(_split(frame, split), ink=ink))
            for split in dict.fromkeys(frame["split"])
        ]
    if part.name.startswith("categories_") and frame["ours"].notna().any():
        split = str(frame["split"].iloc[0])
        return [(f"Plain → + CCIM by emotion, {split}", _WHISKERS, gain_dumbbells(frame, ink=ink))]
    if part.name == "ablation":
        own = set(frame["dataset"]) & set(ABLATION_DATASETS)
        reference = None if own else published_changes()
        figure = ablation_dots(frame, reference=reference, ink=ink)
        return [("Change from the full + CCIM", f"{_WHISKERS} {_HOLLOW}", figure)]
    if part.name == "sizes" and frame["ours"].notna().any():
        caption = f"{_WHISKERS} {_HOLLOW} Dark rims: the default size. Dotted: the plain model."
        return [("By size of the dictionary", caption, size_lines(frame, ink=ink))]
    if part.name == "examples" and len(frame):
        links = {data.labels.link for data in result.datasets.values()}
        link = "identity" if "identity" in links else "softmax"
        figure = examples_figure(frame, pictures or {}, link=link)
        return [("Before and after", RULE, figure)]
    return []


def _split(frame: pd.DataFrame, split: str) -> pd.DataFrame:
    return frame[frame["split"] == split]


def read_thumbnails(
    examples: pd.DataFrame, datasets: Mapping[str, TableData]
) -> dict[str, Thumbnail]:
    """The examples' pictures, reduced, of the datasets given; those that are gone are left out."""
    from ccim_core.images import encode_jpeg, shrink_picture

    found = {}
    by_title = {data.dataset: data for data in datasets.values()}
    for _, row in examples.drop_duplicates(["dataset", "example"]).iterrows():
        if row["dataset"] not in by_title:
            continue
        try:
            picture = by_title[row["dataset"]].studies[0].reader.read(str(row["image"]))
        except InputError:
            continue
        small = shrink_picture(picture, _LONGEST)
        content = base64.b64encode(encode_jpeg(small)).decode("ascii")
        found[str(row["image"])] = Thumbnail(
            source=f"data:image/jpeg;base64,{content}",
            size=(small.shape[1], small.shape[0]),
            original=(picture.shape[1], picture.shape[0]),
        )
    return found


def markdown_text(result: Reproduction) -> str:
    """All tables, notes and missing runs as Markdown."""
    parts = [f"# {result.title}\n"]
    for part in result.parts:
        parts.append(f"## {part.title}\n")
        if part.caption:
            parts.append(f"{part.caption}\n")
        parts.append(markdown_table(part.text))
    parts.append("## Notes\n")
    parts.append("".join(f"- {note}\n" for note in result.notes))
    if len(result.missing):
        parts.append(f"## {len(result.missing)} missing runs\n")
        parts.append("\n".join(["```sh", *result.missing["command"], "```\n"]))
    parts.append("## What it was made from\n")
    parts.append(markdown_table(result.provenance))
    return "\n".join(parts)


def latex_text(result: Reproduction) -> str:
    """All tables as LaTeX."""
    tables = [
        latex_table(
            part.text,
            caption=f"{result.title}. {part.title}",
            label=f"{result.target}-{part.name.replace('_', '-')}",
        )
        for part in result.parts
        if len(part.text.columns)
    ]
    return "\n".join(["% needs \\usepackage{booktabs}", *tables])


def write_reproduction(
    result: Reproduction, folder: Path, *, pictures: Mapping[str, Thumbnail] | None = None
) -> list[Path]:
    """Write every part, and return the files' paths, the page first."""
    stem = result.target
    texts = {
        f"{stem}.md": markdown_text(result),
        f"{stem}.tex": latex_text(result),
    }
    if len(result.missing):
        texts[f"{stem}_missing.sh"] = missing_script(result.missing, result.datasets)
    page = folder / f"{stem}.html"
    _write_page(result, page, pictures or {})
    files = [page]
    for place, part in enumerate(result.parts):
        path = folder / (f"{stem}.csv" if place == 0 else f"{stem}_{part.name}.csv")
        with write_atomically(path) as temporary:
            part.frame.to_csv(temporary, index=False)
        files.append(path)
    for name, text in texts.items():
        with write_atomically(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
        files.append(folder / name)
    if not len(result.missing):
        (folder / f"{stem}_missing.sh").unlink(missing_ok=True)
    return files


def _write_page(result: Reproduction, path: Path, pictures: Mapping[str, Thumbnail]) -> None:
    sections = []
    for part in result.parts:
        for title, caption, figure in part_figures(result, part, pictures=pictures):
            sections.append(Section(title=title, caption=caption, figure=figure))
        if len(part.text.columns):
            sections.append(Section(title=part.title, caption=part.caption, table=part.text))
    if len(result.missing):
        sections.append(
            Section(
                title=f"{len(result.missing)} missing runs",
                caption="Each with the command that makes it; then evaluate the study.",
                table=result.missing[["run", "command"]],
            )
        )
    facts = dict(zip(result.provenance["what"], result.provenance["value"], strict=True))
    write_page(path, title=result.title, sections=sections, notes=result.notes, settings=facts)
