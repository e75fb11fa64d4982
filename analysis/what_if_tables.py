"""A subject in every stratum of contexts (`ccim_core.what_if`) as a table and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.figures_prediction import unit_of

if TYPE_CHECKING:
    from ccim_core.what_if import WhatIf

__all__ = [
    "describe_what_if",
    "leading_emotion",
    "what_if_json",
    "what_if_table",
    "what_if_verdict",
]


def leading_emotion(found: WhatIf) -> str:
    """The emotion that the back-door estimate reads first."""
    return found.emotions[int(found.average.argmax())]


def what_if_table(found: WhatIf) -> pd.DataFrame:
    """A row a stratum: index, scene, prior, assigned, then P(emotion|s, c_z) a column.

    Strata of one scene stand together, scenes and strata from where the leading emotion is read
    most to where it is read least.
    """
    frame = pd.DataFrame(
        {
            "index": found.index,
            "scene": list(found.names),
            "prior": found.prior,
            "assigned": found.index == found.assigned,
        }
    )
    frame = pd.concat([frame, pd.DataFrame(found.outputs, columns=list(found.emotions))], axis=1)
    lead = leading_emotion(found)
    mass = (frame[lead] * frame["prior"]).groupby(frame["scene"]).transform("sum")
    share = frame["prior"].groupby(frame["scene"]).transform("sum")
    order = pd.DataFrame({"of_scene": -mass / share, "scene": frame["scene"], "own": -frame[lead]})
    return frame.loc[order.sort_values(["of_scene", "scene", "own"]).index].reset_index(drop=True)


def what_if_verdict(found: WhatIf) -> str:
    """What the strip shows, in a sentence or two of Markdown."""
    factor, suffix, _ = unit_of(found.link)
    digits = 2 if found.link == "identity" else 1
    lead = leading_emotion(found)
    column = found.emotions.index(lead)
    values = found.outputs[:, column]
    low, high = int(values.argmin()), int(values.argmax())

    def told(value: float) -> str:
        return f"{value * factor:.{digits}f}{suffix}"

    tops = {found.emotions[i] for i in found.outputs.argmax(1)}
    other = sorted(tops - {lead})
    flips = found.prior[found.outputs.argmax(1) != column].sum()
    changed = (
        f" In contexts that make up {flips * 100:.0f}% of P(z) another emotion leads "
        f"({', '.join(other)})."
        if other
        else " No context changes which emotion leads."
    )
    return (
        f"The same person reads as **{lead}** at {told(values[low])} in *{_place(found, low)}* and "
        f"at {told(values[high])} in *{_place(found, high)}*. The mean over all, weighted by P(z), "
        f"is {told(found.average[column])}: the back-door estimate (Eq. 2).{changed}"
    )


def describe_what_if(found: WhatIf) -> str:
    """Text alternative of `figures_what_if.what_if_figure`."""
    factor, suffix, _ = unit_of(found.link)
    rows = ", ".join(
        f"{emotion} {here * factor:.1f}{suffix} here and {mean * factor:.1f}{suffix} on average"
        for emotion, here, mean in zip(found.emotions, found.own, found.average, strict=True)
    )
    return (
        f"Bars of the prediction in each of {len(found.index)} contexts, as wide as their share "
        f"P(z); beside them the picture's own place and the weighted mean: {rows}."
    )


def what_if_json(found: WhatIf) -> dict[str, Any]:
    """The strata's predictions, their weights and their mean, for a JSON file."""

    def named(values: np.ndarray) -> dict[str, float]:
        return dict(zip(found.emotions, values.tolist(), strict=True))

    return {
        "run": found.run,
        "link": found.link,
        "strata": [
            {"index": int(i), "scene": name, "prior": float(prior), "probabilities": named(row)}
            for i, name, prior, row in zip(
                found.index, found.names, found.prior, found.outputs, strict=True
            )
        ],
        "weighted_mean": named(found.average),
        "own_context": named(found.own),
        "assigned": found.assigned,
        "spread": None if np.isnan(found.spread) else found.spread,
        "dropped_mass": found.dropped_mass,
    }


def _place(found: WhatIf, row: int) -> str:
    name = found.names[row].replace("_", " ") or "context"
    return f"{name} #{found.index[row]}"
