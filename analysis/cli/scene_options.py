"""Options that say what counts as an image's scene, and the scenes that they name."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.cli.inputs import Rows
from analysis.cli.picture_options import (
    DEFAULT_ENCODER,
    add_picture_options,
    encode_rows,
    open_encoder,
    picture_source,
)
from ccim_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from analysis.scenes import SceneChoice

__all__ = ["add_scene_options", "choose_scenes"]

PLACES365_ENCODER = "resnet18-places365"


def add_scene_options(parser: argparse.ArgumentParser) -> None:
    """`--scenes` and what it needs, the options of pictures among them."""
    group = parser.add_argument_group("scenes")
    group.add_argument(
        "--scenes",
        choices=("column", "places365", "clusters"),
        default="column",
        help="a column of the table (default); recognised by a Places365 network; or clusters of "
        "contexts as pseudo-scenes, where there are no scenes and no such weights",
    )
    group.add_argument(
        "--scene-column",
        default="scene",
        metavar="NAME",
        help="column of the scene (default: scene)",
    )
    group.add_argument(
        "--scene-weights",
        type=Path,
        metavar="FILE",
        help="soft scenes instead: a table with `image` and a column of weights per scene",
    )
    group.add_argument(
        "--soft",
        action="store_true",
        help="with places365: spread an image over scenes by their posterior (default: the first)",
    )
    group.add_argument(
        "--categories",
        type=Path,
        metavar="FILE",
        help="with places365: categories_places365.txt (default: beside the weights)",
    )
    group.add_argument(
        "--dictionary",
        metavar="NAME",
        help="with clusters of a study (default: its K-Means dictionary of split train)",
    )
    group.add_argument(
        "--clusters",
        type=int,
        default=64,
        metavar="N",
        help="with clusters of a manifest: how many to make (default: 64)",
    )
    add_picture_options(parser)


def choose_scenes(arguments: argparse.Namespace, rows: Rows) -> SceneChoice:
    """The scenes that the options name. Raises InputError where they cannot be had."""
    from analysis.scenes import SceneChoice

    kind, frame = arguments.scenes, rows.chosen()
    if arguments.soft and kind != "places365":
        raise InputError("Expected --soft with --scenes places365 only.")
    if arguments.scene_weights is not None:
        if kind != "column":
            raise InputError("Expected --scene-weights or --scenes, got both.")
        return SceneChoice(
            frame=frame,
            column=arguments.scene_column,
            source=f"soft weights from {arguments.scene_weights.name}",
            weights=_read_weights(arguments.scene_weights),
            record={"kind": "weights", "file": arguments.scene_weights.name},
        )
    if kind == "places365":
        return _recognised(arguments, rows, frame)
    if kind == "clusters":
        return _clusters(arguments, rows, frame)
    return SceneChoice(
        frame=frame,
        column=arguments.scene_column,
        source=f"column `{arguments.scene_column}`",
        record={"kind": "column", "column": arguments.scene_column},
    )


def _recognised(arguments: argparse.Namespace, rows: Rows, frame: pd.DataFrame) -> SceneChoice:
    from analysis.scenes import RECOGNISED, SceneChoice, recognise_scenes

    try:
        encoder = open_encoder(arguments, PLACES365_ENCODER, categories=arguments.categories)
        _ = encoder.class_names
    except InputError as error:
        text = str(error).rstrip(".")
        raise InputError(f"{text}; or take --scenes clusters, which needs no weights.") from None
    found = recognise_scenes(frame, rows.labels, encoder=encoder, **picture_source(arguments, rows))
    soft = bool(arguments.soft)
    return SceneChoice(
        frame=frame.assign(**{RECOGNISED: frame["image"].astype(str).map(found.top())}),
        column=RECOGNISED,
        source=found.describe(soft=soft),
        weights=found.mass if soft else None,
        record={"kind": "places365", "soft": soft, **found.record},
    )


def _clusters(arguments: argparse.Namespace, rows: Rows, frame: pd.DataFrame) -> SceneChoice:
    from analysis.scenes import RECOGNISED, SceneChoice, cluster_names

    cluster, n, source = (
        _made_clusters(arguments, rows, frame)
        if rows.study is None
        else _study_clusters(arguments, rows, frame)
    )
    return SceneChoice(
        frame=frame.assign(**{RECOGNISED: cluster_names(cluster)}),
        column=RECOGNISED,
        source=f"{n} context clusters as pseudo-scenes, {source}",
        record={"kind": "clusters", "n_clusters": n, "of": source},
    )


def _study_clusters(
    arguments: argparse.Namespace, rows: Rows, frame: pd.DataFrame
) -> tuple[np.ndarray, int, str]:
    from analysis.cluster_sources import (
        dictionary_features,
        dictionary_split,
        open_dictionary,
    )

    assert rows.study is not None
    name, dictionary = open_dictionary(rows.study, arguments.dictionary)
    source = f"of dictionary {name}"
    if rows.split == dictionary_split(dictionary):
        if len(dictionary.labels_) != len(frame):
            raise InputError(
                f"Expected dictionary {name} to cluster the {len(frame):,} rows of split "
                f"{rows.split!r}, got {len(dictionary.labels_):,}; make it again with "
                f"`python -m ccim_core dictionary --study {rows.study.path}`."
            )
        return dictionary.labels_, dictionary.n_prototypes, source
    features = dictionary_features(rows.study, dictionary, split=rows.split)
    if features is None:
        split = "" if rows.split is None else f" --split {rows.split}"
        encoder = dictionary.provenance.get("encoder", {}).get("name", DEFAULT_ENCODER)
        raise InputError(
            f"Expected stored features of split {rows.split or 'all'} to place them in the "
            f"clusters of {name}, got none; encode them with `python -m ccim_core features "
            f"--study {rows.study.path} --encoder {encoder}{split}`."
        )
    return dictionary.predict(features), dictionary.n_prototypes, source


def _made_clusters(
    arguments: argparse.Namespace, rows: Rows, frame: pd.DataFrame
) -> tuple[np.ndarray, int, str]:
    from ccim_core.confounders import ConfounderDictionary

    features, source = encode_rows(arguments, rows, frame)
    dictionary = ConfounderDictionary(arguments.clusters).fit(features)
    return dictionary.labels_, dictionary.n_prototypes, f"K-Means of {source}"


def _read_weights(path: Path) -> pd.DataFrame:
    from ccim_core.manifest import read_table

    table = read_table(path, text_columns=("image",))
    if "image" not in table or len(table.columns) < 3:
        raise InputError(
            f"Expected a column `image` and at least two scenes in {path}, "
            f"got the columns {list(table.columns)}."
        )
    table = table.set_index("image")
    if table.index.has_duplicates:
        raise InputError(f"Expected each image once in {path}, got some more than once.")
    if not all(dtype.kind in "fiu" for dtype in table.dtypes):
        raise InputError(f"Expected numbers as scene weights in {path}, got text.")
    return table
