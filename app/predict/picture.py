"""The Predict page's left side: the picture with its subjects, one of them chosen or drawn."""

from __future__ import annotations

import streamlit as st

from analysis.figures_prediction import picture_figure
from analysis.prediction_tables import box_table
from app import layout
from app.errors import shown_errors
from app.predict.state import Prediction, PredictState
from app.uploads import LoadedPicture
from ccim_core.images import crop_box

__all__ = ["choose_subject", "draw_picture", "show_subject"]


def choose_subject(state: PredictState, picture: LoadedPicture, found: list[Prediction]) -> None:
    """Persons found, and the drawn box: the keyboard's way to what a click on the picture does."""
    key = f"subject_{picture.key[:12]}"
    names = {number: f"Person {number}" for number in range(1, len(found) + 1)}
    if state.drawn is not None:
        names[0] = "My box"

    def take() -> None:
        state.chosen = int(st.session_state[key])

    with st.container(horizontal=True, vertical_alignment="center"):
        if len(names) > 1:
            st.session_state[key] = state.chosen
            st.segmented_control(
                "Subject",
                list(names),
                format_func=names.__getitem__,
                required=True,
                key=key,
                on_change=take,
                label_visibility="collapsed",
            )
        with st.popover("Box", icon=":material/crop_free:", help="Type its corners"):
            _box_form(state, picture, found)


def _box_form(state: PredictState, picture: LoadedPicture, found: list[Prediction]) -> None:
    """The box by its corners: for the keyboard, and for exact pixels."""
    box = state.drawn or (0.0, 0.0, picture.width, picture.height)
    if state.chosen > 0:
        box = found[state.chosen - 1]["box"]
    corners = ("Left", "Top", "Right", "Bottom")
    # A key of its own for each subject: a number input that has one keeps its old value.
    subject = f"{picture.key[:12]}_{state.chosen}_{state.drawn}"
    keys = [f"{corner}_{subject}" for corner in corners]

    def take() -> None:
        with shown_errors("setting the box"):
            left, top, right, bottom = (float(st.session_state[key]) for key in keys)
            state.draw((left, top, right, bottom))

    with st.form(f"box_{picture.key[:12]}", border=False):
        limits = (picture.width, picture.height) * 2
        for corner, key, value, limit in zip(corners, keys, box, limits, strict=True):
            st.number_input(f"{corner} (px)", 0, limit, min(limit, max(0, round(value))), key=key)
        st.form_submit_button("Use this box", on_click=take)


def draw_picture(state: PredictState, picture: LoadedPicture, found: list[Prediction]) -> None:
    source, size = picture.preview
    boxes = box_table(found)
    figure = picture_figure(
        source,
        source_size=size,
        width=picture.width,
        height=picture.height,
        boxes=boxes,
        chosen=state.chosen,
        drawn=state.drawn,
        shown_height=round(min(440, max(200, 376 * picture.height / picture.width))),
    )
    where = "; ".join(
        f"person {row.number} from ({row.x1:.0f}, {row.y1:.0f}) to ({row.x2:.0f}, {row.y2:.0f})"
        for row in boxes.itertuples()
    )
    key = f"picture_{picture.key[:12]}"
    st.plotly_chart(
        figure,
        key=key,
        on_select=lambda: _take_selection(state, key),
        selection_mode="box",
        config={"displayModeBar": False},
        alt=f"The picture {picture.name} with its subjects' boxes, in pixels: {where}.",
    )
    hint = f"Drag over the picture to draw a box round {'anyone else' if found else 'a person'}."
    st.caption(f"{hint} {layout.plain(picture.credit)}".strip())


def _take_selection(state: PredictState, key: str) -> None:
    """A drawn box becomes the subject.

    Empty selections are left alone: a redrawn figure clears the selection on the browser's side,
    while the box lives on here.
    """
    boxes = st.session_state[key].selection.box
    if boxes:
        (left, right), (top, bottom) = (sorted(boxes[0][axis]) for axis in ("x", "y"))
        with shown_errors("setting the box"):
            state.draw((left, top, right, bottom))


def show_subject(picture: LoadedPicture, prediction: Prediction) -> None:
    """The subject as the models see it, with the warnings that come with it."""
    x1, y1, x2, y2 = prediction["box"]
    crop = crop_box(picture.pixels, (x1, y1, x2, y2))
    with st.container(horizontal=True, vertical_alignment="center"):
        url, (width, height) = layout.data_url(crop, 200)
        st.image(url, alt="The subject, cut out", width=round(88 * width / max(width, height)))
        with st.container():
            st.markdown(f"**{layout.plain(picture.name)}**")
            st.caption(
                f"Subject ({x1:.0f}, {y1:.0f}) – ({x2:.0f}, {y2:.0f}) of "
                f"{picture.width} × {picture.height} px; the rest is context."
            )
    for warning in prediction["warnings"]:
        st.warning(layout.plain(warning), icon=":material/warning:")
