"""`reproduce figure7`: context features in four contexts, vanilla and with CCIM."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.embeddings import EmbedSettings
    from analysis.figure7 import Figure7
    from ccim_core.study import Study

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
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(func=_figure7)


def _figure7(arguments: argparse.Namespace) -> int:
    from analysis.embeddings import EmbedSettings
    from analysis.figure7 import figure7, purity_sentences
    from ccim_core.files import write_atomically
    from ccim_core.study import Study

    study = Study.open(arguments.study)
    settings = EmbedSettings(method=arguments.method, seed=arguments.seed)
    result = figure7(
        study,
        contexts=arguments.contexts,
        split=arguments.split,
        settings=settings,
        quiet=arguments.quiet,
    )
    folder = arguments.out or study.analysis_root / "reproduce"
    tables = {"figure7.csv": result.points, "figure7_measures.csv": result.measures}
    for name, table in tables.items():
        with write_atomically(folder / name) as temporary:
            table.to_csv(temporary, index=False)
    page = folder / "figure7.html"
    _write_page(page, study, result, settings)
    files = [str(page), *(str(folder / name) for name in tables)]
    if arguments.json:
        measures = json.loads(result.measures.to_json(orient="records"))
        answer = {"runs": result.runs, "contexts": result.contexts, "measures": measures}
        json.dump({**answer, "files": files}, sys.stdout, indent=2)
        print()
        return 0
    print("\n".join([*(text.replace("*", "") for text in purity_sentences(result)), *files]))
    print(f"next: python -m analysis embed --study {study.path}")
    return 0


def _write_page(path: Path, study: Study, result: Figure7, settings: EmbedSettings) -> None:
    from analysis.bias_text import readable_scene
    from analysis.embed_page import measures_table
    from analysis.figure7 import figure7_figure, purity_sentences
    from analysis.figure_page import Section, write_page

    runs = [
        f"{model}: runs {one['before']} and {one['after']}, subjects of split {one['split']}"
        for model, one in result.runs.items()
    ]
    contexts = "; ".join(readable_scene(name) for name in result.contexts)
    write_page(
        path,
        title=f"Figure 7: context features, {study.name}",
        lead=purity_sentences(result),
        sections=[
            Section(
                title=f"Context features in {len(result.contexts)} contexts",
                caption=f"Contexts: {contexts}. Colour: emotion; mark: context. Panels of one "
                "model are laid out together; purity is measured in the features' own space.",
                figure=figure7_figure(result, emotions=study.labels.emotions),
            ),
            *(
                Section(
                    title=f"Measures, {model}",
                    table=measures_table(result.measures[result.measures["model"] == model]),
                )
                for model in result.runs
            ),
        ],
        notes=runs,
        settings=asdict(settings),
    )
