"""Grids of settings: from `field: [values]` to the configs of every combination."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ccim_core.errors import InputError
from ccim_core.sweeps.naming import variant_stem
from ccim_core.training.config import RunConfig, from_dict, load_recipe, to_dict

__all__ = ["ALIASES", "RECIPES", "Grid", "grid_configs", "parse_axes", "read_grids"]

RECIPES = Path(__file__).parent.parent / "training" / "recipes"

ALIASES: dict[str, str] = {
    "model": "model.name",
    "intervention": "intervention.name",
    "attention": "intervention.attention",
    "prior": "intervention.prior",
    "weighting": "intervention.weighting",
    "head": "intervention.head",
    "size": "dictionary.size",
    "backbone": "dictionary.encoder",
    "masking": "dictionary.masked",
    "context": "model.context_view",
    "seed": "train.seed",
    "seeds": "train.seed",
}
"""Short names of the fields that grids are mostly made of; every other field by its path."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Every combination of the axes' values, over a base.

    Attributes:
        base: the config that the combinations differ from.
        axes: dotted field and its values, in the order in which they vary (the last fastest).
    """

    base: RunConfig
    axes: tuple[tuple[str, tuple[Any, ...]], ...]

    def __post_init__(self) -> None:
        for path, values in self.axes:
            if not values:
                raise InputError(f"Expected values for `{path}` in the grid, got none.")
        paths = [path for path, _ in self.axes]
        if twice := sorted({path for path in paths if paths.count(path) > 1}):
            raise InputError(f"Expected each field once in a grid, got `{twice[0]}` twice.")


def grid_configs(grids: Sequence[Grid]) -> list[RunConfig]:
    """The configs of all combinations of all grids, in order, each named after its settings.

    Names tell the values of the axes; two configs may still share one (see `naming`).
    Raises InputError naming the field or value that no config can have.
    """
    return [config for grid in grids for config in _combinations(grid)]


def parse_axes(words: Sequence[str]) -> tuple[list[tuple[str, tuple[Any, ...]]], list[str]]:
    """`--grid.FIELD v1,v2` (or `--grid.FIELD=v1,v2`) out of command-line words.

    Returns:
        The axes, and the words that are no axis, in order.
    """
    axes: list[tuple[str, tuple[Any, ...]]] = []
    rest: list[str] = []
    remaining = iter(words)
    for word in remaining:
        if not word.startswith("--grid."):
            rest.append(word)
            continue
        name, equals, text = word.removeprefix("--grid.").partition("=")
        text = text if equals else next(remaining, "")
        if not text or text.startswith("--"):
            raise InputError(f"Expected values after --grid.{name}, such as `v1,v2`, got none.")
        axes.append((_field(name), tuple(_value(part) for part in text.split(","))))
    return axes, rest


def read_grids(path: Path, base: RunConfig) -> list[Grid]:
    """A YAML file with `field: [values]`, or a list of such mappings, whose runs are joined.

    A mapping may name a recipe of its own to start from, `config: NAME` (a shipped recipe, or a
    file beside this one); fields with a single value need no list. Raises InputError naming the
    file.
    """
    try:
        value = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"Expected a YAML grid at {path}, got {error}.") from None
    parts = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(part, dict) and part for part in parts):
        raise InputError(
            f"Expected `field: [values]` in {path}, or a list of such mappings, got something else."
        )
    return [_grid(part, base, path) for part in parts]


def _grid(part: Mapping[Any, Any], base: RunConfig, path: Path) -> Grid:
    axes = []
    for name, values in part.items():
        if name == "config":
            base = load_recipe(_recipe(str(values), path))
        else:
            found = tuple(values) if isinstance(values, list) else (values,)
            axes.append((_field(str(name)), found))
    return Grid(base=base, axes=tuple(axes))


def _recipe(name: str, beside: Path) -> Path:
    """A recipe by name or by path. Raises InputError naming where it was looked for."""
    for candidate in (beside.parent / name, RECIPES / f"{name}.yaml"):
        if candidate.is_file():
            return candidate
    raise InputError(
        f"Expected {name!r} of {beside} to be a file beside it or a shipped recipe of "
        f"{sorted(recipe.stem for recipe in RECIPES.glob('*.yaml'))}, got neither."
    )


def _combinations(grid: Grid) -> Iterator[RunConfig]:
    for chosen in itertools.product(*(values for _, values in grid.axes)):
        settings = to_dict(grid.base)
        point = [(path, value) for (path, _), value in zip(grid.axes, chosen, strict=True)]
        for path, value in point:
            _set_field(settings, path, value)
        settings["name"] = variant_stem(settings, [path for path, _ in point], grid.base.name)
        yield from_dict(settings, source="the grid")


def _set_field(settings: dict[str, Any], path: str, value: Any) -> None:
    *groups, name = path.split(".")
    target: Any = settings
    for group in groups:
        target = target.get(group) if isinstance(target, dict) else None
    if not isinstance(target, dict) or name not in target or isinstance(target[name], dict):
        raise InputError(
            f"Expected a field of the config in the grid, such as `intervention.name`, or one of "
            f"{sorted(ALIASES)}, got {path!r}."
        )
    target[name] = value


def _field(name: str) -> str:
    if name == "name":
        raise InputError("Expected no `name` in a grid: runs are named after their settings.")
    return ALIASES.get(name, name)


def _value(text: str) -> Any:
    """A word as YAML reads it; `1e-3` is a number too."""
    value = yaml.safe_load(text)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
