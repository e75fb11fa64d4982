"""`clusters`: what is in each confounder cluster, and how many clusters the contexts hold."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.cli.inputs import Rows, add_row_options, next_line, open_rows, out_directory
from analysis.cli.picture_options import add_picture_options, encode_rows, read_features
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
        description="Describe clusters of contexts: size, prior, emotions against the base rate, "
        "scenes, exemplars; and how stable and separate they are by their number. Of a study: its "
        "confounder dictionary. Of a table: its column of clusters, or clusters made of features "
        "(--features) or of its pictures.",
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
        help="with --manifest: column with the cluster's number (default: cluster, if there)",
    )
    parser.add_argument(
        "--features",
        type=Path,
        metavar="FILE",
        help="with --manifest: .npy with a row of context features per row of the table",
    )
    parser.add_argument(
        "--clusters",
        type=int,
        default=64,
        metavar="N",
        help="with --manifest: how many to make (default: 64)",
    )
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        metavar="N",
        help="numbers of clusters to compare (default: theirs, its half and double)",
    )
    parser.add_argument("--seeds", type=int, default=3, help="clusterings per number (default: 3)")
    add_picture_options(parser)
    parser.set_defaults(func=_clusters)


@dataclass(frozen=True, kw_only=True, eq=False)
class Clustered:
    """Rows and the cluster of each; what was clustered, in words.

    features (n, d) and centers (N, d) where there are such, for exemplars and the choice of N.
    dictionary: its name, of a study's.
    """

    frame: pd.DataFrame
    cluster: np.ndarray
    n_clusters: int
    source: str
    features: np.ndarray | None = None
    centers: np.ndarray | None = None
    n_components: int = 256
    dictionary: str | None = None
    split: str | None = None


def _clusters(arguments: argparse.Namespace) -> int:
    from analysis.clusters import cluster_study

    if arguments.seeds < 1 or min(arguments.sizes or [2]) < 2:
        raise InputError("Expected --seeds of 1 or more and --sizes of 2 or more.")
    rows = open_rows(arguments)
    if rows.study is not None:
        kept = _kept(arguments, rows)
        if kept is not None:
            return kept
        found = _of_study(arguments, rows)
    else:
        found = _of_table(arguments, rows)
    report = cluster_study(
        found.frame,
        found.cluster,
        rows.labels,
        n_clusters=found.n_clusters,
        features=found.features,
        centers=found.centers,
    )
    sizes = _compare(arguments, found)
    if rows.study is not None and arguments.out is None and found.dictionary is not None:
        from analysis.stored import save_clusters

        save_clusters(
            rows.study, report, dictionary=found.dictionary, split=found.split or "", sizes=sizes
        )
    _tell(arguments, rows, report, sizes, source=found.source)
    return 0


def _of_study(arguments: argparse.Namespace, rows: Rows) -> Clustered:
    from analysis.cluster_sources import (
        dictionary_features,
        dictionary_split,
        open_dictionary,
    )

    assert rows.study is not None
    if arguments.features is not None:
        raise InputError("Expected --features with --manifest only: a study stores its own.")
    name, dictionary = open_dictionary(rows.study, arguments.dictionary)
    split = dictionary_split(dictionary)
    if arguments.split not in (None, split):
        raise InputError(
            f"Expected --split {split}, whose rows dictionary {name} clusters, "
            f"got {arguments.split!r}."
        )
    return Clustered(
        frame=replace(rows, split=split).chosen(),
        cluster=dictionary.labels_,
        n_clusters=dictionary.n_prototypes,
        source=f"confounder dictionary {name} of split {split}",
        features=dictionary_features(rows.study, dictionary),
        centers=dictionary.centers_,
        n_components=dictionary.n_components,
        dictionary=name,
        split=split,
    )


def _kept(arguments: argparse.Namespace, rows: Rows) -> int | None:
    """Tell the cluster study that a study keeps, where it was shared without its dictionaries."""
    from analysis.stored import load_clusters, stored_clusters

    study = rows.study
    assert study is not None
    names = stored_clusters(study)
    name = arguments.dictionary or (names[0] if names else None)
    if name not in names or any(study.dictionaries_root.glob("*.safetensors")):
        return None
    kept = load_clusters(study, name)
    assert kept is not None
    note = (
        "The study was shared without its dictionaries: this is what it keeps. Stability and "
        "silhouette need the features; make them again with "
        f"`python -m ccim_core dictionary --study {study.path}`."
    )
    notes = kept.report.notes if kept.sizes is not None else (*kept.report.notes, note)
    report = replace(kept.report, notes=notes)
    source = f"confounder dictionary {name} of split {kept.split}, as the study keeps it"
    _tell(arguments, rows, report, kept.sizes, source=source)
    return 0


def _of_table(arguments: argparse.Namespace, rows: Rows) -> Clustered:
    import numpy as np

    from ccim_core.confounders import ConfounderDictionary

    if arguments.dictionary:
        raise InputError("Expected --dictionary with --study only.")
    frame, features, source = rows.chosen(), None, ""
    if arguments.features is not None:
        features = read_features(arguments.features, len(rows.frame))
        if rows.split is not None:
            features = features[(rows.frame["split"] == rows.split).to_numpy(bool)]
        source = f"features in {arguments.features.name}"
    name = arguments.cluster_column
    if name in frame:
        cluster = _column(frame, name)
        n, centers = int(cluster.max()) + 1, None
        if features is not None:
            groups = (features[cluster == z] for z in range(n))
            centers = np.stack([one.mean(0) if len(one) else features.mean(0) for one in groups])
        return Clustered(
            frame=frame,
            cluster=cluster,
            n_clusters=n,
            source=f"column `{name}`",
            features=features,
            centers=centers,
        )
    if features is None:
        try:
            features, source = encode_rows(arguments, rows, frame)
        except InputError as error:
            text = str(error).rstrip(".")
            raise InputError(
                f"{text}; clusters need a column `{name}` (--cluster-column), --features, or the "
                "pictures."
            ) from None
    dictionary = ConfounderDictionary(arguments.clusters).fit(features)
    return Clustered(
        frame=frame,
        cluster=dictionary.labels_,
        n_clusters=dictionary.n_prototypes,
        source=f"K-Means of {source}",
        features=features,
        centers=dictionary.centers_,
    )


def _column(frame: pd.DataFrame, name: str) -> np.ndarray:
    import numpy as np
    import pandas as pd

    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64)
    if not (np.isfinite(values) & (values >= 0) & (values == np.floor(values))).all():
        raise InputError(f"Expected whole numbers from 0 in `{name}`, got others.")
    return values.astype(np.int64)


def _compare(arguments: argparse.Namespace, found: Clustered) -> pd.DataFrame | None:
    """Stability and silhouette by N; None without features."""
    from analysis.cluster_sizes import compare_sizes, default_sizes

    if found.features is None:
        return None
    return compare_sizes(
        found.features,
        arguments.sizes or default_sizes(found.n_clusters, len(found.features)),
        seeds=range(arguments.seeds),
        n_components=found.n_components,
        progress=not arguments.quiet,
    )


def _tell(
    arguments: argparse.Namespace,
    rows: Rows,
    report: ClusterReport,
    sizes: pd.DataFrame | None,
    *,
    source: str,
) -> None:
    """Write the files and print the answer."""
    from analysis.cluster_page import cluster_lines

    folder = out_directory(arguments, rows, "clusters")
    answer = _answer(report, sizes, source)
    if folder is not None:
        _write(folder, report, sizes, answer, arguments, rows)
    if arguments.json:
        json.dump(answer, sys.stdout, indent=1)
        print()
        return
    print("\n".join([f"{rows.title}: {source}", *cluster_lines(report, sizes)]))
    if folder is not None:
        print(f"{folder / 'clusters.html'}\n{folder / 'clusters.json'}")
    print(next_line(rows, None if folder is None else folder / "clusters.html"))


def _answer(report: ClusterReport, sizes: pd.DataFrame | None, source: str) -> dict[str, Any]:
    tables = {
        name: json.loads(getattr(report, name).to_json(orient="records"))
        for name in ("clusters", "distribution", "scenes", "exemplars")
    }
    compared = None if sizes is None else json.loads(sizes.to_json(orient="records"))
    return {"source": source, **tables, "sizes": compared, "notes": list(report.notes)}


def _write(
    folder: Path,
    report: ClusterReport,
    sizes: pd.DataFrame | None,
    answer: dict[str, Any],
    arguments: argparse.Namespace,
    rows: Rows,
) -> None:
    from analysis.cluster_page import write_cluster_page
    from ccim_core.files import write_atomically, write_json
    from ccim_core.pictures import PictureReader

    tables = {name: getattr(report, name) for name in ("clusters", "distribution", "scenes")}
    tables["exemplars"] = report.exemplars
    if sizes is not None:
        tables["sizes"] = sizes
    for name, table in tables.items():
        with write_atomically(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    write_json(folder / "clusters.json", answer)
    if rows.study is not None:
        reader = rows.study.reader
    else:
        reader = PictureReader({"images": arguments.images or arguments.manifest.parent})
    write_cluster_page(
        report,
        folder / "clusters.html",
        title=f"Confounder clusters, {rows.title}",
        source=str(answer["source"]),
        sizes=sizes,
        reader=reader,
    )
