"""The data's own variation, as the report and the Overview show it."""

from __future__ import annotations

from pathlib import Path

from analysis.variation import load_variation, variation_text
from ccim_core.files import write_json
from tests.analysis.table_study import make_table_study


def test_variation_is_shown_where_it_was_made(tmp_path: Path) -> None:
    study = make_table_study(tmp_path / "study", settings=())
    assert load_variation(study) is None
    row = {
        "variant": "ccim",
        "estimator": "ccim",
        "split": "shift",
        "data_mean": 0.462,
        "data_sd": 0.02,
        "difference_mean": -0.01,
        "difference_sd": None,
        "dictionary_mean": None,
        "dictionary_sd": None,
    }
    record = {"data_seeds": [0, 1, 2], "dictionary_seeds": [0, 1], "rows": [row]}
    write_json(study.analysis_root / "data_variation.json", record)
    found = load_variation(study)
    assert found is not None
    (shown,) = variation_text(found).to_dict("records")
    assert shown["over data (3 seeds)"] == "46.2 ± 2.0"
    assert shown["against plain, same data"] == "−1.0"
    assert shown["over dictionaries (2 seeds)"] == "–"
