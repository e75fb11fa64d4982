from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
import pytest

from ccim_core.evaluation.selection import RULE, select_by_validation


def rows(variant: str, estimator: str, estimate: float, **fields: Any) -> list[dict[str, Any]]:
    """A variant's rows on val and shift: plain validation accuracy falls as the estimate rises."""
    common = {"variant": variant, "estimator": estimator, "family": "emot_net/0/full"}
    common |= {"intervention": "none"}
    common |= {"oracle": False, "refit": False, "masks": False}
    val = {"split": "val", "shift_estimate": estimate, "headline": 1 - estimate}
    shift = {"split": "shift", "shift_estimate": math.nan, "headline": estimate + 0.01}
    shift["recovery_full"] = 0.5
    return [{**common, **val, **fields}, {**common, **shift, **fields}]


TABLE = pd.DataFrame(
    [
        *rows("none", "likelihood", 0.4),
        *rows("none", "backdoor", 0.6, shift_effective_size=80.0),
        *rows("matted", "backdoor", 0.7, masks=True),
        *rows("refit", "likelihood", 0.8, refit=True),
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


def test_choice_among_variants_that_need_no_masks_whatever_they_see() -> None:
    found = select_by_validation(TABLE, group="mask-free")
    assert (found["variant"], found["estimator"]) == ("none", "backdoor")
    assert found["effective_size"] == 80
    assert found["splits"]["shift"]["headline"] == pytest.approx(0.61)
    assert found["splits"]["shift"]["recovery_full"] == 0.5
    json.dumps(found, allow_nan=False)
    alone = rows("subject-only", "likelihood", 0.65, family="emot_net/0/subject")
    table = pd.concat([TABLE, pd.DataFrame(alone)])
    assert select_by_validation(table, group="mask-free")["variant"] == "subject-only"


def test_of_equals_the_models_own_pass_is_chosen() -> None:
    table = pd.DataFrame([*rows("x", "backdoor", 0.6), *rows("x", "likelihood", 0.6)])
    assert select_by_validation(table)["estimator"] == "likelihood"


def test_test_splits_do_not_sway_the_choice() -> None:
    changed = TABLE.copy()
    changed.loc[changed["split"] == "shift", "headline"] = range(6)
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
