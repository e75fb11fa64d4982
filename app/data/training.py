"""Small models on the loaded study: what is there, what to add, and the job that adds it."""

from __future__ import annotations

import streamlit as st

from app import layout, study_cache, workspace
from app.data.steps import (
    INTERVENTIONS,
    TrainChoice,
    default_prototypes,
    train_steps,
    training_rows,
)
from app.errors import shown_errors
from app.links import kept_input
from ccim_core.errors import InputError
from ccim_core.jobs import JobSpec
from ccim_core.study import Study

__all__ = ["show_training"]


def show_training() -> None:
    """The loaded study, and what can be trained on it."""
    study = study_cache.current_study()
    if study is None:
        st.info("No study is loaded: open or make one first.", icon=":material/folder_open:")
        return
    if study_cache.is_shipped(study.path):
        st.info(
            f"“{layout.plain(study.name)}” ships with the app and stays as it is. Make a study of "
            "your own pictures, or choose another one in the side bar.",
            icon=":material/lock:",
        )
        return
    table = study_cache.load_table(study.path / "manifest.parquet")
    if table is None:
        raise InputError(f"Expected a manifest in {study.name}, got none; make the study again.")
    missing = [split for split in ("train", "val", "test") if split not in set(table["split"])]
    if missing:
        st.info(
            f"“{layout.plain(study.name)}” has no rows of split {', '.join(missing)}: make it "
            "again with splits dealt for you.",
            icon=":material/call_split:",
        )
        return
    _present(study)
    whole = "box_source" in table and bool((table["box_source"] == "picture").all())
    choice = _choice(study, rows=training_rows(table), whole=whole)
    if choice is not None and st.button("Train", type="primary", icon=":material/model_training:"):
        title = f"Train on {study.name}"
        spec = JobSpec(title=title, subject=str(study.path), steps=train_steps(choice))
        workspace.jobs().start(spec)
        st.rerun()


def _present(study: Study) -> None:
    stores = [path for path in study.features_root.glob("*") if path.is_dir()]
    dictionaries = list(study.dictionaries_root.glob("*.safetensors"))
    layout.cards(
        [
            ("Encoded views", str(len(stores)), "Pictures are encoded once for each view."),
            ("Dictionaries", str(len(dictionaries)), "Confounder dictionaries of this study."),
            ("Trained runs", str(len(study.run_paths())), "Finished runs of this study."),
        ]
    )


def _choice(study: Study, *, rows: int, whole: bool) -> TrainChoice | None:
    """What is chosen; None, with the reason on the page, where nothing can be trained."""
    interventions = kept_input(
        st.multiselect,
        "EMOT-Net, trained",
        key="train_interventions",
        default=["none", "ccim"],
        options=list(INTERVENTIONS),
        format_func=INTERVENTIONS.__getitem__,
        help="One run each, on frozen features of EfficientNet-Lite0 at 112 pixels. For other "
        "models and encoders use `python -m ccim_core train`.",
    )
    columns = st.columns(3)
    most = max(rows, 2)
    with columns[0]:
        prototypes = kept_input(
            st.number_input,
            "Prototypes of the dictionary",
            key=f"train_prototypes_{study.path.name}",
            default=default_prototypes(rows),
            min_value=2,
            max_value=most,
            help=f"N of the paper, which takes 256; there are {rows:,} training subjects.",
        )
    with columns[1]:
        epochs = kept_input(
            st.number_input, "Epochs", key="train_epochs", default=15, min_value=1, max_value=200
        )
    with columns[2]:
        seed = kept_input(
            st.number_input, "Seed", key="train_seed", default=0, min_value=0, max_value=9999
        )
    maps = kept_input(
        st.toggle,
        "Lay the embeddings out with AlignedUMAP (from half a minute; PCA without)",
        key="train_maps",
        default=False,
    )
    if whole:
        st.caption(
            "Every subject's box is the whole picture, so the dictionary is made of pictures with "
            "the person in them: say so where you show its clusters."
        )
    with shown_errors("reading the settings"):
        choice = TrainChoice(
            study=study.path,
            interventions=tuple(interventions),
            prototypes=int(prototypes),
            epochs=int(epochs),
            seed=int(seed),
            masked=not whole,
            maps=bool(maps),
        )
        with st.expander("The commands"):
            text = "\n".join(step.command for step in train_steps(choice))
            st.code(text, language="bash", wrap_lines=True)
        return choice
    return None
