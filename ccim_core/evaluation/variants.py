"""What a run is among a study's runs: its variant, its recipe and inputs, and whether it is plain.

Everything is read from configs (their nested dicts, complete), nothing from names. Two runs have
one *recipe* when they differ only in what a method adds (intervention, dictionary, a refitted last
layer, erased directions, the choice of the epoch), in the seed, in what the network sees, and in
whether they train on unbiased data. A *family* is a recipe × inputs. A gap, or a share of it that
is won back, is only ever taken inside one recipe, against an oracle on the same inputs.

Imports nothing heavy: pages ask too.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "FULL",
    "ORACLE_SPLIT",
    "baseline_key",
    "changed_settings",
    "family",
    "family_title",
    "input_name",
    "is_bare",
    "is_oracle",
    "is_plain",
    "needs_masks",
    "own_estimator",
    "plain_variants",
    "recipe_key",
    "run_variant",
]

FULL = "full"
"""The inputs of a network that sees whole pictures as they are."""
ORACLE_SPLIT = "oracle_train"
"""The training split where emotion does not depend on the context."""

_SEED = re.compile(r"-seed\d+$")
_HEADLINE = "headline"
# By group: what a method adds, what a network sees, and how a run is made.
_FREE: dict[str, tuple[str, ...]] = {
    "model": ("inputs", "subject_parts", "context_parts", "subject_erase"),
    "train": ("seed", "split", "select_by", "workers", "checkpoint_steps", "compile"),
}


def run_variant(name: str) -> str:
    """A run's name without its seed: what several seeds share."""
    return _SEED.sub("", name)


def own_estimator(intervention: str) -> str:
    """The estimator that is the forward pass of a run trained with an intervention."""
    return intervention if intervention in ("ccim", "counterfactual") else "likelihood"


def input_name(values: Mapping[str, Any]) -> str:
    """What a run's network sees, from its config's nested dict.

    "full"; "subject" (the crop with what is behind the person), "context" or "cue" (bystanders)
    alone; "subject + cue", where the scene is left out of both streams; ", matted" where the
    subject's crop is cut along the true mask.
    """
    model = values["model"]
    matted, people = model["subject_parts"] != "all", model["context_parts"] != "all"
    if model["inputs"] == "subject":
        return "subject, matted" if matted else "subject"
    if model["inputs"] == "context":
        return "cue" if people else "context"
    if people:
        return "subject + cue" if matted else "full subject + cue"
    return "full, subject matted" if matted else FULL


def needs_masks(values: Mapping[str, Any]) -> bool:
    """Whether a run's pictures have parts left out, which takes the truth of every pixel."""
    model = values["model"]
    return bool(
        (model["subject_parts"] != "all" and model["inputs"] != "context")
        or (model["context_parts"] != "all" and model["inputs"] != "subject")
    )


def is_oracle(values: Mapping[str, Any]) -> bool:
    """Whether a run trains on data where emotion does not depend on the context."""
    return bool(values["train"]["split"] == ORACLE_SPLIT)


def is_bare(values: Mapping[str, Any]) -> bool:
    """Whether a run is the model alone: no method is added to it, whatever data it trains on."""
    train = values["train"]
    return bool(
        values["intervention"]["name"] == "none"
        and not train["refit"]
        and not values["model"]["subject_erase"]
        and train.get("select_by", _HEADLINE) == _HEADLINE
    )


def is_plain(values: Mapping[str, Any]) -> bool:
    """Whether a run is the model alone on the data as they are: what methods are compared with."""
    return is_bare(values) and not is_oracle(values)


def recipe_key(values: Mapping[str, Any]) -> str:
    """Eight hex digits of what a method leaves alone (see the module), the model's name first."""
    kept = copy.deepcopy(dict(values))
    oracle = is_oracle(values)
    for name in ("name", "intervention", "dictionary"):
        kept.pop(name, None)
    for group, names in _FREE.items():
        kept[group] = {
            name: value
            for name, value in kept[group].items()
            if name not in names and not name.startswith("refit")
        }
    # Another split than these two is another recipe: its gap is another gap.
    kept["train"]["split"] = "train" if oracle else values["train"]["split"]
    if kept.get("vad", {}).get("loss", "none") == "none":
        kept.pop("vad", None)
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:8]


def family(values: Mapping[str, Any]) -> str:
    """ "model/recipe/inputs": runs that a method's effect can be read from."""
    return f"{values['model']['name']}/{recipe_key(values)}/{input_name(values)}"


def family_title(model: str, inputs: str) -> str:
    """A family in words: `model` as it is titled, and what it sees unless that is everything."""
    return model if inputs == FULL else f"{model}, {inputs}"


def plain_variants(runs: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[tuple[str, bool], str]:
    """(family, trained as an oracle) to the variant that is the model alone.

    Args:
        runs: variant and config of every run of a study.

    Variants that differ in the dictionary, which does not enter a plain run, stand for the same:
    that with most runs is taken, then that with the dictionary of most runs of the family, then
    the first by name.
    """
    runs = list(runs)
    bare: dict[tuple[str, bool], Counter[str]] = defaultdict(Counter)
    dictionary: dict[tuple[str, str], str] = {}
    common: dict[str, Counter[str]] = defaultdict(Counter)
    for variant, values in runs:
        mine = family(values)
        dictionary[mine, variant] = json.dumps(values["dictionary"], sort_keys=True)
        common[mine][dictionary[mine, variant]] += 1
        if is_bare(values):
            bare[mine, is_oracle(values)][variant] += 1
    return {
        key: min(counts, key=lambda v: (-counts[v], -common[key[0]][dictionary[key[0], v]], v))
        for key, counts in bare.items()
    }


def changed_settings(values: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    """In how many settings that have an effect two configs differ, name and seed apart.

    Of variants with one intervention, that with the fewest changes from the plain model is the
    intervention as it is, and the rest are its ablations.
    """
    from ccim_core.training.content import effective_settings

    first, second = (_leaves(effective_settings(one)) for one in (values, other))
    return sum(first[path] != second[path] for path in first if path != "train.seed")


def _leaves(settings: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{path}": leaf for path, leaf in _leaves(value).items()}
        else:
            found[name] = value
    return found


def baseline_key(values: Mapping[str, Any]) -> str:
    """What a run shares with its baseline, the seed included: all but intervention, dictionary,
    refit and the choice of the epoch.

    The plain run with the same key is the one that an intervention's effect is measured against.
    Missing fields take their defaults.
    """
    from ccim_core.training.content import effective_settings

    settings = effective_settings(values)
    del settings["intervention"], settings["dictionary"]
    train = settings["train"]
    settings["train"] = {
        name: value
        for name, value in train.items()
        if name != "select_by" and not name.startswith("refit")
    }
    return json.dumps(settings, sort_keys=True)
