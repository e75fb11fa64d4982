"""`bias`: how strongly scenes tell emotions, which scenes, and whether it is more than chance."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from analysis.cli.inputs import add_row_options, next_line, open_rows, out_directory
from analysis.cli.scene_options import add_scene_options, choose_scenes

if TYPE_CHECKING:
    from analysis.bias import BiasReport

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "bias",
        help="how strongly scenes tell emotions, beside what chance gives",
        description="Count scenes and emotions by image; report entropies, mutual information and "
        "every scene × emotion cell, each beside what chance gives.",
    )
    add_row_options(parser)
    add_scene_options(parser)
    parser.add_argument("--top-k", type=int, default=200, help="scenes per emotion (default: 200)")
    parser.add_argument(
        "--selected-by",
        choices=("overall", "positives"),
        default="overall",
        help="the most frequent scenes overall, or among subjects with the emotion",
    )
    parser.add_argument(
        "--negatives",
        choices=("all", "balanced"),
        default="all",
        help="balanced: weighed to be as many as the positives",
    )
    parser.add_argument(
        "--min-support", type=int, default=10, help="subjects a scene needs (default: 10)"
    )
    parser.add_argument(
        "--fdr",
        choices=("discrete", "bh"),
        default="discrete",
        help="discrete: exact number of cells that chance gives; bh: plain Benjamini-Hochberg",
    )
    parser.add_argument("--null", type=int, default=199, help="null tables (default: 199)")
    parser.add_argument("--bootstrap", type=int, default=199, help="resamples (default: 199)")
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(func=_bias)


def _bias(arguments: argparse.Namespace) -> int:
    from analysis.bias import BiasSettings, bias_study

    rows = open_rows(arguments)
    scenes = choose_scenes(arguments, rows)
    report = bias_study(
        scenes.frame,
        rows.labels,
        settings=BiasSettings(
            top_k=arguments.top_k,
            selected_by=arguments.selected_by,
            negatives=arguments.negatives,
            min_support=arguments.min_support,
            fdr=arguments.fdr,
            n_null=arguments.null,
            n_bootstrap=arguments.bootstrap,
            scene_column=scenes.column,
            scene_source=scenes.source,
            split=rows.split,
        ),
        scene_weights=scenes.weights,
        random_state=arguments.seed,
        progress=not arguments.quiet,
    )
    record = {"seed": arguments.seed, "scenes_from": scenes.record}
    folder = out_directory(arguments, rows, "bias")
    if folder is not None:
        from analysis.bias_page import write_bias_page

        report.save(folder, record=record)
        title = f"Context bias, {rows.title}"
        write_bias_page(report, folder / "bias.html", title=title, seed=arguments.seed)
    if rows.study is not None and arguments.out is None:
        from analysis.stored import save_bias

        save_bias(rows.study, report, seed=arguments.seed, assignment=scenes.assignment())
    if arguments.json:
        json.dump({**report.to_json(), **record}, sys.stdout, indent=1)
        print()
    else:
        print(_summary(report, rows.title))
        if folder is not None:
            print(f"{folder / 'bias.html'}\n{folder / 'bias.json'}")
        print(next_line(rows, None if folder is None else folder / "bias.html"))
    return 0


def _summary(report: BiasReport, title: str) -> str:
    from analysis.bias_text import bracket, number

    data, split = report.dataset, report.settings.split
    lines = [
        f"{title}, split {split or 'all'}: {data['subjects']:,} subjects in {data['images']:,} "
        f"images, {data['scenes']} scenes ({data['scene_source']})",
        f"I(Y; scene) = {number(data['mutual_information'])} bits, corrected "
        f"{number(data['mutual_information_corrected'])} "
        f"{bracket(data['mutual_information_interval'])}, by chance "
        f"{number(data['mutual_information_null_mean'])}; "
        f"{number(data['information_share'] * 100, 1)} % of H(Y)",
        f"{data['significant_cells']} of {data['tested_cells']} tested cells at "
        f"q < {report.settings.level}",
        "",
        f"{'emotion':18s} {'support':>8s} {'zero H':>8s} {'chance':>18s} {'excess':>18s} "
        f"{'I (bits)':>9s} {'V':>6s} {'cells':>6s}",
    ]
    for row in report.emotions.to_dict("records"):
        chance, excess = (
            bracket((row[f"{name}_low"], row[f"{name}_high"]))
            for name in ("zero_entropy_null", "zero_entropy_excess")
        )
        lines.append(
            f"{row['emotion']:18s} {row['support']:8,.0f} {number(row['zero_entropy_share']):>8s} "
            f"{chance:>18s} {excess:>18s} "
            f"{number(row['mutual_information_corrected'], 4):>9s} "
            f"{number(row['cramers_v']):>6s} {row['significant_cells']:6d}"
        )
    return "\n".join([*lines, "", *(f"note: {note}" for note in report.notes)])
