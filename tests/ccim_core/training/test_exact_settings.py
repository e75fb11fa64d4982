"""Reading settings without a parser gives what the parser gives, or leaves it to the parser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import ccim_core.training
from ccim_core.training import config as module
from ccim_core.training.config import RunConfig, from_dict, to_dict
from ccim_core.training.exact_settings import build_exactly

RECIPES = sorted((Path(ccim_core.training.__file__).parent / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES[::4], ids=lambda path: path.stem)
def test_it_agrees_with_the_parser(path: Path) -> None:
    value = yaml.safe_load(path.read_text(encoding="utf-8"))
    parser = module.config_parser()
    expected = module._instantiate(parser, parser.parse_object(value))
    assert build_exactly(RunConfig, value) == expected
    assert build_exactly(RunConfig, to_dict(expected)) == expected


def test_no_parser_is_built_for_a_config_of_the_right_types(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(**options: Any) -> None:
        raise AssertionError("a parser was built")

    monkeypatch.setattr(module, "config_parser", refuse)
    assert from_dict(to_dict(RunConfig(name="x"))) == RunConfig(name="x")


@pytest.mark.parametrize(
    "value",
    [
        {"nothing": 1},
        {"train": {"epochs": "3"}},
        {"train": {"epochs": True}},
        {"train": {"epochs": 0}},
        {"optim": {"lr": 1}},
        {"model": {"d_h": 2.0}},
        {"model": {"inputs": "none"}},
        {"model": None},
        {"name": 3},
        ["name"],
        None,
    ],
)
def test_what_is_not_exact_is_left_to_the_parser(value: object) -> None:
    assert build_exactly(RunConfig, value) is None


def test_an_optional_field_may_be_none() -> None:
    found = build_exactly(RunConfig, {"model": {"d_h": None, "subject_view": "face"}})
    assert found is not None
    assert (found.model.d_h, found.model.subject_view) == (None, "face")
