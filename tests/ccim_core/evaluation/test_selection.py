from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
import pytest

from ccim_core.evaluation.selection import RULE, select_by_validation


def rows(variant: str, estimator: str, estimate: float, **fields: Any) -> list[dict[str, Any]]:
    """A variant's rows on val and shift: plain validation accuracy falls as the estimate rises."""
    common = {"variant": variant, "estimator": estimator, "oracle": False, "inputs": "full"}
    val = {"split": "val", "shift_estimate": estimate, "headline": 1 - estimate}
    shift = {"split": "shift", "shift_estimate": math.nan, "headline": estimate + 0.01}
    shift["recovery_full"] = 0.5
    return [{**common, **val, **fields}, {**common, **shift, **fields}]


TABLE = pd.DataFrame(
    [
        *rows("none", "likelihood", 0.4),
        *rows("none", "backdoor", 0.6, shift_effective_size=80.0),
        *rows("matted", "backdoor", 0.7, inputs="full, subject matted"),
        *rows("oracle", "likelihood", 0.9, oracle=True),
        *rows("broken", "likelihood", math.nan),
    ]
)


def test_the_best_under_reweighting_is_chosen_and_never_an_oracle() -> None:
    found = select_by_validation(TABLE)
    assert (found["variant"], found["estimator"]) == ("matted", "backdoor")
    assert found["criterion"] == 0.7
    assert found["candidates"] == 3
    assert found["rule"] == RULE


def test_choice_among_variants_that_see_the_same() -> None:
    found = select_by_validation(TABLE, inputs="full")
    assert (found["variant"], found["estimator"]) == ("none", "backdoor")
    assert found["effective_size"] == 80
    assert found["splits"]["shift"]["headline"] == pytest.approx(0.61)
    assert found["splits"]["shift"]["recovery_full"] == 0.5
    json.dumps(found, allow_nan=False)


def test_test_splits_do_not_sway_the_choice() -> None:
    changed = TABLE.copy()
    changed.loc[changed["split"] == "shift", "headline"] = range(5)
    names = [
        (found["variant"], found["estimator"])
        for found in (select_by_validation(TABLE), select_by_validation(changed))
    ]
    assert names[0] == names[1]


@pytest.mark.parametrize("table", [pd.DataFrame(), TABLE[TABLE["split"] == "shift"]])
def test_without_validation_rows_nothing_is_chosen(table: pd.DataFrame) -> None:
    found = select_by_validation(table)
    assert found["variant"] is None
    assert found["reason"]
