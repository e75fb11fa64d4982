"""`models`: the emotion models, their shapes, sizes and costs beside the paper's d_h."""

from __future__ import annotations

import argparse
import json
from typing import Any

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "models",
        help="shapes, parameters and operations of the emotion models",
        description="Each model at the paper's settings, for one subject: what it reads, the "
        "widths of u, v and h beside the paper's d_h, parameters, and operations (two a "
        "multiply-add) of the model with its head, of the encoders it needs, and of each further "
        "stratum. No weights are needed.",
    )
    parser.add_argument(
        "--encoder", default="efficientnet-lite0", metavar="NAME", help="of both sides"
    )
    parser.add_argument("--size", type=int, metavar="PIXELS", help="side of the encoder's input")
    parser.add_argument("--classes", type=int, default=26, metavar="C", help="emotions (26)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(func=_models)


def _models(arguments: argparse.Namespace) -> int:
    from ccim_core.benchmarks.models import describe_model
    from ccim_core.errors import InputError
    from ccim_core.models import MODELS

    if arguments.classes < 2:
        raise InputError(f"Expected --classes of 2 or more, got {arguments.classes}.")
    if arguments.size is not None and arguments.size < 32:
        raise InputError(f"Expected --size of 32 pixels or more, got {arguments.size}.")
    rows = [
        describe_model(
            name, encoder=arguments.encoder, size=arguments.size, n_classes=arguments.classes
        )
        for name in MODELS
    ]
    print(json.dumps(rows, indent=2) if arguments.json else _as_text(rows))
    return 0


def _as_text(rows: list[dict[str, Any]]) -> str:
    head = ("model", "u", "v", "h", "paper's", "parameters", "MFLOP", "encoders", "a stratum")
    lines = ["{:10}{:>6}{:>6}{:>6}{:>9}{:>12}{:>9}{:>10}{:>11}".format(*head)]
    for row in rows:
        lines.append(
            f"{row['model']:10}{row['d_u']:>6}{row['d_v']:>6}{row['d_h']:>6}"
            f"{row['paper_d_h']:>9}{row['parameters']:>12,}{row['mflops']:>9.1f}"
            f"{row['encoder_mflops']:>10.1f}{row['stratum_mflops']:>11.4f}"
        )
    lines += ["", "reads:"]
    for row in rows:
        streams = ", ".join(
            f"{name} {' × '.join(map(str, shape))}" for name, shape in row["streams"].items()
        )
        lines.append(f"{row['model']:10}  {streams}")
    return "\n".join(lines)
