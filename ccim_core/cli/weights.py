"""`weights`: list, download and check published weights."""

from __future__ import annotations

import argparse

from ccim_core.errors import InputError

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "weights",
        help="list, download and check published weights",
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


def _list(arguments: argparse.Namespace) -> int:
    from ccim_core.weights import WEIGHTS, weights_dir

    for name, weights in WEIGHTS.items():
        state = "here" if weights.path.is_file() else "absent"
        print(f"{name:22}  {state:6}  {weights.about}")
    print(f"folder: {weights_dir()}")
    print("next: python -m ccim_core weights get NAME")
    return 0


def _get(arguments: argparse.Namespace) -> int:
    from ccim_core.weights import download_weights

    if arguments.url and len(arguments.names) > 1:
        raise InputError("Expected one name with --url, got several.")
    for name in arguments.names:
        for path in download_weights(name, url=arguments.url, quiet=arguments.quiet):
            print(path)
    encoders = _encoders_of(arguments.names)
    if encoders:
        print(f"next: python -m ccim_core features --study DIR --encoder {encoders[0]}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from ccim_core.weights import WEIGHTS, locate_weights

    names = arguments.names or [name for name, each in WEIGHTS.items() if each.path.is_file()]
    faults = []
    for name in names:
        try:
            found = locate_weights(name)
        except InputError as error:
            faults.append(str(error))
            print(f"{name:22}  wrong")
            continue
        print(f"{name:22}  ok  {found.sha256}  {found.source}")
    if faults:
        raise InputError(" ".join(faults))
    if not names:
        print("no weights are here; next: python -m ccim_core weights get NAME")
    return 0


def _encoders_of(names: list[str]) -> list[str]:
    from ccim_core.encoder_specs import ENCODERS

    return [encoder for encoder, spec in ENCODERS.items() if spec.weights in names]
