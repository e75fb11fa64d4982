from __future__ import annotations

from pathlib import Path

import pytest

from ccim_core.errors import InputError
from ccim_core.sweeps.grid import Grid, grid_configs, parse_axes, read_grids
from ccim_core.training.config import RunConfig


def names(*words: str) -> list[str]:
    axes, rest = parse_axes(words)
    assert rest == []
    return [one.run_name for one in grid_configs([Grid(base=RunConfig(), axes=tuple(axes))])]


def test_every_combination_is_named_by_its_settings() -> None:
    assert names("--grid.intervention", "none,ccim", "--grid.seeds", "0,2") == [
        "emot_net-none-seed0",
        "emot_net-none-seed2",
        "emot_net-ccim-seed0",
        "emot_net-ccim-seed2",
    ]
    assert names(
        "--grid.model=emot_net,emoticon",
        "--grid.intervention=ccim",
        "--grid.size=64,1024",
        "--grid.masking=true,false",
    ) == [
        f"{model}-ccim-n{size}-{masked}-z-seed0"
        for model in ("emot_net", "emoticon")
        for size in (64, 1024)
        for masked in ("masked", "unmasked")
    ]


def test_what_a_run_does_not_read_is_not_in_its_name() -> None:
    assert names("--grid.intervention", "none,ccim", "--grid.attention", "dot,additive") == [
        "emot_net-none-seed0",
        "emot_net-none-seed0",
        "emot_net-ccim-attention-dot-seed0",
        "emot_net-ccim-attention-additive-seed0",
    ]


def test_any_field_is_an_axis_with_values_of_its_type() -> None:
    axes, rest = parse_axes(
        ["--grid.optim.lr", "1e-3,0.1", "--train.epochs", "3", "--grid.backbone", "null,vgg16"]
    )
    assert rest == ["--train.epochs", "3"]
    configs = grid_configs([Grid(base=RunConfig(), axes=tuple(axes))])
    assert [(one.optim.lr, one.dictionary.encoder) for one in configs] == [
        (0.001, None),
        (0.001, "vgg16"),
        (0.1, None),
        (0.1, "vgg16"),
    ]
    assert [one.name for one in configs][:2] == [
        "emot_net-none-lr-0.001-z-default",
        "emot_net-none-lr-0.001-z-vgg16",
    ]


def test_a_file_joins_grids_each_from_its_own_recipe(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("optim: {lr: 0.5}\n")
    path = tmp_path / "grid.yaml"
    path.write_text(
        "- {config: emoticon_controlled, intervention: [none, ccim]}\n"
        "- {config: mine.yaml, dictionary.kind: random, intervention: ccim, seeds: [3]}\n"
        "- {head: [linear, residual], intervention: ccim}\n"
    )
    configs = grid_configs(read_grids(path, RunConfig(name="base")))
    assert [one.run_name for one in configs] == [
        "emoticon-none-seed0",
        "emoticon-ccim-seed0",
        "emot_net-ccim-random-z-seed3",
        "base-emot_net-ccim-head-linear-seed0",
        "base-emot_net-ccim-head-residual-seed0",
    ]
    assert (configs[0].model.channels, configs[2].optim.lr) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--grid.intervention"], "got none"),
        (["--grid.intervention", "--quiet"], "got none"),
        (["--grid.magic", "1"], "'magic'"),
        (["--grid.train", "1"], "'train'"),
        (["--grid.name", "a"], "no `name`"),
        (["--grid.seed", "0", "--grid.train.seed", "1"], "twice"),
        (["--grid.intervention", "prayer"], "prayer"),
        (["--grid.size", "0"], "size"),
    ],
)
def test_bad_axes_are_one_sentence(words: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        names(*words)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "list of such mappings"),
        ("[1, 2]", "list of such mappings"),
        ("intervention: []", "got none"),
        ("config: nowhere\nintervention: [none]", "'nowhere'"),
        ("a: [", "YAML grid"),
    ],
)
def test_bad_files_are_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "grid.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        grid_configs(read_grids(tmp_path / "grid.yaml", RunConfig()))
