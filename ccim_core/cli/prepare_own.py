"""`prepare table|folders`: a user's own pictures. Heavy imports are inside the commands."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccim_core.cli.prepare_common import add_common, check_out, finish
from ccim_core.errors import InputError

if TYPE_CHECKING:
    from ccim_core.datasets.vocabulary import Answers

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
        help="one label a subject or several (default: what occurs; asked about where few rows "
        "have several)",
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
        help="deal: make splits, rows of one source_id (or picture) together, and discard those "
        "that the table has",
    )
    _add_answers(parser)
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
        columns=_parse_pairs(arguments.column, "--column OURS=THEIRS, such as labels=emotion"),
        split=arguments.split,
        boxes=arguments.boxes,
        seed=arguments.seed,
        answers=_answers(arguments),
    )
    source = read_table_source(arguments.root, config, quiet=arguments.quiet)
    return finish(source, arguments)


def _parse_pairs(texts: list[str], wanted: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        left, equals, right = text.partition("=")
        if not equals or not right.strip():
            raise InputError(f"Expected {wanted}, got {text!r}.")
        pairs[left.strip()] = right.strip()
    return pairs


def _add_answers(parser: argparse.ArgumentParser) -> None:
    """Answers to the questions about names that may mean the same."""
    parser.add_argument(
        "--rename",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="an emotion that is another one, such as hapiness=happiness; repeatable",
    )
    parser.add_argument(
        "--rename-split",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="a split that is another one, such as training=train; repeatable",
    )
    parser.add_argument(
        "--keep-apart",
        action="append",
        default=[],
        metavar="NAME",
        help="an emotion or split that stands for itself, whatever it resembles; repeatable",
    )


def _answers(arguments: argparse.Namespace) -> Answers:
    from ccim_core.datasets.vocabulary import Answers

    return Answers(
        rename=_parse_pairs(arguments.rename, "--rename OLD=NEW, such as hapiness=happiness"),
        rename_splits=_parse_pairs(
            arguments.rename_split, "--rename-split OLD=NEW, such as training=train"
        ),
        keep_apart=tuple(arguments.keep_apart),
    )


def add_folders(datasets: Any) -> None:
    """`prepare folders`."""
    parser = datasets.add_parser(
        "folders",
        help="your own pictures in sub-folders named by emotion",
        description="Make a manifest or a study of pictures in sub-folders named by emotion. Where "
        "train/ and test/ (and val/) lie above these, they are the splits; else they are dealt.",
    )
    add_common(parser)
    _add_answers(parser)
    _add_boxes(parser, choices=("faces", "picture"), default="faces")
    parser.set_defaults(func=_prepare_folders)


def _prepare_folders(arguments: argparse.Namespace) -> int:
    from ccim_core.datasets.folders import FoldersConfig, read_folders

    check_out(arguments, "folders")
    config = FoldersConfig(boxes=arguments.boxes, seed=arguments.seed, answers=_answers(arguments))
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
