"""What if: the same subject's prediction in every stratum of contexts, and their weighted mean."""

from __future__ import annotations

import numpy as np
import streamlit as st

from analysis.figures_what_if import what_if_figure
from analysis.palette import emotion_colours
from analysis.what_if_tables import describe_what_if, what_if_table, what_if_verdict
from app import layout
from app.links import linked_selectbox
from app.predict.asking import Subject, ask
from app.predict.state import PredictState

__all__ = ["show_what_if"]


def show_what_if(state: PredictState, subject: Subject, runs: list[str]) -> None:
    """The strip of contexts of one run; `runs` are those that can be asked, the default first."""
    run = runs[0]
    if len(runs) > 1:
        with st.container(width=360):
            run = linked_selectbox(
                "Run whose contexts these are",
                runs,
                key="contexts_of",
                default=run,
                format_func=str,
            )
    found = ask(
        state,
        subject,
        ("what if", run),
        lambda predictor, reading: predictor.what_if(reading, run=run),
        doing="Putting the person into every context …",
    )
    st.markdown(what_if_verdict(found))
    st.plotly_chart(
        what_if_figure(found, colours=emotion_colours(found.emotions), ink=layout.ink()),
        key="what_if",
        config={"displayModeBar": False},
        alt=describe_what_if(found),
    )
    st.caption(
        "Eq. 2, P(Y|do(X)) = Σ P(Y|s, c_z) P(z), before its sum is taken: a bar is one cluster of "
        "training contexts, as wide as its share P(z), and each emotion's whole area is its height "
        "in the bar *mean*. The person's features s stay; only the context is exchanged."
    )
    notes = []
    if not np.isnan(found.spread):
        notes.append(
            f"On average a context lies {found.spread * 100:.1f} points (total variation) from "
            "the mean: what the place alone does to this reading."
        )
    if found.dropped_mass > 0:
        notes.append(
            f"Contexts without a kept member, {found.dropped_mass * 100:.1f}% of P(z), are left "
            "out, and P(z) is renormalised."
        )
    if notes:
        st.caption(" ".join(notes))
    with st.expander("Every context as a table", icon=":material/table:"):
        st.dataframe(
            what_if_table(found),
            hide_index=True,
            column_config={
                "index": "#",
                "scene": "Scene",
                "prior": st.column_config.NumberColumn("P(z)", format="percent"),
                "assigned": st.column_config.CheckboxColumn("Here"),
                **{
                    name: st.column_config.NumberColumn(
                        format="%.2f" if found.link == "identity" else "percent"
                    )
                    for name in found.emotions
                },
            },
            alt="The prediction in every context, with the context's share of training subjects.",
        )
