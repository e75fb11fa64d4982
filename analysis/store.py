"""Everything that the app's analysis pages read of a study, computed and kept in one go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.bias import BiasSettings, bias_study
from analysis.cluster_sizes import compare_sizes, default_sizes
from analysis.cluster_sources import dictionary_features, dictionary_split, open_dictionary
from analysis.clusters import cluster_study
from analysis.embedding_sources import default_pairs, default_split
from analysis.embeddings import EmbedSettings, Method, embed
from analysis.scenes import SceneChoice
from analysis.separation_study import study_separation
from analysis.stored import save_bias, save_clusters
from ccim_core.confounders import ConfounderDictionary
from ccim_core.errors import InputError
from ccim_core.progress import progress
from ccim_core.study import Study

__all__ = ["store_study_analysis", "training_split"]


def store_study_analysis(
    study: Study,
    *,
    quiet: bool = False,
    seed: int = 0,
    method: Method = "aligned_umap",
    scenes: Callable[[], SceneChoice] | None = None,
) -> dict[str, str]:
    """Compute and keep the bias study, the cluster study and the default embeddings.

    The bias study is that of the training split (of all rows where there is none), the clusters
    are those of the training dictionary and, of the same features, half and twice as many; the
    embeddings the plain run's joint feature against each intervention with stored features, with
    their separation. Coordinates and separation that were made before from the same features are
    kept.

    Args:
        seed: of null tables, resampling and layouts.
        method: of the layout; AlignedUMAP takes from half a minute, PCA is instant.
        scenes: finds the scene of each image, by default the manifest's column.

    Returns:
        What was made to its path inside the study, or to a sentence on why it cannot be made:
        a study needs no scenes, dictionary or runs to be one.
    """
    parts: dict[str, Callable[[], list[str]]] = {
        "bias": lambda: [_bias(study, seed, scenes() if scenes else None)],
        "clusters": lambda: [_clusters(study)],
        "embeddings": lambda: _embeddings(study, seed, method),
    }
    made = {}
    for name in progress(list(parts), "analysis", unit="parts", quiet=quiet):
        try:
            made[name] = ", ".join(parts[name]())
        except InputError as error:
            made[name] = f"not made: {error}"
    return made


def training_split(study: Study) -> str | None:
    """The split whose bias counts; None (all rows) where there is no training split."""
    return "train" if "train" in study.manifest.splits else None


def _bias(study: Study, seed: int, scenes: SceneChoice | None) -> str:
    found = scenes or SceneChoice(
        frame=study.manifest.frame, column="scene", source="column `scene`"
    )
    report = bias_study(
        found.frame,
        study.labels,
        settings=BiasSettings(
            split=training_split(study), scene_column=found.column, scene_source=found.source
        ),
        scene_weights=found.weights,
        random_state=seed,
    )
    return _inside(study, str(save_bias(study, report, seed=seed, assignment=found.assignment())))


def _clusters(study: Study) -> str:
    """The training dictionary's clusters, and those of half and twice as many to compare with."""
    name, dictionary = open_dictionary(study)
    split = dictionary_split(dictionary)
    features = dictionary_features(study, dictionary)
    if features is None:
        return _inside(study, str(_keep_clusters(study, name, dictionary, split, None)))
    wanted = default_sizes(dictionary.n_prototypes, len(features))
    sizes = compare_sizes(features, wanted, n_components=dictionary.n_components)
    kept = _keep_clusters(study, name, dictionary, split, features, sizes=sizes)
    for n in wanted:
        if n != dictionary.n_prototypes:
            other = ConfounderDictionary(n, n_components=dictionary.n_components).fit(features)
            other_name = f"{name}-as-{n}"
            _keep_clusters(study, other_name, other, split, features, sizes=sizes, trained=False)
    return _inside(study, str(kept))


def _keep_clusters(
    study: Study,
    name: str,
    dictionary: ConfounderDictionary,
    split: str,
    features: np.ndarray | None,
    *,
    sizes: pd.DataFrame | None = None,
    trained: bool = True,
) -> Path:
    frame = study.manifest.split(split).frame.reset_index(drop=True)
    report = cluster_study(
        frame,
        dictionary.labels_,
        study.labels,
        n_clusters=dictionary.n_prototypes,
        features=features,
        centers=dictionary.centers_,
    )
    members = pd.DataFrame(
        {
            "sample_id": frame["sample_id"].astype(str),
            "cluster": np.asarray(dictionary.labels_, np.int32),
        }
    )
    return save_clusters(
        study,
        report,
        dictionary=name,
        split=split,
        sizes=sizes,
        members=members,
        trained=trained,
    )


def _embeddings(study: Study, seed: int, method: Method) -> list[str]:
    paths = []
    for before, after in default_pairs(study):
        split = default_split(study, before)
        settings = EmbedSettings(split=split, seed=seed, method=method)
        paths.append(_inside(study, str(embed(study, before, after, settings=settings).path)))
        study_separation(study, before, after, split=split)
    return paths


def _inside(study: Study, path: str) -> str:
    return path.removeprefix(str(study.path)).lstrip("/\\")
