"""`reproduce`: the paper's tables and figures, each a command of its own module."""

from __future__ import annotations

import argparse
import importlib

__all__ = ["TARGETS", "add_parser"]

_TABLES = ("table1", "table2", "table3", "table4", "figure5", "figure6", "figure8")
# What can be reproduced to the module that does it, with `add_parser(subparsers)`;
# a module may register several.
TARGETS: dict[str, str] = {
    "figure2": "analysis.cli.reproduce_figure2",
    "figure7": "analysis.cli.reproduce_figure7",
    **dict.fromkeys(_TABLES, "analysis.cli.reproduce_tables"),
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command and its targets."""
    parser = subparsers.add_parser(
        "reproduce",
        help="a table or figure of the paper, from a study",
        description="Make a table or figure of the paper from a study's own runs.",
    )
    targets = parser.add_subparsers(dest="target", required=True, metavar="TARGET")
    for module in dict.fromkeys(TARGETS.values()):
        importlib.import_module(module).add_parser(targets)
