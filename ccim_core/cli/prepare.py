"""`prepare DATASET`: a dataset as its owners hand it out → what the other commands read.

A dataset is one function in `DATASETS` that adds its sub-parser and sets `func`.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ccim_core.cli.prepare_datasets import add_caer_s, add_emotic, add_groupwalk
from ccim_core.cli.prepare_own import add_folders, add_table

__all__ = ["DATASETS", "add_parser"]


def add_parser(subparsers: Any) -> None:
    """Add `prepare` with a sub-parser for each dataset."""
    parser = subparsers.add_parser("prepare", help="turn a dataset into what other commands read")
    datasets = parser.add_subparsers(dest="dataset", required=True, metavar="DATASET")
    for add_dataset in DATASETS.values():
        add_dataset(datasets)


def _add_legend(datasets: Any) -> None:
    parser = datasets.add_parser(
        "legend",
        help="the public collection of labelled portraits, as cloned",
        description=(
            "Sort the portraits of github.com/muxspace/facial_expressions, as cloned, into folders "
            "by emotion (the layout that --subjects takes) or list them in a manifest."
        ),
    )
    parser.add_argument("--root", type=Path, required=True, metavar="CLONE", help="the clone")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument(
        "--form",
        choices=("folders", "manifest"),
        default="folders",
        help="copies sorted by emotion, or a manifest that points into the clone",
    )
    parser.add_argument(
        "--conflicts",
        choices=("majority", "drop"),
        default="majority",
        help="portraits with different labels: take the most frequent, or leave them out",
    )
    parser.add_argument(
        "--smallest-side", type=int, default=48, metavar="PIXELS", help="leave out smaller ones"
    )
    parser.add_argument(
        "--cap", type=int, metavar="N", help="at most N portraits an emotion (default: all)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the cap and the manifest's splits")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(func=_prepare_legend)


def _prepare_legend(arguments: argparse.Namespace) -> int:
    from ccim_core.datasets.legend import LegendConfig, read_legend, write_folders

    config = LegendConfig(
        conflicts=arguments.conflicts,
        smallest_side=arguments.smallest_side,
        cap=arguments.cap,
        seed=arguments.seed,
    )
    kept, summary = read_legend(arguments.root, config, quiet=arguments.quiet)
    if arguments.form == "folders":
        out = write_folders(kept, summary, arguments.root, arguments.out)
        following = f"python -m ccim_core photo-model --subjects {out} --scenes DIR"
    else:
        out = _write_manifest(kept, summary, arguments)
        images = (arguments.root / "images").resolve()
        words = ["python", "-m", "ccim_core", "detect"]
        following = shlex.join([*words, "--manifest", str(out), "--images", str(images)])
    print(summary)
    print(f"Wrote {out}")
    print(f"Next: {following}")
    return 0


def _write_manifest(kept: Any, summary: Any, arguments: argparse.Namespace) -> Path:
    from ccim_core.datasets.legend import legend_manifest
    from ccim_core.files import write_json
    from ccim_core.labels import get_label_set
    from ccim_core.manifest import build_manifest

    frame = legend_manifest(kept, seed=arguments.seed)
    manifest, _ = build_manifest(frame, get_label_set("controlled"))
    path: Path = arguments.out / "manifest.parquet"
    manifest.save(path)
    write_json(arguments.out / "summary.json", summary.to_dict())
    return path


DATASETS: dict[str, Callable[[Any], None]] = {
    "emotic": add_emotic,
    "caer-s": add_caer_s,
    "groupwalk": add_groupwalk,
    "legend": _add_legend,
    "table": add_table,
    "folders": add_folders,
}
