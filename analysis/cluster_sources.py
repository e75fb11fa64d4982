"""A study's confounder dictionaries, and the stored features that each was made of."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ccim_core.confounders import ConfounderDictionary
from ccim_core.errors import InputError
from ccim_core.features import FeatureStore
from ccim_core.run import Run
from ccim_core.study import Study

__all__ = ["dictionary_features", "dictionary_split", "open_dictionary"]


def open_dictionary(study: Study, name: str | None = None) -> tuple[str, ConfounderDictionary]:
    """A dictionary of the study by name; by default the K-Means one of the training split.

    Where the study has several of that kind, the one that most of its runs were trained with is
    meant, then the first by name (the lowest seed); where it has none of the training split, the
    first of any.

    Raises:
        InputError: no such dictionary.
    """
    root = study.dictionaries_root
    found = {path.stem: path for path in sorted(root.glob("*.safetensors"))}
    if name is not None:
        if name not in found:
            raise InputError(f"Expected a dictionary of {list(found)}, got {name!r}.")
        return name, ConfounderDictionary.load(found[name])
    loaded = [(name, ConfounderDictionary.load(path)) for name, path in found.items()]
    usable = [(name, one) for name, one in loaded if one.kind == "kmeans"]
    runs = _runs_by_dictionary(study) if len(usable) > 1 else Counter()
    usable.sort(key=lambda pair: (dictionary_split(pair[1]) != "train", -runs[_made(pair[1])]))
    if not usable:
        raise InputError(
            f"Expected a confounder dictionary in {root}, got none; make one with "
            f"`python -m ccim_core dictionary --study {study.path}`."
        )
    return usable[0]


def _runs_by_dictionary(study: Study) -> Counter[tuple[object, ...]]:
    from ccim_core.training.streams import dictionary_plan

    counts: Counter[tuple[object, ...]] = Counter()
    for path in study.run_paths():
        try:
            config = Run.open(path).config
        except InputError:
            continue  # pages that show runs say what is wrong with it
        plan, wanted = dictionary_plan(config), config.dictionary
        made_of = (plan.encoder, plan.view.kind, config.train.split, wanted.size, wanted.seed)
        counts[made_of] += 1
    return counts


def _made(dictionary: ConfounderDictionary) -> tuple[object, ...]:
    """What of a dictionary's making a run's settings name."""
    made_of = dictionary.provenance
    encoder = made_of.get("encoder", {}).get("name")
    return (encoder, *(made_of.get(name) for name in ("view", "split", "size", "seed")))


def dictionary_split(dictionary: ConfounderDictionary) -> str:
    """The split whose subjects the dictionary clusters."""
    return str(dictionary.provenance.get("split", "train"))


def dictionary_features(
    study: Study, dictionary: ConfounderDictionary, *, split: str | None = ""
) -> np.ndarray | None:
    """Stored features (n, d) of the kind that it was made of; None where the study has not kept
    them.

    Args:
        split: whose rows; by default the dictionary's own, None for all of the study's.
    """
    made_of = dictionary.provenance
    rows = study.manifest
    if split is not None:
        rows = rows.split(split or dictionary_split(dictionary))
    encoder = made_of.get("encoder", {})
    for record in sorted(study.features_root.glob("*/store.json")):
        store = FeatureStore.open(record.parent)
        stored = store.record["encoder"]
        same = all(stored.get(key) == encoder.get(key) for key in ("sha256", "preprocessing"))
        if not same or store.view.kind != made_of.get("view") or store.stage != "pooled":
            continue
        try:
            return store.gather(rows, study.reader)
        except InputError:  # a store of other rows
            continue
    return None
