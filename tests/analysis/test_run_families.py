"""Which runs are a model's settings, and the commands for those that are missing."""

from __future__ import annotations

import shlex
from pathlib import Path

from analysis.benchmark_tables import add_run, synthetic_study
from analysis.run_families import model_runs
from analysis.run_records import read_runs
from analysis.table_settings import SETTINGS, load_reference, recipe_path, set_fields
from ccim_core.files import read_json, write_json
from ccim_core.labels import get_label_set
from ccim_core.study import Study
from ccim_core.training.config import from_dict, parse_config


def small_study(path: Path) -> Study:
    return synthetic_study(path, get_label_set("caer-s"), {"test": 12})


def change_config(run: Path, fields: dict[str, object]) -> None:
    info = read_json(run / "config.json")
    write_json(run / "config.json", {**info, "config": set_fields(info["config"], fields)})


def test_every_setting_of_a_recipe_is_recognised(tmp_path: Path) -> None:
    study = small_study(tmp_path / "study")
    for setting in SETTINGS:
        add_run(study, "emot_net", setting, 3, splits=("test",), n_bootstrap=0)
    found = model_runs(read_runs(study), "emot_net", label_set="caer-s", study=study.path)
    for setting in SETTINGS:
        expected = "emot_net-ccim" if setting == "size_128" else f"emot_net-{setting}"
        names = [run.name for run in found.runs(setting)]
        assert names in ([f"{expected}-seed3"], ["emot_net-size_128-seed3"]), setting
    assert len(found.unused) == 1, "the default size was trained twice"


def test_the_fuller_family_is_shown_and_the_other_is_named(tmp_path: Path) -> None:
    study = small_study(tmp_path / "study")
    for seed in (0, 1):
        path = add_run(study, "emot_net", "none", seed, splits=("test",), n_bootstrap=0)
        change_config(path, {"optim.lr": 0.5})
    add_run(study, "emot_net", "ccim", 0, splits=("test",), n_bootstrap=0)
    found = model_runs(read_runs(study), "emot_net", label_set="caer-s", study=study.path)
    assert found.seeds("none") == [0, 1]
    assert found.seeds("ccim") == []
    assert found.unused == ("emot_net-ccim-seed0",)
    assert "--optim.lr 0.5" in found.command("ccim", 0)


def test_oracles_refits_and_parts_of_pictures_are_no_plain_run(tmp_path: Path) -> None:
    study = small_study(tmp_path / "study")
    changes: list[dict[str, object]] = [
        {"train.split": "oracle_train"},
        {"model.inputs": "subject"},
        {"model.subject_parts": "subject"},
        {"train.refit": True},
    ]
    for seed, fields in enumerate(changes):
        path = add_run(study, "emot_net", "none", seed, splits=("test",), n_bootstrap=0)
        change_config(path, fields)
    found = model_runs(read_runs(study), "emot_net", label_set="caer-s", study=study.path)
    assert found.by_setting == {}
    assert found.unused == ()


def test_how_a_run_was_made_does_not_matter(tmp_path: Path) -> None:
    study = small_study(tmp_path / "study")
    for seed in (0, 1):
        path = add_run(study, "emot_net", "ccim", seed, splits=("test",), n_bootstrap=0)
        change_config(path, {"train.workers": seed, "train.checkpoint_steps": 7 + seed})
    found = model_runs(read_runs(study), "emot_net", label_set="caer-s", study=study.path)
    assert found.seeds("ccim") == [0, 1]


def test_a_command_trains_exactly_the_setting(tmp_path: Path) -> None:
    """What `train` would make of the words is the config that the table looks for."""
    for setting, described in SETTINGS.items():
        found = model_runs([], "emoticon", label_set="emotic", study=tmp_path / "a study")
        words = shlex.split(found.command(setting, 2))
        assert words[:5] == ["python", "-m", "ccim_core", "train", "--study"]
        assert words[5] == str(tmp_path / "a study")
        config = parse_config(words[6:])
        recipe = recipe_path("emoticon", "emotic")
        expected = described.train(load_reference(recipe, "emoticon"), seed=2)
        expected["name"] = config.name
        assert config == from_dict(expected), setting


def test_without_a_recipe_the_command_says_the_model(tmp_path: Path) -> None:
    found = model_runs([], "caer_net", label_set="my own", study=tmp_path)
    words = shlex.split(found.command("ccim", 0))
    config = parse_config(words[6:])
    assert "--config" not in words
    assert (config.model.name, config.intervention.name) == ("caer_net", "ccim")
