"""`embed` of a table alone: features that are given, or contexts of its pictures."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from analysis.cli.embed_lines import measure_line
from analysis.cli.inputs import Rows, next_line, open_rows
from analysis.cli.picture_options import encode_rows, read_features
from ccim_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from analysis.embed_table import TableEmbedding

__all__ = ["embed_manifest"]

NEEDS_RUNS = (
    "Joint features under likelihood and intervention, and what an intervention changes, need a "
    "study's runs: see --study."
)


def embed_manifest(arguments: argparse.Namespace) -> int:
    """Run the command on `--manifest`."""
    from analysis.embed_table import embed_table
    from analysis.embeddings import EmbedSettings
    from analysis.separation import MEASURES, SeparationSettings
    from ccim_core.progress import progress_bar

    rows = open_rows(arguments)
    frame = rows.chosen()
    settings = EmbedSettings(
        split=rows.split or "all",
        method=arguments.method,
        seed=arguments.seed,
        max_points=arguments.max_points,
    )
    measured = SeparationSettings(
        k=arguments.neighbours, n_resamples=arguments.bootstrap, seed=arguments.seed
    )
    features, titles = _features(arguments, rows, frame)
    total = 0 if arguments.no_measures else len(features) * len(MEASURES)
    with progress_bar("measure", total=total, unit="measures", quiet=arguments.quiet) as bar:
        found = embed_table(
            frame,
            rows.labels,
            features,
            settings=settings,
            measured=None if arguments.no_measures else measured,
            advance=bar.update,
        )
    notes = [*found.notes, NEEDS_RUNS]
    files = _write(arguments, rows, found, titles, notes)
    measures = json.loads(found.measures.to_json(orient="records"))
    if arguments.json:
        answer = {
            "table": rows.title,
            "features": titles,
            **found.record,
            "measures": measures,
            "notes": notes,
            "files": files,
        }
        json.dump(answer, sys.stdout, indent=2)
        print()
        return 0
    print(f"{rows.title}, split {rows.split or 'all'}: {' → '.join(titles)}")
    print("\n".join(f"  {row['title']:64s} {measure_line(row)}" for row in measures))
    print("\n".join([*(f"note: {note}" for note in notes), *files]))
    print(next_line(rows, arguments.out / "embed.html" if files else None))
    return 0


def _features(
    arguments: argparse.Namespace, rows: Rows, frame: pd.DataFrame
) -> tuple[list[np.ndarray], list[str]]:
    """One or two arrays (n, d) of the split's rows, and what each is."""
    if arguments.features is None:
        try:
            features, source = encode_rows(arguments, rows, frame)
        except InputError as error:
            text = str(error).rstrip(".")
            raise InputError(f"{text}; a map needs the pictures, or --features.") from None
        return [features], [source]
    if len(arguments.features) > 2:
        raise InputError(f"Expected one or two files of features, got {len(arguments.features)}.")
    arrays = [read_features(path, len(rows.frame)) for path in arguments.features]
    if rows.split is not None:
        kept = (rows.frame["split"] == rows.split).to_numpy(bool)
        arrays = [one[kept] for one in arrays]
    return arrays, [path.name for path in arguments.features]


def _write(
    arguments: argparse.Namespace,
    rows: Rows,
    found: TableEmbedding,
    titles: list[str],
    notes: list[str],
) -> list[str]:
    """CSV, JSON and one self-contained HTML in `--out`; the paths written."""
    from analysis.embed_page import write_embedding_page
    from ccim_core.files import write_atomically, write_json

    folder = arguments.out
    if folder is None:
        return []
    tables = {"coordinates.csv": found.points}
    if len(found.measures):
        tables["separation.csv"] = found.measures
    for name, table in tables.items():
        with write_atomically(folder / name) as temporary:
            table.to_csv(temporary, index=False)
    write_json(folder / "embed.json", {"features": titles, **found.record})
    method = "AlignedUMAP" if arguments.method == "aligned_umap" else "PCA"
    write_embedding_page(
        found.points,
        folder / "embed.html",
        title=f"Features of {rows.title}",
        titles=titles,
        emotions=rows.labels.emotions,
        basis=f"laid out by {method}, split {rows.split or 'all'}",
        measures=found.measures,
        notes=notes,
        settings=found.record["settings"],
    )
    return [str(folder / name) for name in (*tables, "embed.json", "embed.html")]
