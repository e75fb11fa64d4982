"""Settings that have exactly the types of their dataclass, read without a parser.

Opening a run reads its config. A parser, with its conversions and its messages, takes a twentieth
of a second to build; an app that opens a hundred runs must not wait for it.
"""

from __future__ import annotations

import dataclasses
import types
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ccim_core.errors import InputError

__all__ = ["build_exactly"]

_Settings = TypeVar("_Settings")
_UNFIT = object()


def build_exactly(cls: type[_Settings], value: Any) -> _Settings | None:
    """`cls` of a nested dict, or None where a key is unknown or a value is not of its type.

    None says nothing of what is wrong: that is for the parser to find.
    """
    built = _fit(cls, value)
    return built if isinstance(built, cls) else None


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _fit(hint: Any, value: Any) -> Any:
    """`value` as the annotation has it, or `_UNFIT`."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _fit_dataclass(hint, value)
    origin = get_origin(hint)
    if origin is Literal:
        allowed = any(type(value) is type(one) and value == one for one in get_args(hint))
        return value if allowed else _UNFIT
    if origin in (Union, types.UnionType):
        fitting = (found for one in get_args(hint) if (found := _fit(one, value)) is not _UNFIT)
        return next(fitting, _UNFIT)
    return value if type(value) is hint else _UNFIT


def _fit_dataclass(cls: type, value: Any) -> Any:
    if not isinstance(value, dict) or not set(value) <= set(_hints(cls)):
        return _UNFIT
    fitted = {name: _fit(_hints(cls)[name], one) for name, one in value.items()}
    if any(one is _UNFIT for one in fitted.values()):
        return _UNFIT
    try:
        return cls(**fitted)
    except InputError:
        return _UNFIT
