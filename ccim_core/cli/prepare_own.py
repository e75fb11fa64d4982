"""`prepare table|folders`: a user's own pictures. Heavy imports are inside the commands."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ccim_core.cli.prepare_common import add_common, check_out, finish
from ccim_core.errors import InputError

__all__ = ["add_folders", "add_table"]


def add_table(datasets: Any) -> None:
    """`prepare table`."""
    parser = datasets.add_parser(
        "table",
        help="your own data as CSV or Parquet",
        description="Make a manifest or a study of a table with the columns image, split, x1, y1, "
        "x2, y2, labels (separated by |) and any of sample_id, scene, face_x1 … face_y2, "
        "source_id, group, valence, arousal, dominance.",
    )
    add_common(parser)
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="the table (default: the only one in --root)"
    )
    parser.add_argument("--label-set", metavar="NAME", help="a known label set")
    parser.add_argument(
        "--emotions",
        metavar="A,B,…",
        help="the vocabulary, in order (default: the emotions that occur)",
    )
    parser.add_argument(
        "--kind",
        choices=("auto", "single", "multi"),
        default="auto",
        help="one label a subject or several (default: what occurs)",
    )
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="OURS=THEIRS",
        help="a column that the table names otherwise, such as labels=emotion; repeatable",
    )
    parser.add_argument(
        "--split",
        choices=("column", "deal"),
        default="column",
        help="deal: make splits, rows of one source_id (or picture) together",
    )
    _add_boxes(parser, choices=("columns", "faces", "picture"), default="columns")
    parser.set_defaults(func=_prepare_table)


def _prepare_table(arguments: argparse.Namespace) -> int:
    from ccim_core.datasets.table import TableConfig, read_table_source

    check_out(arguments, "table")
    names = (name.strip() for name in (arguments.emotions or "").split(","))
    config = TableConfig(
        table=arguments.table,
        label_set=arguments.label_set,
        emotions=tuple(name for name in names if name),
        kind=arguments.kind,
        columns=_parse_columns(arguments.column),
        split=arguments.split,
        boxes=arguments.boxes,
        seed=arguments.seed,
    )
    source = read_table_source(arguments.root, config, quiet=arguments.quiet)
    return finish(source, arguments)


def _parse_columns(texts: list[str]) -> dict[str, str]:
    columns = {}
    for text in texts:
        ours, equals, theirs = text.partition("=")
        if not equals or not theirs.strip():
            raise InputError(
                f"Expected --column OURS=THEIRS, such as labels=emotion, got {text!r}."
            )
        columns[ours.strip()] = theirs.strip()
    return columns


def add_folders(datasets: Any) -> None:
    """`prepare folders`."""
    parser = datasets.add_parser(
        "folders",
        help="your own pictures in sub-folders named by emotion",
        description="Make a manifest or a study of pictures in sub-folders named by emotion. Where "
        "train/ and test/ (and val/) lie above these, they are the splits; else they are dealt.",
    )
    add_common(parser)
    _add_boxes(parser, choices=("faces", "picture"), default="faces")
    parser.set_defaults(func=_prepare_folders)


def _prepare_folders(arguments: argparse.Namespace) -> int:
    from ccim_core.datasets.folders import FoldersConfig, read_folders

    check_out(arguments, "folders")
    config = FoldersConfig(boxes=arguments.boxes, seed=arguments.seed)
    return finish(read_folders(arguments.root, config, quiet=arguments.quiet), arguments)


def _add_boxes(parser: argparse.ArgumentParser, *, choices: tuple[str, ...], default: str) -> None:
    parser.add_argument(
        "--boxes",
        choices=choices,
        default=default,
        help="where the subject is: the largest face found, grown to the body; the whole picture"
        + ("; or the columns x1, y1, x2, y2" if "columns" in choices else ""),
    )
    parser.add_argument("--seed", type=int, default=0, help="of the splits")
