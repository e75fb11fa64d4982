"""`reproduce figure2`: scenes by conditional entropy of an emotion, with chance drawn over them."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from analysis.cli.inputs import add_row_options, open_rows, out_directory

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["add_parser"]

# The paper's anger, happy and fear, under the names they have in the field's datasets.
PAPER_EMOTIONS = ("Anger", "Angry", "Happy", "Happiness", "Fear")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the target."""
    parser = subparsers.add_parser(
        "figure2",
        help="scenes by conditional entropy, for anger, happy and fear",
        description="Histogram of the entropy of an emotion given the scene, over its most "
        "frequent scenes, with what chance gives drawn over it. In bits over balanced negatives, "
        "which lies between 0 and 1.",
    )
    add_row_options(parser)
    parser.add_argument(
        "--emotions", nargs="+", metavar="NAME", help="default: anger, happy and fear"
    )
    parser.add_argument("--top-k", type=int, default=200, help="scenes per emotion (default: 200)")
    parser.add_argument(
        "--selected-by",
        choices=("overall", "positives"),
        default="positives",
        help="the most frequent scenes among subjects with the emotion (the paper's words), or "
        "overall; what chance gives depends on it",
    )
    parser.add_argument("--null", type=int, default=199, help="null tables (default: 199)")
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(func=_figure2)


def _figure2(arguments: argparse.Namespace) -> int:
    from analysis.bias import BiasSettings, bias_study
    from analysis.figure_page import write_page
    from analysis.figures import bias_histogram
    from analysis.palette import template
    from ccim_core.files import write_atomically

    rows = open_rows(arguments)
    paper = [name for name in rows.labels.emotions if name in PAPER_EMOTIONS]
    names = arguments.emotions or paper or list(rows.labels.emotions)
    for name in names:
        rows.labels.index(name)
    report = bias_study(
        rows.frame,
        rows.labels,
        settings=BiasSettings(
            top_k=arguments.top_k,
            selected_by=arguments.selected_by,
            negatives="balanced",
            n_null=arguments.null,
            n_bootstrap=0,
            split=rows.split,
        ),
        random_state=arguments.seed,
        progress=not arguments.quiet,
    )
    emotions = report.emotions[report.emotions["emotion"].isin(names)]
    defined = set(emotions.loc[emotions["reason"] == "", "emotion"])
    shown = [name for name in names if name in defined]
    notes = [*report.notes, *_sentences(emotions)]
    files = []
    folder = out_directory(arguments, rows, "reproduce")
    if folder is not None:
        table, page = folder / "figure2.csv", folder / "figure2.html"
        with write_atomically(table) as temporary:
            report.histogram[report.histogram["emotion"].isin(names)].to_csv(temporary, index=False)
        figures = [bias_histogram(report.histogram, emotions=shown)] if shown else []
        for figure in figures:
            figure.update_layout(template=template())
        settings = f"settings: {json.dumps(report.settings.to_dict())}"
        title = f"Figure 2: scenes and emotions, {rows.title}"
        write_page(page, title=title, figures=figures, notes=[*notes, settings])
        files = [str(page), str(table)]
    if arguments.json:
        answer = {
            "settings": report.settings.to_dict(),
            "seed": arguments.seed,
            "emotions": json.loads(emotions.to_json(orient="records")),
            "files": files,
        }
        json.dump(answer, sys.stdout, indent=1)
        print()
    else:
        print("\n".join([*notes, *files]))
    return 0


def _sentences(emotions: pd.DataFrame) -> list[str]:
    return [
        f"{row['emotion']}: not computed, {row['reason']}"
        if row["reason"]
        else f"{row['emotion']}: {row['zero_entropy_share']:.0%} of the scenes have zero entropy, "
        f"by chance {row['zero_entropy_null_mean']:.0%} "
        f"[{row['zero_entropy_null_low']:.0%}, {row['zero_entropy_null_high']:.0%}]"
        for row in emotions.to_dict("records")
    ]
