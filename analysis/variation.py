"""How headline rows vary over the data's own seed and the dictionary's, where a study keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.prediction_tables import estimator_title
from analysis.table_text import NOTHING, number
from ccim_core.files import read_json
from ccim_core.study import Study

__all__ = ["load_variation", "variation_text"]


def load_variation(study: Study) -> dict[str, Any] | None:
    """`analysis/data_variation.json` of a study, or None where it was not made."""
    path = study.analysis_root / "data_variation.json"
    found = read_json(path) if path.is_file() else None
    return found if isinstance(found, dict) and found.get("rows") else None


def variation_text(found: Mapping[str, Any]) -> pd.DataFrame:
    """A row a variant × estimator × split: means ± deviations in %, with the number of seeds."""
    return pd.DataFrame(
        [
            {
                "variant": str(row["variant"]),
                "estimator": estimator_title(str(row["estimator"])),
                "split": str(row["split"]),
                f"over data ({len(found['data_seeds'])} seeds)": _spread(row, "data"),
                "against plain, same data": _spread(row, "difference", signed=True),
                f"over dictionaries ({len(found['dictionary_seeds'])} seeds)": _spread(
                    row, "dictionary"
                ),
            }
            for row in found["rows"]
        ]
    )


def _spread(row: Mapping[str, Any], name: str, *, signed: bool = False) -> str:
    mean, sd = row.get(f"{name}_mean"), row.get(f"{name}_sd")
    if mean is None:
        return NOTHING
    more = "" if sd is None else f" ± {number(sd * 100, 1)}"
    return f"{number(mean * 100, 1, signed=signed)}{more}"
