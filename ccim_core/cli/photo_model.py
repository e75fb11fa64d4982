"""`photo-model`: the shipped photograph model, from two folders of pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "photo-model",
        help="train the photograph model on portraits and scenes",
        description="Fine-tune a portrait encoder, compose portraits on scenes with planted bias, "
        "train plain, CCIM and counterfactual runs on the composites, and write the model with "
        "its card. Started again it goes on where it stopped.",
    )
    parser.add_argument("--subjects", type=Path, required=True, help="portraits by emotion")
    parser.add_argument("--scenes", type=Path, required=True, help="photographs by scene")
    parser.add_argument("--out", type=Path, required=True, help="where the model goes")
    parser.add_argument("--work", type=Path, required=True, help="folder for all else")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(func=_make)


def _make(arguments: argparse.Namespace) -> int:
    from ccim_core.photo_model import make_photo_model

    study = make_photo_model(
        arguments.subjects,
        arguments.scenes,
        arguments.out,
        work=arguments.work,
        quiet=arguments.quiet,
    )
    print(f"photograph model: {study.path}")
    print(f"next: python -m ccim_core predict PHOTO --study {study.path}")
    return 0
