"""`dictionary`: the confounder dictionary of a study's training rows."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccim_core.cli.inputs import (
    add_encoder_options,
    add_extraction_options,
    add_source_options,
    extraction_options,
    open_encoder,
    open_source,
)
from ccim_core.errors import InputError

if TYPE_CHECKING:
    from ccim_core.confounders import ConfounderDictionary

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "dictionary",
        help="cluster training contexts into confounder prototypes",
        description="Build the confounder dictionary: features of the training rows with the "
        "subject masked, PCA, K-Means++; prototypes are means of the original features. Features "
        "that are not there yet are extracted first.",
    )
    add_source_options(parser)
    add_encoder_options(parser)
    parser.add_argument(
        "--view",
        choices=("masked", "whole"),
        default="masked",
        help="whole: without masking the subject (an ablation)",
    )
    parser.add_argument("--split", default="train", metavar="NAME", help="default: train")
    parser.add_argument(
        "--prototypes", type=int, default=256, metavar="N", help="default: 256 (the paper's)"
    )
    parser.add_argument(
        "--components", type=int, default=256, metavar="K", help="of the PCA (default: 256)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--random",
        action="store_true",
        help="the control: Gaussian prototypes with the features' moments and the real prior",
    )
    parser.add_argument("--name", help="name of the file (default: from the settings)")
    add_extraction_options(parser)
    parser.set_defaults(func=_dictionary)


def _dictionary(arguments: argparse.Namespace) -> int:
    from ccim_core.confounders import ConfounderDictionary
    from ccim_core.dictionary_files import dictionary_provenance, find_dictionary
    from ccim_core.features import View, extract_features

    name = arguments.name
    if name and ("/" in name or "\\" in name):
        raise InputError(f"Expected a name without folders, got {name!r}.")
    source = open_source(arguments)
    rows = source.manifest.split(arguments.split)
    encoder = open_encoder(arguments)
    view = View(kind=arguments.view)
    options = extraction_options(arguments)
    store = extract_features(
        rows, source.reader, encoder, view, root=source.features_root, **options
    )
    if options["rank"] > 0:
        return 0  # under torchrun the processes share the encoding; the first one clusters
    provenance = dictionary_provenance(
        encoder=encoder.provenance.to_dict(),
        view=view.kind,
        split=arguments.split,
        manifest=source.manifest.content_hash(),
        size=arguments.prototypes,
        components=arguments.components,
        seed=arguments.seed,
    )
    found = None if arguments.random else find_dictionary(source.dictionaries_root, provenance)
    if found is None or name not in (None, found[0].stem):
        features = store.gather(rows, source.reader)
        dictionary = ConfounderDictionary(
            arguments.prototypes, n_components=arguments.components, random_state=arguments.seed
        ).fit(features)
        if arguments.random:
            dictionary = ConfounderDictionary.random(
                features, arguments.prototypes, random_state=arguments.seed, prior=dictionary.prior_
            )
        found = _path(arguments, source.dictionaries_root, provenance), dictionary
        dictionary.save(found[0], provenance=provenance)
    path, dictionary = found
    _describe(dictionary, len(rows))
    print(f"dictionary: {path}")
    if arguments.study is not None:
        print(f"next: {_next_command(arguments, source.options, encoder.preprocessing.size)}")
    return 0


def _path(arguments: argparse.Namespace, root: Path, provenance: dict[str, Any]) -> Path:
    from ccim_core.dictionary_files import new_dictionary_path
    from ccim_core.files import resolve_inside

    if arguments.name:
        return resolve_inside(root, f"{arguments.name}.safetensors")
    return new_dictionary_path(root, provenance, prefix="random-" if arguments.random else "")


def _next_command(arguments: argparse.Namespace, source: str, size: int) -> str:
    """Training with what was just made: the settings by which `train` finds it."""
    if arguments.grey:  # no run sees in grey
        return f"python -m analysis clusters {source}"
    options = ["--encoder.context", arguments.encoder, "--encoder.context_size", str(size)]
    if arguments.weights != "default":
        options += ["--encoder.context_weights", str(Path(arguments.weights).resolve())]
    options += ["--dictionary.size", str(arguments.prototypes)]
    options += ["--dictionary.components", str(arguments.components)]
    if arguments.seed:
        options += ["--dictionary.seed", str(arguments.seed)]
    if arguments.view == "whole":
        options += ["--dictionary.masked", "false"]
    if arguments.split != "train":
        options += ["--train.split", arguments.split]
    if arguments.random:
        options += ["--dictionary.kind", "random"]
    return f"python -m ccim_core train {source} --intervention.name ccim {shlex.join(options)}"


def _describe(dictionary: ConfounderDictionary, n_rows: int) -> None:
    n, d = dictionary.centers_.shape
    low, high = dictionary.prior_.min(), dictionary.prior_.max()
    print(f"{n} prototypes of width {d} from {n_rows} rows; P(z) from {low:.4f} to {high:.4f}")
