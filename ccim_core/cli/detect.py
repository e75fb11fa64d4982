"""`detect`: the subjects' boxes and faces, found by networks or taken from a COCO file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccim_core.cli.inputs import add_source_options, open_source
from ccim_core.cli.looking import add_looking_options, looking_device, looking_options

if TYPE_CHECKING:
    from ccim_core.persons.detect import DetectSummary

__all__ = ["add_parser"]

# The keys of `ccim_core.persons.networks.NETWORKS` without joints, and of `BOX_SOURCES`, which are
# too heavy to import for --help.
_PERSONS = ("fasterrcnn-resnet50", "fasterrcnn-resnet50-v2", "fasterrcnn-mobilenet", "none")
_SOURCES = ("annotated", "imported", "detector", "face", "picture")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "detect",
        help="find the subjects' boxes and faces",
        description="Give each subject of a study or manifest its box: the person that Faster "
        "R-CNN finds (of several the one that holds the given face, else the largest), else a body "
        "grown from a face that MTCNN finds; and its face. The manifest is rewritten in place, "
        "with the columns box_source, box_choice and face_source; annotated boxes stay unless "
        "--replace says otherwise. What the networks found is kept in features/, so that an "
        "interrupted call goes on where it was.",
    )
    add_source_options(parser)
    parser.add_argument(
        "--persons",
        metavar="NAME",
        default=_PERSONS[0],
        help=f"{', '.join(_PERSONS)} (bodies are grown from faces then); default: {_PERSONS[0]}",
    )
    parser.add_argument(
        "--weights", default="default", metavar="FILE", help="a checkpoint of that network"
    )
    parser.add_argument(
        "--min-score", type=float, default=0.7, help="of persons to consider (default: 0.7)"
    )
    parser.add_argument(
        "--replace",
        nargs="+",
        choices=_SOURCES,
        metavar="SOURCE",
        help=f"boxes that may be replaced: {', '.join(_SOURCES)} (default: detector face picture; "
        "with --import-coco imported too); an annotated box is kept in annotated_x1 …",
    )
    parser.add_argument("--no-faces", action="store_true", help="look for no faces")
    parser.add_argument(
        "--drop-boxless", action="store_true", help="leave out rows for which no box was found"
    )
    parser.add_argument(
        "--drop-faceless", action="store_true", help="leave out rows for which no face was found"
    )
    parser.add_argument(
        "--import-coco", type=Path, metavar="FILE", help="take boxes from COCO's JSON instead"
    )
    parser.add_argument(
        "--export-coco", type=Path, metavar="FILE", help="write the boxes as COCO's JSON"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    add_looking_options(parser)
    parser.set_defaults(func=_detect)


def _detect(arguments: argparse.Namespace) -> int:
    from ccim_core.files import write_json
    from ccim_core.persons.coco import read_coco
    from ccim_core.persons.coco_export import export_coco
    from ccim_core.persons.detect import DetectConfig, detect_subjects

    config = DetectConfig(
        replace=None if arguments.replace is None else tuple(arguments.replace),
        min_score=arguments.min_score,
        faces=not arguments.no_faces,
        drop_boxless=arguments.drop_boxless,
        drop_faceless=arguments.drop_faceless,
    )
    options = looking_options(arguments)
    source = open_source(arguments)
    coco = arguments.import_coco
    done = detect_subjects(
        source.manifest,
        source.reader,
        config,
        root=source.features_root,
        imported=None if coco is None else read_coco(coco, source.manifest),
        **_openers(arguments),
        **options,
    )
    if done is None:
        return 0  # under torchrun the processes share the looking; the first one writes
    manifest, summary = done
    path = arguments.manifest or arguments.study / "manifest.parquet"
    account = path.with_name(f"{path.stem}.detect.json")
    if manifest is not source.manifest:
        manifest.save(path)
        write_json(account, summary.to_dict())
    exported = None
    if arguments.export_coco is not None:
        exported = export_coco(
            manifest, source.reader, arguments.export_coco, quiet=arguments.quiet
        )
    _say(arguments, path, summary, source.options, exported, manifest is not source.manifest)
    return 0


def _openers(arguments: argparse.Namespace) -> dict[str, Any]:
    """Networks are built, and their weights wanted, only if a row needs them."""
    from ccim_core.detection import FaceDetector
    from ccim_core.errors import InputError
    from ccim_core.persons.detectors import PersonDetector
    from ccim_core.persons.networks import NETWORKS, load_network

    name, device = arguments.persons, looking_device(arguments)
    able = [key for key, spec in NETWORKS.items() if not spec.joints]
    if name not in (*able, "none"):
        raise InputError(f"Expected --persons of {[*able, 'none']}, got {name!r}.")
    if name == "none" and arguments.weights != "default":
        raise InputError("Expected --weights with a network in --persons, got none.")

    def open_persons() -> PersonDetector:
        try:
            loaded = load_network(name, weights=arguments.weights)
        except InputError as error:
            hint = "or take --persons none, which grows bodies from faces"
            raise InputError(f"{str(error).rstrip('.')}; {hint}.") from None
        return PersonDetector(loaded, device=device)

    return {
        "open_persons": None if name == "none" else open_persons,
        "open_faces": lambda: FaceDetector(device=device),
    }


def _say(
    arguments: argparse.Namespace,
    path: Path,
    summary: DetectSummary,
    source: str,
    exported: tuple[int, int] | None,
    written: bool,
) -> None:
    left = summary.boxes.get("picture", 0) - summary.dropped["boxless"]
    following = f"python -m ccim_core features {source}"
    if arguments.json:
        answer = {"out": str(path), "written": written, "next": following}
        print(json.dumps(answer | {"summary": summary.to_dict()}, indent=2, allow_nan=False))
        return
    print(summary)
    if left:
        print(
            f"{left:,} of {summary.rows:,} subjects still have the whole picture as their box, "
            "which cannot be masked: "
            "give boxes with --import-coco, or leave these rows out with --drop-boxless."
        )
    if exported is not None:
        print(f"Wrote {exported[0]:,} boxes and {exported[1]:,} faces to {arguments.export_coco}")
    print(f"Wrote {path}" if written else f"Nothing changed in {path}")
    print(f"next: {following}")
