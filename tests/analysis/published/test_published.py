"""The paper's numbers as copied: complete, and agreeing with each other as the paper says."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.published import (
    TABLES,
    published_ablation,
    published_gains,
    published_results,
)
from ccim_core.labels import get_label_set

MODELS = {"EMOT-Net", "GCN-CNN", "CAER-Net", "EmotiCon"}


@pytest.mark.parametrize("table, label_set", [("table1", "emotic"), ("table2", "groupwalk")])
def test_the_published_map_is_the_mean_over_the_published_categories(
    table: str, label_set: str
) -> None:
    frame = published_results(table)
    for (_, _), part in frame.groupby(["model", "intervention"]):
        by_category = part[part["category"] != "all"].set_index("category")["value"]
        assert set(by_category.index) == set(get_label_set(label_set).emotions)
        whole = part.loc[part["category"] == "all", "value"].iloc[0]
        assert by_category.mean() == pytest.approx(whole, abs=0.0051)


def test_the_stated_average_gains_follow_from_the_tables() -> None:
    frame = published_results()
    mine = frame[(frame["category"] == "all") & (frame["source"] == "reimplemented")]
    wide = mine.pivot(index=["dataset", "model"], columns="intervention", values="value")
    gains = wide["ccim"] - wide["none"]
    assert set(gains.index.get_level_values("model")) == MODELS
    for row in published_gains().to_dict("records"):
        level = "dataset" if row["scope"] == "dataset" else "model"
        average = gains.xs(row["name"], level=level).mean()
        assert average == pytest.approx(row["gain"], abs=0.0051), row["name"]


def test_the_full_ablation_rows_are_those_of_the_tables() -> None:
    ablation = published_ablation()
    assert len(ablation) == 18 * 3
    full = ablation[ablation["setting"] == "full"].set_index(["dataset", "model"])["value"]
    results = published_results()
    for table, dataset in TABLES.items():
        mine = results[(results["table"] == table) & (results["category"] == "all")]
        ccim = mine[mine["intervention"] == "ccim"].set_index("model")["value"]
        for model in ("EMOT-Net", "EmotiCon"):
            assert full[dataset, model] == ccim[model]


def test_every_number_is_a_percentage() -> None:
    for frame in (published_results(), published_ablation()):
        assert np.isfinite(frame["value"]).all()
        assert frame["value"].between(0, 100).all()
