"""What a look at a visitor's data found: counts, faults by row, and what to do about each cause."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from app import layout
from app.data.steps import MakeChoice
from app.links import kept_input
from ccim_core.datasets.policy import ALL_CAUSES, allowed_actions, parse_policy

__all__ = ["Checked", "check", "show_checked"]

MAX_LOOKED_AT = 3000
"""Pictures whose files a check looks at; of more, the job that makes the study does."""

SPLITS = ("train", "val", "test")
ACTIONS = {
    "fail": "stop, make nothing",
    "drop": "leave the subject out",
    "clip": "cut the box to the picture",
    "keep": "keep the subject",
}


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A check's outcome, with what was answered in `choice`.

    counts: rows by emotion (index) and split; faults: a row a fault (row, cause, detail); actions:
    cause → the default action; looked: whether pictures' files were looked at.
    """

    choice: MakeChoice
    rows: int
    counts: pd.DataFrame = field(repr=False)
    faults: pd.DataFrame = field(repr=False)
    actions: dict[str, str]
    notes: list[str]
    looked: bool

    @property
    def training_rows(self) -> int:
        """Rows of the training split, without those at fault."""
        at_fault = set(self.faults.loc[self.faults["split"] == "train", "record"])
        total = int(self.counts["train"].sum()) if "train" in self.counts else 0
        return max(total - len(at_fault), 0)


def check(choice: MakeChoice) -> Checked:
    """Read a choice's data and find its faults.

    Raises UnansweredError for names to ask about, InputError where the data can't be read at all.
    """
    from ccim_core.datasets.completing import assume_boxes
    from ccim_core.datasets.preparation import inspect_source

    with st.spinner("Reading …"):
        source = assume_boxes(_read(choice))
        looked = source.frame["image"].nunique() <= MAX_LOOKED_AT
        found = inspect_source(
            source,
            policy=parse_policy(f"{cause}={action}" for cause, action in choice.policy.items()),
            check_pictures="exists" if looked else "none",
            quiet=True,
        )
    frame = found.frame
    labels = frame["labels"].fillna("(none)").astype(str)
    faults = pd.DataFrame(
        [(f.record, f.split, f.cause, f.detail) for f in found.faults],
        columns=["record", "split", "cause", "detail"],
    )
    return Checked(
        choice=choice,
        rows=len(frame),
        counts=pd.crosstab(labels, frame["split"].fillna("(none)").astype(str)),
        faults=faults,
        actions={cause: found.actions.get(cause, "fail") for cause in faults["cause"].unique()},
        notes=found.notes,
        looked=looked,
    )


def _read(choice: MakeChoice) -> Any:
    if choice.form == "folders":
        from ccim_core.datasets.folders import FoldersConfig, read_folders

        # Boxes are assumed at a check, whichever are found later.
        config = FoldersConfig(boxes="picture", seed=choice.seed, answers=choice.answers)
        return read_folders(choice.root, config, quiet=True)
    from ccim_core.datasets.table import TableConfig, read_table_source

    return read_table_source(
        choice.root,
        TableConfig(
            table=choice.table,
            label_set=choice.label_set,
            kind=choice.kind,
            columns=choice.columns,
            split=choice.split,
            boxes=choice.boxes,
            seed=choice.seed,
            answers=choice.answers,
        ),
        quiet=True,
    )


def show_checked(checked: Checked) -> dict[str, str] | None:
    """Show it, and ask about each cause. Returns cause → action where it is not the default, or
    was answered before; None while a fault stands in the way."""
    st.markdown(f"**{checked.rows:,} subjects**")
    splits = [name for name in SPLITS if name in checked.counts]
    others = [name for name in checked.counts if name not in SPLITS]
    st.dataframe(checked.counts[splits + others].rename_axis("Emotion"), height="content")
    for note in checked.notes:
        st.caption(layout.plain(note))
    if not checked.looked:
        st.caption(
            f"More than {MAX_LOOKED_AT:,} pictures: the files themselves are looked at when the "
            "study is made."
        )
    if checked.faults.empty:
        st.success("No faults found.", icon=":material/check_circle:")
        return dict(checked.choice.policy)
    return _settle(checked)


def _settle(checked: Checked) -> dict[str, str] | None:
    policy, chosen = dict(checked.choice.policy), {}
    st.markdown(f"**At fault: {len(checked.faults):,}**")
    for cause, default in checked.actions.items():
        count = int((checked.faults["cause"] == cause).sum())
        actions = list(allowed_actions(cause)) if cause in ALL_CAUSES else ["fail"]
        chosen[cause] = kept_input(
            st.radio,
            f"{count:,} × {ALL_CAUSES.get(cause, cause)}",
            key=f"policy_{cause}",
            default=default,
            options=actions,
            format_func=ACTIONS.__getitem__,
            horizontal=True,
        )
        if chosen[cause] != default:
            policy[cause] = chosen[cause]
    st.dataframe(
        checked.faults.drop(columns="split"),
        hide_index=True,
        height=min(300, 38 + 35 * len(checked.faults)),
        column_config={"record": "Where", "cause": "Cause", "detail": "What is wrong"},
    )
    standing = [cause for cause, action in chosen.items() if action == "fail"]
    if standing:
        st.warning(
            "Correct these in your data and check again, or choose to leave them out: "
            f"{', '.join(standing)}.",
            icon=":material/block:",
        )
        return None
    return policy
