"""Questions about names that may mean the same: asked before a study is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from app import layout
from app.data.steps import MakeChoice
from ccim_core.datasets.vocabulary import Question

__all__ = ["ask", "show_answers"]

_APART = ""
"""The answer that a name stands for itself; no name is empty."""


def ask(questions: Sequence[Question], choice: MakeChoice) -> MakeChoice | None:
    """Ask; returns `choice` with the answers once all are given, else None."""
    count = "One question" if len(questions) == 1 else f"{len(questions)} questions"
    st.markdown(f"**{count} before a study is made**")
    answers: list[str | None] = []
    with st.form("made_questions"):
        for question in questions:
            options = _options(question)
            answer = st.radio(
                layout.plain(question.text),
                list(options),
                index=None,
                format_func=options.__getitem__,
                key=f"question_{question.about}_{question.name}",
            )
            answers.append(answer)
        sent = st.form_submit_button("Answer, and check again", icon=":material/fact_check:")
    if not sent:
        return None
    if None in answers:
        st.warning("Answer each of them, please.", icon=":material/help:")
        return None
    for question, answer in zip(questions, answers, strict=True):
        choice = _answered(choice, question, str(answer))
    return choice


def _options(question: Question) -> dict[str, str]:
    """Answer → its words."""
    if question.about == "kind":
        return {
            "multi": "several: a study with several labels a person",
            "single": f"one: leave such rows out, {question.rows:,} of them",
        }
    merged = {
        name: f"it is {layout.plain(name)}"
        + (" (suggested)" if question.suggested and name == question.into[0] else "")
        for name in question.into
    }
    what = "an emotion" if question.about == "emotion" else "a split"
    return {**merged, _APART: f"keep it apart, as {what} of its own"}


def _answered(choice: MakeChoice, question: Question, answer: str) -> MakeChoice:
    if question.about == "kind":
        if answer == "multi":
            return replace(choice, kind="multi")
        return replace(choice, kind="single", policy={**choice.policy, "several_labels": "drop"})
    given, name = choice.answers, question.name
    if answer == _APART:
        given = replace(given, keep_apart=(*given.keep_apart, name))
    elif question.about == "emotion":
        given = replace(given, rename={**given.rename, name: answer})
    else:
        given = replace(given, rename_splits={**given.rename_splits, name: answer})
    return replace(choice, answers=given)


def show_answers(choice: MakeChoice) -> bool:
    """What was answered, where anything was; whether it is to be asked anew."""
    renamed = {**choice.answers.rename, **choice.answers.rename_splits}
    told = [f"“{old}” is “{new}”" for old, new in renamed.items()]
    told += [f"“{name}” stands for itself" for name in choice.answers.keep_apart]
    if choice.kind != "auto":
        told.append("a person has " + ("one emotion" if choice.kind == "single" else "several"))
    if not told:
        return False
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(layout.plain(f"Your answers: {'; '.join(told)}."))
        return st.button("Answer anew", type="tertiary", icon=":material/undo:")
