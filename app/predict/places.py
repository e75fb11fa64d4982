"""Where a subject can be put: painted scenes, the study's pictures, the visitor's photographs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import streamlit as st

from app import study_cache
from app.predict.asking import Subject
from app.predict.state import Key, PredictState
from app.uploads import ACCEPTED_TYPES, MAX_UPLOAD_BYTES, Upload, decode_upload
from ccim_core.images import shrink_picture

if TYPE_CHECKING:
    from ccim_core.places import Place
    from ccim_core.study import Study
    from ccim_core.subject_reading import SubjectReading

__all__ = ["MAX_PLACES", "SOURCES", "ChosenPlaces", "choose_places", "place_sources", "readable"]

MAX_PLACES = 8
STUDY_PLACES = 6
PLACE_PIXELS = 1024
DEFAULT_SCENES = ("beach", "forest_path", "hospital_room", "bar", "cemetery", "classroom")
SOURCES = {
    "drawn": "Redrawn scenes",
    "painted": "Painted scenes",
    "study": "The study's pictures",
    "mine": "My photographs",
}
_SCENES = "places"


@dataclass(frozen=True, kw_only=True)
class ChosenPlaces:
    """Places to go to. `key` tells one choice from another; `pictures` makes the whole pictures,
    subject included, for a reading and an extent of the cut, one at a time."""

    key: Key
    count: int
    pictures: Callable[[SubjectReading, str], Iterator[Place]]


def place_sources(subject: Subject) -> list[str]:
    """What is on offer for a subject, keys of `SOURCES`: a drawing is drawn again, not cut."""
    if subject.picture.rendered:
        return ["drawn"] if subject.picture.address else []
    study = study_cache.load_study(subject.entry.path)
    return ["painted", *(["study"] if study.info.get("roots") else []), "mine"]


def choose_places(state: PredictState, subject: Subject, source: str) -> ChosenPlaces:
    """The widgets of one source, and what was chosen by them."""
    if source == "mine":
        return _mine(state)
    study = study_cache.load_study(subject.entry.path)
    if source == "study":
        return _of_study(study)
    address = subject.picture.address
    return _scenes() if source == "painted" or address is None else _redrawn(address)


def readable(name: str) -> str:
    """A scene's or file's name as it is shown."""
    return name.replace("_", " ").split("/")[0]


def _scenes() -> ChosenPlaces:
    from ccim_core.rendered.scenes import SCENES

    names = _linked_scenes(list(SCENES))

    def pictures(reading: SubjectReading, extent: str) -> Iterator[Place]:
        from ccim_core.places import painted_places

        return _cut(reading, painted_places(names), extent)

    return ChosenPlaces(key=("painted", *names), count=len(names), pictures=pictures)


def _redrawn(address: str) -> ChosenPlaces:
    from ccim_core.rendered.rendering import SCENES, RenderSpec

    own = RenderSpec.from_uri(address).scene
    names = _linked_scenes([name for name in SCENES if name != own])

    def pictures(reading: SubjectReading, extent: str) -> Iterator[Place]:
        from ccim_core.places import redrawn_places

        return redrawn_places(address, names)

    return ChosenPlaces(key=("drawn", *names), count=len(names), pictures=pictures)


def _of_study(study: Study) -> ChosenPlaces:
    def pictures(reading: SubjectReading, extent: str) -> Iterator[Place]:
        from ccim_core.places import study_places

        return _cut(reading, study_places(study, STUDY_PLACES), extent)

    st.caption(
        f"A picture of each of the {STUDY_PLACES} most frequent scenes, its people included."
    )
    return ChosenPlaces(key=("study", str(study.path)), count=STUDY_PLACES, pictures=pictures)


def _mine(state: PredictState) -> ChosenPlaces:
    uploads = st.file_uploader(
        "Photographs of other places",
        type=ACCEPTED_TYPES,
        key="place_upload",
        accept_multiple_files=True,
        max_upload_size=MAX_UPLOAD_BYTES // 2**20,
        help="The other photographs that are in work are places too. Nothing is written to disk.",
    )
    others = [
        one for i, one in enumerate(state.photographs) if i != state.position and not one.problem
    ]
    chosen = cast("list[Upload]", [*uploads, *others])[:MAX_PLACES]
    if len(uploads) + len(others) > MAX_PLACES:
        st.caption(f"The first {MAX_PLACES} of {len(uploads) + len(others)} are taken.")

    def pictures(reading: SubjectReading, extent: str) -> Iterator[Place]:
        return _cut(reading, _decoded(chosen), extent)

    digests = [hashlib.sha256(one.getvalue()).hexdigest() for one in chosen]
    return ChosenPlaces(key=("mine", *digests), count=len(chosen), pictures=pictures)


def _decoded(uploads: Sequence[Upload]) -> Iterator[Place]:
    from ccim_core.places import Place

    for upload in uploads:
        picture = decode_upload(upload)
        yield Place(name=picture.name, picture=shrink_picture(picture.pixels, PLACE_PIXELS))


def _cut(reading: SubjectReading, places: Iterator[Place], extent: str) -> Iterator[Place]:
    from ccim_core.places import composites

    whole = extent == "box"
    return composites(reading.picture, reading.subject, places, "box" if whole else "person")


def _linked_scenes(options: list[str]) -> tuple[str, ...]:
    """A multiple choice of scenes that is in the address, comma-separated."""
    default = [name for name in DEFAULT_SCENES if name in options]
    kept = st.session_state.setdefault("kept_places", ",".join(default))
    text = str(st.query_params.get(_SCENES, kept))
    value = st.session_state.get(_SCENES, text.split(","))
    st.session_state[_SCENES] = [name for name in value if name in options]
    st.pills(
        "Places",
        options,
        selection_mode="multi",
        key=_SCENES,
        format_func=readable,
        label_visibility="collapsed",
    )
    chosen = list(st.session_state[_SCENES])
    if len(chosen) > MAX_PLACES:
        st.caption(f"The first {MAX_PLACES} of {len(chosen)} are taken.")
        chosen = chosen[:MAX_PLACES]
    text = st.session_state["kept_places"] = ",".join(chosen)
    if chosen and chosen != default:
        st.query_params[_SCENES] = text
    else:
        st.query_params.pop(_SCENES, None)
    return tuple(chosen)
