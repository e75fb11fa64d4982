"""`prepare emotic|caer-s|groupwalk|table`: their options, and the one way in which all of them end.

Heavy imports are inside the commands.
"""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccim_core.errors import InputError

if TYPE_CHECKING:
    from ccim_core.datasets.preparation import Preparation
    from ccim_core.datasets.source import SourceTable

__all__ = ["add_caer_s", "add_emotic", "add_groupwalk", "add_table"]


def add_emotic(datasets: Any) -> None:
    """`prepare emotic`."""
    parser = datasets.add_parser(
        "emotic",
        help="EMOTIC: Annotations.mat, CVPR17_Annotations.mat, or the CSV and .npy form",
        description="Make a manifest or a study of EMOTIC as its authors, or the community, hand "
        "it out. Faulty boxes and pictures are clipped or dropped, and counted.",
    )
    _add_common(parser)
    parser.add_argument(
        "--annotations",
        type=Path,
        metavar="PATH",
        help="the .mat file, or the folder of the CSV and .npy form (default: in --root)",
    )
    parser.add_argument(
        "--form", choices=("auto", "mat", "arrays"), default="auto", help="which form to read"
    )
    parser.add_argument(
        "--soft-labels", action="store_true", help="keep the annotators' votes as soft labels"
    )
    parser.set_defaults(func=_prepare_emotic)


def _prepare_emotic(arguments: argparse.Namespace) -> int:
    from ccim_core.datasets.emotic import EmoticConfig, read_emotic

    _check_out(arguments, "emotic")
    config = EmoticConfig(
        form=arguments.form, annotations=arguments.annotations, soft_labels=arguments.soft_labels
    )
    return _finish(read_emotic(arguments.root, config), arguments)


def add_caer_s(datasets: Any) -> None:
    """`prepare caer-s`."""
    parser = datasets.add_parser(
        "caer-s",
        help="CAER-S: {train,test}/<Emotion>/NNNN.png",
        description="Make a manifest or a study of CAER-S. Validation is carved out of train/, and "
        "near-duplicates across splits are reported.",
    )
    _add_common(parser)
    parser.add_argument(
        "--faces",
        type=Path,
        nargs="+",
        default=(),
        metavar="FILE",
        help="face lists: path,label,x1,y1,x2,y2, paths from the root or from the split",
    )
    parser.add_argument(
        "--val-share", type=float, default=0.125, help="of train/ (default: 0.125, as 7 : 1)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the validation split")
    parser.add_argument(
        "--hash-distance",
        type=int,
        default=4,
        metavar="BITS",
        help="pictures whose 64-bit perceptual hashes differ by at most so many bits are reported "
        "as near-duplicates across splits (default: 4)",
    )
    parser.add_argument(
        "--no-near-duplicates", action="store_true", help="leave the near-duplicate report out"
    )
    parser.set_defaults(func=_prepare_caer_s)


def _prepare_caer_s(arguments: argparse.Namespace) -> int:
    from ccim_core.datasets.caer_s import CaerSConfig, read_caer_s

    _check_out(arguments, "caer-s")
    config = CaerSConfig(
        val_share=arguments.val_share, seed=arguments.seed, faces=tuple(arguments.faces)
    )
    report = arguments.check_pictures == "decode" and not arguments.no_near_duplicates
    distance = arguments.hash_distance if report else None
    return _finish(read_caer_s(arguments.root, config), arguments, near_duplicates=distance)


def add_groupwalk(datasets: Any) -> None:
    """`prepare groupwalk`."""
    parser = datasets.add_parser(
        "groupwalk",
        help="GroupWalk: a table of persons in frames, or GroupWalk_data.pkl",
        description="Make a manifest or a study of GroupWalk, split by person.",
    )
    _add_common(parser)
    parser.add_argument(
        "--annotations",
        type=Path,
        metavar="FILE",
        help="table (video, frame, person, x1, y1, x2, y2, label) or pickle",
    )
    parser.add_argument("--test-share", type=float, default=0.15, help="of the persons")
    parser.add_argument("--val-share", type=float, default=0.1, help="of the persons not in test")
    parser.add_argument(
        "--split-by",
        choices=("person", "video"),
        default="person",
        help="what a split keeps together",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the splits")
    parser.set_defaults(func=_prepare_groupwalk)


def _prepare_groupwalk(arguments: argparse.Namespace) -> int:
    from ccim_core.datasets.groupwalk import GroupWalkConfig, read_groupwalk

    _check_out(arguments, "groupwalk")
    config = GroupWalkConfig(
        annotations=arguments.annotations,
        test_share=arguments.test_share,
        val_share=arguments.val_share,
        split_by=arguments.split_by,
        seed=arguments.seed,
    )
    return _finish(read_groupwalk(arguments.root, config), arguments)


def add_table(datasets: Any) -> None:
    """`prepare table`."""
    parser = datasets.add_parser(
        "table",
        help="your own data as CSV or Parquet",
        description="Make a manifest or a study of a table with the columns image, split, x1, y1, "
        "x2, y2, labels (separated by |) and any of sample_id, scene, face_x1 … face_y2, "
        "source_id, group, valence, arousal, dominance.",
    )
    _add_common(parser)
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="the table (default: the only one in --root)"
    )
    parser.add_argument("--label-set", metavar="NAME", help="a known label set")
    parser.add_argument(
        "--emotions",
        metavar="A,B,…",
        help="the vocabulary, in order (default: the emotions that occur)",
    )
    parser.add_argument(
        "--kind",
        choices=("auto", "single", "multi"),
        default="auto",
        help="one label a subject or several (default: what occurs)",
    )
    parser.set_defaults(func=_prepare_table)


def _prepare_table(arguments: argparse.Namespace) -> int:
    from ccim_core.datasets.table import TableConfig, read_table_source

    _check_out(arguments, "table")
    names = (name.strip() for name in (arguments.emotions or "").split(","))
    config = TableConfig(
        table=arguments.table,
        label_set=arguments.label_set,
        emotions=tuple(name for name in names if name),
        kind=arguments.kind,
    )
    return _finish(read_table_source(arguments.root, config), arguments)


def _add_common(parser: argparse.ArgumentParser) -> None:
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


def _check_out(arguments: argparse.Namespace, kind: str) -> None:
    from ccim_core.datasets.policy import complete_policy, parse_policy
    from ccim_core.datasets.preparation_output import check_out

    check_out(arguments.out, kind)
    complete_policy(parse_policy(arguments.policy))
    if not arguments.root.is_dir():
        raise InputError(f"Expected a folder with the data at {arguments.root}, got none.")


def _finish(
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
