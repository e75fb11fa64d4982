"""Separation measures: planted structure, chance, invariance, and what cannot be computed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.separation import (
    MEASURES,
    Measured,
    SeparationSettings,
    Subjects,
    separation,
)
from analysis.separation_study import compare_measures
from ccim_core.errors import InputError

QUICK = SeparationSettings(n_resamples=60, k=10)
# Everything but the slower fits of clusters.
LIGHT = tuple(name for name in MEASURES if not name.endswith("nmi"))


def subjects(emotion: np.ndarray, scene: np.ndarray, group: np.ndarray | None = None) -> Subjects:
    group = np.arange(len(emotion)) if group is None else group
    return Subjects(targets=np.eye(int(emotion.max()) + 1)[emotion], scene=scene, group=group)


def planted(n: int = 240, seed: int = 0) -> tuple[np.ndarray, Subjects]:
    """Scenes far apart; emotion, independent of scene, told within each by its own direction."""
    rng = np.random.default_rng(seed)
    emotion, scene = rng.integers(3, size=n), rng.integers(3, size=n)
    features = rng.normal(size=(n, 12))
    features[np.arange(n), 3 * scene + emotion] += 6
    features[np.arange(n), 9 + scene] += 12
    return features, subjects(emotion, scene)


def test_planted_structure_shows_in_the_measures_made_for_it() -> None:
    features, who = planted()
    found = separation(features, who, settings=QUICK)
    assert list(found) == list(MEASURES)
    assert found["scene_purity"].value > 0.99
    assert found["scene_nmi"].value > 0.95
    assert found["scene_probe"].value > 0.95
    assert found["emotion_purity_within"].value > 0.95
    # Each scene marks emotion along an axis of its own, so nothing carries over.
    across = found["emotion_purity_across"]
    assert across.low - 0.1 < across.chance < across.high + 0.1
    assert found["scene_silhouette"].low > found["emotion_silhouette"].high
    for measured in found.values():
        assert -1 <= measured.low <= measured.value <= measured.high <= 1
        assert measured.n == 240
    assert found["scene_purity"].high == 1  # its slopes would lead beyond


def test_random_features_give_chance() -> None:
    rng = np.random.default_rng(1)
    n = 400
    who = subjects(rng.integers(4, size=n), np.minimum(rng.geometric(0.4, n) - 1, 3))
    found = separation(rng.normal(size=(n, 10)), who, settings=QUICK)
    for name, measured in found.items():
        reach = 0.05 if not name.endswith("probe") else 0.15
        assert measured.value == pytest.approx(measured.chance, abs=reach), name


def test_constant_features_give_chance_though_the_rows_are_sorted_by_emotion() -> None:
    emotion = np.repeat([0, 1, 2], 80)
    who = subjects(emotion, np.repeat([0, 1], 120))
    found = separation(np.zeros((240, 5)), who, settings=QUICK, only=("emotion_purity",))
    assert found["emotion_purity"].value == pytest.approx(1 / 3, abs=0.12)


def test_turning_shifting_and_scaling_the_features_changes_nothing() -> None:
    features, who = planted(120)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(12, 12)))[0]
    names = [name for name in MEASURES if not name.endswith("probe")]  # the probe is regularised
    first = separation(features, who, settings=QUICK, only=names)
    second = separation(5 * (features @ turn) + 3, who, settings=QUICK, only=names)
    for name in names:
        assert second[name].value == pytest.approx(first[name].value, abs=2e-3), name
        assert second[name].low == pytest.approx(first[name].low, abs=2e-3), name


def test_fewer_images_than_subjects_widen_the_interval() -> None:
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(50), 4)
    emotion = rng.integers(3, size=50)[group]
    features = rng.normal(size=(50, 6))[group] + 0.1 * rng.normal(size=(200, 6))
    features[:, 0] += 2 * emotion
    name = "emotion_silhouette"
    one, naive = (
        separation(features, who, settings=QUICK, only=(name,))[name]
        for who in (subjects(emotion, emotion * 0, group), subjects(emotion, emotion * 0))
    )
    assert one.value == pytest.approx(naive.value)
    assert one.high - one.low > 1.4 * (naive.high - naive.low)


def test_what_cannot_be_computed_says_why() -> None:
    rng = np.random.default_rng(4)
    features, emotion = rng.normal(size=(40, 3)), rng.integers(3, size=40)
    nowhere = separation(features, subjects(emotion, np.full(40, -1)), settings=QUICK, only=LIGHT)
    one = separation(features, subjects(emotion, np.zeros(40, int)), settings=QUICK, only=LIGHT)
    for name in ("scene_purity", "scene_silhouette", "scene_probe", "emotion_purity_across"):
        assert nowhere[name].reason == "no scene is known"
        assert one[name].reason == "one scene only"
        assert np.isnan(one[name].value)
    assert nowhere["emotion_purity_within"].reason == "no scene is known"
    assert one["emotion_purity_within"].value == pytest.approx(one["emotion_purity"].value)
    alone = separation(
        features, subjects(emotion, emotion, np.zeros(40, int)), settings=QUICK, only=LIGHT
    )
    assert {measured.reason for measured in alone.values()} == {"fewer than two images"}


def test_several_emotions_a_subject_have_purities_but_no_clusters() -> None:
    rng = np.random.default_rng(5)
    targets = np.maximum(np.eye(4)[rng.integers(4, size=60)], rng.random((60, 4)) < 0.3)
    who = Subjects(targets=targets, scene=rng.integers(2, size=60), group=np.arange(60))
    found = separation(rng.normal(size=(60, 3)), who, settings=QUICK)
    for name in ("emotion_nmi", "emotion_silhouette", "emotion_probe"):
        assert found[name].reason == "subjects have several emotions"
    assert 0 < found["emotion_purity"].value < 1
    assert found["scene_nmi"].reason == ""


def test_unknown_scenes_are_left_out_of_scene_measures_only() -> None:
    features, who = planted(90)
    scene = np.where(np.arange(90) < 20, -1, who.scene)
    some = Subjects(targets=who.targets, scene=scene, group=who.group)
    found = separation(features, some, settings=QUICK, only=LIGHT)
    assert found["emotion_purity"].n == 90
    assert found["scene_purity"].n == found["emotion_purity_within"].n == 70


def test_subjects_are_grouped_by_source_where_there_is_one_and_by_image_elsewhere() -> None:
    rows = pd.DataFrame(
        {
            "image": ["a", "a", "b", "c"],
            "source_id": ["video", None, None, "video"],
            "scene": ["x", None, "y", "x"],
        }
    )
    who = Subjects.from_rows(rows, np.eye(4))
    assert who.group.tolist() == [0, 1, 2, 0]
    assert who.scene.tolist() == [0, -1, 1, 0]
    assert Subjects.from_rows(rows[["image"]], np.eye(4)).group.tolist() == [0, 0, 1, 2]
    assert (Subjects.from_rows(rows[["image"]], np.eye(4)).scene == -1).all()


def test_the_change_is_paired() -> None:
    # Two noisy copies of one set of features: each interval is wide, the change's is narrow.
    features, who = planted(150)
    noisy = features + 0.2 * np.random.default_rng(6).normal(size=features.shape)
    only = ("emotion_silhouette", "emotion_purity", "emotion_probe")
    first, second = (separation(one, who, settings=QUICK, only=only) for one in (features, noisy))
    frame = compare_measures(first, second, confidence=0.95).set_index("measure")
    row = frame.loc["emotion_silhouette"]
    assert row["change"] == pytest.approx(row["after"] - row["before"])
    assert row["change_high"] - row["change_low"] < 0.5 * (row["before_high"] - row["before_low"])
    same = compare_measures(first, first, confidence=0.95).set_index("measure")
    assert same.loc["emotion_purity", ["change_low", "change_high"]].tolist() == [0, 0]
    # Without draws the intervals are combined as if independent.
    probe = same.loc["emotion_probe"]
    assert probe["change_low"] < 0 < probe["change_high"]


def test_a_side_that_is_not_defined_leaves_the_change_undefined() -> None:
    defined = Measured(value=0.5, low=0.4, high=0.6, chance=0.1, n=9)
    frame = compare_measures(
        {"scene_nmi": defined}, {"scene_nmi": Measured(reason="one scene only")}, confidence=0.95
    )
    row = frame.iloc[0]
    assert np.isnan(row["change"])
    assert np.isnan(row["change_low"])
    assert row["reason"] == "one scene only"


@pytest.mark.parametrize("bad", [{"k": 0}, {"confidence": 1.0}, {"n_resamples": 5}])
def test_settings_are_checked(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match="Expected"):
        SeparationSettings(**bad)  # type: ignore[arg-type]


@pytest.mark.slow
def test_intervals_cover_the_mean_over_fresh_data_with_clustered_images() -> None:
    rng = np.random.default_rng(7)
    settings = SeparationSettings(n_resamples=200, k=10)
    names = ("emotion_purity", "emotion_purity_within", "scene_purity", "scene_silhouette")
    found: dict[str, list[Measured]] = {name: [] for name in names}
    for _ in range(150):
        group = np.repeat(np.arange(100), 3)
        own = rng.random(300) < 0.2
        emotion = np.where(own, rng.integers(3, size=300), rng.integers(3, size=100)[group])
        scene = rng.integers(3, size=100)[group]
        features = rng.normal(size=(300, 5)) + rng.normal(size=(100, 5))[group]
        features[:, 0] += 1.2 * emotion
        features[:, 1] += scene
        who = subjects(emotion, scene, group)
        for name, one in separation(features, who, settings=settings, only=names).items():
            found[name].append(one)
    for name, ones in found.items():
        mean = np.mean([one.value for one in ones])
        covered = np.mean([one.low <= mean <= one.high for one in ones])
        # 99.9% band of 150 draws at 95%, wider below by 2 points for the approximation.
        assert covered >= 0.86, name
