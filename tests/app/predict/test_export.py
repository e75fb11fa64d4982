"""What is taken along from the Predict page."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from ccim_core.images import decode_image
from tests.app.fakes import jpeg
from tests.app.predict.acts import choose, type_box, upload, upload_all


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Any]]:
    """What makes each of the files on offer, by its ending."""
    makers: dict[str, Callable[[], Any]] = {}

    def button(label: str, data: Callable[[], Any], **_: Any) -> bool:
        makers[label.lower()] = data
        return False

    monkeypatch.setattr("streamlit.download_button", button)
    return makers


def test_files_hold_what_is_on_the_page(made: dict[str, Callable[[], Any]], page: AppTest) -> None:
    page.query_params["view"] = "reasons"
    test = upload(page, "a.jpg", jpeg(96))
    test.selectbox(key="after").set_value("backdoor").run()
    test.selectbox(key="after_run").set_value("other_run").run()
    assert set(json.loads(made["json"]())) == {"predictions", "compared", "responsible_use"}
    choose(test, "view", "what_if")
    choose(test, "view", "places")
    type_box(test, 10, 5, 50, 60)
    told = json.loads(made["json"]())
    assert len(told["predictions"]) == 3  # two persons and the drawn box
    assert told["compared"]["box"] == [10, 5, 50, 60]
    assert told["compared"]["after"]["key"] == "backdoor@other_run"
    assert told["compared"]["after"]["probabilities"]["Sad"] == 1
    assert "what_if" not in told  # asked about another subject
    next(group for group in test.button_group if group.label == "Subject").set_value(1).run()
    told = json.loads(made["json"]())
    assert told["what_if"][0]["run"] == "run_backdoor"
    assert len(told["another_place"]["places"]) == 7
    rows = pd.read_csv(io.BytesIO(made["csv"]()))
    assert set(rows["run"]) >= {"run_likelihood", "other_run"}
    assert set(rows["subject"]) == {1, 2}
    assert decode_image(made["png"]()).shape[1] == 1200


def test_the_table_of_many_photographs_is_taken_along_whole(
    made: dict[str, Callable[[], Any]], page: AppTest
) -> None:
    upload_all(page, ("a.jpg", jpeg(96)), ("c.jpg", jpeg(80)))
    rows = pd.read_csv(io.BytesIO(made["csv"]()))
    assert set(rows["image"]) == {"a.jpg", "c.jpg"}
    assert len(json.loads(made["json"]())["predictions"]) == 4
