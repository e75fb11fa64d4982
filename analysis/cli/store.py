"""`store`: what the app's Context bias, Confounders and Embeddings pages read, made in one go."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from analysis.cli.inputs import Rows, next_line
from analysis.cli.scene_options import add_scene_options, choose_scenes

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "store",
        help="compute and keep what the app's pages on a study read",
        description="Bias study of the training split, clusters of its confounder dictionary, "
        "and features before and after each intervention with their measures; kept in the study. "
        "What the study has no data for is left out, with the reason.",
    )
    parser.add_argument("--study", type=Path, required=True, metavar="DIR", help="a study")
    parser.add_argument(
        "--method",
        choices=("aligned_umap", "pca"),
        default="aligned_umap",
        help="AlignedUMAP takes from half a minute; PCA is instant",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print what was made as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    add_scene_options(parser)
    parser.set_defaults(func=_store)


def _store(arguments: argparse.Namespace) -> int:
    from ccim_core.study import Study

    study = Study.open(arguments.study)

    from analysis.store import store_study_analysis, training_split

    rows = Rows(
        frame=study.manifest.frame,
        labels=study.labels,
        split=training_split(study),
        title=study.name,
        out=study.analysis_root,
        study=study,
    )
    made = store_study_analysis(
        study,
        quiet=arguments.quiet,
        seed=arguments.seed,
        method=arguments.method,
        scenes=lambda: choose_scenes(arguments, rows),
    )
    if arguments.json:
        print(json.dumps({"study": study.name, **made}, indent=2))
        return 0
    for name, outcome in made.items():
        print(f"{name:12s} {outcome}")
    print(next_line(rows, None))
    return 0
