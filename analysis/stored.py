"""A study's bias report and cluster study, computed once and kept for whoever reads the study.

`<study>/analysis/bias/` and `<study>/analysis/clusters/<dictionary>/` hold a Parquet table each
and, written last, `stored.json`, which vouches for the tables and names the manifest that they
were computed from. Reading them computes nothing and imports neither torch nor scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.bias_report import BiasReport, BiasSettings
from analysis.cluster_report import ClusterReport, ClusterSettings
from ccim_core.errors import InputError
from ccim_core.files import read_json, sha256_file, write_atomically, write_json
from ccim_core.study import Study

__all__ = [
    "StoredClusters",
    "load_assignment",
    "load_bias",
    "load_clusters",
    "save_bias",
    "save_clusters",
    "stored_clusters",
]

RECORD = "stored.json"
FORMAT = "ccim-stored"
FORMAT_VERSION = 1
BIAS_TABLES = ("emotions", "scenes", "cells", "histogram")
CLUSTER_TABLES = ("clusters", "distribution", "scenes", "exemplars")
SIZES, ASSIGNMENT, MEMBERS = "sizes", "assignment", "members"  # tables kept where there are such


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredClusters:
    """A cluster study, the dictionary it is about, and the split whose subjects are clustered.

    sizes: stability and silhouette by number of clusters (`clusters.compare_sizes`), or None
    where the features that it needs were not there.
    """

    report: ClusterReport
    settings: ClusterSettings
    dictionary: str
    split: str
    sizes: pd.DataFrame | None = None
    members: pd.DataFrame | None = None
    trained: bool = True


def save_bias(
    study: Study, report: BiasReport, *, seed: int = 0, assignment: pd.Series | None = None
) -> Path:
    """Keep a study's bias report. Returns its folder.

    Args:
        assignment: the scene (values) of each image (index), where the manifest has no column of
            it: scenes that were recognised, or clusters in their place.
    """
    values = report.to_json()
    record = {name: values[name] for name in ("dataset", "settings", "notes")}
    tables = {name: getattr(report, name) for name in BIAS_TABLES}
    if assignment is not None:
        tables[ASSIGNMENT] = assignment.rename("scene").rename_axis("image").reset_index()
    return _save(study, _bias_root(study), "bias", tables, {**record, "seed": seed})


def load_bias(study: Study) -> BiasReport | None:
    """The bias report that was kept, or None where there is none.

    Raises:
        InputError: it was changed since, or belongs to another manifest than the study has.
    """
    found = _load(study, _bias_root(study), "bias", BIAS_TABLES)
    if found is None:
        return None
    record, tables = found
    tables.pop(ASSIGNMENT, None)
    return BiasReport(
        **tables,
        dataset=record["dataset"],
        settings=BiasSettings.from_dict(record["settings"]),
        notes=tuple(record["notes"]),
    )


def load_assignment(study: Study) -> pd.Series | None:
    """The scene of each image (index) that the kept bias report is about; None where it is a
    column of the manifest, or nothing is kept. Raises as `load_bias`."""
    found = _load(study, _bias_root(study), "bias", BIAS_TABLES)
    if found is None or ASSIGNMENT not in found[1]:
        return None
    return found[1][ASSIGNMENT].set_index("image")["scene"]


def save_clusters(
    study: Study,
    report: ClusterReport,
    *,
    dictionary: str,
    split: str,
    settings: ClusterSettings | None = None,
    sizes: pd.DataFrame | None = None,
    members: pd.DataFrame | None = None,
    trained: bool = True,
) -> Path:
    """Keep the cluster study of one dictionary, by the dictionary's name. Returns its folder."""
    record = {
        "dictionary": dictionary,
        "split": split,
        "trained": trained,
        "settings": asdict(settings or ClusterSettings()),
        "notes": list(report.notes),
    }
    folder = _clusters_root(study) / dictionary
    tables = {name: getattr(report, name) for name in CLUSTER_TABLES}
    if sizes is not None:
        tables[SIZES] = sizes
    if members is not None:
        tables[MEMBERS] = members
    return _save(study, folder, "clusters", tables, record)


def stored_clusters(study: Study) -> list[str]:
    """Names of the dictionaries whose cluster study is kept, those that models used first."""
    paths = _clusters_root(study).glob(f"*/{RECORD}")
    records = {path.parent.name: read_json(path) for path in paths}
    return sorted(records, key=lambda name: (not _trained(records[name]), name))


def _trained(record: Any) -> bool:
    """Records from before other dictionaries were kept are all of those that models used."""
    return bool(record.get("trained", True)) if isinstance(record, dict) else True


def load_clusters(study: Study, dictionary: str) -> StoredClusters | None:
    """The cluster study of a dictionary, or None where none is kept. Raises as `load_bias`."""
    found = _load(study, _clusters_root(study) / dictionary, "clusters", CLUSTER_TABLES)
    if found is None:
        return None
    record, tables = found
    sizes, members = tables.pop(SIZES, None), tables.pop(MEMBERS, None)
    return StoredClusters(
        report=ClusterReport(**tables, notes=tuple(record["notes"])),
        settings=ClusterSettings(**record["settings"]),
        dictionary=record["dictionary"],
        split=record["split"],
        sizes=sizes,
        members=members,
        trained=_trained(record),
    )


def _bias_root(study: Study) -> Path:
    return study.analysis_root / "bias"


def _clusters_root(study: Study) -> Path:
    return study.analysis_root / "clusters"


def _save(
    study: Study,
    folder: Path,
    kind: str,
    tables: Mapping[str, pd.DataFrame],
    record: Mapping[str, Any],
) -> Path:
    hashes = {}
    for name, frame in tables.items():
        path = folder / f"{name}.parquet"
        with write_atomically(path) as temporary:
            frame.to_parquet(temporary, index=False, compression="zstd")
        hashes[name] = sha256_file(path)
    whole = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "kind": kind,
        "manifest": study.manifest.content_hash(),
        "tables": hashes,
        **record,
    }
    write_json(folder / RECORD, whole)
    return folder


def _load(
    study: Study, folder: Path, kind: str, names: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]] | None:
    path = folder / RECORD
    if not path.is_file():
        return None
    again = f"make it again with `python -m analysis store --study {study.path}`"
    record = read_json(path)
    described = isinstance(record, dict) and [
        record.get(name) for name in ("format", "version", "kind")
    ]
    if described != [FORMAT, FORMAT_VERSION, kind] or not isinstance(record.get("tables"), dict):
        raise InputError(f"Expected a stored {kind} study in {path}, got another file; {again}.")
    if not study.same_manifest(str(record.get("manifest"))):
        raise InputError(
            f"Expected a {kind} study of the study's present manifest in {folder}, got that of "
            f"another; {again}."
        )
    tables = {}
    for name in (*names, *({SIZES, ASSIGNMENT, MEMBERS} & set(record["tables"]))):
        table = folder / f"{name}.parquet"
        if not table.is_file() or sha256_file(table) != record["tables"].get(name):
            raise InputError(
                f"Expected the table that {path} vouches for at {table}, got another; {again}."
            )
        tables[name] = pd.read_parquet(table)
    return record, tables
