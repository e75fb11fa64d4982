"""A problem small enough to train in a second: features that carry the emotion and a scene."""

from __future__ import annotations

import torch

from ccim_core.labels import LABEL_SETS, LabelSet
from ccim_core.models.network import EmotionNetwork
from ccim_core.training.build import build_network
from ccim_core.training.config import RunConfig, from_dict
from ccim_core.training.loop import TrainingData
from ccim_core.training.samples import FeatureSamples

LABELS: LabelSet = LABEL_SETS["groupwalk"]
WIDTH = 12


def tiny_config(**fields: object) -> RunConfig:
    """A config of a few epochs; keyword arguments are `group__field=value`."""
    values: dict[str, dict[str, object]] = {
        "model": {"d_h": 16, "dropout": 0.2},
        "dictionary": {"size": 5, "components": 4},
        "intervention": {"d_m": 8, "d_n": 8},
        "optim": {"lr": 0.01, "schedule": "constant"},
        "train": {"epochs": 3, "batch_size": 20, "checkpoint_steps": 2},
    }
    for name, value in fields.items():
        group, field = name.split("__")
        values.setdefault(group, {})[field] = value
    return from_dict(values)


def tiny_data(n: int = 110, *, multi: bool = False) -> TrainingData:
    """Subjects whose features hold the emotion with noise; the same on every call."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(LABELS.size, WIDTH, generator=generator)

    def draw(count: int) -> tuple[FeatureSamples, torch.Tensor]:
        y = torch.randint(LABELS.size, (count,), generator=generator)
        streams = {
            name: centres[y] + torch.randn(count, WIDTH, generator=generator)
            for name in ("subject", "context")
        }
        return FeatureSamples(streams), torch.nn.functional.one_hot(y, LABELS.size).float()

    samples, targets = draw(n)
    validation_samples, validation_targets = draw(60)
    return TrainingData(
        samples=samples,
        targets=targets,
        validation_samples=validation_samples,
        validation_targets=validation_targets,
    )


def tiny_network(config: RunConfig) -> EmotionNetwork:
    """A network drawn from the config's seed."""
    with torch.random.fork_rng():
        torch.manual_seed(config.train.seed)
        prototypes = torch.randn(config.dictionary.size, WIDTH)
        return build_network(
            config,
            LABELS,
            widths={"subject": WIDTH, "context": WIDTH},
            prototypes=prototypes,
            prior=torch.full((config.dictionary.size,), 1 / config.dictionary.size),
        )
