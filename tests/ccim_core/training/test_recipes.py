from __future__ import annotations

from pathlib import Path

import pytest

import ccim_core.training
from ccim_core.encoder_specs import ENCODERS
from ccim_core.models import MODELS, model_class
from ccim_core.training.config import load_recipe
from ccim_core.training.streams import stream_plans

RECIPES = Path(ccim_core.training.__file__).parent / "recipes"
DATASETS = ("controlled", "emotic", "caer_s", "groupwalk")


def test_there_is_one_for_every_model_and_dataset() -> None:
    names = {path.stem for path in RECIPES.glob("*.yaml")}
    expected = {f"{model}_{dataset}" for model in MODELS for dataset in DATASETS}
    assert expected <= names


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_is_valid_and_has_the_papers_width(path: Path) -> None:
    config = load_recipe(path)
    assert path.stem.startswith(config.model.name)
    assert stream_plans(config)
    assert {config.encoder.subject, config.encoder.context} <= set(ENCODERS)
    paper = model_class(config.model.name).paper_d_h
    assert config.model.d_h in (None, paper)
    sizes = {"emotic": 256, "caer_s": 128, "groupwalk": 256}
    for dataset, size in sizes.items():
        if path.stem.endswith(dataset):
            assert config.dictionary.size == size


# Optimiser, batch, rate and epochs as the authors give them; a step is (epochs, factor). GCN-CNN's
# optimiser and schedule, and EmotiCon's schedule, are not published.
@pytest.mark.parametrize(
    "model, optimiser, batch, lr, epochs, decay, step",
    [
        ("emot_net", "sgd", 52, 0.01, 14, 5e-4, (7, 0.1)),
        ("caer_net", "sgd", 32, 0.005, None, None, (4, 0.1)),
        ("gcn_cnn", "sgd", 64, 0.001, None, 5e-4, None),
        ("emoticon", "adam", 32, 0.0001, 75, None, None),
    ],
)
@pytest.mark.parametrize("dataset", DATASETS[1:])
def test_training_facts_are_the_published_ones(
    model: str,
    dataset: str,
    optimiser: str,
    batch: int,
    lr: float,
    epochs: int | None,
    decay: float | None,
    step: tuple[int, float] | None,
) -> None:
    config = load_recipe(RECIPES / f"{model}_{dataset}.yaml")
    optim = config.optim
    assert (optim.name, config.train.batch_size, optim.lr) == (optimiser, batch, lr)
    assert epochs in (None, config.train.epochs)
    assert decay in (None, optim.weight_decay)
    if step is not None:
        assert (optim.schedule, optim.step_epochs, optim.gamma) == ("step", *step)
    if model == "emot_net":
        assert optim.momentum == 0.9
        assert config.encoder.finetune
    is_l2 = (model, dataset) == ("emot_net", "emotic")
    assert (config.train.loss == "weighted_l2") == is_l2
