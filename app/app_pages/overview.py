"""Overview: what this is, what is loaded, what it was trained on, and where to go next."""

from __future__ import annotations

import streamlit as st

from app import layout
from app.causal_graph import ALTERNATIVES, causal_graph_svg
from app.errors import shown_errors
from app.overview import show_models, show_story, show_study
from app.registry import PAGES

LEAD = (
    "Emotion recognisers learn that people on beaches are happy. CCIM Studio measures how far a "
    "data set's scenes give its labels away, trains models with and without causal intervention, "
    "and shows what each reads from a person once the place no longer speaks for them."
)


def main() -> None:
    """The page."""
    layout.header("CCIM Studio", LEAD)
    with shown_errors("reading the study"):
        show_study()
        show_story()
    _causal_graph()
    with shown_errors("reading the photograph model's card"):
        show_models()
    _next_pages()


def _causal_graph() -> None:
    st.subheader("The question behind it", anchor=False)
    theme = layout.theme_type()
    likelihood, intervention = st.columns(2, gap="medium")
    with likelihood.container(border=True, height="stretch"):
        st.markdown("**What goes with this picture?** $P(Y\\mid X)$")
        st.image(
            causal_graph_svg("likelihood", theme), alt=ALTERNATIVES["likelihood"], width="stretch"
        )
        st.latex(r"\textstyle\sum_z P(Y\mid s,\,c_z)\;P(z\mid X)")
        st.caption(
            "Where pictures were taken (Z) shapes both what is in them and the context features. "
            "The open back door X ← Z → C → Y lets the scene vote on the emotion (Eq. 1)."
        )
    with intervention.container(border=True, height="stretch"):
        st.markdown("**And were the place set by us?** $P(Y\\mid do(X))$")
        st.image(
            causal_graph_svg("intervention", theme),
            alt=ALTERNATIVES["intervention"],
            width="stretch",
        )
        st.latex(r"\textstyle\sum_z P(Y\mid s,\,c_z)\;P(z)")
        st.caption(
            "Intervening on X cuts Z → X: every stratum of contexts counts by its prior P(z), "
            "the same for every picture (Eq. 2)."
        )
    st.caption(
        "After Figure 3 of “Context De-Confounded Emotion Recognition” (CVPR 2023): image X, "
        "subject features S, context features C, confounder Z, emotion Y."
    )


def _next_pages() -> None:
    st.subheader("Where to go next", anchor=False)
    for entry in PAGES[1:]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(entry.path, label=f"**{entry.title}**", icon=entry.icon)
            st.caption(entry.summary)


main()
