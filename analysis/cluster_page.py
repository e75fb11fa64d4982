"""A cluster study as one HTML page: how many clusters, the most skewed ones, all of them."""

from __future__ import annotations

import base64
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.bias_text import number, percent, readable_scene
from analysis.cluster_report import ClusterReport
from analysis.cluster_text import cluster_title, scene_mix, sorted_clusters
from analysis.figure_page import Card, Picture, Section, write_page
from analysis.figures import cluster_bars, size_choice_figure
from ccim_core.errors import InputError

if TYPE_CHECKING:
    from ccim_core.pictures import PictureReader

__all__ = ["cluster_cards", "cluster_lines", "cluster_sections", "write_cluster_page"]

CLUSTERS_SHOWN = 12
EXEMPLARS_SHOWN = 5
PIXELS = 112


def write_cluster_page(
    report: ClusterReport,
    path: Path,
    *,
    title: str,
    source: str,
    sizes: pd.DataFrame | None = None,
    reader: PictureReader | None = None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write the page, whole or not at all.

    Args:
        source: what was clustered, in words.
        sizes: as by `clusters.compare_sizes`.
        reader: reads the exemplars' pictures; without it they are named.
    """
    write_page(
        path,
        title=title,
        lead=[f"{len(report.clusters)} clusters of contexts: {source}."],
        cards=cluster_cards(report),
        sections=cluster_sections(report, sizes=sizes, reader=reader),
        notes=report.notes,
        settings=settings,
    )


def cluster_sections(
    report: ClusterReport,
    *,
    sizes: pd.DataFrame | None = None,
    reader: PictureReader | None = None,
    most: int = CLUSTERS_SHOWN,
) -> list[Section]:
    """The page's sections; `most` of the most skewed clusters have a tile."""
    sections = []
    if sizes is not None:
        sections.append(_sizes(sizes))
    skewed = sorted_clusters(report, "told_bits")
    skewed = skewed[skewed["size"] > 0]
    sections.append(
        Section(
            title="Clusters whose emotions are furthest from the base rate",
            caption="Share of the cluster's subjects with the emotion, with its interval, pale "
            "where it does not differ from the base rate (the line) at q of 0.05. Below: the "
            "members nearest the centre.",
            tiles=[_tile(report, row, reader) for row in skewed.head(most).to_dict("records")],
        )
    )
    sections.append(Section(title="Every cluster", table=_table(report)))
    return sections


def cluster_cards(report: ClusterReport) -> list[Card]:
    """What the page opens with."""
    clusters, cells = report.clusters, report.distribution
    told = float((clusters["prior"] * clusters["told_bits"].fillna(0)).sum())
    tested, counted = int(cells["q"].notna().sum()), int((cells["q"] <= 0.05).sum())
    sizes = clusters["size"]
    return [
        Card(
            label="Subjects",
            value=f"{int(sizes.sum()):,}",
            note=f"{int(sizes.min()):,} to {int(sizes.max()):,} in a cluster",
        ),
        Card(
            label="Clusters tell",
            value=f"{told:.2f} bits",
            note="of the emotion; not corrected for the number of clusters",
        ),
        Card(
            label="Cells that count",
            value=f"{counted:,} of {tested:,}",
            note="cluster × emotion, at a false discovery rate of 0.05",
        ),
    ]


def _sizes(sizes: pd.DataFrame) -> Section:
    return Section(
        title="How many clusters",
        caption="Stability: adjusted Rand index of the clusterings of each two seeds, 1 the same, "
        "0 as by chance. Silhouette: 1 well apart, 0 touching. Bars: range over seeds.",
        figure=size_choice_figure(sizes),
    )


def _tile(
    report: ClusterReport, row: Mapping[Hashable, Any], reader: PictureReader | None
) -> Section:
    values = {str(name): value for name, value in row.items()}
    cluster = int(values["cluster"])
    figure = cluster_bars(report.distribution, cluster=cluster)
    figure.update_layout(
        showlegend=False, height=60 + 26 * report.distribution["emotion"].nunique()
    )
    nearest = report.exemplars[report.exemplars["cluster"] == cluster].head(EXEMPLARS_SHOWN)
    pictures = _pictures(nearest, reader)
    mix = scene_mix(report, cluster)
    caption = f"{values['size']:,} subjects, P(z) {values['prior']:.3f}, " + (
        f"skew {values['told_bits']:.2f} bits" + (f"; {mix}" if mix else "")
    )
    if len(nearest) and not pictures:
        caption += f". Nearest: {', '.join(nearest['sample_id'].astype(str))}"
    return Section(title=cluster_title(values), caption=caption, figure=figure, pictures=pictures)


def _pictures(nearest: pd.DataFrame, reader: PictureReader | None) -> list[Picture]:
    """Exemplars as small JPEGs; none where one cannot be read."""
    if reader is None:
        return []
    from ccim_core.images import encode_jpeg, shrink_picture

    pictures = []
    for row in nearest.to_dict("records"):
        try:
            picture = shrink_picture(reader.read(str(row["image"])), PIXELS)
        except InputError:
            return []
        data = base64.b64encode(encode_jpeg(picture, quality=80)).decode()
        pictures.append(
            Picture(url=f"data:image/jpeg;base64,{data}", alternative=str(row["sample_id"]))
        )
    return pictures


def _table(report: ClusterReport) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "cluster": f"#{row['cluster']}",
                "subjects": f"{row['size']:,}",
                "P(z)": number(row["prior"]),
                "H(Y|z), bits": number(row["entropy_bits"], 2),
                "skew, bits": number(row["told_bits"], 2),
                "strongest emotion": _strongest(row),
                "its q": "–"
                if row["strongest_q"] != row["strongest_q"]
                else f"{row['strongest_q']:.2g}",
                "commonest scene": _scene(row),
            }
            for row in sorted_clusters(report, "told_bits").to_dict("records")
        ]
    )


def _strongest(row: Mapping[Hashable, Any]) -> str:
    name = row["strongest_emotion"]
    return f"{name} × {row['strongest_lift']:.1f}" if isinstance(name, str) else "none above"


def _scene(row: Mapping[Hashable, Any]) -> str:
    name = row["top_scene"]
    if not isinstance(name, str):
        return "unknown"
    return f"{readable_scene(name)} {percent(row['top_scene_share'])}"


def cluster_lines(
    report: ClusterReport, sizes: pd.DataFrame | None, *, most: int = 20
) -> list[str]:
    """The same for a terminal: the largest clusters, what N to choose, and the notes."""
    lines = [
        f"{'cluster':>7s} {'size':>6s} {'prior':>6s} {'H(Y|z)':>7s} {'skew':>6s}  "
        "emotion × lift, commonest scene"
    ]
    for row in sorted_clusters(report, "size").head(most).to_dict("records"):
        lines.append(
            f"{row['cluster']:7d} {row['size']:6,d} {row['prior']:6.3f} "
            f"{number(row['entropy_bits']):>7s} {number(row['told_bits']):>6s}  "
            f"{_strongest(row)}, {_scene(row)}"
        )
    if len(report.clusters) > most:
        lines.append(f"… and {len(report.clusters) - most} smaller ones")
    lines += _size_lines([] if sizes is None else sizes.to_dict("records"))
    return [*lines, *(f"note: {note}" for note in report.notes)]


def _size_lines(rows: Sequence[Mapping[Hashable, Any]]) -> list[str]:
    return [
        f"N = {row['n_clusters']}: adjusted Rand over seeds {number(row['stability_mean'])}, "
        f"silhouette {number(row['silhouette_mean'])}, smallest cluster {row['smallest']}"
        for row in rows
    ]
