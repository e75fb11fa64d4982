"""Predict: one picture, two estimates, and the contexts that made them differ."""

from __future__ import annotations

import streamlit as st

from analysis.prediction_tables import estimator_title
from app import layout, study_cache
from app.errors import shown_errors
from app.links import linked_control
from app.predict.asking import (
    Pair,
    Subject,
    estimate_key,
    judge,
    offered_pairs,
    with_estimates,
)
from app.predict.batch import ListedSubject, choose_photograph, judge_photographs, show_batch
from app.predict.export import show_export
from app.predict.models import choose_model, name_model
from app.predict.pairs import choose_pairs
from app.predict.picture import choose_subject, draw_picture, show_subject
from app.predict.relocation import show_relocation
from app.predict.result import compare, show_estimates, show_reasons
from app.predict.sources import choose_picture, explain, offer_samples
from app.predict.state import Prediction, PredictState, current_state
from app.predict.what_if import show_what_if
from app.study_cache import StudyEntry
from app.uploads import LoadedPicture
from ccim_core.subject_box import no_subject

LEAD = (
    "What a model reads from a photograph, beside what it reads once the place no longer speaks "
    "for the person."
)
VIEWS = {
    "what_if": ":material/view_week: What if",
    "reasons": ":material/workspaces: Reasons",
    "places": ":material/travel_explore: Another place",
    "estimates": ":material/list: Every estimate",
}
USE_NOTE = (
    "A guess at how a person looks to annotators, not what the person feels. Not for decisions "
    "about people; at work and in schools the EU forbids it."
)
Offered = dict[str, list[str]]
Column = st.delta_generator.DeltaGenerator


def main() -> None:
    """The page."""
    layout.header("Predict", LEAD)
    state = current_state()
    st.caption(f":material/policy: {USE_NOTE}")
    left, right = st.columns([5, 6], gap="large")
    with left:
        choose_picture(state)
        if state.problem is not None:
            st.warning(state.problem, icon=":material/warning:")
    if state.empty:
        with right:
            explain()
        offer_samples()
        study_cache.warm_up()
        return
    with left, shown_errors("reading this picture"):
        if len(state.photographs) > 1:
            choose_photograph(state)
        if state.picture is None:
            state.open()
    with shown_errors("judging this picture"):
        _judge(state, left, right)


def _judge(state: PredictState, left: Column, right: Column) -> None:
    picture = state.picture
    with left:
        entry = choose_model(picture is not None and picture.rendered)
    if entry is None:
        return
    offered = offered_pairs(entry)
    if picture is not None:
        _show_picture(state, entry, picture, offered, (left, right))
    elif len(state.photographs) > 1:
        with right:
            pairs = choose_pairs(offered)
            name_model(entry, pairs)
            show_batch(state, judge_photographs(state, entry, pairs, offered), pairs, offered)


def _show_picture(
    state: PredictState,
    entry: StudyEntry,
    picture: LoadedPicture,
    offered: Offered,
    columns: tuple[Column, Column],
) -> None:
    left, right = columns
    looked = False
    with left:
        found: list[Prediction] = []
        # A picture whose subject was not found is shown all the same: a box can be drawn on it.
        with shown_errors("looking for the subject"):
            found = judge(state, entry, picture, picture.box)
            looked = True
        if state.drawn is None or state.chosen > len(found):
            state.chosen = min(max(1, state.chosen), len(found))
        choose_subject(state, picture, found)
        draw_picture(state, picture, found)
    subject = None
    table = right.container()
    with right, shown_errors("judging the subject"):
        subject = _foreground(state, entry, picture, found)
        if subject is not None:
            show_subject(picture, subject.prediction)
            answered = {
                key: runs for key, runs in offered.items() if key in subject.prediction["estimates"]
            }
            pairs = choose_pairs(answered)
            name_model(entry, pairs)
            before, after = (estimate_key(pair, offered) for pair in pairs)
            prediction = with_estimates(state, subject, pairs, offered)
            compare(prediction, before, after)
    if subject is None:
        with table, shown_errors("judging the photographs"):
            if looked:
                _ask_for_a_box()
            if len(state.photographs) > 1:
                pairs = choose_pairs(offered)
                name_model(entry, pairs)
                show_batch(state, judge_photographs(state, entry, pairs, offered), pairs, offered)
        return
    _show_view(state, subject, prediction, pairs, answered)
    listed: list[ListedSubject] = []
    if len(state.photographs) > 1:
        with table, shown_errors("judging the photographs"):
            listed = judge_photographs(state, entry, pairs, offered)
            show_batch(state, listed, pairs, offered)
    subjects = [(state.photographs[i].name, number, one) for i, number, one, _ in listed]
    if listed:
        present = {name for name, *_ in subjects}
        subjects += [
            (one.name, 0, no_subject(one.name, list(offered)))
            for one in state.photographs
            if one.problem is None and one.name not in present
        ]
    else:
        told = [prediction if one is subject.prediction else one for one in found]
        subjects = [(picture.name, number, one) for number, one in enumerate(told, start=1)]
    if state.chosen == 0:
        subjects.append((picture.name, len(found) + 1, prediction))
    show_export(state, subject, prediction, (before, after), subjects)


def _ask_for_a_box() -> None:
    st.info(
        "**Nobody found.** No face was found in this picture, so nobody's emotion is estimated. "
        "Is there a person all the same? Drag a box round them on the picture, or type its "
        "corners under *Box*.",
        icon=":material/person_off:",
    )


@st.fragment
def _show_view(
    state: PredictState,
    subject: Subject,
    prediction: Prediction,
    pairs: tuple[Pair, Pair],
    offered: Offered,
) -> None:
    """One of the views below the comparison; only the chosen one is worked out."""
    view = linked_control("More about this person", list(VIEWS), key="view", names=VIEWS)
    keys = (estimate_key(pairs[0], offered), estimate_key(pairs[1], offered))
    with shown_errors("answering for this person"):
        if view == "reasons":
            show_reasons(state, subject, pairs[1], estimator_title(keys[1]))
        elif view == "what_if":
            show_what_if(state, subject, offered["backdoor"])
        elif view == "places":
            defaults = [(key, runs[0]) for key, runs in offered.items()]
            asked = [pairs[0], *(one for one in defaults if one not in pairs), pairs[1]]
            asked = list(dict.fromkeys(asked))
            titles = {pair: estimator_title(estimate_key(pair, offered)) for pair in asked}
            show_relocation(state, subject, asked, titles)
        else:
            show_estimates(subject, prediction, keys)


def _foreground(
    state: PredictState, entry: StudyEntry, picture: LoadedPicture, found: list[Prediction]
) -> Subject | None:
    """The chosen subject; None where none was found and none is drawn."""
    if state.chosen > 0:
        number = state.chosen - 1
        return Subject(
            entry=entry,
            picture=picture,
            box=picture.box,
            number=number,
            prediction=found[number],
        )
    if state.drawn is None:
        return None
    (prediction,) = judge(state, entry, picture, state.drawn)
    return Subject(entry=entry, picture=picture, box=state.drawn, number=0, prediction=prediction)


main()
