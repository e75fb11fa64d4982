"""The tables that each of the paper's targets is made of, from checked runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis import table_text
from analysis.published import ABLATION_DATASETS, TABLES
from analysis.table_data import TableData
from analysis.table_examples import example_counts, example_table
from analysis.tables_ablation import ablation_table, size_table
from analysis.tables_controls import controls_table
from analysis.tables_gains import gains_table
from analysis.tables_results import ap_table, category_table, results_table

__all__ = [
    "Options",
    "Part",
    "ablation_parts",
    "examples_parts",
    "figure5_parts",
    "results_parts",
    "sizes_parts",
]

DEFAULT_SEEDS = (0, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a table shows: `splits` (default: by dataset), `ap` in use, `seeds` that are wanted."""

    splits: tuple[str, ...] = ()
    ap: str = "step"
    seeds: tuple[int, ...] = DEFAULT_SEEDS


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """One table of a target: `frame` holds its numbers, `text` what people read."""

    name: str
    title: str
    frame: pd.DataFrame
    text: pd.DataFrame
    caption: str = ""


def results_parts(
    everything: Mapping[str, TableData], table: str | None, options: Options
) -> list[Part]:
    data = _shown(everything, table)
    results = results_table(data, table=table, splits=options.splits, ap=options.ap)
    parts = [
        Part(
            name="results",
            title="Published and measured" if table else "Plain and with CCIM",
            frame=results,
            text=table_text.results_text(results),
        ),
        _gains(everything, table, options),
        _controls([data], options),
    ]
    kinds = ap_table(data, table=table, splits=options.splits)
    if len(kinds):
        parts.append(
            Part(
                name="three_aps",
                title="The three average precisions in use",
                frame=kinds,
                text=table_text.results_text(kinds, several_metrics=True),
            )
        )
    return [*parts, *_categories(data, table, options)]


def _categories(data: TableData, table: str | None, options: Options) -> list[Part]:
    frame = category_table(data, table=table, splits=options.splits, ap=options.ap)
    return [
        Part(
            name=f"categories_{split}",
            title=f"By emotion, {split}",
            caption=f"{frame['metric'].iloc[0]}; plain → + CCIM.",
            frame=frame[frame["split"] == split].reset_index(drop=True),
            text=table_text.category_text(frame, split),
        )
        for split in dict.fromkeys(frame["split"])
    ]


def _gains(everything: Mapping[str, TableData], table: str | None, options: Options) -> Part:
    shown = everything
    if table is None:
        data = _shown(everything, table)
        shown = {data.labels.name: data}
    frame = gains_table(shown, splits=options.splits)
    return Part(
        name="gains",
        title="What CCIM gains",
        caption="Points of the headline metric, + CCIM minus plain. The paper's averages "
        "(section 4.4) are over its four models, or its three datasets.",
        frame=frame,
        text=table_text.gains_text(frame),
    )


def _controls(datasets: Sequence[TableData], options: Options) -> Part:
    frames = [controls_table(data, splits=options.splits) for data in datasets]
    frame = pd.concat(frames, ignore_index=True)
    return Part(
        name="controls",
        title="Controls: did the module do anything?",
        caption="A change that random contexts, a constant in place of g, or another seed of the "
        "plain model give as well is not the intervention's.",
        frame=frame,
        text=table_text.controls_text(frame),
    )


def _with_controls(*parts: Part, datasets: Mapping[str, TableData], options: Options) -> list[Part]:
    """`parts`, and the controls of every dataset that they show."""
    return [*parts, _controls(list(datasets.values()), options)]


def _shown(everything: Mapping[str, TableData], table: str | None) -> TableData:
    if table is not None:
        return next(d for d in everything.values() if d.dataset == TABLES[table])
    return next(d for d in everything.values() if d.dataset not in ABLATION_DATASETS)


def figure5_parts(
    everything: Mapping[str, TableData], table: str | None, options: Options
) -> list[Part]:
    data = _shown(everything, table)
    return [*_categories(data, None, options), _controls([data], options)]


def ablation_parts(
    datasets: Mapping[str, TableData], _: str | None, options: Options
) -> list[Part]:
    frame = ablation_table(datasets, splits=options.splits, ap=options.ap)
    return _with_controls(
        Part(
            name="ablation",
            title="Ablations of CCIM",
            caption="Changes against the full + CCIM of the same seeds.",
            frame=frame,
            text=table_text.ablation_text(frame),
        ),
        datasets=datasets,
        options=options,
    )


def sizes_parts(datasets: Mapping[str, TableData], _: str | None, options: Options) -> list[Part]:
    frame = size_table(datasets, splits=options.splits, ap=options.ap)
    return _with_controls(
        Part(
            name="sizes",
            title="Size of the confounder dictionary",
            caption="Changes against the default size of the same seeds.",
            frame=frame,
            text=table_text.sizes_text(frame),
        ),
        datasets=datasets,
        options=options,
    )


def examples_parts(
    datasets: Mapping[str, TableData], _: str | None, options: Options
) -> list[Part]:
    split = options.splits[0] if options.splits else None
    examples = example_table(datasets, split=split)
    counts = example_counts(datasets, split=split)
    return _with_controls(
        Part(
            name="examples",
            title="Two subjects of each dataset, before and after",
            frame=examples,
            text=table_text.examples_text(examples),
        ),
        Part(
            name="counts",
            title="How many there are of each kind",
            caption="Subjects whose labels rank higher, or lower, after CCIM than before.",
            frame=counts,
            text=table_text.counts_text(counts),
        ),
        datasets=datasets,
        options=options,
    )
