"""Where the Predict page's pictures come from: files, the camera, samples."""

from __future__ import annotations

import streamlit as st

from app.errors import shown_errors
from app.links import linked_control
from app.predict.state import MAX_PHOTOGRAPHS, PredictState, current_state
from app.samples import Sample, list_samples, thumbnail
from app.uploads import ACCEPTED_TYPES, MAX_UPLOAD_BYTES

__all__ = ["choose_picture", "explain", "offer_samples"]

THUMBNAIL = 134
UPLOADER, CAMERA, SAMPLE = "upload", "camera", "sample"
SOURCES = {"file": ":material/upload: Upload", "camera": ":material/photo_camera: Camera"}
MEMORY = "It stays in this server's memory for your session and is never written to disk."
EXPLANATION = """\
**What you will see**

1. **The subject**: faces found, or a box that you drag.
2. **Two estimates** beside each other, any estimator of any run.
3. **What if**: the same person in every context, and elsewhere.
4. **Reasons**: contexts whose removal changes the result.
"""


def choose_picture(state: PredictState) -> None:
    """Uploader, camera and, once there is a picture to look at, samples out of the way."""
    samples: list[Sample] = []
    with shown_errors("listing the samples"):
        samples = list_samples()
    _open_linked(state, samples)
    with shown_errors("reading the upload"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            source = linked_control("Picture from", list(SOURCES), key="from", names=SOURCES)
            if not state.empty:
                with st.popover("Samples", icon=":material/photo_library:"):
                    _sample_gallery(samples)
        (_uploader if source == "file" else _camera)()


def explain() -> None:
    """What is to come, where there is no picture yet."""
    st.markdown(EXPLANATION)


def offer_samples() -> None:
    """The samples in full, where there is no picture yet."""
    with shown_errors("drawing the samples"):
        st.markdown("**Or try a sample**")
        _sample_gallery(list_samples())


def _uploader() -> None:
    st.file_uploader(
        "Your photographs",
        type=ACCEPTED_TYPES,
        key=UPLOADER,
        accept_multiple_files=True,
        max_upload_size=MAX_UPLOAD_BYTES // 2**20,
        on_change=_upload_changed,
        help=f"One, or up to {MAX_PHOTOGRAPHS} at once. {MEMORY}",
    )


def _camera() -> None:
    st.camera_input("A picture by your camera", key=CAMERA, on_change=_camera_changed, help=MEMORY)


def _upload_changed() -> None:
    """New files replace the picture in work; removed ones take their picture with them."""
    state = current_state()
    files = st.session_state[UPLOADER]
    if files or state.source == UPLOADER:
        state.take(files, UPLOADER)
        st.query_params.pop(SAMPLE, None)


def _camera_changed() -> None:
    state = current_state()
    taken = st.session_state[CAMERA]
    if taken is not None or state.source == CAMERA:
        state.take([taken] if taken is not None else [], CAMERA)
        st.query_params.pop(SAMPLE, None)


def _open_linked(state: PredictState, samples: list[Sample]) -> None:
    """The sample that the address names, where no picture is in work; and the address kept true."""
    named = st.query_params.get(SAMPLE)
    if state.empty:
        for sample in samples:
            if sample.key == named:
                state.show(sample.load(), sample.key)
    shown = state.source if state.picture is not None and not state.photographs else None
    if shown is not None and named != shown:
        st.query_params[SAMPLE] = shown


def _sample_gallery(samples: list[Sample]) -> None:
    with st.container(horizontal=True, gap="small"):
        for sample in samples:
            with st.container(width=THUMBNAIL, gap="xsmall"):
                st.image(thumbnail(sample), alt=sample.title, width=THUMBNAIL)
                st.button(
                    sample.title,
                    key=f"use_{sample.key}",
                    on_click=_use_sample,
                    args=(sample,),
                    width="stretch",
                )


def _use_sample(sample: Sample) -> None:
    state = current_state()
    state.take([], sample.key)
    state.show(sample.load(), sample.key)
