"""What makes two runs the same run: everything that changes a number, and nothing else.

A run's *content* is its settings, those in effect, the manifest that it was trained on (rows,
splits and label set), and the hashes of weights files that the settings name. It is computed alike
for a run that is planned and for one that is finished, whatever either is called.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ccim_core.errors import InputError
from ccim_core.files import read_json, sha256_file
from ccim_core.study import Study
from ccim_core.training.config import RunConfig, to_dict, with_recorded
from ccim_core.training.streams import StreamPlan, dictionary_plan, stream_plans

__all__ = [
    "Content",
    "effective_settings",
    "finished_content",
    "idle_fields",
    "planned_content",
]

# How a run is made and what it is called, not what comes out of it.
INCIDENTAL = ("name", "train.workers", "train.checkpoint_steps", "train.compile")

# Fields that only one intervention reads.
_OWN_FIELDS: dict[str, tuple[str, ...]] = {
    "ccim": (
        "intervention.attention",
        "intervention.prior",
        "intervention.weighting",
        "intervention.head",
        "intervention.d_m",
        "intervention.d_n",
        "dictionary.kind",
        "dictionary.shuffle_prior",
    ),
    "inverse_propensity": ("intervention.max_weight",),
    "group_dro": ("intervention.step_size", "intervention.weight_decay"),
    "counterfactual": ("intervention.context_loss", "intervention.fusion"),
}


@dataclass(frozen=True)
class Content:
    """A run's identity, hex SHA-256: of the `run`, and of its `variant`, which all seeds share."""

    run: str
    variant: str


def effective_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """A config's nested dict with defaults wherever a field is missing or without effect.

    So a plain run has one content, whatever attention its CCIM would have had.
    """
    settings = _merged(_defaults(), values)
    idle = [*INCIDENTAL, *idle_fields(settings["intervention"]["name"])]
    train, intervention = settings["train"], settings["intervention"]["name"]
    if not (intervention == "group_dro" or train["refit"] or train["select_by"] == "worst_group"):
        idle += ["intervention.min_group_size"]
    if settings["vad"]["loss"] == "none":
        idle += ["vad.margin", "vad.weight"]
    for path in idle:
        group, _, name = path.rpartition(".")
        default = _defaults()
        if group:
            settings[group][name] = default[group][name]
        else:
            settings[name] = default[name]
    return settings


def idle_fields(intervention: str) -> list[str]:
    """Dotted fields that runs of an intervention do not read."""
    return [path for name, paths in _OWN_FIELDS.items() if name != intervention for path in paths]


def planned_content(config: RunConfig, study: Study, manifest: str) -> Content:
    """Content of a run that a study may have.

    Args:
        manifest: the content hash of the study's manifest.
    """
    plans = [dictionary_plan(config)]
    # Settings that cannot be trained have a content too: training says what is wrong with them.
    with suppress(InputError):
        plans += [plan for plan in stream_plans(config).values() if isinstance(plan, StreamPlan)]
    named = {plan.weights for plan in plans if plan.weights != "default"}
    weights = {name: _file_hash(study.path / name) for name in named}
    return _hash(to_dict(config), manifest, weights)


def finished_content(path: Path, study: Study) -> Content | None:
    """Content of a study's finished run from its files; None when they do not say what it was
    made of."""
    info, environment = read_json(path / "config.json"), path / "environment.json"
    record = read_json(environment) if environment.is_file() else {}
    if not isinstance(info, dict) or "config" not in info or "manifest" not in record:
        return None
    streams = read_json(path / "encoder.json")
    weights = {
        stream["weights"]: stream["provenance"]["sha256"]
        for stream in streams.values()
        if stream.get("weights", "default") != "default"
    }
    manifest = record["manifest"]
    if study.same_manifest(manifest):
        manifest = study.manifest_hash
    return _hash(with_recorded(info["config"]), manifest, weights)


def _hash(values: Mapping[str, Any], manifest: str, weights: Mapping[str, str | None]) -> Content:
    settings = effective_settings(values)
    record = {"settings": settings, "manifest": manifest, "weights": dict(weights)}
    run = _sha256(record)
    settings["train"]["seed"] = 0
    return Content(run, _sha256(record))


def _sha256(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _file_hash(path: Path) -> str | None:
    return sha256_file(path) if path.is_file() else None


@cache
def _defaults() -> dict[str, Any]:
    return to_dict(RunConfig())


def _merged(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """`defaults` with `values` over it, group by group; neither is changed."""
    result = copy.deepcopy(dict(defaults))
    for name, value in values.items():
        if isinstance(value, Mapping) and isinstance(result.get(name), Mapping):
            result[name] = _merged(result[name], value)
        else:
            result[name] = value
    return result
