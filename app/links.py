"""Choices that live in the address: a link reproduces the view, a page switch keeps it.

Call `restore` before a widget with a `key`, and `publish` after it. Values in the address are
option keys, never their display names. (Streamlit's own binding writes display names.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

__all__ = ["forget", "kept_input", "linked_control", "linked_selectbox", "publish", "restore"]

_KEPT = "kept_choices"


def restore(key: str, options: Sequence[str], default: str) -> None:
    """Set a widget's choice: as it stands, else from the address, else as last left, else default.

    A choice that is not among `options` (another study, an old link) becomes `default`.
    """
    kept = st.session_state.setdefault(_KEPT, {})
    value = st.session_state.get(key, st.query_params.get(key, kept.get(key, default)))
    st.session_state[key] = value if value in options else default


def publish(key: str, default: str) -> str:
    """Write a widget's choice to the address (unless it is the default) and return it."""
    value = str(st.session_state[key])
    st.session_state[_KEPT][key] = value
    if value != default:
        if st.query_params.get(key) != value:
            st.query_params[key] = value
    elif key in st.query_params:
        del st.query_params[key]
    return value


def forget(key: str) -> None:
    """Drop a choice wherever it is kept: what it was made for has changed."""
    st.session_state.pop(key, None)
    st.session_state.get(_KEPT, {}).pop(key, None)
    st.query_params.pop(key, None)


def linked_selectbox(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    default: str,
    format_func: Callable[[str], str],
    help: str | None = None,
) -> str:
    """A select box whose choice is in the address under `key`."""
    restore(key, options, default)
    st.selectbox(label, options, format_func=format_func, key=key, help=help)
    return publish(key, default)


def linked_control(label: str, options: Sequence[str], *, key: str, names: dict[str, str]) -> str:
    """A segmented control, without its label, whose choice is in the address under `key`.

    The first option is the default, which an undone choice falls back to.
    """
    default = options[0]
    restore(key, options, default)
    st.segmented_control(
        label, options, key=key, format_func=names.__getitem__, label_visibility="collapsed"
    )
    if st.session_state[key] is None:
        return default
    return publish(key, default)


def kept_input(
    widget: Callable[..., Any], label: str, *, key: str, default: Any, **more: Any
) -> Any:
    """A widget whose value survives a page switch, and stays out of the address.

    A value that is not among the widget's `options` becomes `default`.
    """
    kept = st.session_state.setdefault(_KEPT, {})
    value = st.session_state.get(key, kept.get(key, default))
    chosen = value if isinstance(value, list) else [value]
    if "options" in more and not set(chosen) <= set(more["options"]):
        value = default
    st.session_state[key] = value
    kept[key] = widget(label, key=key, **more)
    return kept[key]
