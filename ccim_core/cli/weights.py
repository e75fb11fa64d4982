"""`weights`: list, download, check and convert published weights."""

from __future__ import annotations

import argparse
from pathlib import Path

from ccim_core.errors import InputError

__all__ = ["add_parser"]

_NAME_WIDTH = 31


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "weights",
        help="list, download, check and convert published weights",
        description="Weights that do not come with the installation. They are kept in "
        "$CCIM_HOME/weights, or in ~/.cache/ccim-studio/weights, and are only ever downloaded by "
        "`weights get`.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="what there is, and what is here")
    listing.set_defaults(func=_list)
    get = actions.add_parser("get", help="download; an interrupted download is continued")
    get.add_argument("names", nargs="+", metavar="NAME")
    get.add_argument("--url", help="another address of the same file (a mirror)")
    get.add_argument("--quiet", action="store_true", help="no progress bar")
    get.set_defaults(func=_get)
    check = actions.add_parser("check", help="compare files with their recorded hashes")
    check.add_argument("names", nargs="*", metavar="NAME", help="default: all that are here")
    check.set_defaults(func=_check)
    _add_convert(actions)


def _add_convert(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    convert = actions.add_parser(
        "convert",
        help="make weights of a file for Caffe or Torch7",
        description="Places365's ResNet-152 and VGG-16 are published for Caffe (.caffemodel) and "
        "Torch7 (.t7) only. This reads such a file, without either program, and writes the weights "
        "of an encoder, with the preprocessing that its pictures need.",
    )
    convert.add_argument("name", metavar="NAME", help="the encoder, such as resnet152-places365")
    convert.add_argument(
        "original", nargs="?", type=Path, metavar="FILE", help="default: what `weights get` fetched"
    )
    convert.add_argument("--out", type=Path, help="default: where the encoder looks for it")
    mean = convert.add_mutually_exclusive_group()
    mean.add_argument(
        "--mean",
        nargs=3,
        type=float,
        metavar=("BLUE", "GREEN", "RED"),
        help="the mean colour that Caffe's input has subtracted; default: that of Places365",
    )
    mean.add_argument("--mean-file", type=Path, help="the mean picture (.binaryproto) instead")
    convert.set_defaults(func=_convert)


def _list(arguments: argparse.Namespace) -> int:
    from ccim_core.conversion import CONVERSIONS
    from ccim_core.weights import WEIGHTS, weights_dir

    for name, weights in WEIGHTS.items():
        _print_state(name, weights.path.is_file(), weights.about)
    for name, conversion in CONVERSIONS.items():
        about = f"{conversion.what}, made by `weights convert {name}`"
        _print_state(name, conversion.path.is_file(), about)
    print(f"folder: {weights_dir()}")
    print("next: python -m ccim_core weights get NAME")
    return 0


def _get(arguments: argparse.Namespace) -> int:
    from ccim_core.weights import download_weights

    _refuse_converted(arguments.names)
    if arguments.url and len(arguments.names) > 1:
        raise InputError("Expected one name with --url, got several.")
    for name in arguments.names:
        for path in download_weights(name, url=arguments.url, quiet=arguments.quiet):
            print(path)
    encoders, conversions = _encoders_of(arguments.names), _conversions_of(arguments.names)
    if conversions:
        print(f"next: python -m ccim_core weights convert {conversions[0]}")
    elif encoders:
        print(f"next: python -m ccim_core features --study DIR --encoder {encoders[0]}")
    elif following := _command_of(arguments.names[0]):
        print(f"next: python -m ccim_core {following}")
    return 0


def _command_of(name: str) -> str | None:
    """The command that detectors and depth models are for."""
    from ccim_core.persons.networks import NETWORKS

    for network, spec in NETWORKS.items():
        if spec.weights == name:
            command = "auxiliary --study DIR --kind keypoints --estimate"
            return command if spec.joints else f"detect --study DIR --persons {network}"
    if name.startswith("depth-anything-v2-small"):
        return "auxiliary --study DIR --kind depth --estimate"
    return None


def _check(arguments: argparse.Namespace) -> int:
    from ccim_core.conversion import CONVERSIONS
    from ccim_core.weights import WEIGHTS

    files = {name: weights.path for name, weights in WEIGHTS.items()}
    files |= {name: conversion.path for name, conversion in CONVERSIONS.items()}
    names = arguments.names or [name for name, path in files.items() if path.is_file()]
    faults = []
    for name in names:
        try:
            print(f"{name:{_NAME_WIDTH}}  ok  {'  '.join(_locate(name))}")
        except InputError as error:
            faults.append(str(error))
            absent = name in files and not files[name].is_file()
            print(f"{name:{_NAME_WIDTH}}  {'absent' if absent else 'wrong'}")
    if faults:
        raise InputError(" ".join(faults))
    if not names:
        print("no weights are here; next: python -m ccim_core weights get NAME")
    return 0


def _locate(name: str) -> tuple[str, str]:
    """Hash and source of weights that are here, checked."""
    from ccim_core.conversion import CONVERSIONS, locate_converted, read_converted
    from ccim_core.weights import locate_weights

    if name not in CONVERSIONS:
        found = locate_weights(name)
        return found.sha256, found.source
    found = locate_converted(name)
    return found.sha256, read_converted(found.path, name)[2]


def _convert(arguments: argparse.Namespace) -> int:
    from ccim_core.conversion import convert_weights
    from ccim_core.conversion.caffemodel import read_mean_file

    mean = tuple(arguments.mean) if arguments.mean else None
    if arguments.mean_file:
        mean = read_mean_file(arguments.mean_file)
    path = convert_weights(arguments.name, arguments.original, out=arguments.out, mean=mean)
    print(path)
    option = f"--encoder {arguments.name}"
    if arguments.out:
        option += f" --weights {path}"
    print(f"next: python -m ccim_core features --study DIR {option}")
    return 0


def _print_state(name: str, here: bool, about: str) -> None:
    print(f"{name:{_NAME_WIDTH}}  {'here' if here else 'absent':6}  {about}")


def _refuse_converted(names: list[str]) -> None:
    from ccim_core.conversion import CONVERSIONS

    for name in names:
        if name in CONVERSIONS:
            raise InputError(
                f"Expected weights that can be downloaded, got {name!r}, which are converted: "
                f"{CONVERSIONS[name].remedy}."
            )


def _encoders_of(names: list[str]) -> list[str]:
    from ccim_core.encoder_specs import ENCODERS

    return [encoder for encoder, spec in ENCODERS.items() if spec.weights in names]


def _conversions_of(names: list[str]) -> list[str]:
    from ccim_core.conversion import CONVERSIONS

    return [name for name, each in CONVERSIONS.items() if each.original in names]
