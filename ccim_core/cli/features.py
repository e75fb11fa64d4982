"""`features`: encode a manifest's pictures once, for everything that comes after."""

from __future__ import annotations

import argparse
from typing import Literal

from ccim_core.cli.inputs import (
    add_encoder_options,
    add_extraction_options,
    add_source_options,
    extraction_options,
    open_encoder,
    open_source,
)
from ccim_core.errors import InputError

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "features",
        help="encode pictures with a frozen encoder",
        description="Encode the pictures of a study or manifest. What is there already is not done "
        "again; start it several times, or under torchrun, and the processes divide the work.",
    )
    add_source_options(parser)
    add_encoder_options(parser)
    parser.add_argument(
        "--view",
        nargs="+",
        choices=("whole", "masked", "face_masked", "subject", "face"),
        default=["masked"],
        help="what the encoder sees; several views share each decoded picture (default: masked)",
    )
    parser.add_argument(
        "--fill", default="mean", metavar="R,G,B", help="colour of the mask (default: the mean)"
    )
    parser.add_argument(
        "--grow", type=float, default=1.0, metavar="FACTOR", help="grow the box about its centre"
    )
    parser.add_argument("--stage", choices=("pooled", "map", "pixels"), default="pooled")
    parser.add_argument("--split", metavar="NAME", help="only this split (default: all)")
    add_extraction_options(parser)
    parser.set_defaults(func=_features)


def _features(arguments: argparse.Namespace) -> int:
    from ccim_core.features import View, extract_views

    views = [
        View(kind=kind, fill=_parse_fill(arguments.fill), grow=arguments.grow)
        for kind in dict.fromkeys(arguments.view)
    ]
    source = open_source(arguments)
    manifest = source.manifest.split(arguments.split) if arguments.split else source.manifest
    encoder = open_encoder(arguments)
    stores = extract_views(
        manifest,
        source.reader,
        [(encoder, view) for view in views],
        root=source.features_root,
        stages=[arguments.stage] * len(views),
        **extraction_options(arguments),
    )
    for view, store in zip(views, stores, strict=True):
        shape = " × ".join(str(length) for length in store.shape)
        print(f"{view.kind}: {len(manifest)} rows of {shape} in {store.path}")
    print(
        f"next: python -m ccim_core dictionary {source.options} --encoder {arguments.encoder}"
        + ("" if arguments.weights == "default" else f" --weights {arguments.weights}")
        + ("" if arguments.size is None else f" --size {arguments.size}")
        + (" --grey" if arguments.grey else "")
    )
    return 0


def _parse_fill(text: str) -> Literal["mean"] | tuple[int, int, int]:
    if text == "mean":
        return "mean"
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() for part in parts):
        raise InputError(f"Expected --fill mean or three bytes such as 127,127,127, got {text!r}.")
    red, green, blue = (int(part) for part in parts)
    return red, green, blue
