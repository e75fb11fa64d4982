"""The drawing of one cluster's emotions, read back from its HTML."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pandas as pd
import pytest

from analysis.cluster_bars import cluster_bars_html

NAN = float("nan")


def distribution(**changes: list[float]) -> pd.DataFrame:
    frame = {
        "cluster": [3, 3],
        "emotion": ["Happy", "Doubt & <fear>"],
        "share": [0.6, 0.1],
        "share_low": [0.5, 0.05],
        "share_high": [0.7, 0.2],
        "base_rate": [0.25, 0.125],
        "lift": [2.4, 0.8],
        "q": [0.001, NAN],
    }
    return pd.DataFrame({**frame, **changes})


def styles(row: ElementTree.Element) -> list[dict[str, str]]:
    """The style of each mark of a row, the base rate's last."""
    texts = [mark.get("style", "") for mark in row[1]]
    return [dict(part.split(":", 1) for part in text.split(";")) for text in texts]


def test_marks_stand_where_the_numbers_are() -> None:
    root = ElementTree.fromstring(
        cluster_bars_html(distribution(), cluster=3, alternative='Emotions of "3"')
    )
    assert root.get("aria-label") == 'Emotions of "3"'
    happy, doubt, axis = root
    bar, whisker, low, high, base = styles(happy)
    scale = 1 / 0.75  # the axis ends at the next whole step
    assert float(bar["width"].rstrip("%")) == pytest.approx(60 * scale, abs=0.01)
    assert float(low["left"].rstrip("%")) == pytest.approx(50 * scale, abs=0.01)
    assert float(whisker["width"].rstrip("%")) == pytest.approx(20 * scale, abs=0.01)
    assert float(high["left"].rstrip("%")) == pytest.approx(70 * scale, abs=0.01)
    assert float(base["left"].rstrip("%")) == pytest.approx(25 * scale, abs=0.01)
    assert bar["opacity"] == "1"
    assert styles(doubt)[0]["opacity"] == "0.4"  # not tested
    assert happy.get("title") == "Happy: 60.0% (50.0% to 70.0%), base rate 25.0%, q 0.001"
    assert doubt.get("title", "").startswith("Doubt & <fear>: 10.0%")
    assert doubt.get("title", "").endswith("not tested")
    assert [tick.text for tick in axis[1]] == ["0%", "25%", "50%", "75%"]


@pytest.mark.parametrize(("most", "ticks"), [(0.12, 3), (0.3, 3), (0.4, 4), (0.41, 2), (1.0, 4)])
def test_the_axis_has_few_round_ticks_and_holds_everything(most: float, ticks: int) -> None:
    frame = distribution(
        share=[0.05, 0.05], share_high=[most, 0.06], share_low=[0.0, 0.0], base_rate=[0.1, 0.1]
    )
    axis = list(ElementTree.fromstring(cluster_bars_html(frame, cluster=3)))[-1]
    assert len(axis[1]) == ticks + 1
    assert float((axis[1][-1].text or "").rstrip("%")) / 100 >= most - 1e-9


def test_an_empty_cluster_shows_base_rates_alone() -> None:
    frame = distribution(share=[NAN, NAN], share_low=[NAN, NAN], share_high=[NAN, NAN])
    text = cluster_bars_html(frame, cluster=3)
    rows = list(ElementTree.fromstring(text))[:-1]
    assert [len(styles(row)) for row in rows] == [1, 1]
    assert rows[0].get("title") == "Happy: nobody is in this cluster"
    assert not re.search("nan", text, re.IGNORECASE)
