"""`auxiliary`: landmarks, keypoints and depth maps, which some models read beside the picture."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccim_core.cli.inputs import Source, add_source_options, open_source
from ccim_core.cli.looking import add_looking_options, looking_device, looking_options
from ccim_core.errors import InputError

if TYPE_CHECKING:
    from ccim_core.auxiliary_stores import AuxiliaryKind
    from ccim_core.detection import FaceDetector
    from ccim_core.features.store import FeatureStore

__all__ = ["add_parser"]

# The keys of `ccim_core.auxiliary_stores.AUXILIARY`, which is too heavy to import for --help.
_KINDS: tuple[AuxiliaryKind, ...] = ("landmarks", "face_points", "keypoints", "depth")
_ESTIMATED: tuple[AuxiliaryKind, ...] = (
    "face_points",
    "keypoints",
)  # by default; depth takes a package of its own
_POSES = "keypointrcnn-resnet50"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "auxiliary",
        help="landmarks, keypoints and depth maps, for EmotiCon",
        description="Store what is known of each subject beside the picture. Rendered pictures "
        "come with the renderer's truth. For others give your own files, FOLDER/SAMPLE_ID.npy: "
        "landmarks (68, 2), face_points (5, 2) and keypoints (17, 3: x, y, visibility 0 to 2) in "
        "pixels, depth (H, W) in any unit; or have networks estimate them: face_points by MTCNN, "
        "keypoints by keypoint R-CNN, depth by Depth Anything V2 (needs the package transformers). "
        "What is there already is not done again.",
    )
    add_source_options(parser)
    parser.add_argument(
        "--kind",
        nargs="+",
        choices=_KINDS,
        help=f"default: all that are there; with --estimate: {' '.join(_ESTIMATED)}",
    )
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--files", type=Path, metavar="FOLDER", help="your files, of one kind; not if rendered"
    )
    ways.add_argument("--estimate", action="store_true", help="by networks; not if rendered")
    parser.add_argument(
        "--weights", default="default", metavar="FILE", help="a checkpoint of keypoint R-CNN"
    )
    parser.add_argument(
        "--depth-model",
        type=Path,
        metavar="FOLDER",
        help="a depth estimator of transformers (default: weights get depth-anything-v2-small)",
    )
    parser.add_argument(
        "--depth-output",
        choices=("distance", "inverse"),
        help="what that one gives, where its settings do not say",
    )
    add_looking_options(parser)
    parser.set_defaults(func=_auxiliary)


def _auxiliary(arguments: argparse.Namespace) -> int:
    from ccim_core.auxiliary import extract_auxiliary, import_auxiliary
    from ccim_core.pictures import RENDERED_SCHEME

    options = looking_options(arguments)
    source = open_source(arguments)
    manifest, reader, root = source.manifest, source.reader, source.features_root
    rendered = manifest.frame["image"].str.startswith(RENDERED_SCHEME).all()
    kinds: tuple[AuxiliaryKind, ...] = arguments.kind or (
        _ESTIMATED if arguments.estimate else _KINDS
    )
    following = f"python -m ccim_core train {source.options} --model.name emoticon"
    stores: Sequence[FeatureStore]
    counts: Sequence[int] = [len(manifest)] * len(kinds)
    if arguments.files is not None:
        if arguments.kind is None or len(kinds) != 1:
            raise InputError(f"Expected one --kind with --files, got {len(arguments.kind or ())}.")
        files = arguments.files
        stores = [
            import_auxiliary(manifest, reader, kinds[0], files, root=root, quiet=arguments.quiet)
        ]
    elif arguments.estimate:
        # Networks first, all of them: hours of looking must not end in weights that are not there.
        steps = [_open_estimator(kind, arguments, source, options) for kind in kinds]
        stores, counts = zip(*(estimate() for estimate in steps), strict=True)
        if options["rank"] > 0:
            return 0
    else:
        if not rendered and arguments.kind is None:
            raise InputError(
                "Expected --estimate, or --files with one --kind, for pictures that are not "
                "rendered, got neither."
            )
        stores = extract_auxiliary(manifest, reader, kinds, root=root, quiet=arguments.quiet)
    for kind, store, n in zip(kinds, stores, counts, strict=True):
        shape = " × ".join(str(length) for length in store.shape)
        print(f"{kind}: {n} rows of {shape} in {store.path}")
    if not rendered:
        following += " --model.landmarks 5" if "face_points" in kinds else ""
        following += "" if "depth" in kinds else " --model.depth false"
    print(f"next: {following}")
    return 0


def _open_estimator(
    kind: AuxiliaryKind, arguments: argparse.Namespace, source: Source, options: dict[str, Any]
) -> Callable[[], tuple[FeatureStore, int]]:
    """What fills the store of one kind's estimates and counts the rows, its network loaded.

    Raises InputError for a kind that no network estimates, or weights that are not there.
    """
    from ccim_core.auxiliary_estimates import (
        DepthEstimates,
        Estimates,
        JointEstimates,
        estimate_auxiliary,
    )
    from ccim_core.depth_model import DepthModel
    from ccim_core.detection import FaceDetector
    from ccim_core.persons.detectors import PoseEstimator
    from ccim_core.persons.networks import load_network

    manifest, reader, root = source.manifest, source.reader, source.features_root
    device = looking_device(arguments)
    if kind == "landmarks":
        raise InputError(
            "Expected a kind that networks estimate (face_points, keypoints, depth), got "
            "landmarks, all 68 of which none of ours finds; take yours in with --files, or "
            "estimate face_points and train with --model.landmarks 5."
        )
    if kind == "face_points":
        return partial(_find_face_points, FaceDetector(device=device), source, options)
    estimates: Estimates
    if kind == "keypoints":
        network = load_network(_POSES, weights=arguments.weights, joints=True)
        estimates = JointEstimates(PoseEstimator(network, device=device))
    else:
        model = DepthModel(arguments.depth_model, output=arguments.depth_output, device=device)
        estimates = DepthEstimates(model)

    def estimate() -> tuple[FeatureStore, int]:
        store = estimate_auxiliary(manifest, reader, estimates, root=root, **options)
        return store, len(manifest)

    return estimate


def _find_face_points(
    detector: FaceDetector, source: Source, options: dict[str, Any]
) -> tuple[FeatureStore, int]:
    """The store of face points, and how many rows have them; says whose face was not found."""
    from ccim_core.auxiliary_estimates import find_face_points

    store, found = find_face_points(
        source.manifest, source.reader, detector, root=source.features_root, **options
    )
    absent = source.manifest.frame["sample_id"].astype(str)[~found]
    if len(absent):
        print(
            f"no face was found of {len(absent)} of {len(found)} subjects (first: "
            f"{', '.join(absent[:3])}); leave them out with `python -m ccim_core detect "
            f"{source.options} --drop-faceless`"
        )
    return store, int(found.sum())
