"""Many photographs at once: judged one after the other, listed, each a click from its details."""

from __future__ import annotations

import streamlit as st

from analysis.figures_prediction import unit_of
from analysis.prediction_tables import batch_table, estimator_title
from app import layout
from app.predict.asking import Pair, Subject, estimate_key, judge, subject_key, with_estimates
from app.predict.state import MAX_RESULTS, Prediction, PredictState, remember
from app.study_cache import StudyEntry
from app.uploads import decode_upload
from ccim_core.errors import InputError
from ccim_core.images import crop_box

__all__ = ["ListedSubject", "choose_photograph", "judge_photographs", "show_batch"]

THUMBNAIL = 72
ListedSubject = tuple[int, int, Prediction, str]
"""Position of the photograph, the subject's number in it from 1, prediction, cut-out."""


def choose_photograph(state: PredictState) -> None:
    """Which of several photographs is in the foreground."""
    names = [f"{i}. {one.name}" for i, one in enumerate(state.photographs, start=1)]
    st.session_state["photograph"] = state.position

    def take() -> None:
        state.go_to(int(st.session_state["photograph"]))

    st.selectbox(
        f"Photograph, of {len(names)}",
        range(len(names)),
        format_func=names.__getitem__,
        key="photograph",
        on_change=take,
    )


def judge_photographs(
    state: PredictState, entry: StudyEntry, pairs: tuple[Pair, Pair], offered: dict[str, list[str]]
) -> list[ListedSubject]:
    """Every subject of every readable photograph; what was judged before is not judged again."""
    found: list[ListedSubject] = []
    usable = [i for i, one in enumerate(state.photographs) if one.problem is None]
    open_ones = [i for i in usable if _listed_key(state, entry, i, pairs) not in state.listed]
    bar = st.progress(0.0, "Judging the photographs …") if open_ones else None
    for position in usable:
        key = _listed_key(state, entry, position, pairs)
        if key not in state.listed:
            if bar is not None:
                done = open_ones.index(position)
                name = layout.plain(state.photographs[position].name)
                bar.progress(done / len(open_ones), f"{done + 1} of {len(open_ones)}: {name}")
            listed = _listed(state, entry, position, pairs, offered)
            remember(state.listed, key, listed, MAX_RESULTS)
        found += state.listed[key]
    if bar is not None:
        bar.empty()
    return found


def _listed_key(
    state: PredictState, entry: StudyEntry, position: int, pairs: tuple[Pair, Pair]
) -> tuple[object, ...]:
    photograph = state.photographs[position]
    return (*subject_key(entry, photograph.key, None), photograph.name, position, *pairs)


def _listed(
    state: PredictState,
    entry: StudyEntry,
    position: int,
    pairs: tuple[Pair, Pair],
    offered: dict[str, list[str]],
) -> list[ListedSubject]:
    photograph = state.photographs[position]
    picture = state.picture if position == state.position else None
    if picture is None:
        try:
            picture = decode_upload(photograph)
        except InputError as error:
            photograph.problem = str(error)
            return []
    listed = []
    for number, prediction in enumerate(judge(state, entry, picture, None)):
        subject = Subject(
            entry=entry, picture=picture, box=None, number=number, prediction=prediction
        )
        cut = crop_box(picture.pixels, prediction["box"])
        listed.append(
            (
                *(position, number + 1, with_estimates(state, subject, pairs, offered)),
                layout.data_url(cut, THUMBNAIL)[0],
            )
        )
    return listed


def show_batch(
    state: PredictState,
    listed: list[ListedSubject],
    pairs: tuple[Pair, Pair],
    offered: dict[str, list[str]],
) -> None:
    """The subjects of all photographs as a table; a click on a row brings one to the foreground."""
    for position, photograph in enumerate(state.photographs):
        # The one in the foreground says what is wrong with it where its picture would be.
        if photograph.problem is not None and position != state.position:
            st.error(layout.plain(photograph.problem), icon=":material/error:")
    told_of = {position for position, *_ in listed}
    usable = [i for i, one in enumerate(state.photographs) if one.problem is None]
    empty = [state.photographs[i].name for i in usable if i not in told_of]
    if empty:
        names = ", ".join(f"**{layout.plain(name)}**" for name in empty)
        st.warning(
            f"Nobody was found in {len(empty)} of {len(usable)} photographs: {names}. Open one "
            "and draw a box round the person.",
            icon=":material/person_off:",
        )
    if not listed:
        return
    before, after = (estimate_key(pair, offered) for pair in pairs)
    rows = [(state.photographs[i].name, number, told) for i, number, told, _ in listed]
    table = batch_table(rows, before, after)
    link = listed[0][2]["estimates"][before]["link"]
    factor, suffix, _ = unit_of(link)
    digits = 2 if link == "identity" else 1
    for name in ("before", "after"):
        values = table.pop(f"{name}_value") * factor
        table[name] += [f" {value:.{digits}f}{suffix}" for value in values]
    table["moved"] *= factor
    table.insert(0, "cut", [cut for *_, cut in listed])
    people = "person" if len(listed) == 1 else "people"
    changed = int(table["changed"].sum())
    st.markdown(
        f"**{len(listed)} {people} in {len(told_of)} of {len(usable)} photographs**; the leading "
        f"emotion differs between the two estimates for {changed}."
    )
    key = "batch"

    def take() -> None:
        chosen = st.session_state[key].selection.rows
        if chosen and chosen[0] < len(listed):
            state.go_to(listed[chosen[0]][0], listed[chosen[0]][1])

    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        key=key,
        hide_index=True,
        height=min(330, 40 + 46 * len(table)),
        row_height=46,
        on_select=take,
        selection_mode="single-row",
        column_config={
            "cut": st.column_config.ImageColumn("", width=44),
            "image": "Photograph",
            "subject": number("#", help="Which person in it.", width=36),
            "before": st.column_config.TextColumn("Before", help=estimator_title(before)),
            "after": st.column_config.TextColumn("After", help=estimator_title(after)),
            "changed": st.column_config.CheckboxColumn("Differs"),
            "moved": number(
                "Moved",
                format=f"%.{digits}f{suffix.replace('%', '%%')}",
                help="Total variation between the two.",
            ),
            "note": "Note",
        },
        alt="Every subject found, with the leading emotion of both estimates.",
    )
    st.caption("Select a row to see that subject.")
