"""`embed`: coordinates and separation of features before and after an intervention."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.cli.embed_lines import measure_line
from analysis.cli.inputs import add_row_options
from analysis.cli.picture_options import add_picture_options
from ccim_core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from ccim_core.study import Study

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "embed",
        help="features before and after an intervention: a map, and how they are organised",
        description="Lay out stored features of two runs (or two estimators of one run) of a study "
        "together and measure how they separate emotions and scenes; of a table alone, features "
        "that are given (--features) or its pictures' contexts. What was made before from the "
        "same features and settings is read, not made again.",
    )
    add_row_options(parser)
    parser.add_argument(
        "--before",
        metavar="RUN:ARRAY",
        help="with --study: by default the plain run's joint feature, as in none-seed0:likelihood",
    )
    parser.add_argument(
        "--after",
        metavar="RUN:ARRAY",
        help="likelihood, backdoor, ccim or context of a run; by default the plain run's backdoor, "
        "the CCIM run's ccim, and its context feature beside the plain run's",
    )
    parser.add_argument(
        "--features",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="with --manifest: one or two .npy files (before, after) with a row per row of the "
        "table (default: contexts of its pictures, encoded)",
    )
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
    add_picture_options(parser)
    parser.set_defaults(func=_embed)


def _embed(arguments: argparse.Namespace) -> int:
    if arguments.study is not None:
        return _embed_study(arguments)
    from analysis.cli.embed_manifest import embed_manifest

    if arguments.before or arguments.after:
        raise InputError("Expected --before and --after with --study only: a table has no runs.")
    return embed_manifest(arguments)


def _embed_study(arguments: argparse.Namespace) -> int:
    from analysis.probe_tables import load_probes, probe_lines
    from ccim_core.study import Study

    study = Study.open(arguments.study)
    if arguments.features or arguments.labels:
        raise InputError("Expected --features and --labels with --manifest only.")
    if bool(arguments.before) != bool(arguments.after):
        raise InputError("Expected both --before and --after, or neither.")
    pairs, notes = _pairs(study, arguments)
    probes = load_probes(study)
    records = []
    for found, separated in pairs:
        records.append(_record(found, separated))
        if arguments.out is not None:
            records[-1]["files"] = _export(arguments.out, study, found, separated, probes)
        if not arguments.json:
            _print(found, separated)
    if arguments.json:
        answer = {
            "study": study.name,
            "embeddings": records,
            "scene_probes": [] if probes is None else json.loads(probes.to_json(orient="records")),
            "notes": notes,
        }
        json.dump(answer, sys.stdout, indent=2)
        print()
    else:
        print("\n".join([*([] if probes is None else probe_lines(probes)), *_noted(notes)]))
    print(
        f"next: streamlit run app/main.py -- --study {study.path}",
        file=sys.stderr if arguments.json else sys.stdout,
    )
    return 0


def _pairs(
    study: Study, arguments: argparse.Namespace
) -> tuple[list[tuple[Any, Any | None]], list[str]]:
    """Embeddings with their separation, made now or before; and what is to be said of them."""
    from analysis.embedding_sources import Side, default_pairs, default_split
    from analysis.embeddings import EmbedSettings, embed, stored_embeddings
    from analysis.separation import SeparationSettings
    from analysis.separation_study import study_separation
    from ccim_core.progress import progress

    if arguments.before:
        sides = [(Side.parse(arguments.before), Side.parse(arguments.after))]
    else:
        try:
            sides = default_pairs(study)
        except InputError:
            if not stored_embeddings(study):
                raise
            return _kept(study)
    measured = SeparationSettings(
        k=arguments.neighbours, n_resamples=arguments.bootstrap, seed=arguments.seed
    )
    pairs = []
    for before, after in progress(sides, "embed", unit="pairs", quiet=arguments.quiet):
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
        pairs.append((found, separated))
    return pairs, []


def _kept(study: Study) -> tuple[list[tuple[Any, Any | None]], list[str]]:
    """What a study keeps that was shared without its features."""
    from analysis.embeddings import load_embedding, stored_embeddings
    from analysis.separation_study import load_separation, stored_separations

    measured = [load_separation(study, path) for path in stored_separations(study)]
    pairs = []
    for path in stored_embeddings(study):
        found = load_embedding(study, path)
        wanted = (found.record["before"], found.record["after"], found.record["settings"]["split"])
        separated = next(
            (
                one
                for one in measured
                if (one.record["before"], one.record["after"], one.record["split"]) == wanted
            ),
            None,
        )
        pairs.append((found, separated))
    note = (
        "The study was shared without its runs' features: this is what it keeps, and the options "
        "of layout and measures have no effect. To make it anew, store features with `python -m "
        f"ccim_core evaluate --study {study.path} --run RUN --embeddings test shift`."
    )
    return pairs, [note]


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
            print(f"  {row['title']:64s} {measure_line(row)}")
    print(f"  {'made' if found.computed else 'made before'}: {found.path}")


def _noted(notes: list[str]) -> list[str]:
    return [f"note: {note}" for note in notes]


def _export(
    folder: Path, study: Study, found: Any, separated: Any | None, probes: pd.DataFrame | None
) -> list[str]:
    """CSV and one self-contained HTML; the paths written."""
    from analysis.embed_page import write_embedding_page
    from ccim_core.files import write_atomically

    stem = found.path.stem
    titles = tuple(
        f"{side.run}, {found.record['titles'][name]}"
        for name, side in (("before", found.before), ("after", found.after))
    )
    tables = {f"{stem}.csv": found.frame}
    if separated is not None:
        tables[f"{stem}.separation.csv"] = separated.frame
    if probes is not None:
        tables["scene_probes.csv"] = probes
    for name, table in tables.items():
        with write_atomically(folder / name) as temporary:
            table.to_csv(temporary, index=False)
    page = folder / f"{stem}.html"
    split = found.record["settings"]["split"]
    write_embedding_page(
        found.frame,
        page,
        title=f"Features before and after, {study.name}",
        titles=titles,
        emotions=study.labels.emotions,
        basis=f"{found.record['basis']}, split {split}",
        measures=None if separated is None else separated.frame,
        probes=probes,
        settings=found.record["settings"],
    )
    return [*(str(folder / name) for name in tables), str(page)]
