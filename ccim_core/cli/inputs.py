"""Options that several commands share: which rows, which encoder, on which device."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccim_core.errors import InputError

if TYPE_CHECKING:
    from ccim_core.backbones import Encoder
    from ccim_core.manifest import Manifest
    from ccim_core.pictures import PictureReader

__all__ = [
    "Source",
    "add_encoder_options",
    "add_extraction_options",
    "add_source_options",
    "extraction_options",
    "open_encoder",
    "open_source",
]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Rows, their pictures, and where what is made of them goes."""

    manifest: Manifest
    reader: PictureReader
    features_root: Path
    dictionaries_root: Path
    options: str
    """The options that name it again, for the next command."""


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """`--study`, or `--manifest` with its folders."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--study", type=Path, metavar="DIR", help="a study")
    source.add_argument("--manifest", type=Path, metavar="FILE", help="a manifest outside a study")
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="with --manifest: folder of its pictures (default: the manifest's own)",
    )
    for name in ("subjects", "scenes"):
        parser.add_argument(
            f"--{name}", type=Path, metavar="DIR", help=f"with --manifest: {name} of composites"
        )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="with --manifest: where features/ and dictionaries/ go (default: beside it)",
    )


def open_source(arguments: argparse.Namespace) -> Source:
    """The rows that `add_source_options`'s options name. Raises InputError if they cannot be."""
    names = ("images", "subjects", "scenes", "out")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name)}
    if arguments.study is not None:
        from ccim_core.study import Study

        if given:
            raise InputError(
                f"Expected --{', --'.join(given)} with --manifest only: a study has its own."
            )
        study = Study.open(arguments.study)
        return Source(
            manifest=study.manifest,
            reader=study.reader,
            features_root=study.features_root,
            dictionaries_root=study.dictionaries_root,
            options=f"--study {arguments.study}",
        )
    from ccim_core.manifest import Manifest
    from ccim_core.pictures import PictureReader

    folder = arguments.manifest.parent
    roots: dict[str, Path | str] = {"images": given.get("images", folder)}
    roots.update({name: given[name] for name in ("subjects", "scenes") if name in given})
    out = given.get("out", folder)
    return Source(
        manifest=Manifest.load(arguments.manifest),
        reader=PictureReader(roots),
        features_root=out / "features",
        dictionaries_root=out / "dictionaries",
        options=" ".join(
            [f"--manifest {arguments.manifest}", *(f"--{name} {given[name]}" for name in given)]
        ),
    )


def add_encoder_options(parser: argparse.ArgumentParser) -> None:
    """Which encoder, its weights, and the size and colour of what it sees."""
    parser.add_argument(
        "--encoder",
        default="efficientnet-lite0",
        metavar="NAME",
        help="efficientnet-lite0 (default), -lite1, -lite2, resnet18, resnet50, resnet152, vgg16, "
        "resnet18-places365, resnet50-places365, and once converted (`weights convert`) "
        "resnet152-places365, resnet152-places365-torch7, vgg16-places365",
    )
    parser.add_argument(
        "--weights", default="default", metavar="FILE", help="a checkpoint of that architecture"
    )
    parser.add_argument("--size", type=int, metavar="PIXELS", help="side of its input")
    parser.add_argument("--grey", action="store_true", help="show it the pictures in grey")


def open_encoder(arguments: argparse.Namespace) -> Encoder:
    """The encoder that `add_encoder_options`'s options name."""
    from ccim_core.backbones import build_encoder

    return build_encoder(
        arguments.encoder, weights=arguments.weights, size=arguments.size, grey=arguments.grey
    )


def add_extraction_options(parser: argparse.ArgumentParser) -> None:
    """How pictures are encoded."""
    parser.add_argument("--batch-size", type=int, default=64, metavar="N")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--precision",
        choices=("fp32", "bf16"),
        default="fp32",
        help="bf16: faster, about 5%% less exact",
    )
    parser.add_argument(
        "--dtype", choices=("float16", "float32"), default="float16", help="of features on disk"
    )
    parser.add_argument(
        "--workers", type=int, default=0, metavar="N", help="processes that decode pictures"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def extraction_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Keyword arguments of `extract_views`; the rank among processes is torchrun's."""
    import torch

    for name in ("batch_size", "workers"):
        least = 1 if name == "batch_size" else 0
        if getattr(arguments, name) < least:
            raise InputError(
                f"Expected --{name.replace('_', '-')} to be {least} or more, "
                f"got {getattr(arguments, name)}."
            )
    has_gpu = torch.cuda.is_available()
    if arguments.device == "cuda" and not has_gpu:
        raise InputError("Expected a CUDA device, got none; take --device cpu.")
    device = "cuda" if arguments.device != "cpu" and has_gpu else "cpu"
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return {
        "device": device,
        "batch_size": arguments.batch_size,
        "precision": arguments.precision,
        "dtype": arguments.dtype,
        "workers": arguments.workers,
        "quiet": arguments.quiet,
        "rank": int(os.environ.get("RANK", "0")),
        "world_size": int(os.environ.get("WORLD_SIZE", "1")),
    }
