"""The command line: one file a command, each with `add_parser(subparsers)`.

Exit codes: 0 done, 2 input that cannot be used (one sentence on standard error), 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from ccim_core.errors import InputError

__all__ = ["build_parser", "main", "run_command"]

# Command to the module that holds it. Only the module of the command that is called is imported
# (all of them for --help), so that `--help` and light commands start quickly.
COMMANDS: dict[str, str] = {
    "demo": "ccim_core.cli.demo",
    "photo-model": "ccim_core.cli.photo_model",
    "prepare": "ccim_core.cli.prepare",
    "leave-out": "ccim_core.cli.leave_out",
    "detect": "ccim_core.cli.detect",
    "features": "ccim_core.cli.features",
    "auxiliary": "ccim_core.cli.auxiliary",
    "dictionary": "ccim_core.cli.dictionary",
    "models": "ccim_core.cli.models",
    "train": "ccim_core.cli.train",
    "sweep": "ccim_core.cli.sweep",
    "evaluate": "ccim_core.cli.evaluate",
    "predict": "ccim_core.cli.predict",
    "benchmark": "ccim_core.cli.benchmark",
    "weights": "ccim_core.cli.weights",
}


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser of one command, or of all of them when `command` is not one of ours."""
    parser = argparse.ArgumentParser(
        prog="python -m ccim_core",
        description="Causal intervention for context-aware emotion recognition.",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    names = [command] if command in COMMANDS else list(COMMANDS)
    for name in names:
        importlib.import_module(COMMANDS[name]).add_parser(subparsers)
    return parser


def run_command(arguments: argparse.Namespace) -> int:
    """Run a parsed command; InputError becomes one sentence and exit code 2."""
    try:
        return int(arguments.func(arguments) or 0)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: run the same command again to go on from here", file=sys.stderr)
        return 130


def main(argv: Sequence[str]) -> int:
    """Entry point. Returns the exit code."""
    parser = build_parser(argv[0] if argv else None)
    arguments, rest = parser.parse_known_args(list(argv))
    # Commands that take a config leave its options (`--train.seed 1`) to jsonargparse.
    if rest and not getattr(arguments, "takes_config", False):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.config_options = rest
    return run_command(arguments)
