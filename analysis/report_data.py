"""The report's chapters on the data: what is in the study, its context bias, its dictionary."""

from __future__ import annotations

import base64

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis.bias_page import bias_cards, bias_sections
from analysis.bias_text import bias_sentence
from analysis.cluster_page import cluster_cards, cluster_sections
from analysis.figure_page import Card, Picture, Section
from analysis.palette import OKABE_ITO
from analysis.report_page import Chapter
from analysis.stored import load_bias, load_clusters, stored_clusters
from analysis.story import bias_facts
from ccim_core.errors import InputError
from ccim_core.files import read_json
from ccim_core.study import Study

__all__ = ["bias_chapter", "data_chapter", "dictionary_chapter", "prevalence_figure", "store_note"]

_PIXELS = 160
_CLUSTERS = 8


def store_note(study: Study, what: str) -> str:
    """Why a chapter is empty, and the command that fills it."""
    return f"No {what} is kept with this study; `python -m analysis store --study {study.path}`."


def data_chapter(study: Study, *, pictures: bool) -> Chapter:
    """Splits, emotions, prevalence by split, and a few pictures."""
    frame, labels = study.manifest.frame, study.labels
    sizes = frame["split"].value_counts(sort=False)
    cards = [
        Card(
            label="Subjects", value=f"{len(frame):,}", note=f"{frame['image'].nunique():,} images"
        ),
        Card(label="Emotions", value=str(labels.size), note=_kind(study)),
    ]
    if (study.path / "truth.json").is_file():
        facts = bias_facts(read_json(study.path / "truth.json"))
        cards.append(
            Card(
                label="Planted bias",
                value=f"{facts['bias']:.0%}",
                note="of each emotion's pictures are in its favoured scenes by design, beyond "
                "what chance puts there",
            )
        )
    sections = [
        Section(title="Splits", table=_splits(study)),
        Section(
            title="How often each emotion occurs",
            caption="Share of a split's subjects with the emotion. A split with other shares has "
            "another chance level, so that average precisions of two splits do not compare.",
            figure=prevalence_figure(study),
        ),
    ]
    if pictures and (shown := _samples(study)):
        sections.append(Section(title="Pictures", caption="One of each emotion.", pictures=shown))
    return Chapter(title="Data", lead=[_describe(study, sizes)], cards=cards, sections=sections)


def _kind(study: Study) -> str:
    return "one a subject" if study.labels.kind == "single" else "one or several a subject"


def _describe(study: Study, sizes: pd.Series) -> str:
    kinds = {
        "controlled": "Rendered people in painted scenes, with a planted bias of scene on emotion "
        "and a causal cue (bystanders) that is the same in every split. The truth under "
        "intervention is known: on `shift` the scene is independent of the emotion.",
        "photographs": "Portraits composed on photographs of scenes, with a planted bias.",
    }
    known = kinds.get(study.kind, f"Data of kind “{study.kind}”.")
    return f"{known} {len(sizes)} splits, emotions: {', '.join(study.labels.emotions)}."


def _splits(study: Study) -> pd.DataFrame:
    rows = []
    for split in study.manifest.splits:
        part = study.manifest.split(split)
        targets = part.targets()
        rows.append(
            {
                "split": split,
                "subjects": f"{len(part):,}",
                "images": f"{part.frame['image'].nunique():,}",
                "labels a subject": f"{targets.sum(axis=1).mean():.2f}",
                "emotions without a positive": str(int((targets.sum(axis=0) == 0).sum())),
            }
        )
    return pd.DataFrame(rows)


def prevalence_figure(study: Study) -> go.Figure:
    """Share of each split's subjects with each emotion, a mark a split."""
    figure = go.Figure()
    wanted = [name for name in study.manifest.splits if name in ("train", "val", "test", "shift")]
    for place, split in enumerate(wanted or study.manifest.splits):
        share = study.manifest.split(split).targets().mean(axis=0) * 100
        figure.add_scatter(
            x=share,
            y=list(study.labels.emotions),
            mode="markers",
            name=split,
            marker={"size": 10, "color": OKABE_ITO[place % 8], "symbol": place},
            hovertemplate=f"%{{y}}, {split}: %{{x:.1f}} %<extra></extra>",
        )
    figure.update_xaxes(
        title={"text": "subjects, %", "font": {"size": 13}}, rangemode="tozero", zeroline=False
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(
        height=110 + 24 * study.labels.size,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
    )
    return figure


def _samples(study: Study) -> list[Picture]:
    """A picture of each emotion, of the last split that is evaluated; [] where one is not there."""
    from ccim_core.images import encode_jpeg, shrink_picture

    splits = study.manifest.splits
    part = study.manifest.split("test" if "test" in splits else splits[-1])
    targets, shown = part.targets(), []
    for column, emotion in enumerate(study.labels.emotions):
        found = np.flatnonzero(targets[:, column])
        if not len(found):
            continue
        row = part.frame.iloc[found[0]]
        try:
            picture = shrink_picture(study.reader.read(str(row["image"])), _PIXELS)
        except InputError:
            return []
        content = base64.b64encode(encode_jpeg(picture, quality=82)).decode("ascii")
        scene = f", {row['scene']}" if isinstance(row.get("scene"), str) else ""
        shown.append(
            Picture(url=f"data:image/jpeg;base64,{content}", alternative=f"{emotion}{scene}")
        )
    return shown[:12]


def bias_chapter(study: Study) -> Chapter:
    """The stored bias report, or what makes one."""
    report = load_bias(study)
    if report is None:
        return Chapter(title="Context bias", lead=[store_note(study, "bias study")])
    return Chapter(
        title="Context bias",
        lead=[bias_sentence(report)],
        cards=bias_cards(report),
        sections=bias_sections(report),
        notes=report.notes,
    )


def dictionary_chapter(study: Study, *, pictures: bool) -> Chapter:
    """The stored cluster study of the first dictionary, or what makes one."""
    names = stored_clusters(study)
    found = load_clusters(study, names[0]) if names else None
    if found is None:
        return Chapter(title="Confounder dictionary", lead=[store_note(study, "cluster study")])
    lead = (
        f"{len(found.report.clusters)} prototypes of masked contexts of split `{found.split}`, "
        f"dictionary `{found.dictionary}`: the strata over which Eq. 2 averages, and the Z of CCIM."
    )
    more = f"Of {len(names)} dictionaries with a kept cluster study." if len(names) > 1 else ""
    return Chapter(
        title="Confounder dictionary",
        lead=[f"{lead} {more}".strip()],
        cards=cluster_cards(found.report),
        sections=_fold_last(
            cluster_sections(
                found.report, reader=study.reader if pictures else None, most=_CLUSTERS
            )
        ),
        notes=found.report.notes,
    )


def _fold_last(sections: list[Section]) -> list[Section]:
    """The long table of all clusters, folded."""
    *others, last = sections
    return [*others, Section(title=last.title, table=last.table, folded="Show every cluster")]
