"""The settings of a run as `--help` lists them, for commands that take a config's options."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

__all__ = ["SettingsHelp"]

_WIDTH = 79


class SettingsHelp(argparse.HelpFormatter):
    """For `formatter_class`: closes the help with every field of RunConfig and its default."""

    _sections = 0

    def start_section(self, heading: str | None) -> None:
        """Help has sections; a mere line of usage, as in errors, has none."""
        self._sections += 1
        super().start_section(heading)

    def format_help(self) -> str:
        """The command's own help, then the settings."""
        own = super().format_help()
        if not self._sections:
            return own
        from ccim_core.training.config import RunConfig

        return own + "\n" + "\n".join(_settings(RunConfig())) + "\n"


def _settings(config: Any) -> Iterator[str]:
    yield "settings (--config FILE.yaml is a recipe of them, which these options override):"
    yield from _options(config, "")
    for item in fields(config):
        group = getattr(config, item.name)
        if is_dataclass(group):
            yield f"\n{item.name}:"
            about = " ".join((type(group).__doc__ or "").split())
            yield textwrap.fill(about, _WIDTH, initial_indent="  ", subsequent_indent="  ")
            yield from _options(group, f"{item.name}.")


def _options(group: Any, prefix: str) -> Iterator[str]:
    hints = get_type_hints(type(group))
    for item in fields(group):
        value = getattr(group, item.name)
        if not is_dataclass(value):
            shown = "" if value == "" else f" (default: {value})"
            yield textwrap.fill(
                f"--{prefix}{item.name} {_kind(hints[item.name])}{shown}",
                _WIDTH,
                initial_indent="    ",
                subsequent_indent="        ",
                break_on_hyphens=False,
            )


def _kind(hint: Any) -> str:
    """`int`, `{a,b}` for a Literal, and "or None" where that is allowed."""
    if hint is type(None):
        return "None"
    if not (given := get_args(hint)):
        return str(hint.__name__)
    if all(isinstance(value, (str, int)) for value in given) and get_origin(hint) is not None:
        return "{" + ",".join(map(str, given)) + "}"
    return " or ".join(map(_kind, given))
