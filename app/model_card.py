"""A model's card: what it was trained on, how well it did on a held-out part, and its limits."""

from __future__ import annotations

import streamlit as st

from app import study_cache
from app.study_cache import StudyEntry

__all__ = ["show_card", "show_headline"]


def show_card(entry: StudyEntry) -> None:
    """The card of a study's models."""
    card = study_cache.load_json(entry.path / "card.json")
    st.json(card or {})


def show_headline(entry: StudyEntry) -> None:
    """The card in a line of figures."""
    show_card(entry)
