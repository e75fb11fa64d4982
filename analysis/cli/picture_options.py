"""Options of commands that may look at pictures: where they are, and what encodes them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.cli.inputs import Rows
from ccim_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ccim_core.backbones import Encoder

__all__ = [
    "DEFAULT_ENCODER",
    "add_picture_options",
    "encode_rows",
    "open_encoder",
    "picture_source",
    "read_features",
]

DEFAULT_ENCODER = "efficientnet-lite0"


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """`--images`, `--cache`, and which encoder sees what on which device."""
    group = parser.add_argument_group("pictures, where they are looked at")
    group.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="with --manifest: folder of the pictures (default: the table's own)",
    )
    group.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="with --manifest: where encoded pictures are kept (default: features/ beside it)",
    )
    group.add_argument(
        "--encoder", metavar="NAME", help=f"default: {DEFAULT_ENCODER}, or resnet18-places365"
    )
    group.add_argument(
        "--weights", default="default", metavar="FILE", help="a checkpoint of that architecture"
    )
    group.add_argument(
        "--view",
        choices=("masked", "whole"),
        default="masked",
        help="the context with the subject's box masked, or the whole image (default: masked)",
    )
    group.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    group.add_argument("--batch-size", type=int, default=64, metavar="N")
    group.add_argument(
        "--workers", type=int, default=0, metavar="N", help="processes that decode pictures"
    )
    parser.set_defaults(precision="fp32", dtype="float16")


def open_encoder(
    arguments: argparse.Namespace, default: str, *, categories: Path | None = None
) -> Encoder:
    """The encoder that the options name, or the `default`. Raises InputError without weights."""
    from ccim_core.backbones import build_encoder

    return build_encoder(
        arguments.encoder or default, weights=arguments.weights, categories=categories
    )


def picture_source(arguments: argparse.Namespace, rows: Rows) -> dict[str, Any]:
    """Keyword arguments of `analysis.scenes.encode_contexts` that say where pictures are."""
    from ccim_core.cli.inputs import extraction_options
    from ccim_core.pictures import PictureReader

    options = {**extraction_options(arguments), "view": arguments.view}
    if rows.study is not None:
        if arguments.images or arguments.cache:
            raise InputError("Expected --images and --cache with --manifest only.")
        return {**options, "reader": rows.study.reader, "root": rows.study.features_root}
    folder = arguments.manifest.parent
    reader = PictureReader({"images": arguments.images or folder})
    return {**options, "reader": reader, "root": arguments.cache or folder / "features"}


def encode_rows(
    arguments: argparse.Namespace, rows: Rows, frame: pd.DataFrame
) -> tuple[np.ndarray, str]:
    """Context features (n, d) of a table's rows, and what they are in words."""
    from analysis.scenes import VIEWS, encode_contexts

    encoder = open_encoder(arguments, DEFAULT_ENCODER)
    source = picture_source(arguments, rows)
    features = encode_contexts(frame, rows.labels, encoder=encoder, **source)
    digest = encoder.provenance.sha256[:12]
    return features, f"{encoder.name} (weights {digest}) on {VIEWS[arguments.view]}"


def read_features(path: Path, n_rows: int) -> np.ndarray:
    """Features (n_rows, d), float32, of a .npy file: a row per row of the table, in its order.

    Raises InputError for another file, another length, or values that are not finite.
    """
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"Expected features at {path}, got no such file.") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"Expected a .npy array in {path}, got another file ({error}).") from None
    if array.ndim != 2 or len(array) != n_rows or array.dtype.kind not in "fiu":
        raise InputError(
            f"Expected an array of {n_rows:,} rows of numbers in {path}, one for each row of the "
            f"table, got {array.dtype} of shape {array.shape}."
        )
    if not np.isfinite(array).all():
        raise InputError(f"Expected finite features in {path}, got NaN or infinity.")
    return array.astype(np.float32)
