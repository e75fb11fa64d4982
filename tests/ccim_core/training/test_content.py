from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ccim_core.files import read_json, write_json
from ccim_core.study import Study
from ccim_core.training.config import (
    RunConfig,
    from_dict,
    replace_field,
    to_dict,
    with_recorded,
)
from ccim_core.training.content import (
    baseline_key,
    effective_settings,
    finished_content,
    planned_content,
)

DIFFERENT = [
    ("train.seed", 1),
    ("train.refit", True),
    ("train.select_by", "worst_group"),
    ("intervention.name", "group_dro"),
    ("intervention.smoothing", 2.0),
    ("dictionary.size", 65),
    ("dictionary.encoder", "efficientnet-lite1"),
    ("model.name", "emoticon"),
    ("encoder.context_size", 64),
    ("optim.lr", 0.5),
]
IDLE = [
    ("train.workers", 2),
    ("train.checkpoint_steps", 7),
    ("intervention.attention", "additive"),
    ("intervention.weighting", "renormalised"),
    ("dictionary.kind", "random"),
    ("intervention.step_size", 0.5),
    ("intervention.max_weight", 3.0),
    ("intervention.context_loss", 3.0),
    ("intervention.fusion", "log_sigmoid"),
    ("intervention.weight_decay", 3.0),
    ("intervention.min_group_size", 3),
]


@pytest.mark.parametrize(("path", "value"), DIFFERENT)
def test_whatever_changes_a_number_changes_the_content(
    tiny_study: Study, path: str, value: object
) -> None:
    plain = planned_content(RunConfig(), tiny_study, "m")
    changed = planned_content(replace_field(RunConfig(), path, value), tiny_study, "m")
    assert changed.run != plain.run
    assert (changed.variant == plain.variant) == (path == "train.seed")


@pytest.mark.parametrize(("path", "value"), IDLE)
def test_what_a_plain_run_does_not_read_does_not(
    tiny_study: Study, path: str, value: object
) -> None:
    plain = planned_content(RunConfig(), tiny_study, "m")
    changed = replace_field(replace(RunConfig(), name="another name"), path, value)
    assert planned_content(changed, tiny_study, "m") == plain
    ccim = replace_field(RunConfig(), "intervention.name", "ccim")
    reads = path.startswith(("intervention.attention", "intervention.weighting", "dictionary"))
    same = planned_content(replace_field(ccim, path, value), tiny_study, "m") == planned_content(
        ccim, tiny_study, "m"
    )
    assert same != reads


def test_another_manifest_is_another_run(tiny_study: Study) -> None:
    one, two = (planned_content(RunConfig(), tiny_study, name) for name in ("m", "n"))
    assert one.run != two.run
    assert one.variant != two.variant


def test_a_finished_run_has_the_content_it_was_planned_with(tiny_study: Study) -> None:
    from ccim_core.run import Run

    for path in tiny_study.run_paths():
        config = Run.open(path).config
        planned = planned_content(config, tiny_study, tiny_study.manifest_hash)
        assert finished_content(path) == planned
    contents = [finished_content(path) for path in tiny_study.run_paths()]
    assert len(set(contents)) == len(contents)
    variants = [content.variant for content in contents if content]
    assert len(set(variants)) == len(contents) / 2  # two seeds each


def test_a_run_that_does_not_say_what_it_was_trained_on_has_none(
    tiny_study: Study, tmp_path: Path
) -> None:
    write_json(tmp_path / "config.json", read_json(tiny_study.run_paths()[0] / "config.json"))
    assert finished_content(tmp_path) is None


def test_settings_that_a_run_of_an_older_version_lacks_are_the_defaults() -> None:
    values = to_dict(RunConfig())
    del values["dictionary"]["encoder"], values["train"]["refit"]
    assert effective_settings(values) == effective_settings(to_dict(RunConfig()))


def test_an_older_run_over_groups_is_not_taken_for_one_with_merged_groups() -> None:
    plain = to_dict(RunConfig())
    del plain["intervention"]["min_group_size"]
    assert from_dict(with_recorded(plain)) == RunConfig()
    for path, value in (("intervention.name", "group_dro"), ("train.refit", True)):
        new = to_dict(replace_field(RunConfig(), path, value))
        old = json.loads(json.dumps(new))
        del old["intervention"]["min_group_size"], old["train"]["select_by"]
        assert from_dict(with_recorded(old)).intervention.min_group_size == 0
        assert effective_settings(with_recorded(old)) != effective_settings(new)
        assert with_recorded(new) == new


def test_weights_files_count_by_what_is_in_them(tiny_study: Study, tmp_path: Path) -> None:
    study = Study(tmp_path, tiny_study.info)
    config = replace_field(RunConfig(), "encoder.context_weights", "w.safetensors")
    contents = []
    for text in ("one", "two", "one"):
        (tmp_path / "w.safetensors").write_text(text)
        contents.append(planned_content(config, study, "m"))
    assert contents[0] == contents[2] != contents[1]


def test_the_baseline_agrees_in_all_but_intervention_and_dictionary() -> None:
    config = RunConfig()
    key = baseline_key(to_dict(config))
    for path, value in (
        ("intervention.name", "ccim"),
        ("dictionary.size", 8),
        ("train.refit", True),
        ("train.select_by", "reweighted"),
    ):
        assert baseline_key(to_dict(replace_field(config, path, value))) == key
    for path, value in (("train.seed", 1), ("model.inputs", "subject"), ("train.split", "x")):
        assert baseline_key(to_dict(replace_field(config, path, value))) != key
    assert json.loads(key)["name"] == ""
