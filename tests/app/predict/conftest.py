"""The Predict page with a stand-in for the model."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.fakes import FakePredictor

RunPage = Callable[..., AppTest]


@pytest.fixture
def page(predictors: list[FakePredictor], run_page: RunPage) -> AppTest:
    return run_page("predict")
