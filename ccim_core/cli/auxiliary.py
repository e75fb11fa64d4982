"""`auxiliary`: landmarks, keypoints and depth maps, which some models read beside the picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from ccim_core.cli.inputs import add_source_options, open_source

__all__ = ["add_parser"]

# The keys of `ccim_core.auxiliary.AUXILIARY`, which is too heavy to import for --help.
_KINDS = ("landmarks", "keypoints", "depth")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "auxiliary",
        help="landmarks, keypoints and depth maps, for EmotiCon",
        description="Store what is known of each subject beside the picture. Rendered pictures "
        "come with the renderer's truth; for others give your own files: FOLDER/SAMPLE_ID.npy, "
        "landmarks (68, 2) and keypoints (17, 3: x, y, visibility 0 to 2) in pixels, depth (H, W) "
        "in any unit. What is there already is not done again.",
    )
    add_source_options(parser)
    parser.add_argument(
        "--kind", nargs="+", choices=_KINDS, default=list(_KINDS), help="default: all three"
    )
    parser.add_argument(
        "--files", type=Path, metavar="FOLDER", help="your files, of one kind; not if rendered"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(func=_auxiliary)


def _auxiliary(arguments: argparse.Namespace) -> int:
    from ccim_core.auxiliary import extract_auxiliary, import_auxiliary
    from ccim_core.errors import InputError

    source = open_source(arguments)
    manifest, reader, root = source.manifest, source.reader, source.features_root
    if arguments.files is not None:
        if len(arguments.kind) != 1:
            raise InputError(f"Expected one --kind with --files, got {len(arguments.kind)}.")
        (kind,) = arguments.kind
        files = arguments.files
        stores = [import_auxiliary(manifest, reader, kind, files, root=root, quiet=arguments.quiet)]
    else:
        stores = extract_auxiliary(
            manifest, reader, arguments.kind, root=root, quiet=arguments.quiet
        )
    for kind, store in zip(arguments.kind, stores, strict=True):
        shape = " × ".join(str(length) for length in store.shape)
        print(f"{kind}: {len(manifest)} rows of {shape} in {store.path}")
    print(f"next: python -m ccim_core train {source.options} --model.name emoticon")
    return 0
