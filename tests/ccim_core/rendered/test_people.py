"""People and expressions: drawn from seeds, whatever they feel; emotions as action units."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ccim_core.rendered.colours import luminance, stream
from ccim_core.rendered.faces import (
    ACTION_UNITS,
    EMOTIONS,
    PROTOTYPES,
    Face,
    HeadPose,
    build_face,
    express,
    on_face,
)
from ccim_core.rendered.figures import draw_subject
from ccim_core.rendered.persons import (
    AGES,
    BEARDS,
    GARMENTS,
    GLASSES,
    HAIR_STYLES,
    draw_person,
)

FACS = {
    "Happy": {6, 12},
    "Sad": {1, 4, 15},
    "Surprise": {1, 2, 5, 26},
    "Fear": {1, 2, 4, 5, 20, 26},
    "Anger": {4, 5, 7, 23},
    "Disgust": {9, 15, 16},
    "Neutral": set(),
}


def test_each_emotion_is_its_action_units() -> None:
    assert {emotion: set(units) for emotion, units in PROTOTYPES.items()} == FACS
    assert set().union(*FACS.values()) <= set(ACTION_UNITS)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_an_expression_moves_in_a_line_from_rest_as_clarity_grows(emotion: str) -> None:
    def at(clarity: float) -> np.ndarray:
        return np.array(express(emotion, clarity, np.random.default_rng(3)).intensities)

    rest = np.array(express("Neutral", 1.0, np.random.default_rng(3)).intensities)
    np.testing.assert_allclose(at(0.5) - rest, 0.5 * (at(1.0) - rest), atol=1e-12)
    moved = {unit for unit, d in zip(ACTION_UNITS, at(1.0) - rest, strict=True) if d > 0.1}
    assert moved == FACS[emotion]
    assert np.abs(rest).max() < 0.2


def test_people_show_an_emotion_with_different_strengths() -> None:
    smiles = [express("Happy", 1.0, stream(seed, "expression"))[12] for seed in range(200)]
    assert np.std(smiles) > 0.08
    assert min(smiles) > 0.5


def test_looks_place_and_pose_do_not_depend_on_the_emotion() -> None:
    for seed in range(40):
        first = draw_subject(seed, "Happy", 1.0)
        for emotion in EMOTIONS:
            other = draw_subject(seed, emotion, 0.4)
            assert other.person == first.person
            assert other.pose == first.pose
            assert (other.body.arms, other.body.turn) == (first.body.arms, first.body.turn)


def test_people_vary_and_every_kind_occurs() -> None:
    people = [draw_person(stream(seed, "person")) for seed in range(3000)]
    for name, kinds in (
        ("age", AGES),
        ("hair_style", HAIR_STYLES),
        ("beard", BEARDS),
        ("glasses", GLASSES),
        ("garment", GARMENTS),
    ):
        counts = Counter(getattr(person, name) for person in people)
        assert set(counts) == set(kinds), name
        assert max(counts.values()) < 0.9 * len(people), name
    tones = [luminance(person.skin) for person in people]
    assert min(tones) < 0.35
    assert max(tones) > 0.85
    assert not any(person.beard != "none" for person in people if person.age == "child")
    assert not any(draw_person(stream(seed, "p"), grown=True).age == "child" for seed in range(300))


def test_whole_half_and_bust_figures_occur() -> None:
    units = np.array([draw_subject(seed, "Sad", 1.0).pose.unit for seed in range(400)])
    for low, high in ((0.06, 0.08), (0.08, 0.095), (0.095, 0.118), (0.118, 0.15)):
        assert ((units >= low) & (units < high)).mean() > 0.04
    whole = [draw_subject(seed, "Sad", 1.0) for seed in range(400)]
    whole = [figure for figure in whole if figure.pose.unit < 0.0715]
    for figure in whole:
        assert figure.body.at([(0, 11.4)])[0, 1] < 1.0  # the feet are in the picture


def test_streams_are_apart_and_stable() -> None:
    assert stream(1, "a").integers(2**31) == stream(1, "a").integers(2**31)
    drawn = {stream(seed, name).integers(2**62) for seed in range(20) for name in ("a", "b", "c")}
    assert len(drawn) == 60


def face_of(emotion: str, clarity: float = 1.0) -> Face:
    person = draw_person(np.random.default_rng(5))
    return build_face(person, express(emotion, clarity, np.random.default_rng(8)), (0.0, 0.0))


def test_action_units_move_the_features_they_name() -> None:
    neutral = face_of("Neutral")
    happy, sad, fear = face_of("Happy"), face_of("Sad"), face_of("Fear")
    surprise, anger, disgust = face_of("Surprise"), face_of("Anger"), face_of("Disgust")

    def corner(face: Face) -> float:
        """How far the lip corners hang below the middle of the lips."""
        upper = face.mouth.upper_outer
        return float(upper[-1, 1] - upper[len(upper) // 2, 1])

    assert corner(happy) < corner(neutral) < corner(sad)
    assert happy.mouth.width > neutral.mouth.width > anger.mouth.width
    assert fear.mouth.width > surprise.mouth.width
    assert surprise.mouth.gap > fear.mouth.gap > neutral.mouth.gap
    assert surprise.outline[:, 1].max() > neutral.outline[:, 1].max()
    assert disgust.nose_tip < neutral.nose_tip

    def opening(face: Face) -> float:
        return float(face.eyes[1].lower[:, 1].mean() - face.eyes[1].upper[:, 1].mean())

    assert opening(fear) > opening(neutral) > opening(disgust)
    assert opening(surprise) > opening(neutral) > opening(happy)
    inner = {e: face_of(e).eyes[1].brow[0, 1] for e in EMOTIONS}
    outer = {e: face_of(e).eyes[1].brow[-1, 1] for e in EMOTIONS}
    assert inner["Sad"] < inner["Neutral"] < inner["Anger"]
    assert outer["Surprise"] < outer["Neutral"]
    assert inner["Anger"] - outer["Anger"] > inner["Neutral"] - outer["Neutral"]


def test_a_turned_head_moves_near_things_most() -> None:
    straight = HeadPose(yaw=0, pitch=0, roll=0, x=0.5, y=0.5, unit=0.1)
    turned = HeadPose(yaw=0.3, pitch=0, roll=0, x=0.5, y=0.5, unit=0.1)
    nose, ear = on_face([(0.0, 0.4)]), np.array([[1.0, 0.1, 0.0]])
    shift = [float((turned.project(p) - straight.project(p))[0, 0]) for p in (nose, ear)]
    assert shift[0] > 0.02
    assert abs(shift[1]) < 1e-12
    np.testing.assert_allclose(
        turned.project_front(np.array([[0.2, 0.3]]), 0.1),
        turned.project(on_face([(0.2, 0.3)], 0.1)),
    )
