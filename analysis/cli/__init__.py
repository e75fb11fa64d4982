"""The command line: one file a command, each with `add_parser(subparsers)`.

Exit codes: 0 done, 2 input that cannot be used (one sentence on standard error), 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence

from ccim_core.cli import run_command

__all__ = ["build_parser", "main"]

# Command to the module that holds it. Only the module of the command that is called is imported
# (all of them for --help), so that `--help` and light commands start quickly.
COMMANDS: dict[str, str] = {
    "bias": "analysis.cli.bias",
    "clusters": "analysis.cli.clusters",
    "embed": "analysis.cli.embed",
    "report": "analysis.cli.report",
    "reproduce": "analysis.cli.reproduce",
    "store": "analysis.cli.store",
}


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser of one command, or of all of them when `command` is not one of ours."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis",
        description="Context bias, confounders, embeddings, and the paper's tables and figures.",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    names = [command] if command in COMMANDS else list(COMMANDS)
    for name in names:
        importlib.import_module(COMMANDS[name]).add_parser(subparsers)
    return parser


def main(argv: Sequence[str]) -> int:
    """Entry point. Returns the exit code."""
    parser = build_parser(argv[0] if argv else None)
    return run_command(parser.parse_args(list(argv)))
