"""Names of runs: readable, made of their settings, and never shared by two different runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ccim_core.training.content import idle_fields

__all__ = ["unique_stem", "variant_stem"]

# Fields with a way of their own to be said; others are "field-value".
_SAID: dict[str, str] = {
    "dictionary.size": "n{}",
    "dictionary.kind": "{}-z",
    "dictionary.encoder": "z-{}",
    "model.context_view": "context-{}",
    "model.subject_view": "subject-{}",
    "encoder.subject": "subject-{}",
    "encoder.context": "context-{}",
    "optim.name": "{}",
}
_FLAGS: dict[str, tuple[str, str]] = {
    "dictionary.masked": ("masked-z", "unmasked-z"),
    "dictionary.shuffle_prior": ("shuffled-prior", "own-prior"),
}
_HASH_DIGITS = 8


def variant_stem(settings: Mapping[str, Any], fields: Sequence[str], prefix: str) -> str:
    """`prefix`, model, intervention, and the value of every other field of `fields` in effect.

    The seed is left out: it ends every run's name (`RunConfig.run_name`).
    """
    intervention = settings["intervention"]["name"]
    unsaid = {"model.name", "intervention.name", "train.seed", *idle_fields(intervention)}
    words = [prefix, settings["model"]["name"], intervention]
    words += [_word(path, _get(settings, path)) for path in fields if path not in unsaid]
    return "-".join(word for word in words if word)


def unique_stem(stem: str, content: str) -> str:
    """A stem for settings whose own is taken by others: the content's first digits are added."""
    return f"{stem}-{content[:_HASH_DIGITS]}"


def _word(path: str, value: Any) -> str:
    field = path.rpartition(".")[2]
    if path in _FLAGS:
        text = _FLAGS[path][0 if value else 1]
    elif isinstance(value, bool):
        text = field if value else f"no-{field}"
    else:
        text = _SAID.get(path, f"{field}-{{}}").format("default" if value is None else value)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")


def _get(settings: Mapping[str, Any], path: str) -> Any:
    target: Any = settings
    for name in path.split("."):
        target = target[name]
    return target
