"""Which of a study's runs are a model's plain run, its "+ CCIM", and the settings of an ablation.

A baseline and its "+ CCIM" differ by one field: both are of one family
(`ccim_core.evaluation.variants`). A table shows one family of each model: mixing two would compare
different networks.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.run_records import RunRecord
from analysis.table_settings import (
    MODELS,
    SETTINGS,
    load_reference,
    model_title,
    recipe_path,
    set_fields,
    train_command,
)
from ccim_core.evaluation.variants import FULL, family, input_name

__all__ = ["ModelRuns", "find_families", "known_models", "model_runs"]

# How a run was made, not what it is.
_INCIDENTAL = {
    "name": "",
    "train.seed": 0,
    "train.workers": 0,
    "train.compile": False,
    "train.checkpoint_steps": 1,
}
_CCIM_FIELDS = ("name", "attention", "prior", "weighting", "head", "d_m", "d_n")


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelRuns:
    """A model's runs on one dataset.

    Attributes:
        reference: the completed config that the settings differ from.
        recipe: the shipped recipe that commands start from, if there is one.
        by_setting: setting (of `SETTINGS`) to seed to run; settings without runs are absent.
        unused: names of the model's plain and CCIM runs on whole pictures that are none of the
            settings, or of another family.
    """

    model: str
    study: Path
    reference: dict[str, Any]
    recipe: Path | None
    by_setting: dict[str, dict[int, RunRecord]]
    unused: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The model's name."""
        return model_title(self.model)

    def seeds(self, setting: str) -> list[int]:
        """Seeds of a setting's runs, rising."""
        return sorted(self.by_setting.get(setting, {}))

    def runs(self, setting: str, seeds: Collection[int] | None = None) -> list[RunRecord]:
        """A setting's runs by seed, all or those of `seeds`."""
        found = self.by_setting.get(setting, {})
        return [found[seed] for seed in sorted(found) if seeds is None or seed in seeds]

    def command(self, setting: str, seed: int) -> str:
        """The command that trains one run of a setting."""
        config = SETTINGS[setting].train(self.reference, seed=seed)
        siblings = self.runs(setting)
        stem = f"{self.model}-{setting}"
        if siblings:
            stem = str(siblings[0].config["name"])
        elif setting in ("none", "ccim"):
            stem = ""  # the run's own default
        config = set_fields(config, {"name": stem})
        return train_command(self.study, config, recipe=self.recipe)


def model_runs(runs: Sequence[RunRecord], model: str, *, label_set: str, study: Path) -> ModelRuns:
    """The family with most of a model's runs; a shipped recipe's own where that ties.

    Args:
        runs: of all models, on one dataset.
        study: where missing runs are to be trained.
    """
    recipe = recipe_path(model, label_set)
    recipe_config = load_reference(recipe, model)
    mine = [run for run in runs if run.config["model"]["name"] == model]
    families = find_families(mine)
    shown = {
        run.path: run.name
        for members in families.values()
        for run in members
        if run.config["intervention"]["name"] in ("none", "ccim")
    }
    best: ModelRuns | None = None
    for _, members in sorted(families.items(), key=lambda item: item[0] != family(recipe_config)):
        reference = _reference(members, recipe_config)
        by_setting = _match(mine, reference)
        used = {run.path for found in by_setting.values() for run in found.values()}
        found = ModelRuns(
            model=model,
            study=study,
            reference=reference,
            recipe=recipe,
            by_setting=by_setting,
            unused=tuple(name for path, name in shown.items() if path not in used),
        )
        if best is None or _size(found) > _size(best):
            best = found
    if best is not None and best.by_setting:
        return best
    return ModelRuns(
        model=model,
        study=study,
        reference=recipe_config,
        recipe=recipe,
        by_setting={},
        unused=tuple(shown.values()),
    )


def find_families(runs: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Runs by `ccim_core.evaluation.variants.family`, of those that a table can show.

    Runs that see a part of the picture, train on another split than `train`, or have their last
    layer refitted or directions erased, answer other questions and belong to no family.
    """
    families: dict[str, list[RunRecord]] = defaultdict(list)
    for run in runs:
        model, train = run.config["model"], run.config["train"]
        added = train["refit"] or model["subject_erase"] or train["split"] != "train"
        if input_name(run.config) == FULL and not added:
            families[family(run.config)].append(run)
    return dict(families)


def known_models(runs: Sequence[RunRecord]) -> list[str]:
    """Models that have runs: the paper's first, in its order."""
    present = {str(run.config["model"]["name"]) for run in runs}
    return [*(m for m in MODELS if m in present), *sorted(present - set(MODELS))]


def _identity(config: Mapping[str, Any], free: Sequence[str] = ()) -> str:
    """What two runs of one setting agree in: everything that the seed apart changes their outputs.

    A plain run's dictionary only serves its strata, most of an intervention's fields are for other
    interventions, and a dictionary without an encoder of its own has the context stream's.

    Args:
        free: fields that may differ all the same.
    """
    intervention = config["intervention"]
    kept: dict[str, Any] = {**_INCIDENTAL, "intervention": {"name": intervention["name"]}}
    if intervention["name"] == "ccim":
        kept["intervention"] = {name: intervention[name] for name in _CCIM_FIELDS}
        own, encoder = config["dictionary"], config["encoder"]
        shared = not own["encoder"]
        kept["dictionary.encoder"] = encoder["context"] if shared else own["encoder"]
        kept["dictionary.weights"] = encoder["context_weights"] if shared else own["weights"]
        kept["dictionary.pixels"] = own["pixels"] or encoder["context_size"]
    else:
        kept["dictionary"] = {}
    kept |= dict.fromkeys(free)
    return json.dumps(set_fields(config, kept), sort_keys=True)


def _reference(members: Sequence[RunRecord], recipe: dict[str, Any]) -> dict[str, Any]:
    """The family's config with the dictionary that its settings differ from, and no intervention.

    The recipe's dictionary where a run has it, else the commonest that is not an ablation's.
    """
    plain = [
        run.config["dictionary"]
        for run in members
        if run.config["dictionary"]["kind"] == "kmeans"
        and run.config["dictionary"]["masked"]
        and not run.config["dictionary"]["shuffle_prior"]
    ]
    texts = Counter(json.dumps(one, sort_keys=True) for one in plain)
    dictionary = recipe["dictionary"]
    if texts and json.dumps(dictionary, sort_keys=True) not in texts:
        dictionary = json.loads(max(sorted(texts), key=lambda text: texts[text]))
    fields = {"name": "", "intervention": recipe["intervention"], "dictionary": dictionary}
    return set_fields(members[0].config, fields)


def _match(
    runs: Sequence[RunRecord], reference: Mapping[str, Any]
) -> dict[str, dict[int, RunRecord]]:
    """Setting to seed to run; of several plain runs that with the reference's dictionary."""
    preferred = sorted(runs, key=lambda run: run.config["dictionary"] != reference["dictionary"])
    found = {}
    for name, setting in SETTINGS.items():
        wanted = _identity(setting.train(reference, seed=0), setting.free)
        mine: dict[int, RunRecord] = {}
        for run, identity in zip(preferred, _identities(preferred, setting.free), strict=True):
            if identity == wanted:
                mine.setdefault(run.seed, run)
        if mine:
            found[name] = mine
    return found


def _identities(runs: Sequence[RunRecord], free: Sequence[str]) -> list[str]:
    return [_identity(run.config, free) for run in runs]


def _size(found: ModelRuns) -> int:
    """Number of runs; one that serves as two settings (the default N) counts once."""
    return len({run.path for runs in found.by_setting.values() for run in runs.values()})
