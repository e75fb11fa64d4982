"""`clusters`: what is in each confounder cluster, and how many clusters the contexts hold."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.cli.inputs import Rows, add_row_options, open_rows, out_directory
from ccim_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from analysis.clusters import ClusterReport

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "clusters",
        help="what is in each confounder cluster",
        description="Describe a confounder dictionary's clusters: size, prior, emotions against "
        "the base rate, scenes, exemplars; and how stable and separate they are by their number.",
    )
    add_row_options(parser)
    parser.add_argument(
        "--dictionary",
        metavar="NAME",
        help="with --study (default: its K-Means dictionary of split train)",
    )
    parser.add_argument(
        "--cluster-column",
        default="cluster",
        metavar="NAME",
        help="with --manifest: column with the cluster's number",
    )
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        metavar="N",
        help="numbers of clusters to compare (default: the dictionary's, its half and double)",
    )
    parser.add_argument("--seeds", type=int, default=3, help="clusterings per number (default: 3)")
    parser.set_defaults(func=_clusters)


def _clusters(arguments: argparse.Namespace) -> int:
    from analysis.clusters import cluster_study, compare_sizes

    dictionary, features = None, None
    if arguments.study is not None:
        from analysis.cluster_sources import dictionary_features, open_dictionary
        from ccim_core.study import Study

        study = Study.open(arguments.study)
        _, dictionary = open_dictionary(study, arguments.dictionary)
        arguments.split = dictionary.provenance.get("split", "train")
    rows = open_rows(arguments)
    frame = rows.frame
    if rows.split is not None:
        frame = frame[frame["split"] == rows.split].reset_index(drop=True)
    if dictionary is not None:
        cluster, n = dictionary.labels_, dictionary.n_prototypes
        features = dictionary_features(study, dictionary)
        report = cluster_study(
            frame,
            cluster,
            rows.labels,
            n_clusters=n,
            features=features,
            centers=dictionary.centers_,
        )
    else:
        report = cluster_study(frame, _column(frame, arguments.cluster_column), rows.labels)
    sizes = None
    if features is not None and dictionary is not None:
        n = dictionary.n_prototypes
        sizes = compare_sizes(
            features,
            arguments.sizes or [k for k in (n // 2, n, 2 * n) if 2 <= k <= len(features) // 2],
            seeds=range(arguments.seeds),
            n_components=dictionary.n_components,
            progress=not arguments.quiet,
        )
    folder = out_directory(arguments, rows, "clusters")
    if folder is not None:
        _write(folder, report, sizes, rows)
    if arguments.json:
        json.dump(_answer(report, sizes), sys.stdout, indent=1)
        print()
    else:
        print(_summary(report, sizes))
        if folder is not None:
            print(folder / "clusters.html")
    return 0


def _column(frame: pd.DataFrame, name: str) -> np.ndarray:
    import numpy as np
    import pandas as pd

    if name not in frame:
        raise InputError(
            f"Expected a column `{name}` with each row's cluster, got {list(frame.columns)}; "
            "name it with --cluster-column."
        )
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64)
    if not (np.isfinite(values) & (values >= 0) & (values == np.floor(values))).all():
        raise InputError(f"Expected whole numbers from 0 in `{name}`, got others.")
    return values.astype(np.int64)


def _answer(report: ClusterReport, sizes: pd.DataFrame | None) -> dict[str, object]:
    tables = {
        name: json.loads(getattr(report, name).to_json(orient="records"))
        for name in ("clusters", "distribution", "scenes", "exemplars")
    }
    compared = None if sizes is None else json.loads(sizes.to_json(orient="records"))
    return {**tables, "sizes": compared, "notes": list(report.notes)}


def _summary(report: ClusterReport, sizes: pd.DataFrame | None) -> str:
    lines = [
        f"{'cluster':>7s} {'size':>6s} {'prior':>6s} {'H(Y|z)':>7s} {'told':>6s}  "
        "emotion (lift), scene (share)"
    ]
    for row in report.clusters.sort_values("size", ascending=False).head(20).to_dict("records"):
        emotion = (
            "–"
            if row["strongest_emotion"] != row["strongest_emotion"]
            else (f"{row['strongest_emotion']} ({row['strongest_lift']:.2f})")
        )
        scene = (
            ""
            if row["top_scene"] is None
            else (f", {row['top_scene']} ({row['top_scene_share'] * 100:.0f} %)")
        )
        lines.append(
            f"{row['cluster']:7d} {row['size']:6,d} {row['prior']:6.3f} {row['entropy_bits']:7.3f} "
            f"{row['told_bits']:6.3f}  {emotion}{scene}"
        )
    if len(report.clusters) > 20:
        lines.append(f"… and {len(report.clusters) - 20} smaller ones")
    for row in [] if sizes is None else sizes.to_dict("records"):
        lines.append(
            f"N = {row['n_clusters']}: adjusted Rand over seeds {row['stability_mean']:.3f}, "
            f"silhouette {row['silhouette_mean']:.3f}, smallest cluster {row['smallest']}"
        )
    return "\n".join([*lines, *(f"note: {note}" for note in report.notes)])


def _write(folder: Path, report: ClusterReport, sizes: pd.DataFrame | None, rows: Rows) -> None:
    from analysis.figure_page import write_page
    from analysis.figures import cluster_bars, size_choice_figure
    from analysis.palette import template
    from ccim_core.files import write_atomically, write_json

    tables = {name: getattr(report, name) for name in ("clusters", "distribution", "scenes")}
    tables["exemplars"] = report.exemplars
    if sizes is not None:
        tables["sizes"] = sizes
    for name, table in tables.items():
        with write_atomically(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    write_json(folder / "clusters.json", _answer(report, sizes))
    largest = report.clusters.sort_values("size", ascending=False)["cluster"].head(12)
    figures = [] if sizes is None else [size_choice_figure(sizes)]
    for cluster in largest:
        figure = cluster_bars(report.distribution, cluster=int(cluster))
        row = report.clusters.loc[report.clusters["cluster"] == cluster].iloc[0]
        named = "" if row["top_scene"] is None else f", mostly {row['top_scene']}"
        figure.update_layout(title=f"Cluster {cluster}: {row['size']:,} subjects{named}")
        figures.append(figure)
    for figure in figures:
        figure.update_layout(template=template())
    write_page(
        folder / "clusters.html",
        title=f"Confounder clusters, {rows.title}",
        figures=figures,
        notes=report.notes,
    )
