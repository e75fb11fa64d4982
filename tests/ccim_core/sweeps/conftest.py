"""A study small enough to train a run of in a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccim_core.study import Study
from ccim_core.training.config import RunConfig
from tests.ccim_core.training.test_train import FIELDS, make_study
from tests.ccim_core.training.tiny import tiny_config


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """24 pictures, train and val."""
    return make_study(tmp_path / "study")


@pytest.fixture
def base() -> RunConfig:
    """A recipe of two epochs."""
    return tiny_config(**FIELDS)
