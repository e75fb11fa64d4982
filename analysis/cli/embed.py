"""`embed`: coordinates and separation of features before and after an intervention."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ccim_core.errors import InputError

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "embed",
        help="features before and after an intervention: a map, and how they are organised",
        description="Lay out stored features of two runs (or two estimators of one run) together "
        "and measure how they separate emotions and scenes. What was made before from the same "
        "features and settings is read, not made again.",
    )
    parser.add_argument("--study", type=Path, required=True, help="study directory")
    parser.add_argument(
        "--before",
        metavar="RUN:ARRAY",
        help="by default the plain run's joint feature, as in none-seed0:likelihood",
    )
    parser.add_argument(
        "--after",
        metavar="RUN:ARRAY",
        help="likelihood, backdoor, ccim or context of a run; by default the plain run's backdoor, "
        "and the CCIM run's ccim",
    )
    parser.add_argument("--split", help="by default shift, where its features are stored")
    parser.add_argument(
        "--method",
        choices=("aligned_umap", "pca"),
        default="aligned_umap",
        help="AlignedUMAP takes from half a minute; PCA is instant",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the layout and the resampling")
    parser.add_argument("--max-points", type=int, default=4000, help="subjects in the map at most")
    parser.add_argument("--neighbours", type=int, default=15, help="k of the purities")
    parser.add_argument("--bootstrap", type=int, default=1000, help="resamples of the intervals")
    parser.add_argument("--no-measures", action="store_true", help="coordinates only")
    parser.add_argument("--json", action="store_true", help="print the measures as JSON")
    parser.add_argument("--out", type=Path, metavar="DIR", help="also write CSV and HTML here")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(func=_embed)


def _embed(arguments: argparse.Namespace) -> int:
    from analysis.embedding_sources import Side, default_pairs, default_split
    from analysis.embeddings import EmbedSettings, embed
    from analysis.separation import SeparationSettings
    from analysis.separation_study import study_separation
    from ccim_core.progress import progress
    from ccim_core.study import Study

    study = Study.open(arguments.study)
    if bool(arguments.before) != bool(arguments.after):
        raise InputError("Expected both --before and --after, or neither.")
    pairs = (
        [(Side.parse(arguments.before), Side.parse(arguments.after))]
        if arguments.before
        else default_pairs(study)
    )
    measured = SeparationSettings(
        k=arguments.neighbours, n_resamples=arguments.bootstrap, seed=arguments.seed
    )
    records = []
    for before, after in progress(pairs, "embed", unit="pairs", quiet=arguments.quiet):
        settings = EmbedSettings(
            split=arguments.split or default_split(study, before),
            method=arguments.method,
            seed=arguments.seed,
            max_points=arguments.max_points,
        )
        found = embed(study, before, after, settings=settings)
        separated = None
        if not arguments.no_measures:
            separated = study_separation(
                study,
                before,
                after,
                split=settings.split,
                settings=measured,
                quiet=arguments.quiet,
            )
        records.append(_record(found, separated))
        if arguments.out is not None:
            records[-1]["files"] = _export(arguments.out, study.labels.emotions, found, separated)
        if not arguments.json:
            _print(found, separated)
    if arguments.json:
        json.dump({"study": study.name, "embeddings": records}, sys.stdout, indent=2)
        print()
    print(
        f"next: streamlit run app/main.py -- --study {study.path}",
        file=sys.stderr if arguments.json else sys.stdout,
    )
    return 0


def _record(found: Any, separated: Any | None) -> dict[str, Any]:
    return {
        "before": str(found.before),
        "after": str(found.after),
        "coordinates": str(found.path),
        "computed": found.computed,
        **{
            name: found.record[name]
            for name in ("basis", "settings", "n_subjects", "n_points", "n_unmatched", "versions")
        },
        "separation": None if separated is None else str(separated.path),
        "measured_with": None if separated is None else separated.record["settings"],
        "measures": [] if separated is None else separated.record["measures"],
    }


def _print(found: Any, separated: Any | None) -> None:
    print(f"{found.before} → {found.after}, split {found.record['settings']['split']}")
    if separated is not None:
        for row in separated.record["measures"]:
            print(f"  {row['title']:64s} {_line(row)}")
    print(f"  {'made' if found.computed else 'made before'}: {found.path}")


def _line(row: dict[str, Any]) -> str:
    if row["reason"]:
        return f"not defined: {row['reason']}"
    return (
        f"{row['before']:.3f} → {row['after']:.3f}  change {row['change']:+.3f} "
        f"[{row['change_low']:+.3f}, {row['change_high']:+.3f}]  chance {row['chance_after']:.3f}"
    )


def _export(
    folder: Path, emotions: tuple[str, ...], found: Any, separated: Any | None
) -> list[str]:
    """CSV and one self-contained HTML; the paths written."""
    from analysis.figure_page import write_page
    from analysis.figures_embeddings import pair_figure
    from analysis.figures_separation import separation_figure
    from ccim_core.files import write_atomically

    stem = found.path.stem
    titles = (str(found.before), str(found.after))
    paths = [folder / f"{stem}.csv"]
    with write_atomically(paths[0]) as temporary:
        found.frame.to_csv(temporary, index=False)
    figures = [
        pair_figure(found.frame, titles=titles, colour_by=colour, emotions=emotions)
        for colour in ("emotion", "scene", "change")
    ]
    if separated is not None:
        paths.append(folder / f"{stem}.separation.csv")
        with write_atomically(paths[-1]) as temporary:
            separated.frame.to_csv(temporary, index=False)
        figures.append(separation_figure(separated.frame, titles=titles))
    paths.append(folder / f"{stem}.html")
    write_page(paths[-1], title=" → ".join(titles), figures=figures)
    return [str(path) for path in paths]
