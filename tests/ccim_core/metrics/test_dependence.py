from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from ccim_core.metrics.dependence import Residual, residual_dependence


def biased(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels of 5 emotions that 10 scenes give away in 70% of subjects, as targets, and scenes."""
    generator = np.random.default_rng(seed)
    scene = generator.integers(10, size=n)
    labels = np.where(generator.random(n) < 0.7, scene % 5, generator.integers(5, size=n))
    return np.eye(5)[labels], scene


def test_strata_that_are_the_scenes_or_finer_hold_everything() -> None:
    targets, scene = biased(1500)
    finer = scene * 3 + np.random.default_rng(1).integers(3, size=len(scene))
    for strata in (scene, finer):
        found = residual_dependence(targets, scene, strata, images=np.arange(1500))
        assert found.bits == 0
        assert found.verdict == "held"


def test_strata_that_tell_of_the_emotion_all_that_the_scene_does_hold_it() -> None:
    """Within pairs of scenes that favour one emotion the scene tells nothing."""
    targets, scene = biased(6000)
    found = residual_dependence(targets, scene, scene % 5, images=np.arange(6000))
    assert found.verdict == "held"
    assert found.bits < found.null_95


def test_random_strata_hold_nothing() -> None:
    targets, scene = biased(1500)
    strata = np.random.default_rng(1).integers(14, size=1500)
    found = residual_dependence(targets, scene, strata, images=np.arange(1500))
    assert found.verdict == "not held"
    # Without chance, what is left is all there is.
    assert found.bits - found.null == pytest.approx(found.marginal, abs=0.1)


def test_chance_that_could_hide_much_cannot_tell() -> None:
    """Nothing beyond chance is found, and so few subjects could not have shown it."""
    few = Residual(bits=0.5, null=0.4, null_95=0.6, marginal=1.0)
    assert few.verdict == "cannot tell"
    assert replace(few, marginal=2.5).verdict == "held"
    assert replace(few, bits=0.7, marginal=2.5).verdict == "not held"
    assert replace(few, bits=0.7).verdict == "not held"


def test_the_information_is_the_weighted_mean_over_strata() -> None:
    targets, scene = biased(500)
    strata = np.random.default_rng(1).integers(3, size=500)
    labels = targets.argmax(1)
    expected = sum(
        (strata == k).mean() * mutual_info_score(labels[strata == k], scene[strata == k])
        for k in range(3)
    )
    found = residual_dependence(targets, scene, strata, images=np.arange(500), n_permutations=2)
    assert found.bits == pytest.approx(expected / np.log(2))


def test_subjects_of_an_image_keep_one_scene() -> None:
    """200 images of 5 alike subjects: subjects permuted alone would make chance look small."""
    generator = np.random.default_rng(0)
    image = np.repeat(np.arange(200), 5)
    scene, label = (generator.integers(5, size=200)[image] for _ in range(2))
    strata = np.zeros(1000, int)
    whole, alone = (
        residual_dependence(np.eye(5)[label], scene, strata, images=images)
        for images in (image, np.arange(1000))
    )
    assert whole.verdict != "not held"
    assert alone.verdict == "not held"


def test_several_labels_take_the_mean_over_emotions() -> None:
    targets, scene = biased(800)
    targets[:, 1] = 1  # present everywhere: nothing to tell
    columns = [
        residual_dependence(
            np.stack([column, 1 - column], 1), scene, np.zeros(800), images=np.arange(800)
        ).bits
        for column in targets.T
    ]
    found = residual_dependence(targets, scene, np.zeros(800), images=np.arange(800))
    assert found.bits == pytest.approx(np.mean(columns))
