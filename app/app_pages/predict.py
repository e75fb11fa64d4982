"""Predict: one picture, two estimators, and the contexts that made them differ."""

from __future__ import annotations

import streamlit as st

from app import layout, study_cache
from app.errors import shown_errors
from app.links import linked_selectbox
from app.predict.picture import choose_picture, choose_subject, draw_picture, show_subject
from app.predict.result import compare, show_reasons, show_rest
from app.predict.state import Prediction, PredictState, current_state, judge
from app.samples import RENDERED_KIND
from app.study_cache import StudyEntry
from app.uploads import LoadedPicture

LEAD = (
    "What a model reads from a photograph, beside what it reads once the place no longer speaks "
    "for the person."
)


def main() -> None:
    """The page."""
    layout.header("Predict", LEAD)
    state = current_state()
    choose_picture(state)
    if state.picture is None:
        study_cache.warm_up()
    else:
        with shown_errors("judging this picture"):
            _show_picture(state, state.picture)


def _show_picture(state: PredictState, picture: LoadedPicture) -> None:
    entry = _choose_model(picture)
    if entry is None:
        return
    left, right = st.columns([5, 6], gap="large")
    with left:
        found: list[Prediction] = []
        # A picture whose subject was not found is shown all the same: a box can be drawn on it.
        with shown_errors("looking for the subject"):
            found = judge(state, entry, picture, picture.box)
        if state.drawn is None or state.chosen > len(found):
            state.chosen = min(max(1, state.chosen), len(found))
        choose_subject(state, picture, found)
        draw_picture(state, picture, found)
    prediction, compared = None, None
    with right, shown_errors("judging the subject"):
        prediction = _foreground(state, entry, picture, found)
        if prediction is not None:
            show_subject(picture, prediction)
            compared = compare(prediction)
    if prediction is not None and compared is not None:
        before, after = compared
        show_reasons(prediction, after)
        show_rest(prediction, entry, before, after)


def _foreground(
    state: PredictState, entry: StudyEntry, picture: LoadedPicture, found: list[Prediction]
) -> Prediction | None:
    """The prediction of the chosen subject; None where none was found and none is drawn."""
    if state.chosen > 0:
        return found[state.chosen - 1]
    return None if state.drawn is None else judge(state, entry, picture, state.drawn)[0]


def _choose_model(picture: LoadedPicture) -> StudyEntry | None:
    """Models that may judge this picture: rendered ones for rendered pictures, and only those."""
    entries = study_cache.available_studies()
    studies = {key: study_cache.load_study(entry.path) for key, entry in entries.items()}
    fitting = [
        key
        for key, study in studies.items()
        if (study.kind == RENDERED_KIND) == picture.rendered and study.run_paths()
    ]
    if not fitting:
        st.info(
            "No installed study has models for such a picture: make the demo study with "
            "`python -m ccim_core demo`, or open one with "
            "`streamlit run app/main.py -- --study DIR`.",
            icon=":material/info:",
        )
        return None
    default = "photographs" if "photographs" in fitting else fitting[0]
    if len(fitting) == 1:
        return entries[default]
    names = study_cache.study_names()
    chosen = linked_selectbox(
        "Judged by", fitting, key="model", default=default, format_func=names.__getitem__
    )
    return entries[chosen]


main()
