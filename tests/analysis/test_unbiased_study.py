"""Without a planted bias there is nothing to find and nothing to remove."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.bias import bias_study
from analysis.bias_report import BiasSettings
from ccim_core.demo import make_demo
from ccim_core.evaluation.predictions import read_predictions
from ccim_core.rendered.generator import ControlledConfig
from ccim_core.run import Run
from ccim_core.study import Study

VARIANTS = (
    "none",
    "ccim",
    "ccim-renormalised",
    "counterfactual",
    "logit_adjusted",
    "inverse_propensity",
    "group_dro",
)
SEEDS = (0, 1, 2)
# Two-sided, 0.1% of all: some thirty estimators are compared.
CRITICAL = 4.0

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def unbiased(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of bias 0, of moderate size."""
    return make_demo(
        tmp_path_factory.mktemp("unbiased") / "study",
        controlled=ControlledConfig(
            bias=0.0, n_train=1400, n_val=280, n_test=700, n_shift=700, n_twins=7
        ),
        seeds=SEEDS,
        variants=VARIANTS,
        n_bootstrap=0,
        processes=2,
        quiet=True,
    )


def correct(study: Study, variant: str, estimator: str) -> np.ndarray:
    """Whether each subject of `test` and `shift` is told right, (seeds, n), as 0 or 1."""
    emotions = list(study.labels.emotions)
    labels = study.manifest.frame.set_index("sample_id")["labels"]
    found = []
    for seed in SEEDS:
        table = read_predictions(Run.open(study.run_path(f"{variant}-seed{seed}")))
        table = table[(table["estimator"] == estimator) & table["split"].isin(["test", "shift"])]
        told = np.array(emotions)[table[emotions].to_numpy(np.float32).argmax(axis=1)]
        found.append(told == labels.loc[table["sample_id"]].to_numpy(str))
    return np.array(found, float)


def gain(study: Study, variant: str, estimator: str) -> tuple[float, float]:
    """Accuracy over the plain model's, and its standard error over subjects and seeds."""
    difference = correct(study, variant, estimator) - correct(study, "none", "likelihood")
    by_subject, by_seed = difference.mean(axis=0), difference.mean(axis=1)
    variance = by_subject.var(ddof=1) / len(by_subject) + by_seed.var(ddof=1) / len(by_seed)
    return float(difference.mean()), float(np.sqrt(variance))


@pytest.mark.slow
def test_no_estimator_gains_and_those_that_keep_the_context_lose_nothing(unbiased: Study) -> None:
    found = {}
    for variant in VARIANTS:
        table = read_predictions(Run.open(unbiased.run_path(f"{variant}-seed0")))
        for estimator in table["estimator"].unique():
            if (variant, estimator) != ("none", "likelihood"):
                found[variant, str(estimator)] = gain(unbiased, variant, str(estimator))
    for (variant, estimator), (difference, error) in found.items():
        print(f"{variant} {estimator}: {100 * difference:+.1f} ± {100 * error:.1f} points")
    assert len(found) > 15
    assert all(difference < CRITICAL * error + 1e-9 for difference, error in found.values())
    for key, (difference, error) in found.items():
        if not costs_something(*key):
            assert difference > -CRITICAL * error - 1e-9, key


def costs_something(variant: str, estimator: str) -> bool:
    """Whether an estimator loses accuracy even where there is no bias, by what it is.

    Eq. 2 discards the image's own context, the causal cue with it; the counterfactual's branch
    is trained to say by itself what the context says, which its total effect then counts twice.
    """
    return estimator == "backdoor" or (variant == "counterfactual" and estimator != variant)


@pytest.mark.slow
def test_the_bias_study_finds_nothing(unbiased: Study) -> None:
    report = bias_study(unbiased.manifest, settings=BiasSettings(split="train"))
    dataset = report.dataset
    assert dataset["mutual_information_p"] > 0.01
    assert dataset["significant_cells"] == 0
