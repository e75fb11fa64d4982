"""The frozen configuration of a run: every field that changes a number is here.

A baseline and its "+ CCIM" differ by one field, `intervention.name`. Recipes are YAML files of
these classes; unknown keys are errors. Cross-field checks live in `__post_init__`.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import yaml

from ccim_core.errors import InputError
from ccim_core.training.exact_settings import build_exactly
from ccim_core.training.vad_config import VadConfig

__all__ = [
    "DictionaryConfig",
    "EncoderConfig",
    "InterventionConfig",
    "ModelConfig",
    "OptimConfig",
    "RunConfig",
    "TrainConfig",
    "VadConfig",
    "config_parser",
    "from_dict",
    "load_recipe",
    "parse_config",
    "replace_field",
    "to_dict",
    "with_recorded",
]

Criterion = Literal["headline", "accuracy", "balanced_accuracy", "map", "negative_loss"]
InterventionName = Literal[
    "none", "ccim", "counterfactual", "logit_adjusted", "inverse_propensity", "group_dro"
]


def _positive(owner: object, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        if not value > 0:
            raise InputError(f"Expected `{name}` to be positive, got {value!r}.")


def _fraction(owner: object, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        if not 0 <= value <= 1:
            raise InputError(f"Expected `{name}` in [0, 1], got {value!r}.")


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Networks from pictures to features, for the subject and the context stream.

    `*_weights` is "default" or a path to a checkpoint; sizes are in pixels.
    `finetune` trains them with the run; otherwise they are frozen and their features cached.
    """

    subject: str = "efficientnet-lite0"
    subject_weights: str = "default"
    subject_size: int = 112
    context: str = "efficientnet-lite0"
    context_weights: str = "default"
    context_size: int = 112
    finetune: bool = False

    def __post_init__(self) -> None:
        _positive(self, "subject_size", "context_size")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The emotion model: its name, width of h, and what its two streams see.

    `d_h`, the views and the sizes in pixels are the named model's own where they are None (the
    paper's), so that one field, `name`, changes the model. `inputs` other than "both" silences
    one stream. `*_parts` leave things out of the picture that a stream sees: all but the subject
    (a perfect matte), or the scene (subject and bystanders stay); only rendered pictures can be
    drawn so. `subject_erase` takes up to that many directions out of EMOT-Net's frozen subject
    features: those that the context's stratum moves them along at a given emotion. `*_pixels` and
    `channels` (a factor on the widths of the layers) concern models with networks of their own;
    `normalise` is batch normalisation; `depth` is EmotiCon's third stream, and `landmarks` how
    many of the face it reads: the usual 68, or the 5 that face detectors find.
    """

    name: str = "emot_net"
    d_h: int | None = None
    dropout: float = 0.5
    normalise: bool = True
    inputs: Literal["both", "subject", "context"] = "both"
    subject_view: Literal["subject", "face"] | None = None
    subject_grow: float = 1.0
    subject_parts: Literal["all", "subject"] = "all"
    subject_erase: int = 0
    subject_pixels: int | None = None
    context_view: Literal["whole", "masked", "face_masked"] | None = None
    context_parts: Literal["all", "people"] = "all"
    context_pixels: int | None = None
    channels: float = 1.0
    depth: bool = True
    landmarks: Literal[68, 5] = 68

    def __post_init__(self) -> None:
        optional = ("d_h", "subject_pixels", "context_pixels")
        given = [name for name in optional if getattr(self, name) is not None]
        _positive(self, "subject_grow", "channels", *given)
        _fraction(self, "dropout")
        if self.subject_erase < 0:
            raise InputError(f"Expected `subject_erase` to be 0 or more, got {self.subject_erase}.")


@dataclass(frozen=True, kw_only=True)
class DictionaryConfig:
    """The confounder dictionary Z: N prototypes of masked contexts (section 3.3).

    `encoder` makes its features, seen at `pixels`; where they are None it is the context stream's,
    as are the pixels. `weights` are `encoder`'s. With an encoder of its own the dictionary can
    change while the model stays what it is.
    """

    size: int = 64
    kind: Literal["kmeans", "random"] = "kmeans"
    components: int = 128
    masked: bool = True
    seed: int = 0
    members: int = 4
    shuffle_prior: bool = False
    encoder: str | None = None
    weights: str = "default"
    pixels: int | None = None

    def __post_init__(self) -> None:
        given = [] if self.pixels is None else ["pixels"]
        _positive(self, "size", "components", "members", *given)
        if self.encoder is None and self.weights != "default":
            raise InputError(
                "Expected `dictionary.encoder` with `dictionary.weights`, got weights alone."
            )


@dataclass(frozen=True, kw_only=True)
class InterventionConfig:
    """What is trained between the joint feature and the output.

    `attention`, `prior`, `weighting`, `head`, `d_m`, `d_n` concern `ccim`; `smoothing`
    (pseudo-subjects a stratum; None: as many as the counts ask for) the counted P(Y|z);
    `max_weight` inverse propensity; `step_size` and `weight_decay` (in place of the optimiser's;
    None: the same) group DRO; `context_loss` and `fusion` the counterfactual's context-only branch
    (`CounterfactualBranch`). `min_group_size`, in training rows, is that of the groups emotion ×
    stratum of group DRO, whose batches are balanced over them; smaller cells are merged within the
    emotion (`coarse_groups`). A refit and `train.select_by` "worst_group" have groups of validation
    rows, of which there are fewer: a third of it is asked for. 0: nothing merged or balanced.
    """

    name: InterventionName = "none"
    attention: Literal["dot", "additive", "uniform", "constant"] = "dot"
    prior: Literal["empirical", "uniform"] = "empirical"
    weighting: Literal["paper", "renormalised"] = "paper"
    head: Literal["linear", "residual"] = "linear"
    d_m: int = 128
    d_n: int = 256
    smoothing: float | None = None
    max_weight: float = 20.0
    step_size: float = 0.01
    weight_decay: float | None = None
    min_group_size: int = 30
    context_loss: float = 1.0
    fusion: Literal["sum", "log_sigmoid"] = "sum"

    def __post_init__(self) -> None:
        given = [] if self.smoothing is None else ["smoothing"]
        if min(self.min_group_size, self.weight_decay or 0) < 0:
            raise InputError("Expected min_group_size and weight_decay to be 0 or more.")
        _positive(self, "d_m", "d_n", "max_weight", "step_size", "context_loss", *given)


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Optimiser and learning-rate schedule; `step` divides by 1/gamma every `step_epochs`."""

    name: Literal["sgd", "adam", "adamw"] = "adamw"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 1e-2
    schedule: Literal["constant", "step", "cosine", "onecycle"] = "cosine"
    step_epochs: int = 7
    gamma: float = 0.1
    clip_norm: float = 0.0

    def __post_init__(self) -> None:
        _positive(self, "lr", "step_epochs", "gamma")
        if min(self.momentum, self.weight_decay, self.clip_norm) < 0:
            raise InputError("Expected momentum, weight_decay and clip_norm to be 0 or more.")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Length, batches, precision, and how the kept epoch is chosen (on `val` alone).

    `batch_size` is the global batch of one optimiser step, over all processes and
    `accumulation` micro-batches. `patience` in epochs, 0 for none. `loss` in place of the label
    set's own ("label_set"): outputs trained with the weighted L2 are scores, not probabilities.
    `targets` "votes" trains on the share of annotators who gave each emotion, where the manifest
    has them, in place of the agreed labels; what is chosen and reported stays with the labels.
    `refit` fits the classifier anew on validation rows balanced over emotion × stratum (DFR).
    `select_by` says over which subjects the epoch is chosen: "headline", `criterion` on all alike;
    "reweighted", `criterion` with subjects weighted to P(y)P(scene), where the manifest has scenes;
    "worst_group", the least accuracy (the greatest loss, for several labels) of any coarse group.
    """

    split: str = "train"
    validation_split: str = "val"
    epochs: int = 20
    batch_size: int = 128
    accumulation: int = 1
    precision: Literal["fp32", "bf16"] = "fp32"
    criterion: Literal["headline", "accuracy", "balanced_accuracy", "map", "negative_loss"] = (
        "headline"
    )
    select_by: Literal["headline", "reweighted", "worst_group"] = "headline"
    patience: int = 0
    loss: Literal["label_set", "cross_entropy", "binary_cross_entropy", "weighted_l2"] = "label_set"
    targets: Literal["labels", "votes"] = "labels"
    refit: bool = False
    checkpoint_steps: int = 50
    seed: int = 0
    workers: int = 0
    compile: bool = False

    def __post_init__(self) -> None:
        _positive(self, "epochs", "batch_size", "accumulation", "checkpoint_steps")
        if self.batch_size % self.accumulation:
            raise InputError(
                f"Expected `batch_size` ({self.batch_size}) to be a multiple of "
                f"`accumulation` ({self.accumulation})."
            )


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that defines a run, but the data (the study) and the machine."""

    name: str = ""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    dictionary: DictionaryConfig = field(default_factory=DictionaryConfig)
    intervention: InterventionConfig = field(default_factory=InterventionConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    vad: VadConfig = field(default_factory=VadConfig)

    def __post_init__(self) -> None:
        if self.model.subject_erase and (self.model.name != "emot_net" or self.encoder.finetune):
            raise InputError(
                "Expected `model.subject_erase` with `emot_net` and frozen encoders: the "
                "directions are those of features that training does not change."
            )

    @property
    def run_name(self) -> str:
        """`name` with the seed, or a name made of model, intervention and seed."""
        stem = self.name or f"{self.model.name}-{self.intervention.name}"
        return f"{stem}-seed{self.train.seed}"


def config_parser(**options: Any) -> Any:
    """A jsonargparse parser of RunConfig: `--config FILE.yaml` and one option for each field."""
    from jsonargparse import ArgumentParser

    # Abbreviations would let a misspelt field pass for another.
    parser = ArgumentParser(exit_on_error=False, allow_abbrev=False, **options)
    parser.add_argument("--config", action="config", help="a YAML recipe; options override it")
    parser.add_class_arguments(RunConfig, None)
    return parser


def _instantiate(parser: Any, namespace: Any) -> RunConfig:
    values = vars(parser.instantiate(namespace))
    return RunConfig(**{item.name: values[item.name] for item in fields(RunConfig)})


def parse_config(arguments: list[str]) -> RunConfig:
    """Command-line words, such as `--config r.yaml --train.seed 3`, to a config.

    Raises InputError on unknown options, wrong types and values out of range.
    """
    parser = config_parser()
    with _errors_as_input("the options"):
        return _instantiate(parser, parser.parse_args(arguments))


def from_dict(value: Any, *, source: str = "the config") -> RunConfig:
    """Inverse of `to_dict`. Missing keys take defaults; unknown keys raise InputError."""
    if not isinstance(value, dict):
        raise InputError(f"Expected a mapping of settings in {source}, got {value!r}.")
    if (exact := build_exactly(RunConfig, value)) is not None:
        return exact
    parser = config_parser()
    with _errors_as_input(source):
        return _instantiate(parser, parser.parse_object(value))


def with_recorded(values: Mapping[str, Any]) -> dict[str, Any]:
    """A run's recorded settings, with what was in effect before a setting existed written out.

    Groups were neither merged nor balanced before `min_group_size`; other fields that an older run
    lacks have defaults that say what it did.
    """
    result = copy.deepcopy(dict(values))
    intervention = result.get("intervention", {})
    if intervention.get("name") == "group_dro" or result.get("train", {}).get("refit"):
        intervention.setdefault("min_group_size", 0)
        result["intervention"] = intervention
    return result


def load_recipe(path: Path | str) -> RunConfig:
    """A YAML recipe to a config. Raises InputError naming the file."""
    try:
        value = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"Expected a YAML recipe at {path}, got {error}.") from None
    return from_dict(value or {}, source=str(path))


def to_dict(config: RunConfig) -> dict[str, Any]:
    """Nested JSON form of a config."""
    return dataclasses.asdict(config)


def replace_field(config: RunConfig, path: str, value: Any) -> RunConfig:
    """A copy with one nested field changed, checked: `replace_field(c, "train.seed", 3)`."""
    values = to_dict(config)
    target = values
    *groups, name = path.split(".")
    for group in groups:
        if not isinstance(target.get(group), dict):
            raise InputError(f"Expected a field of the config, got {path!r}.")
        target = target[group]
    if name not in target:
        raise InputError(f"Expected a field of the config, got {path!r}.")
    target[name] = value
    return from_dict(values)


@contextmanager
def _errors_as_input(source: str) -> Iterator[None]:
    import argparse

    try:
        yield
    except argparse.ArgumentError as error:
        raise InputError(
            f"Expected valid settings in {source}: {' '.join(str(error).split())}."
        ) from None
