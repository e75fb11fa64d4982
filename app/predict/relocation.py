"""Same person, another place: the pixels round the subject exchanged, every estimator run again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from analysis.figures_prediction import unit_of
from analysis.figures_relocation import relocation_figure
from analysis.palette import emotion_colours
from analysis.relocation_tables import (
    consistency_table,
    describe_relocation,
    place_table,
    relocation_verdict,
)
from app import layout, study_cache
from app.links import linked_control
from app.predict.asking import Pair, Subject, reading_of
from app.predict.places import SOURCES, ChosenPlaces, choose_places, place_sources, readable
from app.predict.state import MAX_ANSWERS, Key, PredictState, remember

if TYPE_CHECKING:
    from ccim_core.places import Place
    from ccim_core.relocation import Relocation

__all__ = ["Moved", "relocation_key", "show_relocation"]

THUMBNAIL = 112
EXTENTS = {"person": "Cut out the person", "box": "the whole box"}


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A relocation with small copies of its pictures as data URLs, in the order of its places."""

    found: Relocation
    thumbnails: tuple[str, ...]


def relocation_key(subject: Subject) -> Key:
    """What the subject's last relocation is kept under, for the export."""
    return (*subject.key, "relocation")


def show_relocation(
    state: PredictState, subject: Subject, pairs: Sequence[Pair], titles: dict[Pair, str]
) -> None:
    """Choose places, put the subject there, and show what every pair reads.

    pairs: which to ask; the first and the last are told under the pictures.
    """
    sources = place_sources(subject)
    if not sources:
        st.info("How this drawing was made is not known, so it cannot be drawn elsewhere.")
        return
    source, extent = sources[0], "person"
    if len(sources) > 1:
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            source = linked_control("Places", sources, key="places_from", names=SOURCES)
            extent = linked_control("Cut out", list(EXTENTS), key="cut", names=EXTENTS)
    chosen = choose_places(state, subject, source)
    if not chosen.count:
        st.info("Choose or upload a place to put the person in.", icon=":material/add_location:")
        return
    question = (*relocation_key(subject), *chosen.key, extent, *pairs)
    if question not in state.answers:
        made = _move(state, subject, chosen, extent, pairs)
        remember(state.answers, question, made, MAX_ANSWERS)
    moved: Moved = state.answers[question]
    state.answers[relocation_key(subject)] = moved
    _show(moved, pairs, titles)
    st.caption(_explanation(moved, source, extent))


def _move(
    state: PredictState, subject: Subject, chosen: ChosenPlaces, extent: str, pairs: Sequence[Pair]
) -> Moved:
    from ccim_core.relocation import relocate, working_copy

    reading = reading_of(state, subject)
    shared = study_cache.load_predictor(subject.entry.path)
    if not subject.picture.rendered:
        reading = working_copy(reading)
    thumbnails = [layout.data_url(reading.picture, 2 * THUMBNAIL)[0]]
    bar = st.progress(0.0, "Putting the person into other places …")

    def advance(name: str) -> None:
        bar.progress(min(1.0, len(thumbnails) / (chosen.count + 1)), f"{readable(name)} …")

    try:
        found = relocate(
            shared.reserved,
            reading,
            _noting(chosen.pictures(reading, extent), thumbnails),
            pairs,
            on_place=advance,
        )
    finally:
        bar.empty()
    return Moved(found=found, thumbnails=tuple(thumbnails))


def _noting(places: Iterator[Place], thumbnails: list[str]) -> Iterator[Place]:
    """The places, a small copy of each kept as it passes; only one is whole at a time."""
    for place in places:
        thumbnails.append(layout.data_url(place.picture, 2 * THUMBNAIL)[0])
        yield place


def _show(moved: Moved, pairs: Sequence[Pair], titles: dict[Pair, str]) -> None:
    found = moved.found
    first, last = pairs[0], pairs[-1]
    emotion = found.labels.emotions[int(found.outputs[first][0].argmax())]
    table = place_table(found, titles, emotion)
    told = consistency_table(found, titles)
    st.markdown(relocation_verdict(found, titles, emotion))
    _strip(moved, (first, last))
    st.plotly_chart(
        relocation_figure(
            table,
            told.set_index("title")["consistency"],
            emotion=emotion,
            link=found.labels.link,
            colour=emotion_colours(found.labels.emotions)[emotion],
            ink=layout.ink(),
        ),
        key="relocation",
        config={"displayModeBar": False},
        alt=describe_relocation(found, titles, emotion),
    )
    with st.expander("Every place as a table", icon=":material/table:"):
        places = table.pivot(index="title", columns="place", values="value")[list(found.places)]
        number = st.column_config.NumberColumn
        share = "%.2f" if found.labels.link == "identity" else "percent"
        st.dataframe(
            told.merge(places, left_on="title", right_index=True).drop(columns="subject_shift"),
            hide_index=True,
            column_config={
                "title": "Estimate",
                "consistency": number("Consistency", format="%.3f"),
                "top_change": number(
                    "Leader differs",
                    format="percent",
                    help="Share of pairs of places in which another emotion leads.",
                ),
                "leads": "Leads here",
                "average": st.column_config.TextColumn(
                    "Leads on average",
                    help="What leads in the mean over the places, each counted once.",
                ),
                **{
                    name: number(f"{emotion}: {readable(name)}", format=share)
                    for name in map(str, places)
                },
            },
            alt="Consistency of each estimate over the places.",
        )


def _strip(moved: Moved, pairs: tuple[Pair, Pair]) -> None:
    """The pictures, each with the leading emotion of the first and the last pair."""
    found = moved.found
    factor, suffix, _ = unit_of(found.labels.link)
    with st.container(horizontal=True, gap="small"):
        for row, (place, url) in enumerate(zip(found.places, moved.thumbnails, strict=True)):
            said: list[str] = []
            for pair in dict.fromkeys(pairs):
                outputs = found.outputs[pair][row]
                top = int(outputs.argmax())
                name, value = found.labels.emotions[top], f"{outputs[top] * factor:.0f}"
                again = said and said[0].startswith(f"{name} ")
                said.append(f"{'' if again else name + ' '}{value}{suffix}")
            with st.container(width=THUMBNAIL, gap="xsmall"):
                st.image(url, width=THUMBNAIL, alt=f"The person in {readable(place)}")
                st.caption(f"**{layout.plain(readable(place))}**  \n{' → '.join(said)}")


def _explanation(moved: Moved, source: str, extent: str) -> str:
    how = {
        "drawn": "The drawing is made again with another scene: the same person and bystanders, "
        "pixel for pixel what the benchmark's twins are, in the new place's light.",
        "person": "The cut is grown from face and box with a soft edge; nothing is segmented, and "
        "light and scale are not matched.",
        "box": "All of the box is kept, its own background too, so that the subject that the "
        "models read stays the same; only what lies outside is exchanged.",
    }["drawn" if source == "drawn" else extent]
    shift = max(moved.found.subject_shift.values())
    painted = " Painted scenes are drawings: the models know photographs." * (source == "painted")
    return (
        f"Pixels are intervened on here, features in *What if*. Consistency is 1 − the mean total "
        f"variation between two places, here included: 1 means that the place makes no difference. "
        f"{how} What the models read of the person itself moved by up to {shift * 100:.1f}% "
        f"(relative change of the subject's features): background inside the box.{painted}"
    )
