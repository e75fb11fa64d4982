"""What the paper's tables compare: models, and settings that differ from a recipe by a field."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from analysis.published import ABLATION_DATASETS
from analysis.run_records import complete_config, leaves

__all__ = [
    "CONTROLS",
    "DATASETS",
    "MODELS",
    "SETTINGS",
    "SIZES",
    "Setting",
    "ablations",
    "dataset_title",
    "load_reference",
    "model_title",
    "recipe_path",
    "set_fields",
    "train_command",
]

MODELS: dict[str, str] = {
    "emot_net": "EMOT-Net",
    "gcn_cnn": "GCN-CNN",
    "caer_net": "CAER-Net",
    "emoticon": "EmotiCon",
}
"""Model to its name in the paper, in Table 1's order."""

DATASETS: dict[str, str] = {
    "emotic": "EMOTIC",
    "caer-s": "CAER-S",
    "groupwalk": "GroupWalk",
    "controlled": "Rendered benchmark",
}
"""Label set to the dataset's title; another label set is its own title."""

SIZES = (64, 128, 256, 512, 1024)
"""Figure 6's dictionary sizes N."""

_ROOT = Path(__file__).resolve().parent.parent
_RECIPES = Path("ccim_core/training/recipes")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One way to train a model: how it differs from the plain recipe, and what the paper calls it.

    Attributes:
        fields: dotted fields of the config to their values.
        published: its name in ablation.csv.
        free: fields that may have any value.
    """

    title: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    published: str | None = None
    free: tuple[str, ...] = ()

    def train(self, reference: Mapping[str, Any], *, seed: int) -> dict[str, Any]:
        """The completed config of this setting, from the reference's."""
        return set_fields(reference, {**self.fields, "train.seed": seed})


def _ccim(title: str, published: str | None = None, **fields: Any) -> Setting:
    dotted = {name.replace("__", "."): value for name, value in fields.items()}
    return Setting(title=title, fields={"intervention.name": "ccim", **dotted}, published=published)


def _backbone(title: str, encoder: str, published: str | None = None) -> Setting:
    """A dictionary of another encoder's features, at whatever picture size suits it."""
    return Setting(
        title=title,
        fields={"intervention.name": "ccim", "dictionary.encoder": encoder},
        published=published,
        free=("dictionary.pixels",),
    )


SETTINGS: dict[str, Setting] = {
    "none": Setting(title="plain", fields={"intervention.name": "none"}),
    "ccim": _ccim("+ CCIM", "full"),
    "random_z": _ccim("random Z", "random dictionary", dictionary__kind="random"),
    "additive": _ccim(
        "additive attention", "additive attention", intervention__attention="additive"
    ),
    "without_lambda": _ccim("without λ", "without lambda", intervention__attention="uniform"),
    "without_prior": _ccim("without P(z)", "without prior", intervention__prior="uniform"),
    "without_masking": _ccim("without masking", "without masking", dictionary__masked=False),
    "imagenet": _backbone("Z of ResNet-152, ImageNet", "resnet152", "ImageNet pre-training"),
    "resnet50": _backbone("Z of ResNet-50, Places365", "resnet50-places365", "ResNet-50"),
    "vgg16": _backbone("Z of VGG-16, Places365", "vgg16-places365", "VGG-16"),
    "lite1": _backbone("Z of EfficientNet-Lite1, ImageNet", "efficientnet-lite1"),
    "lite2": _backbone("Z of EfficientNet-Lite2, ImageNet", "efficientnet-lite2"),
    "constant_g": _ccim("constant g", intervention__attention="constant"),
    "shuffled_prior": _ccim("shuffled P(z)", dictionary__shuffle_prior=True),
    "renormalised": _ccim("λ∘P renormalised", intervention__weighting="renormalised"),
    **{f"size_{n}": _ccim(f"N = {n}", dictionary__size=n) for n in SIZES},
}

_CHANGES = ("additive", "without_lambda", "without_prior", "without_masking")
_PAPERS_BACKBONES = ("imagenet", "resnet50", "vgg16")
_FREE_BACKBONES = ("lite1", "lite2")


def ablations(label_set: str) -> tuple[str, ...]:
    """Table 4's settings on a dataset, in its order.

    The paper's backbones need weights to be fetched; where the paper has no numbers, those stand
    in that come with the package.
    """
    papers = dataset_title(label_set) in ABLATION_DATASETS
    backbones = _PAPERS_BACKBONES if papers else _FREE_BACKBONES
    return ("ccim", "random_z", *backbones, *_CHANGES)


CONTROLS = ("random_z", "constant_g", "shuffled_prior", "renormalised")
"""Settings that tell whether CCIM's term does anything (METHOD, fact 1)."""


def model_title(model: str) -> str:
    """Name of a model in the paper; an unknown one is its own."""
    return MODELS.get(model, model)


def dataset_title(label_set: str) -> str:
    """Title of the dataset that a label set belongs to."""
    return DATASETS.get(label_set, label_set)


def recipe_path(model: str, label_set: str) -> Path | None:
    """The shipped recipe of a model on a dataset, relative to the project; None where none is."""
    path = _RECIPES / f"{model}_{label_set.replace('-', '_')}.yaml"
    return path if (_ROOT / path).is_file() else None


@cache
def _recipe(path: Path) -> dict[str, Any]:
    values = yaml.safe_load((_ROOT / path).read_text(encoding="utf-8")) or {}
    return complete_config(values, source=str(path))


def load_reference(recipe: Path | None, model: str) -> dict[str, Any]:
    """A recipe's completed config, or the defaults with the model's name."""
    if recipe is not None:
        return copy.deepcopy(_recipe(recipe))
    return complete_config({"model": {"name": model}}, source="the defaults")


def set_fields(config: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a nested config with dotted fields set."""
    changed = copy.deepcopy(dict(config))
    for path, value in fields.items():
        group, _, name = path.rpartition(".")
        (changed[group] if group else changed)[name] = value
    return changed


def train_command(study: Path | str, config: Mapping[str, Any], *, recipe: Path | None) -> str:
    """The command that trains a config: its recipe, and an option for each field that differs."""
    model = str(config["model"]["name"])
    base = load_reference(recipe, model)
    if recipe is None:
        base["model"]["name"] = None  # say it
    words = ["python", "-m", "ccim_core", "train", "--study", str(study)]
    if recipe is not None:
        words += ["--config", recipe.as_posix()]
    mine, theirs = leaves(config), leaves(base)
    always = ("intervention.name", "train.seed")
    for path in [*always, *(path for path in mine if path not in always)]:
        if path in always or mine[path] != theirs[path]:
            words += [f"--{path}", _word(mine[path])]
    return shlex.join(words)


def _word(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
