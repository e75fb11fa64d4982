"""What a visitor takes along: JSON and CSV of the numbers, a PNG of the comparison."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any

import streamlit as st

from analysis.comparison_png import comparison_png
from analysis.palette import emotion_colours
from analysis.prediction_tables import comparison_table, estimator_title, long_table
from analysis.relocation_tables import relocation_json
from analysis.what_if_tables import what_if_json
from app import layout
from app.predict.asking import Subject
from app.predict.relocation import relocation_key
from app.predict.result import by_size
from app.predict.state import Prediction, PredictState

__all__ = ["as_json", "show_export"]

MIME = {"json": "application/json", "csv": "text/csv", "png": "image/png"}


def show_export(
    state: PredictState,
    subject: Subject,
    prediction: Prediction,
    keys: tuple[str, str],
    others: Sequence[tuple[str, int, Prediction]],
) -> None:
    """Three buttons; files are made when they are asked for.

    Args:
        prediction: the subject's, with the compared estimates.
        keys: of the two compared estimates.
        others: image, number and prediction of every subject that is listed.
    """
    stem = PurePath(subject.picture.name).stem or "picture"
    subjects = list(others)
    makers: dict[str, Callable[[], str | bytes]] = {
        "json": lambda: as_json(subject, prediction, keys, subjects, _asked(state, subject)),
        "csv": lambda: long_table(subjects).to_csv(index=False).encode("utf-8-sig"),
        "png": lambda: _png(subject, prediction, keys),
    }
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown("**Take along**")
        for ending, make in makers.items():
            st.download_button(
                ending.upper(),
                make,
                file_name=f"{stem}_estimates.{ending}",
                mime=MIME[ending],
                key=f"export_{ending}",
                on_click="ignore",
                icon=":material/download:",
            )
    st.caption(
        "JSON: every estimate, and what you opened of *What if* and *Another place* for this "
        "person. CSV: a row an estimate and emotion. PNG: the comparison with the picture."
    )


def as_json(
    subject: Subject,
    prediction: Prediction,
    keys: tuple[str, str],
    subjects: Sequence[tuple[str, int, Prediction]],
    asked: dict[str, Any],
) -> str:
    """The JSON file: predictions (DESIGN's form), the comparison, what else was asked."""
    told = {
        "predictions": [one for _, _, one in subjects],
        "compared": {
            "image": subject.picture.name,
            "box": prediction["box"],
            **{
                role: {"key": key, **prediction["estimates"][key]}
                for role, key in zip(("before", "after"), keys, strict=True)
            },
        },
        **asked,
        "responsible_use": layout.RESPONSIBLE_USE,
    }
    return json.dumps(told, indent=2, ensure_ascii=False)


def _asked(state: PredictState, subject: Subject) -> dict[str, Any]:
    """What was asked about the subject beside its estimates."""
    asked: dict[str, Any] = {}
    strata = [
        what_if_json(found)
        for key, found in list(state.answers.items())
        if key[: len(subject.key) + 1] == (*subject.key, "what if")
    ]
    if strata:
        asked["what_if"] = strata
    moved = state.answers.get(relocation_key(subject))
    if moved is not None:
        asked["another_place"] = relocation_json(moved.found)
    return asked


def _png(subject: Subject, prediction: Prediction, keys: tuple[str, str]) -> bytes:
    frame = comparison_table(prediction, *keys)
    estimates = [prediction["estimates"][key] for key in keys]
    runs = "; ".join(
        f"run {one['run']}, weights {one['weights_sha256'][:12]}"
        for one in {one["run"]: one for one in estimates}.values()
    )
    x1, y1, x2, y2 = prediction["box"]
    return comparison_png(
        subject.picture.pixels,
        (x1, y1, x2, y2),
        by_size(frame),
        before=estimator_title(keys[0]),
        after=estimator_title(keys[1]),
        colours=emotion_colours(list(frame["emotion"])),
        link=estimates[1]["link"],
        notes=(f"{estimates[0]['dataset']}: {runs}.", layout.RESPONSIBLE_USE),
    )
