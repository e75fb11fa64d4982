"""Figure 7: context features of four named contexts, for a vanilla model and with CCIM.

The paper reads it so: under the vanilla model the features of one context cluster by emotion;
with CCIM a context's cluster holds many emotions. The reading is put to the test by numbers:
emotion purity among a context's own features (`emotion_purity_within`), beside chance.

Differs from the paper: layouts of the two runs are aligned, so that panels can be compared, and
are made of all the split's subjects, of which those in the four contexts are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis import palette
from analysis.embedding_points import subject_rows
from analysis.embedding_sources import Side, context_pairs, default_split, read_pair
from analysis.embeddings import Embedding, EmbedSettings, embed
from analysis.figures_embeddings import point_groups
from analysis.separation import SeparationSettings, Subjects, separation
from analysis.separation_study import compare_measures
from ccim_core.errors import InputError
from ccim_core.progress import progress
from ccim_core.study import Study

__all__ = [
    "PAPER_CONTEXTS",
    "Figure7",
    "choose_contexts",
    "figure7",
    "figure7_figure",
    "purity_sentences",
]

PAPER_CONTEXTS = ("park", "market", "hospital", "station")
_MEASURES = ("emotion_purity", "emotion_purity_within", "emotion_purity_across", "scene_purity")
_SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up", "star")
_TITLES = {"emot_net": "EMOT-Net", "emoticon": "EmotiCon", "caer_net": "CAER-Net"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure7:
    """What the figure shows.

    points: a row per model × side × subject in one of the `contexts`, columns as by
    `describe_points` with `model`. measures: rows as by `compare_measures` with `model`. runs:
    model to the runs and the split compared.
    """

    points: pd.DataFrame
    measures: pd.DataFrame
    contexts: tuple[str, ...]
    runs: dict[str, dict[str, Any]]


def figure7(
    study: Study,
    *,
    pairs: dict[str, tuple[Side, Side]] | None = None,
    contexts: Sequence[str] = (),
    split: str | None = None,
    settings: EmbedSettings | None = None,
    quiet: bool = True,
) -> Figure7:
    """Context features of vanilla and intervened runs, in a few contexts.

    Args:
        pairs: model to (vanilla, intervened); by default every model with a plain and a CCIM run.
        contexts: scenes to show; by default the paper's four as far as the study has them, the
            rest made up of its most frequent.
        split: by default "test" where its features are stored, else another.
        quiet: no progress bar; a layout by AlignedUMAP takes half a minute.

    Raises:
        InputError: no such runs, features or scenes.
    """
    pairs = pairs or context_pairs(study)
    settings = settings or EmbedSettings()
    points, measures, runs = [], [], {}
    chosen: tuple[str, ...] = ()
    for model in progress(list(pairs), "figure 7", unit="models", quiet=quiet):
        before, after = pairs[model]
        part = split or default_split(study, before, ("test", "shift"))
        chosen = chosen or choose_contexts(study, split=part, wanted=contexts)
        found = embed(study, before, after, settings=replace(settings, split=part))
        mine = found.frame[found.frame["scene"].isin(chosen)]
        points.append(mine.assign(model=model))
        measures.append(_measure(study, found, part, chosen).assign(model=model))
        runs[model] = {"before": before.run, "after": after.run, "split": part}
    return Figure7(
        points=pd.concat(points, ignore_index=True),
        measures=pd.concat(measures, ignore_index=True),
        contexts=chosen,
        runs=runs,
    )


def choose_contexts(
    study: Study, *, split: str, wanted: Sequence[str] = (), n: int = 4
) -> tuple[str, ...]:
    """The scenes `wanted`, or `n`: the paper's where there are such, then the most frequent.

    Raises InputError when the split names no scene, or not one that is wanted.
    """
    frame = study.manifest.split(split).frame
    counts = frame["scene"].value_counts() if "scene" in frame else pd.Series(dtype=int)
    scenes = [str(name) for name in counts.index]
    missing = [name for name in wanted if name not in scenes]
    if not scenes or missing:
        raise InputError(
            f"Expected contexts among the scenes of split {split!r} ({', '.join(sorted(scenes))}), "
            f"got {missing or 'a manifest without scenes'}."
        )
    if wanted:
        return tuple(dict.fromkeys(wanted))
    paper = [next((name for name in scenes if word in name), None) for word in PAPER_CONTEXTS]
    found = dict.fromkeys(name for name in paper if name is not None)
    return tuple(dict.fromkeys([*found, *scenes]))[:n]


def figure7_figure(result: Figure7, *, emotions: Sequence[str], ink: str = "") -> go.Figure:
    """A row a model, vanilla and intervened beside each other; colour: emotion, mark: context."""
    ink = ink or palette.INK["light"]
    models = list(result.runs)
    figure = make_subplots(
        rows=len(models),
        cols=2,
        subplot_titles=[_panel_title(result, model, side) for model in models for side in (0, 1)],
        horizontal_spacing=0.03,
        vertical_spacing=0.12 / len(models),
    )
    for row, model in enumerate(models, start=1):
        for column, side in enumerate(("before", "after"), start=1):
            points = result.points
            panel = points[(points["model"] == model) & (points["side"] == side)]
            for trace in _panel_traces(panel, result.contexts, emotions):
                figure.add_trace(trace, row=row, col=column)
    for group in point_groups(result.points, "emotion", emotions):
        _legend_entry(figure, group.name, "legend", symbol="circle", colour=group.colour)
    for name, symbol in zip(result.contexts, _marks(result.contexts), strict=True):
        _legend_entry(figure, _spoken(name), "legend2", symbol=symbol, colour=ink)
    axis = {"showticklabels": False, "showgrid": False, "zeroline": False}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    legend = {"orientation": "h", "yanchor": "top", "font": {"size": 12}}
    figure.update_layout(
        height=430 * len(models) + 90,
        margin={"l": 4, "r": 4, "t": 46, "b": 8},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        font={"color": ink},
        legend={**legend, "y": -0.02},
        legend2={**legend, "y": -0.12 / len(models)},
    )
    return figure


def _panel_traces(
    panel: pd.DataFrame, contexts: Sequence[str], emotions: Sequence[str]
) -> list[go.Scattergl]:
    marks = dict(zip(contexts, _marks(contexts), strict=True))
    traces = []
    for group in point_groups(panel, "emotion", emotions):
        mine = panel[group.rows]
        traces.append(
            go.Scattergl(
                x=mine["x"].to_numpy(np.float32),
                y=mine["y"].to_numpy(np.float32),
                mode="markers",
                name=group.name,
                legendgroup=group.name,
                showlegend=False,  # its mark would be that of the first point's context
                customdata=[[sample_id] for sample_id in mine["sample_id"].tolist()],
                marker={
                    "color": group.colour,
                    "symbol": [marks[name] for name in mine["scene"]],
                    "size": 7,
                    "opacity": 0.75,
                },
                hovertemplate=f"%{{customdata[0]}}<extra>{group.name}</extra>",
            )
        )
    return traces


def _legend_entry(figure: go.Figure, name: str, legend: str, *, symbol: str, colour: str) -> None:
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="markers",
        name=name,
        legend=legend,
        legendgroup=name,
        marker={"symbol": symbol, "color": colour, "size": 9},
        hoverinfo="skip",
    )


def purity_sentences(result: Figure7) -> list[str]:
    """The paper's reading of the figure put to the test: a sentence a model."""
    rows = result.measures[result.measures["measure"] == "emotion_purity_within"]
    sentences = []
    for row in rows.to_dict("records"):
        name = _TITLES.get(row["model"], row["model"])
        if row["reason"]:
            sentences.append(f"{name}: emotion purity within a context: {row['reason']}.")
            continue
        low, high = row["change_low"], row["change_high"]
        verdict = "less" if high < 0 else "more" if low > 0 else "no clear change"
        sentences.append(
            f"**{name}**: within a context, {row['before']:.2f} of a subject's neighbours share "
            f"its emotion before and {row['after']:.2f} with CCIM (chance "
            f"{row['chance_after']:.2f}): {verdict}, change {row['change']:+.3f} "
            f"[{low:+.3f}, {high:+.3f}]."
        )
    return sentences


def _panel_title(result: Figure7, model: str, side: int) -> str:
    name = _TITLES.get(model, model) + (" + CCIM" if side else "")
    table = result.measures
    row = table[(table["model"] == model) & (table["measure"] == "emotion_purity_within")].iloc[0]
    column = ("before", "after")[side]
    if not np.isfinite(row[column]):
        return name
    return (
        f"{name}<br><span style='font-size:12px'>emotion purity within a context "
        f"{row[column]:.2f}, chance {row[f'chance_{column}']:.2f}</span>"
    )


def _measure(study: Study, found: Embedding, split: str, contexts: Sequence[str]) -> pd.DataFrame:
    """Purities of all the split's subjects in the contexts, in the features' own space."""
    pair = read_pair(study, found.before, found.after, split=split)
    rows = subject_rows(study, pd.Series(pair.sample_id), split=split)
    chosen = np.flatnonzero(rows["scene"].isin(contexts))
    rows = rows.iloc[chosen]
    subjects = Subjects.from_rows(rows, study.labels.encode(rows["labels"].astype(str)))
    settings = SeparationSettings()
    before, after = (
        separation(features[chosen], subjects, settings=settings, only=_MEASURES)
        for features in (pair.before, pair.after)
    )
    return compare_measures(before, after, confidence=settings.confidence)


def _marks(contexts: Sequence[str]) -> list[str]:
    return [_SYMBOLS[place % len(_SYMBOLS)] for place in range(len(contexts))]


def _spoken(scene: str) -> str:
    return scene.replace("_", " ").replace("/", ", ")
