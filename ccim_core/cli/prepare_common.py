"""What every `prepare DATASET` shares: its options, and the one way in which all of them end."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from ccim_core.errors import InputError

if TYPE_CHECKING:
    from ccim_core.datasets.preparation import Preparation
    from ccim_core.datasets.source import SourceTable

__all__ = ["add_common", "check_out", "finish"]


def add_common(parser: argparse.ArgumentParser) -> None:
    """Where the data are, where what is made of them goes, and what is done about faults."""
    parser.add_argument(
        "--root", type=Path, required=True, metavar="DIR", help="folder of the data"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="PATH",
        help="FILE.parquet for a manifest, else a folder for a study",
    )
    parser.add_argument("--name", help="of the study (default: the dataset's)")
    parser.add_argument(
        "--policy",
        action="append",
        default=[],
        metavar="CAUSE=ACTION",
        help="what to do about a fault: fail, drop, clip (boxes partly outside) or keep; "
        "repeatable; an unknown cause lists the known ones",
    )
    parser.add_argument(
        "--check-pictures",
        choices=("decode", "exists", "none"),
        default="decode",
        help="decode each picture once (default), look whether it is there, or trust the data",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")


def check_out(arguments: argparse.Namespace, kind: str) -> None:
    """Refuse, before the long work begins, a place or a policy that cannot be."""
    from ccim_core.datasets.policy import complete_policy, parse_policy
    from ccim_core.datasets.preparation_output import check_out as check_target

    check_target(arguments.out, kind)
    complete_policy(parse_policy(arguments.policy))
    if not arguments.root.is_dir():
        raise InputError(f"Expected a folder with the data at {arguments.root}, got none.")


def finish(
    source: SourceTable, arguments: argparse.Namespace, *, near_duplicates: int | None = None
) -> int:
    """Prepare, write, and say what was made and what comes next."""
    from ccim_core.datasets.policy import parse_policy
    from ccim_core.datasets.preparation import prepare_source
    from ccim_core.datasets.preparation_output import write_preparation

    preparation = prepare_source(
        source,
        policy=parse_policy(arguments.policy),
        check_pictures=arguments.check_pictures,
        near_duplicates=near_duplicates,
        quiet=arguments.quiet,
    )
    out = write_preparation(preparation, arguments.out, name=arguments.name, quiet=arguments.quiet)
    following = _next_command(preparation, out)
    if arguments.json:
        answer = {"out": str(out), "next": following, "summary": preparation.summary.to_dict()}
        print(json.dumps(answer, indent=2, ensure_ascii=False, allow_nan=False))
        return 0
    print(preparation.summary)
    print(f"\nWrote {out}")
    print(f"Next: {following}")
    return 0


def _next_command(preparation: Preparation, out: Path) -> str:
    from ccim_core.cli import COMMANDS
    from ccim_core.datasets.preparation_output import pictures_folder

    frame = preparation.manifest.frame
    boxless = "box_source" in frame and bool((frame["box_source"] == "picture").any())
    command = "detect" if boxless and "detect" in COMMANDS else "features"
    images = pictures_folder(preparation.source, out)
    where = ["--study", str(out)]
    if out.is_file():
        where = ["--manifest", str(out), "--images", str(images)]
    return shlex.join(["python", "-m", "ccim_core", command, *where])
