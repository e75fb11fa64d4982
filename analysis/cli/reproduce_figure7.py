"""`reproduce figure7`: context features in four contexts, vanilla and with CCIM."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the target."""
    parser = subparsers.add_parser(
        "figure7",
        help="context features of vanilla and CCIM runs in four contexts",
        description="Draw the context features of test subjects in four contexts, for every model "
        "that has a plain run and a CCIM run with stored features, and measure how pure a "
        "context's neighbourhoods are in emotion.",
    )
    parser.add_argument("--study", type=Path, required=True, help="study directory")
    parser.add_argument(
        "--contexts", nargs="+", default=[], metavar="SCENE", help="default: the paper's four"
    )
    parser.add_argument("--split", help="by default test, where its features are stored")
    parser.add_argument("--method", choices=("aligned_umap", "pca"), default="aligned_umap")
    parser.add_argument("--seed", type=int, default=0, help="of the layout")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: the study's analysis/")
    parser.add_argument("--json", action="store_true", help="print runs and measures as JSON")
    parser.set_defaults(func=_figure7)


def _figure7(arguments: argparse.Namespace) -> int:
    from analysis.embeddings import EmbedSettings
    from analysis.figure7 import figure7, figure7_figure
    from analysis.figure_page import write_page
    from ccim_core.files import write_atomically
    from ccim_core.study import Study

    study = Study.open(arguments.study)
    result = figure7(
        study,
        contexts=arguments.contexts,
        split=arguments.split,
        settings=EmbedSettings(method=arguments.method, seed=arguments.seed),
    )
    folder = arguments.out or study.analysis_root / "reproduce"
    page, points = folder / "figure7.html", folder / "figure7.csv"
    with write_atomically(points) as temporary:
        result.points.to_csv(temporary, index=False)
    runs = [
        f"{model}: {one['before']} and {one['after']}, split {one['split']}"
        for model, one in result.runs.items()
    ]
    write_page(
        page,
        title=f"Figure 7: context features, {study.name}",
        figures=[figure7_figure(result, emotions=study.labels.emotions)],
        notes=[*runs, f"contexts: {', '.join(result.contexts)}"],
    )
    measures = json.loads(result.measures.to_json(orient="records"))
    if arguments.json:
        answer = {"runs": result.runs, "contexts": result.contexts, "measures": measures}
        json.dump({**answer, "files": [str(page), str(points)]}, sys.stdout, indent=2)
        print()
    else:
        for row in result.measures.to_dict("records"):
            print(
                f"{row['model']:12s} {row['title']:64s} {row['before']:.3f} → {row['after']:.3f}"
                f"  change [{row['change_low']:+.3f}, {row['change_high']:+.3f}]"
                f"  chance {row['chance_after']:.3f}"
            )
        print(f"{page}\n{points}")
    return 0
