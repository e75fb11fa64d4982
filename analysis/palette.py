"""Colours of the figures: per emotion for every label set, and templates for light and dark.

Hues are Okabe and Ito's, which stay apart under the common colour-vision deficiencies. A family
of feelings shares a hue and differs in lightness, so that a vocabulary of 26 stays readable and
one emotion has one colour in every figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "DIVERGING",
    "EMOTION_COLOURS",
    "INK",
    "MUTED",
    "OKABE_ITO",
    "SEQUENTIAL",
    "emotion_colours",
    "template",
]

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D1F", "#7F7F7F")
INK = {"light": "#1C2B33", "dark": "#E7EDF0"}
GRID = {"light": "#DCE3E6", "dark": "#2E3B42"}
MUTED = "#8A979E"
"""Grey that reads on white and on near-black alike: chance, null, not significant."""

# Blue for less than expected, orange for more; both ends differ in lightness from the middle.
DIVERGING = (
    "#0B4F8A",
    "#2F77B4",
    "#6AA3D0",
    "#A9CBE5",
    "#DCE9F3",
    "#F8E6D3",
    "#F2C08A",
    "#E6954A",
    "#C96A1B",
    "#8F4509",
)
SEQUENTIAL = (
    "#E4F1F4",
    "#C3E0E6",
    "#9DCBD5",
    "#75B3C2",
    "#4F9AAD",
    "#308096",
    "#1B677E",
    "#0F5066",
    "#0A3A4D",
)

EMOTION_COLOURS: dict[str, str] = {
    # the seven of CAER-S and of the controlled benchmark
    "Anger": "#D55E00",
    "Disgust": "#8C6D1F",
    "Fear": "#CC79A7",
    "Happy": "#E69F00",
    "Neutral": "#7F7F7F",
    "Sad": "#0072B2",
    "Surprise": "#56B4E9",
    # other spellings of the same feelings
    "Angry": "#D55E00",
    "Happiness": "#E69F00",
    "Sadness": "#0072B2",
    # EMOTIC, by family
    "Annoyance": "#E98B4B",
    "Aversion": "#A84800",
    "Disapproval": "#F0B48A",
    "Disquietment": "#A85585",
    "Doubt/Confusion": "#E0A9C8",
    "Embarrassment": "#8A3B6B",
    "Suffering": "#004C7A",
    "Pain": "#3C8FC4",
    "Fatigue": "#7FB4D9",
    "Disconnection": "#9FB2BF",
    "Pleasure": "#F2C14E",
    "Excitement": "#B87F00",
    "Affection": "#F7DB9A",
    "Peace": "#009E73",
    "Confidence": "#00684C",
    "Esteem": "#4DBF9C",
    "Engagement": "#9ADBC6",
    "Anticipation": "#2F8FC0",
    "Yearning": "#6B5518",
    "Sensitivity": "#B99A4B",
    "Sympathy": "#D6C48C",
}


def emotion_colours(emotions: Sequence[str]) -> dict[str, str]:
    """Colour of each emotion: its own where it is a known one, else the next free hue in turn."""
    colours = {name: EMOTION_COLOURS[name] for name in emotions if name in EMOTION_COLOURS}
    unknown = [name for name in emotions if name not in colours]
    free = [hue for hue in OKABE_ITO if hue not in colours.values()] or list(OKABE_ITO)
    colours.update({name: free[k % len(free)] for k, name in enumerate(unknown)})
    return {name: colours[name] for name in emotions}


def template(mode: str = "light") -> dict[str, Any]:
    """A plotly template for `"light"` or `"dark"`, with a clear background for the page's own.

    Raises ValueError for another mode.
    """
    if mode not in INK:
        raise ValueError(f"Expected `mode` to be 'light' or 'dark', got {mode!r}.")
    axis = {
        "gridcolor": GRID[mode],
        "linecolor": GRID[mode],
        "zerolinecolor": GRID[mode],
        "automargin": True,
    }
    return {
        "layout": {
            "colorway": list(OKABE_ITO),
            "font": {"color": INK[mode], "size": 13},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": axis,
            "yaxis": axis,
            "margin": {"l": 8, "r": 8, "t": 40, "b": 8},
            "hoverlabel": {"align": "left"},
            "colorscale": {
                "sequential": [[k / 8, hue] for k, hue in enumerate(SEQUENTIAL)],
                "diverging": [[k / 9, hue] for k, hue in enumerate(DIVERGING)],
            },
        }
    }
