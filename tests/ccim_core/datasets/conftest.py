"""EMOTIC's tree with planted faults, built and prepared once a module."""

import pytest

from tests.ccim_core.datasets.builders import build_faulty_emotic
from tests.ccim_core.datasets.emotic_preparation import DROP, prepare


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    return build_faulty_emotic(tmp_path_factory.mktemp("emotic"))


@pytest.fixture(scope="module")
def prepared(faulty):
    return prepare(faulty.root, policy=DROP)
