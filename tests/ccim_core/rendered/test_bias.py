"""The planted bias's closed forms against loops over the joint distribution."""

import itertools
import json
import math

import numpy as np
import pytest

from ccim_core.errors import InputError
from ccim_core.rendered.bias import BiasModel, assign_favourites

EMOTIONS = ("Anger", "Happy", "Sad")
SCENES = ("bar", "beach", "office", "park", "street")


def make_model(bias=0.7, cue_agreement=0.6, emotions=EMOTIONS, scenes=SCENES) -> BiasModel:
    return BiasModel(
        emotions=emotions,
        scenes=scenes,
        favourites=assign_favourites(emotions, scenes),
        bias=bias,
        cue_agreement=cue_agreement,
    )


def joint_by_loop(model: BiasModel) -> dict[tuple[str, str, str], float]:
    """P(Y, Z, V) written from the words of the docstring, one cell at a time."""
    joint = {}
    for y, z, v in itertools.product(model.emotions, model.scenes, model.emotions):
        liked = model.favourites[y]
        p_z = (1 - model.bias) / len(model.scenes) + (model.bias / len(liked) if z in liked else 0)
        others = (1 - model.cue_agreement) / (len(model.emotions) - 1)
        p_v = model.cue_agreement if v == y else others
        joint[y, z, v] = p_z * p_v / len(model.emotions)
    return joint


def test_every_table_is_a_conditional_of_one_joint():
    model = make_model()
    joint = joint_by_loop(model)
    assert sum(joint.values()) == pytest.approx(1)
    for (k, z), (j, v), (i, y) in itertools.product(
        enumerate(SCENES), enumerate(EMOTIONS), enumerate(EMOTIONS)
    ):
        p_zv = sum(joint[e, z, v] for e in EMOTIONS)
        assert model.emotion_given_scene_and_cue()[k, j, i] == pytest.approx(joint[y, z, v] / p_zv)
        p_z = sum(joint[e, z, c] for e in EMOTIONS for c in EMOTIONS)
        p_yz = sum(joint[y, z, c] for c in EMOTIONS)
        assert model.scene_prior()[k] == pytest.approx(p_z)
        assert model.emotion_given_scene()[k, i] == pytest.approx(p_yz / p_z)


def test_information_is_the_joints_in_bits():
    model = make_model()
    joint = joint_by_loop(model)
    bits = 0.0
    for y, z in itertools.product(EMOTIONS, SCENES):
        p = sum(joint[y, z, v] for v in EMOTIONS)
        p_z = sum(joint[e, z, v] for e in EMOTIONS for v in EMOTIONS)
        bits += p * math.log2(p / (p_z / 3))
    assert model.scene_information_bits() == pytest.approx(bits)


def test_no_bias_tells_nothing_and_full_bias_tells_everything():
    scenes = tuple("abcdef")
    assert make_model(bias=0, scenes=scenes).scene_information_bits() == pytest.approx(0, abs=1e-12)
    full = make_model(bias=1, scenes=scenes)
    assert full.scene_information_bits() == pytest.approx(math.log2(3))
    assert full.best_accuracy()["scene"] == pytest.approx(1)


def test_seven_emotions_and_fourteen_scenes_leave_scenes_uniform():
    emotions, scenes = tuple("ABCDEFG"), tuple("abcdefghijklmn")
    model = make_model(bias=0.8, emotions=emotions, scenes=scenes)
    np.testing.assert_allclose(model.scene_prior(), 1 / 14)
    assert {len(liked) for liked in model.favourites.values()} == {2}


def test_fewer_scenes_than_emotions_are_shared():
    favourites = assign_favourites(EMOTIONS, ("indoors", "outdoors"))
    assert favourites == {"Anger": ("indoors",), "Happy": ("outdoors",), "Sad": ("indoors",)}


def test_best_accuracy_from_the_cue_is_its_agreement():
    accuracy = make_model(bias=0.4, cue_agreement=0.6).best_accuracy()
    assert accuracy["cue"] == pytest.approx(0.6)
    assert accuracy["scene_and_cue"] > max(accuracy["cue"], accuracy["scene"])
    # Below chance agreement the other emotions are the better guess.
    assert make_model(cue_agreement=0.0).best_accuracy()["cue"] == pytest.approx(0.5)


def test_interventional_posterior_ignores_the_bias_and_follows_bayes():
    likelihood = np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
    cue = ["Anger", "Sad"]
    weak = make_model(bias=0.1).interventional_posterior(likelihood, cue)
    strong = make_model(bias=0.9).interventional_posterior(likelihood, cue)
    np.testing.assert_allclose(weak, strong)
    first = np.array([0.2 * 0.6, 0.5 * 0.2, 0.3 * 0.2])
    np.testing.assert_allclose(weak[0], first / first.sum())


def test_backdoor_average_is_eq_2_by_loop():
    model = make_model(bias=0.6)
    likelihood, cue = np.array([[0.2, 0.5, 0.3]]), ["Happy"]
    joint = joint_by_loop(model)
    expected = np.zeros(3)
    for z in SCENES:
        posterior = np.array(
            [likelihood[0, i] * joint[y, z, "Happy"] for i, y in enumerate(EMOTIONS)]
        )
        p_z = sum(joint[y, z, v] for y in EMOTIONS for v in EMOTIONS)
        expected += p_z * posterior / posterior.sum()
    np.testing.assert_allclose(model.backdoor_average(likelihood, cue)[0], expected)


def test_the_two_forms_of_do_agree_without_bias_and_differ_with_it():
    likelihood, cue = np.array([[0.2, 0.5, 0.3]]), ["Happy"]
    for bias, agree in ((0.0, True), (0.6, False)):
        model = make_model(bias=bias)
        gap = model.backdoor_average(likelihood, cue) - model.interventional_posterior(
            likelihood, cue
        )
        assert bool(np.abs(gap).max() < 1e-12) is agree


def test_truth_survives_json_even_where_it_is_undefined():
    # Full bias and shared scenes: "park" and "street" are favoured, nothing is undefined; with an
    # unfavoured scene P(Y | scene) has no value and must be null, not NaN.
    model = BiasModel(
        emotions=EMOTIONS,
        scenes=SCENES,
        favourites={"Anger": ("bar",), "Happy": ("beach",), "Sad": ("office",)},
        bias=1.0,
        cue_agreement=0.6,
    )
    truth = json.loads(json.dumps(model.to_truth(), allow_nan=False))
    assert truth["emotion_given_scene"][3] == [None, None, None]
    assert truth["emotion_given_scene"][0] == [1, 0, 0]
    assert BiasModel.from_truth(truth) == model


@pytest.mark.parametrize("change", [{"bias": 1.2}, {"bias": float("nan")}, {"cue_agreement": -0.1}])
def test_strengths_outside_0_to_1_are_refused(change):
    with pytest.raises(InputError, match="between 0 and 1"):
        make_model(**change)


def test_favouring_an_unknown_scene_is_refused():
    with pytest.raises(InputError, match="favoured scenes for 'Sad'"):
        BiasModel(
            emotions=EMOTIONS,
            scenes=SCENES,
            favourites={"Anger": ("bar",), "Happy": ("bar",), "Sad": ("moon",)},
            bias=0.5,
            cue_agreement=0.5,
        )


def test_unknown_cue_and_wrong_truth_are_refused():
    with pytest.raises(InputError, match="Boredom"):
        make_model().interventional_posterior(np.ones((1, 3)), ["Boredom"])
    with pytest.raises(InputError, match="truth of a controlled study"):
        BiasModel.from_truth({"emotions": ["a", "b"]})
