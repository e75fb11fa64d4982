"""`train`: one recipe on one study."""

from __future__ import annotations

import argparse
from pathlib import Path

from ccim_core.cli.config_help import SettingsHelp

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "train",
        help="train a run of a study",
        description="Train one run; started again it goes on where it stopped. Every field of the "
        "config is an option, such as --intervention.name ccim --train.seed 1, and --config "
        "FILE.yaml is a recipe that the options override.",
        formatter_class=SettingsHelp,
    )
    parser.add_argument("--study", type=Path, required=True, help="study directory")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--half", action="store_true", help="store weights in half precision")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(func=_train, takes_config=True)


def _train(arguments: argparse.Namespace) -> int:
    from ccim_core.study import Study
    from ccim_core.training.config import parse_config
    from ccim_core.training.train import train_run

    config = parse_config(arguments.config_options)
    path = train_run(
        Study.open(arguments.study),
        config,
        device=arguments.device,
        half=arguments.half,
        quiet=arguments.quiet,
    )
    print(f"run: {path}")
    print(f"next: python -m ccim_core evaluate --study {arguments.study} --run {path.name}")
    return 0
