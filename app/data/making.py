"""A study from a visitor's own pictures: choose, check (faults by row), settle them, make."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import streamlit as st

from app import layout, workspace
from app.data.faults import Checked, check, show_checked
from app.data.mapping import choose_columns, guess_columns
from app.data.questions import ask, show_answers
from app.data.steps import MakeChoice, TrainChoice, default_prototypes, train_steps
from app.errors import shown_errors
from app.links import kept_input, linked_control
from ccim_core.datasets.vocabulary import Question, UnansweredError
from ccim_core.errors import InputError
from ccim_core.files import write_atomically
from ccim_core.jobs import JobSpec
from ccim_core.labels import LABEL_SETS
from ccim_core.manifest import read_table

__all__ = ["show_making"]

FORMS = {"folders": "Folders by emotion", "table": "A table (CSV, Parquet)"}
HINTS = {
    "folders": "With a sub-folder for each emotion, or train/ and test/ with those in them.",
    "table": "The table has a row a person: the picture's path from that folder, and the emotions. "
    "Splits and boxes can be found for you.",
}
BOXES = {
    "faces": "find the largest face, grow it to the body",
    "picture": "the whole picture is the person",
    "columns": "columns of the table",
}
DEALT = "70% train, 10% val, 20% test"
AS_THEY_OCCUR = "as they occur"


def show_making() -> None:
    """The whole way from a folder to a study."""
    form = linked_control("What you have", list(FORMS), key="form", names=FORMS)
    text = kept_input(
        st.text_input,
        "Folder of the pictures",
        key="make_root",
        default="",
        placeholder="pictures",
        help=f"Inside {workspace.root()}, absolute or from there.",
    )
    st.caption(HINTS[form])
    if not text.strip():
        return
    with shown_errors("reading your data"):
        root = workspace.resolve_path(text, "a folder of pictures")
        choice = _folders(root) if form == "folders" else _table(root)
        if choice is not None:
            _check_and_make(choice)


def _folders(root: Path) -> MakeChoice:
    boxes = kept_input(
        st.radio,
        "Where is the person?",
        key="make_boxes",
        default="faces",
        options=["faces", "picture"],
        format_func=BOXES.__getitem__,
        horizontal=True,
    )
    return MakeChoice(form="folders", root=root, out=workspace.studies_root(), boxes=boxes)


def _table(root: Path) -> MakeChoice | None:
    path = _table_path(root)
    if path is None:
        return None
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    columns = _preview(str(path), stamp)
    own = guess_columns(columns).get("split")
    splits = {"column": "a column of the table", "deal": f"deal them: {DEALT}"}
    if own is not None:  # what the table says is discarded by choice only
        splits = {
            "column": f"the table's own, column {own}",
            "deal": f"discard the table's own and deal anew: {DEALT}",
        }
    this_table = hashlib.sha256(str(path).encode()).hexdigest()[:6]
    left, right = st.columns(2)
    with left:
        split = kept_input(
            st.selectbox,
            "Splits",
            key=f"make_split_{this_table}",
            default="deal" if own is None else "column",
            options=list(splits),
            format_func=splits.__getitem__,
        )
    with right:
        boxes = kept_input(
            st.selectbox,
            "Where is the person?",
            key="make_table_boxes",
            default="columns",
            options=list(BOXES),
            format_func=BOXES.__getitem__,
        )
    mapping = choose_columns(
        columns,
        split=split == "column",
        boxes=boxes == "columns",
        key=f"column_{this_table}",
    )
    labels = kept_input(
        st.selectbox,
        "The emotions are",
        key="make_labels",
        default=AS_THEY_OCCUR,
        options=[AS_THEY_OCCUR, *LABEL_SETS],
        help="A known label set brings its own loss and metric, and refuses other emotions.",
    )
    return MakeChoice(
        form="table",
        root=root,
        out=workspace.studies_root(),
        boxes=boxes,
        table=path,
        split=split,
        columns=mapping,
        label_set=None if labels == AS_THEY_OCCUR else labels,
    )


def _table_path(root: Path) -> Path | None:
    """The table: uploaded (on disk as long as the session, until a study is made), or its path."""
    upload = st.file_uploader("The table", type=["csv", "tsv", "parquet"], key="make_upload")
    if upload is not None:
        content = upload.getvalue()
        folder = st.session_state.setdefault("upload_folder", TemporaryDirectory())
        stem = f"{_slug(Path(upload.name).stem)}-{hashlib.sha256(content).hexdigest()[:8]}"
        path = Path(folder.name) / f"{stem}{Path(upload.name).suffix.lower()}"
        if not path.is_file():
            path.write_bytes(content)
        return path
    text = kept_input(
        st.text_input,
        "or its path",
        key="make_table",
        default="",
        placeholder=f"{root.name}/subjects.csv",
    )
    return workspace.resolve_path(text, "a table") if text.strip() else None


def _preview(path: str, stamp: int) -> list[str]:
    """The first rows on the page; returns the columns."""
    head, rows = _read_head(path, stamp)
    st.dataframe(head, hide_index=True, height="content")
    st.caption(f"The first of {rows:,} rows.")
    return [str(name) for name in head]


@st.cache_data(max_entries=8, ttl="1h", show_spinner="Reading the table …")
def _read_head(path: str, stamp: int) -> tuple[pd.DataFrame, int]:
    table = read_table(path)
    return table.head(3).astype(str), len(table)


def _check_and_make(choice: MakeChoice) -> None:
    if st.button("Check", icon=":material/fact_check:"):
        st.session_state["made_check"] = (choice, choice, _look(choice))
    asked, answered, found = st.session_state.get("made_check", (None, None, None))
    if asked != choice or found is None:
        st.caption("Check first: it reads everything but the pixels, and lists faults by row.")
        return
    if show_answers(answered):
        st.session_state["made_check"] = (choice, choice, _look(choice))
        st.rerun()
    if not isinstance(found, Checked):
        further = ask(found, answered)
        if further is not None:
            st.session_state["made_check"] = (choice, further, _look(further))
            st.rerun()
        return
    policy = show_checked(found)
    if policy is None:
        return
    _name_and_make(found, policy)


def _look(choice: MakeChoice) -> Checked | tuple[Question, ...]:
    """What a check finds, or what is to be asked before it can go on."""
    try:
        return check(choice)
    except UnansweredError as error:
        return error.questions


def _name_and_make(checked: Checked, policy: dict[str, str]) -> None:
    choice = checked.choice
    name = kept_input(
        st.text_input,
        "Name of the study",
        key="make_name",
        default=_slug(choice.root.name),
        help="Its folder in studies/.",
    )
    train = kept_input(
        st.toggle,
        "Then train a plain and a CCIM model on it",
        key="make_train",
        default=True,
    )
    if st.button("Make the study", type="primary", icon=":material/dataset:"):
        _start(replace(choice, out=_new_folder(name), policy=policy), checked, train=train)
        st.rerun()


def _slug(text: str) -> str:
    return re.sub(r"[^\w-]+", "-", text).strip("-_") or "study"


def _new_folder(name: str) -> Path:
    """Where a study of that name goes. Raises InputError for a name that is taken or is none."""
    if not re.fullmatch(r"\w[\w-]*", name.strip()):
        raise InputError(f"Expected a name of letters, digits, - and _, got {name!r}.")
    path = workspace.studies_root() / name.strip()
    if path.exists():
        raise InputError(f"Expected a new name, got {name!r}, which studies/ has; take another.")
    return path


def _start(choice: MakeChoice, checked: Checked, *, train: bool) -> None:
    folder = st.session_state.get("upload_folder")
    if folder is not None and choice.table is not None and choice.table.parent == Path(folder.name):
        kept = workspace.tables_root() / choice.table.name
        with write_atomically(kept) as temporary:
            temporary.write_bytes(choice.table.read_bytes())
        choice = replace(choice, table=kept)
    steps: tuple[Any, ...] = (choice.step(),)
    title = f"Make {choice.out.name}"
    if train:
        title += ", train on it"
        steps += train_steps(
            TrainChoice(
                study=choice.out,
                interventions=("none", "ccim"),
                prototypes=default_prototypes(checked.training_rows),
                masked=choice.boxes != "picture",
            )
        )
    workspace.jobs().start(JobSpec(title=title, subject=str(choice.out), steps=steps))
    del st.session_state["made_check"]
    st.toast(f"Started: {layout.plain(title)}")
