"""A small study of the rendered benchmark, made once a session by the demo's own code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from ccim_core.study import Study

TINY_VARIANTS = ("none", "ccim", "counterfactual", "oracle", "subject-only")


@pytest.fixture(scope="session")
def tiny_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Six splits of 4 scenes, five variants × two seeds, trained and evaluated."""
    return make_tiny_demo(tmp_path_factory.mktemp("demo") / "study")


@pytest.fixture
def copied(tiny_study: Study, tmp_path: Path) -> Study:
    """The tiny study without its features, to be changed."""
    path = tmp_path / "copy"
    shutil.copytree(tiny_study.path, path, ignore=shutil.ignore_patterns("features", "embeddings"))
    return Study.open(path)


def make_tiny_demo(path: Path) -> Study:
    """The study of `tiny_study` at another place."""
    from ccim_core.demo import RECIPE, make_demo
    from ccim_core.rendered.generator import ControlledConfig
    from ccim_core.training.config import load_recipe, replace_field

    base = load_recipe(RECIPE)
    for field, value in (
        ("train.epochs", 4),
        ("train.batch_size", 32),
        ("dictionary.size", 6),
        ("dictionary.components", 8),
        ("encoder.subject_size", 64),
        ("encoder.context_size", 64),
    ):
        base = replace_field(base, field, value)
    torch.set_num_threads(1)
    return make_demo(
        path,
        controlled=ControlledConfig(
            n_train=98, n_val=28, n_test=35, n_shift=35, n_twins=7, n_scenes=4, size=96
        ),
        base=base,
        seeds=(0, 1),
        variants=TINY_VARIANTS,
        n_bootstrap=50,
        quiet=True,
    )
