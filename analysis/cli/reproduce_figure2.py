"""`reproduce figure2`: scenes by conditional entropy of an emotion, with chance drawn over them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.cli.inputs import add_row_options, open_rows, out_directory
from analysis.cli.scene_options import add_scene_options, choose_scenes

if TYPE_CHECKING:
    import pandas as pd

    from analysis.bias import BiasReport

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
    parser.add_argument(
        "--negatives",
        choices=("balanced", "all"),
        default="balanced",
        help="balanced (default): weighed to be as many as the positives, so that a scene that "
        "tells nothing has entropy 1",
    )
    parser.add_argument("--null", type=int, default=199, help="null tables (default: 199)")
    parser.add_argument("--seed", type=int, default=0)
    add_scene_options(parser)
    parser.set_defaults(func=_figure2)


def _figure2(arguments: argparse.Namespace) -> int:
    from analysis.bias import BiasSettings, bias_study
    from ccim_core.files import write_atomically

    rows = open_rows(arguments)
    paper = [name for name in rows.labels.emotions if name in PAPER_EMOTIONS]
    names = arguments.emotions or paper or list(rows.labels.emotions)
    for name in names:
        rows.labels.index(name)
    scenes = choose_scenes(arguments, rows)
    report = bias_study(
        scenes.frame,
        rows.labels,
        settings=BiasSettings(
            top_k=arguments.top_k,
            selected_by=arguments.selected_by,
            negatives=arguments.negatives,
            n_null=arguments.null,
            n_bootstrap=0,
            scene_column=scenes.column,
            scene_source=scenes.source,
            split=rows.split,
        ),
        scene_weights=scenes.weights,
        random_state=arguments.seed,
        progress=not arguments.quiet,
    )
    emotions = report.emotions[report.emotions["emotion"].isin(names)]
    # The figure has no interval that resampling gives, so none of its notes is about one.
    notes = [note for note in report.notes if "n_bootstrap" not in note]
    sentences = _sentences(emotions)
    files = []
    folder = out_directory(arguments, rows, "reproduce")
    if folder is not None:
        table, page = folder / "figure2.csv", folder / "figure2.html"
        with write_atomically(table) as temporary:
            report.histogram[report.histogram["emotion"].isin(names)].to_csv(temporary, index=False)
        _write_page(page, report, names, sentences, notes, rows.title, arguments.seed)
        files = [str(page), str(table)]
    if arguments.json:
        answer = {
            "settings": report.settings.to_dict(),
            "scenes_from": scenes.record,
            "seed": arguments.seed,
            "emotions": json.loads(emotions.to_json(orient="records")),
            "notes": notes,
            "files": files,
        }
        json.dump(answer, sys.stdout, indent=1)
        print()
    else:
        print("\n".join([f"scenes: {scenes.source}", *sentences, *notes, *files]))
    return 0


def _write_page(
    path: Path,
    report: BiasReport,
    names: Sequence[str],
    sentences: Sequence[str],
    notes: Sequence[str],
    title: str,
    seed: int,
) -> None:
    from analysis.figure_page import Section, write_page
    from analysis.figures_entropy import bias_histogram

    emotions = report.emotions.set_index("emotion")
    shown = [name for name in names if emotions.loc[name, "reason"] == ""]
    data, settings = report.dataset, report.settings
    by = "overall" if settings.selected_by == "overall" else "among the emotion's own subjects"
    caption = (
        f"The {settings.top_k} most frequent scenes {by}, by H(emotion | scene) in bits over "
        f"{settings.negatives} negatives; those at exactly zero stand leftmost."
    )
    figure = bias_histogram(report.histogram, emotions=shown) if shown else None
    write_page(
        path,
        title=f"Figure 2: scenes and emotions, {title}",
        lead=[
            f"{data['subjects']:,} subjects in {data['images']:,} images, split "
            f"{settings.split or 'all'}; {data['scenes']} scenes from {data['scene_source']}.",
            *sentences,
        ],
        sections=[Section(title="Scenes by entropy", caption=caption, figure=figure)],
        notes=notes,
        settings={**settings.to_dict(), "seed": seed},
    )


def _sentences(emotions: pd.DataFrame) -> list[str]:
    sentences = []
    for row in emotions.to_dict("records"):
        if row["reason"]:
            sentences.append(f"{row['emotion']}: not computed, {row['reason']}")
            continue
        text = f"{row['emotion']}: {row['zero_entropy_share']:.0%} of the scenes have zero entropy"
        if row["zero_entropy_null_mean"] == row["zero_entropy_null_mean"]:
            text += (
                f", by chance {row['zero_entropy_null_mean']:.0%} "
                f"[{row['zero_entropy_null_low']:.0%}, {row['zero_entropy_null_high']:.0%}]"
            )
        sentences.append(text)
    return sentences
