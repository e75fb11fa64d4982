from pathlib import Path

import pytest

from ccim_core.errors import InputError
from ccim_core.training.config import (
    RunConfig,
    from_dict,
    load_recipe,
    parse_config,
    replace_field,
    to_dict,
)


def test_round_trip() -> None:
    config = replace_field(RunConfig(), "intervention.name", "ccim")
    assert config.intervention.name == "ccim"
    assert from_dict(to_dict(config)) == config
    assert config.run_name == "emot_net-ccim-seed0"


def test_recipe_with_an_override(tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text("train:\n  epochs: 3\n  seed: 5\n")
    assert load_recipe(recipe).train.epochs == 3
    config = parse_config(["--config", str(recipe), "--train.seed", "7"])
    assert (config.train.epochs, config.train.seed) == (3, 7)


@pytest.mark.parametrize(
    "value",
    [
        {"train": {"epohcs": 3}},
        {"train": {"epochs": "many"}},
        {"train": {"epochs": 0}},
        {"intervention": {"name": "magic"}},
        {"train": {"batch_size": 10, "accumulation": 3}},
        {"model": {"dropout": 1.5}},
        {"nothing": 1},
        {"model": {"subject_erase": -1}},
        {"model": {"subject_erase": 3, "name": "gcn_cnn"}},
        {"model": {"subject_erase": 3}, "encoder": {"finetune": True}},
        [],
    ],
)
def test_bad_settings_are_refused(value: object) -> None:
    with pytest.raises(InputError, match="Expected"):
        from_dict(value)


def test_bad_fields_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train\.sed"):
        replace_field(RunConfig(), "train.sed", 1)
    with pytest.raises(InputError, match=r"nothing\.x"):
        replace_field(RunConfig(), "nothing.x", 1)
    with pytest.raises(InputError, match="absent"):
        load_recipe(tmp_path / "absent.yaml")
    with pytest.raises(InputError, match="Expected"):
        parse_config(["--unknown", "1"])
