"""`prepare emotic|caer-s|groupwalk`: the public datasets. Heavy imports are inside the commands."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ccim_core.cli.prepare_common import add_common, check_out, finish

__all__ = ["add_caer_s", "add_emotic", "add_groupwalk"]


def add_emotic(datasets: Any) -> None:
    """`prepare emotic`."""
    parser = datasets.add_parser(
        "emotic",
        help="EMOTIC: Annotations.mat, CVPR17_Annotations.mat, or the CSV and .npy form",
        description="Make a manifest or a study of EMOTIC as its authors, or the community, hand "
        "it out. Faulty boxes and pictures are clipped or dropped, and counted.",
    )
    add_common(parser)
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

    check_out(arguments, "emotic")
    config = EmoticConfig(
        form=arguments.form, annotations=arguments.annotations, soft_labels=arguments.soft_labels
    )
    return finish(read_emotic(arguments.root, config), arguments)


def add_caer_s(datasets: Any) -> None:
    """`prepare caer-s`."""
    parser = datasets.add_parser(
        "caer-s",
        help="CAER-S: {train,test}/<Emotion>/NNNN.png",
        description="Make a manifest or a study of CAER-S. Validation is carved out of train/, and "
        "near-duplicates across splits are reported.",
    )
    add_common(parser)
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

    check_out(arguments, "caer-s")
    config = CaerSConfig(
        val_share=arguments.val_share, seed=arguments.seed, faces=tuple(arguments.faces)
    )
    report = arguments.check_pictures == "decode" and not arguments.no_near_duplicates
    distance = arguments.hash_distance if report else None
    return finish(read_caer_s(arguments.root, config), arguments, near_duplicates=distance)


def add_groupwalk(datasets: Any) -> None:
    """`prepare groupwalk`."""
    parser = datasets.add_parser(
        "groupwalk",
        help="GroupWalk: a table of persons in frames, or GroupWalk_data.pkl",
        description="Make a manifest or a study of GroupWalk, split by person.",
    )
    add_common(parser)
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

    check_out(arguments, "groupwalk")
    config = GroupWalkConfig(
        annotations=arguments.annotations,
        test_share=arguments.test_share,
        val_share=arguments.val_share,
        split_by=arguments.split_by,
        seed=arguments.seed,
    )
    return finish(read_groupwalk(arguments.root, config), arguments)
