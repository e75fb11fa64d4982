"""On the rendered benchmark's own labels: I(Y; scene) beside the value that was planted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from analysis.bias import study_table
from analysis.bias_report import BiasReport, BiasSettings
from analysis.contingency import build_table
from ccim_core.rendered.bias import BiasModel, draw_split
from ccim_core.rendered.generator import ControlledConfig, controlled_model

BIASES = (0.0, 0.4, 0.8)
N_TRAIN = 2400  # as in the demo study


def draw(model: BiasModel, seed: int) -> BiasReport:
    """The study of one draw of labels; no picture is made."""
    drawn = draw_split(model, "train", N_TRAIN, np.random.default_rng(seed))
    table = build_table(
        np.eye(len(model.emotions))[drawn.emotion],
        np.arange(N_TRAIN),
        emotions=model.emotions,
        scenes=model.scenes,
        scene=drawn.scene,
    )
    settings = BiasSettings(n_null=0, n_bootstrap=199)
    return study_table(table, settings=settings, random_state=seed)


def coverage(bias: float, seeds: range) -> tuple[float, float, float]:
    """Share of draws whose interval holds the truth; mean corrected estimate; the truth, bits."""
    model = controlled_model(ControlledConfig(bias=bias))
    truth = model.scene_information_bits()
    found = [draw(model, seed).dataset for seed in seeds]
    low, high = np.array([one["mutual_information_interval"] for one in found]).T
    estimate = float(np.mean([one["mutual_information_corrected"] for one in found]))
    return float(((low <= truth) & (truth <= high)).mean()), estimate, truth


def test_information_grows_with_the_planted_bias_and_stands_beside_it() -> None:
    reports = [draw(controlled_model(ControlledConfig(bias=bias)), seed=1) for bias in BIASES]
    truths = [controlled_model(ControlledConfig(bias=b)).scene_information_bits() for b in BIASES]
    estimates = [report.dataset["mutual_information_corrected"] for report in reports]
    assert truths[0] == pytest.approx(0, abs=1e-12)
    assert estimates[0] < estimates[1] < estimates[2]
    for report, truth in zip(reports, truths, strict=True):
        low, high = report.dataset["mutual_information_interval"]
        assert low <= truth + 1e-12
        assert truth <= high
    shares = [report.dataset["information_share"] for report in reports]
    assert shares == sorted(shares)
    cells = [report.dataset["significant_cells"] for report in reports]
    assert cells[0] == 0
    assert cells[2] == 98


@pytest.mark.parametrize("bias", BIASES)
def test_the_interval_holds_the_truth_about_as_often_as_it_says(bias: float) -> None:
    held, estimate, truth = coverage(bias, range(30))
    assert held >= binom.ppf(0.0005, 30, 0.94) / 30
    assert estimate == pytest.approx(truth, abs=0.01)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("bias", BIASES)
def test_coverage_over_two_thousand_draws_of_labels(bias: float) -> None:
    held, estimate, truth = coverage(bias, range(2000))
    print(f"\nbias {bias}: I = {truth:.4f}, mean estimate {estimate:.4f}, coverage {held:.4f}")
    assert held >= binom.ppf(0.0005, 2000, 0.95) / 2000 - 0.01
    assert estimate == pytest.approx(truth, abs=0.005)
