"""Two maps of the same people, drawn and redrawn by one component.

A chart of Streamlit's is made anew whenever its figure changes: WebGL starts again, and zoom is
lost. Here Plotly's own code, as its Python package ships it, changes what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import plotly
import streamlit as st
from streamlit.components.v1 import declare_component

__all__ = ["show_point_maps"]

KEY = "point_maps"
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "scrollZoom": True,
    "modeBarButtons": [
        ["lasso2d", "select2d", "pan2d", "zoom2d"],
        ["zoomIn2d", "zoomOut2d", "resetScale2d"],
    ],
}

_component = st.components.v2.component(
    "point_maps",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def show_point_maps(
    figures: Mapping[str, str],
    *,
    headings: Mapping[str, tuple[str, str]],
    alternative: str,
    chosen: Collection[str] | None,
    take: Callable[[frozenset[str]], None],
    sharp: bool = True,
) -> None:
    """The maps beside each other; who is chosen on either is greyed out on neither.

    Args:
        figures: plotly figures as JSON by side; the first of a point's `customdata` names it.
        headings: of each side, what it is and of which estimator.
        alternative: the maps in words.
        chosen: names of the points in colour; None where none is greyed.
        take: called with the names of those who were lassoed, boxed or clicked; with nobody where
            a choice was undone.
        sharp: draw four pixels for each that is shown.
    """

    def note() -> None:
        take(frozenset(str(one) for one in st.session_state[KEY]["chosen"]))

    _component(
        key=KEY,
        data={
            "code": _plotly_code(),
            "figures": dict(figures),
            "headings": {side: list(heading) for side, heading in headings.items()},
            "alternative": alternative,
            "chosen": None if chosen is None else sorted(chosen),
            "config": {**CONFIG, "plotGlPixelRatio": 2 if sharp else 1},
        },
        on_chosen_change=note,
    )


def _plotly_code() -> str:
    """Where this server gives out Plotly's code, relative to a page of the app."""
    folder = Path(plotly.__file__).parent / "package_data"
    served = declare_component("plotly_code", path=folder)
    return f"component/{served.name}/plotly.min.js?v={plotly.__version__}"
