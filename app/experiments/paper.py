"""Tables 1 to 4 and Figures 5 and 6 of the paper, published beside measured."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from analysis.figures_ablation import describe_ablation
from analysis.figures_results import describe_bars
from analysis.published import TABLES, published_results
from analysis.reproduction import Part, Reproduction, reproduce
from analysis.reproduction_page import part_figures
from analysis.table_settings import dataset_title
from app import layout
from app.experiments.records import stamp_of
from app.links import linked_selectbox
from ccim_core.study import Study

__all__ = ["show_paper"]

TARGETS = {
    "table1": "Table 1: EMOTIC",
    "table2": "Table 2: GroupWalk",
    "table3": "Table 3: CAER-S",
    "table4": "Table 4: ablations of CCIM",
    "figure5": "Figure 5: by emotion",
    "figure6": "Figure 6: size of the dictionary",
}
STATIC = {"displayModeBar": False}
MAX_COMMANDS = 40
PRINTED = "printed"


def show_paper(study: Study) -> None:
    """One of them: figures, tables, notes, what is missing."""
    dataset = dataset_title(study.labels.name)
    own = next((table for table, name in TABLES.items() if name == dataset), "table4")
    left, right = st.columns(2)
    with left:
        target = linked_selectbox(
            "Of the paper",
            list(TARGETS),
            key="target",
            default=own,
            format_func=TARGETS.__getitem__,
        )
    wanted = TABLES.get(target, dataset)
    if dataset in TABLES.values() and wanted != dataset:
        st.info(
            f"This study is of {dataset}: open one of {wanted} to see ours beside what the paper "
            "prints.",
            icon=":material/info:",
        )
        _published(target)
        return
    result = _reproduced(str(study.path), stamp_of(study), target, study)
    parts = {part.name: part for part in result.parts}
    titles = {name: part.title for name, part in parts.items()}
    if wanted != dataset:
        titles[PRINTED] = f"What the paper prints of {wanted}"
    with right:
        name = linked_selectbox(
            "Part",
            list(titles),
            key="part",
            default=next(iter(titles)),
            format_func=titles.__getitem__,
        )
    if wanted != dataset:
        st.caption(
            f"The paper has no numbers of {layout.plain(dataset)}: its comparisons are made on "
            "it here, and what the paper prints is a part of its own."
        )
    if name == PRINTED:
        _published(target)
    else:
        _part(result, parts[name])
    _missing(result)
    with st.expander("Notes, and what it was made from"):
        for note in result.notes:
            st.markdown(f"- {layout.plain(note)}")
        st.dataframe(result.provenance, hide_index=True, height="content")


@st.cache_resource(max_entries=24, ttl="1h", show_spinner="Making the table …")
def _reproduced(path: str, stamp: tuple[int, ...], target: str, _study: Study) -> Reproduction:
    return reproduce(target, [_study.path])


def _part(result: Reproduction, part: Part) -> None:
    st.subheader(part.title, anchor=False)
    for split in dict.fromkeys(part.frame["split"]) if "split" in part.frame else []:
        # A figure a split, which a phone has room for.
        shown = replace(part, frame=part.frame[part.frame["split"] == split])
        for title, caption, figure in part_figures(result, shown, ink=layout.ink()):
            st.markdown(f"**{layout.plain(title.removesuffix(f', {split}'))}, {split}**")
            if part.name in ("ablation", "sizes"):  # whose one panel has the title twice
                figure.layout.annotations = ()
            st.plotly_chart(
                figure,
                key=f"paper_{result.target}_{part.name}_{split}",
                config=STATIC,
                alt=_alternative(shown, title),
            )
            if caption:
                st.caption(layout.plain(caption))
    if part.caption:
        st.caption(layout.plain(part.caption))
    if len(part.text.columns):
        text = st.column_config.TextColumn
        st.dataframe(
            part.text,
            hide_index=True,
            height=min(560, 38 + 35 * max(len(part.text), 1)),
            column_config={
                "ours ± sd": text(width="medium"),
                "control": text(width="large"),
                "verdict": text(width="small"),
            },
        )
        st.download_button(
            "Download with every digit",
            part.frame.to_csv(index=False).encode(),
            file_name=f"{result.target}_{part.name}.csv",
            mime="text/csv",
            key=f"csv_{result.target}_{part.name}",
            icon=":material/download:",
        )
    else:
        st.caption("Nothing is measured here yet; the commands are below.")


def _alternative(part: Part, title: str) -> str:
    if part.name == "results":
        return describe_bars(part.frame)
    if part.name == "ablation":
        return describe_ablation(part.frame)
    return f"{title}. The table below holds the same numbers."


def _published(target: str) -> None:
    """The paper's own numbers of a table."""
    if target not in TABLES:
        return
    frame = published_results(target)
    ccim = frame["intervention"] == "ccim"
    named = frame.assign(model=frame["model"].where(~ccim, frame["model"] + " + CCIM"))
    wide = named.pivot_table(index="category", columns="model", values="value", sort=False)
    st.subheader(f"What the paper prints: {TARGETS[target]}", anchor=False)
    metric = ", ".join(dict.fromkeys(frame["metric"].astype(str)))
    st.dataframe(wide.rename_axis("Emotion"), height="content")
    st.caption(f"{metric}, per cent.")


def _missing(result: Reproduction) -> None:
    if result.missing.empty:
        return
    with st.expander(f"{len(result.missing)} runs are missing: the commands that make them"):
        commands = list(result.missing["command"])
        st.code("\n".join(commands[:MAX_COMMANDS]), language="bash", wrap_lines=True)
        if len(commands) > MAX_COMMANDS:
            st.caption(f"… and {len(commands) - MAX_COMMANDS} more; the download has them all.")
        st.download_button(
            "Download the commands",
            "\n".join([*commands, ""]),
            file_name=f"{result.target}.sh",
            key="missing_commands",
            icon=":material/download:",
        )
