"""Which study's models judge a picture: the chosen study's, or what the visitor says instead."""

from __future__ import annotations

import streamlit as st

from app import layout, study_cache
from app.links import forget, linked_selectbox
from app.predict.asking import Pair
from app.samples import RENDERED_KIND
from app.study_cache import StudyEntry
from ccim_core.files import read_json
from ccim_core.study import Study

__all__ = ["choose_model", "name_model", "why_unable"]

_OF_THE_PICTURE = ("face_points",)
"""What a model may read beside the picture that detection gives."""

_UNCHOSEN = ""


def choose_model(rendered: bool) -> StudyEntry | None:
    """The study whose models answer; None until the visitor has said, or where none can.

    The study of the sidebar answers where it can. Where it can't the page says why: of a shipped
    study its shipped counterpart then answers, under its name; of any other the visitor chooses.
    """
    entries = study_cache.available_studies()
    reasons = {
        key: why_unable(study_cache.load_study(entry.path), rendered)
        for key, entry in entries.items()
    }
    able = [key for key, reason in reasons.items() if reason is None]
    chosen = study_cache.current_entry()
    names = {key: layout.plain(name) for key, name in study_cache.study_names().items()}
    if not able or chosen is None:
        st.info(
            "No installed study has models for such a picture: make the demo study with "
            "`python -m ccim_core demo`, or open one with "
            "`streamlit run app/main.py -- --study DIR`.",
            icon=":material/info:",
        )
        return None
    default = chosen.key
    if default not in able:
        shipped = [key for key in able if study_cache.is_shipped(entries[key].path)]
        stand_in = shipped[0] if study_cache.is_shipped(chosen.path) and shipped else _UNCHOSEN
        said = f"**{names[default]}**, the study in the sidebar, can't answer: {reasons[default]}"
        if stand_in:
            st.caption(f"{said} **{names[stand_in]}** answers.")
        else:
            st.warning(said, icon=":material/model_training:")
        default = stand_in
    if st.session_state.get("model_of", chosen.key) != chosen.key:
        forget("model")
    st.session_state["model_of"] = chosen.key
    if able == [default]:
        st.markdown(f"Judged by **{names[default]}**")
        return entries[default]
    options = able if default else [_UNCHOSEN, *able]
    picked = linked_selectbox(
        "Judged by",
        options,
        key="model",
        default=default,
        format_func=lambda key: study_cache.study_names().get(key, "Choose whose models answer …"),
    )
    return entries.get(picked)


def why_unable(study: Study, rendered: bool) -> str | None:
    """Why a study's runs can't answer for a picture, a clause; None if some can."""
    if (study.kind == RENDERED_KIND) != rendered:
        of, this = ("rendered pictures", "a photograph"), ("photographs", "a rendered picture")
        trained, shown = this if rendered else of
        return f"its models were trained on {trained}, and this is {shown}."
    paths = study.run_paths()
    if not paths:
        return "it has no trained runs; train one on the Experiments page."
    kept = [path for path in paths if (path / "model.safetensors").is_file()]
    if not kept:
        return "its runs came without weights; train one to ask it about new pictures."
    reasons = []
    for path in kept:
        record = path / "encoder.json"
        streams = read_json(record) if record.is_file() else {}
        wanted = [one["auxiliary"] for one in streams.values() if "auxiliary" in one]
        wanted = [kind for kind in wanted if kind not in _OF_THE_PICTURE]
        files = {one.get("weights", "default") for one in streams.values()} - {"default"}
        absent = sorted(name for name in files if not (study.path / name).is_file())
        if wanted:
            reasons.append(f"its models read {' and '.join(wanted)}, which a picture doesn't give.")
        elif absent:
            reasons.append(f"the encoder `{layout.plain(absent[0])}` is missing from the study.")
        else:
            return None
    return reasons[0]


def name_model(entry: StudyEntry, pairs: tuple[Pair, Pair]) -> None:
    """Who answers: the study, the runs compared, and what they were trained on."""
    study = study_cache.load_study(entry.path)
    runs = " and ".join(f"`{run}`" for run in dict.fromkeys(run for _, run in pairs))
    boxes = study_cache.load_predictor(entry.path).predictor.subject_box
    data = "rendered pictures" if study.kind == RENDERED_KIND else "photographs"
    st.caption(
        f":material/model_training: Answered by **{layout.plain(study.name)}**, {runs}: trained on "
        f"{data}, with {boxes}."
    )
