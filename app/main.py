"""Entry point of the app: `streamlit run app/main.py [-- --study DIR]`."""

import sys
from pathlib import Path

# `streamlit run` puts only this folder on the path; the packages lie one above it.
sys.path.extend({str(Path(__file__).resolve().parents[1])}.difference(sys.path))

import streamlit as st

from app import layout, study_cache
from app.errors import shown_errors
from app.links import linked_selectbox
from app.registry import PAGES

TITLE = "CCIM Studio"


def main() -> None:
    """Navigation, the sidebar, and the chosen page under the error display."""
    st.set_page_config(
        page_title=TITLE,
        page_icon=str(layout.LOGO),
        layout="wide",
        menu_items={
            "About": f"{TITLE}: context bias in emotion recognition, seen and intervened on."
        },
    )
    layout.style()
    layout.logo()
    pages = [
        st.Page(
            entry.path,
            title=entry.title,
            icon=entry.icon,
            url_path=entry.url_path,
            default=position == 0,
        )
        for position, entry in enumerate(PAGES)
    ]
    page = st.navigation(pages)
    with st.sidebar:
        with shown_errors("opening the study"):
            _study_chooser()
        layout.responsible_use()
    with shown_errors("showing this page"):
        page.run()


def _study_chooser() -> None:
    """The loaded study. The URL carries its key (`?study=…`), never its path."""
    if not study_cache.available_studies():
        st.caption("No study is installed. Make one with `python -m ccim_core demo`.")
        return
    names = study_cache.study_names()
    linked_selectbox(
        "Study",
        list(names),
        key="study",
        default=next(iter(names)),
        format_func=names.__getitem__,
        help="What the pages show. Open your own with `streamlit run app/main.py -- --study DIR`.",
    )


main()
