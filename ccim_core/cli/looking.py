"""Options of the commands that look at every picture with a network: `detect`, `auxiliary`."""

from __future__ import annotations

import argparse
import os
from typing import Any

from ccim_core.errors import InputError

__all__ = ["add_looking_options", "looking_device", "looking_options"]


def add_looking_options(parser: argparse.ArgumentParser) -> None:
    """How pictures are looked at."""
    parser.add_argument("--batch-size", type=int, default=4, metavar="N")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--workers", type=int, default=2, metavar="N", help="threads that decode pictures"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def looking_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Keyword arguments of what looks; the rank among processes is torchrun's."""
    for name, least in (("batch_size", 1), ("workers", 0)):
        if getattr(arguments, name) < least:
            raise InputError(
                f"Expected --{name.replace('_', '-')} to be {least} or more, "
                f"got {getattr(arguments, name)}."
            )
    return {
        "batch_size": arguments.batch_size,
        "workers": arguments.workers,
        "quiet": arguments.quiet,
        "rank": int(os.environ.get("RANK", "0")),
        "world_size": int(os.environ.get("WORLD_SIZE", "1")),
    }


def looking_device(arguments: argparse.Namespace) -> str:
    """The device that `--device` means."""
    import torch

    has_gpu = torch.cuda.is_available()
    if arguments.device == "cuda" and not has_gpu:
        raise InputError("Expected a CUDA device, got none; take --device cpu.")
    if arguments.device == "cpu" or not has_gpu:
        return "cpu"
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
