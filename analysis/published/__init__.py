"""The paper's numbers, as it prints them: facts in CSV files beside this module, in per cent.

results.csv   Tables 1-3: a row a table × model × intervention × category. `source` says whether the
              authors reimplemented the model or quote what others report of theirs.
ablation.csv  Table 4: a row a setting × model with the headline of the three datasets.
gains.csv     section 4.4: the average gains by dataset and by model that the text states.

Figures 5 and 6 print no numbers, so there are none here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

__all__ = [
    "ABLATION_DATASETS",
    "TABLES",
    "published_ablation",
    "published_gains",
    "published_results",
]

_FOLDER = Path(__file__).parent

TABLES: dict[str, str] = {"table1": "EMOTIC", "table2": "GroupWalk", "table3": "CAER-S"}
"""Table to the dataset it is about."""

ABLATION_DATASETS: dict[str, str] = {
    "EMOTIC": "emotic_map",
    "CAER-S": "caer_s_accuracy",
    "GroupWalk": "groupwalk_map",
}
"""Dataset to its column of ablation.csv, in the paper's order."""


@cache
def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(_FOLDER / name)


def published_results(table: str | None = None) -> pd.DataFrame:
    """Tables 1-3, or one of them: table, dataset, model, intervention ("none" or "ccim"), source,
    metric, category (an emotion, or "all"), value."""
    frame = _read("results.csv")
    return frame.copy() if table is None else frame[frame["table"] == table].reset_index(drop=True)


def published_ablation() -> pd.DataFrame:
    """Table 4 in long form: id, setting, model, dataset, value."""
    columns = {column: dataset for dataset, column in ABLATION_DATASETS.items()}
    frame = _read("ablation.csv").rename(columns=columns)
    return frame.melt(id_vars=["id", "setting", "model"], var_name="dataset")


def published_gains() -> pd.DataFrame:
    """Section 4.4: scope ("dataset" or "model"), name, gain in points."""
    return _read("gains.csv").copy()
