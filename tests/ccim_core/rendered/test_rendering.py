"""The renderer: purity, addresses, exact annotations, and what may and may not change what."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ccim_core.errors import InputError
from ccim_core.labels import get_label_set
from ccim_core.rendered import rendering
from ccim_core.rendered.rendering import (
    EMOTIONS,
    SCENES,
    RenderSpec,
    content_id,
    layout,
    render,
    render_picture,
)
from ccim_core.rendered.scenes import paint_scene
from tests.ccim_core.rendered.specifications import SIZE, inside, make_spec, picture

ROOT = Path(__file__).resolve().parents[3]


# -- addresses -----------------------------------------------------------------------------------


def test_the_emotions_are_the_label_sets() -> None:
    assert get_label_set("controlled").emotions == EMOTIONS


@pytest.mark.parametrize("seed", range(16))
def test_an_address_comes_back_as_its_specification(seed: int) -> None:
    spec = make_spec(seed, clarity=0.1 + 0.9 / (seed + 1.7), subject_seed=2**63 - 1 - seed)
    assert RenderSpec.from_uri(spec.to_uri()) == spec
    assert spec.to_uri().startswith(f"rendered:v=1&scene={spec.scene}&emotion={spec.emotion}&")


def test_parts_are_written_only_where_something_is_left_out() -> None:
    assert "parts" not in make_spec().to_uri()
    spec = make_spec(parts="people")
    assert "parts=people" in spec.to_uri()
    assert RenderSpec.from_uri(spec.to_uri()) == spec


GOOD = make_spec().to_uri()


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        (GOOD.replace("rendered:", "composite:"), "starts with 'rendered:'"),
        ("rendered:", "Expected v=1"),
        ("rendered:beach", "key=value"),
        (GOOD.replace("v=1", "v=2"), "Expected v=1"),
        (GOOD.replace("scene=beach", "scene=moon"), "Expected a scene of beach,"),
        (GOOD.replace("emotion=Anger", "emotion=anger"), "Expected emotion to be one of"),
        (GOOD.replace("cue=Disgust", "cue="), "Expected cue to be one of"),
        (GOOD.replace("clarity=0.8", "clarity=0"), "clarity above 0"),
        (GOOD.replace("clarity=0.8", "clarity=nan"), "clarity above 0"),
        (GOOD.replace("clarity=0.8", "clarity=1.01"), "clarity above 0"),
        (GOOD.replace("clarity=0.8", "clarity=much"), "Expected a number, got 'much'"),
        (GOOD.replace("subject=1000", "subject=-1"), "Expected a whole number, got '-1'"),
        (GOOD.replace("subject=1000", "subject=1e3"), "Expected a whole number, got '1e3'"),
        (GOOD.replace("subject=1000", f"subject={2**63}"), "subject_seed"),
        (GOOD.replace("size=96", "size=9"), "Expected a size from 32 to 1024"),
        (GOOD.replace("size=96", "size=99999"), "Expected a size from 32 to 1024"),
        (GOOD + "&size=96", "every key once"),
        (GOOD + "&sise=96", "'sise'"),
        (GOOD.replace("&place=2000", ""), "'place'"),
        (GOOD + "&parts=legs", "Expected parts to be one of"),
    ],
)
def test_a_bad_address_is_one_clear_sentence(uri: str, wanted: str) -> None:
    with pytest.raises(InputError, match="^Expected ") as error:
        render_picture(uri)
    assert wanted in str(error.value)
    with pytest.raises(InputError):
        content_id(uri)


@pytest.mark.parametrize("clarity", [0, -0.1, 1.0001, float("nan")])
def test_a_clarity_that_shows_nothing_or_too_much_is_refused(clarity: float) -> None:
    with pytest.raises(InputError, match="clarity above 0 and at most 1"):
        make_spec(clarity=clarity)


@pytest.mark.parametrize("seed", [True - 2, 2**63, 1.5, "7"])
def test_seeds_are_whole_numbers(seed: object) -> None:
    with pytest.raises(InputError, match="place_seed to be a whole number"):
        make_spec(place_seed=seed)


def test_the_content_id_follows_the_address_and_the_generator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uri = make_spec().to_uri()
    first = content_id(uri)
    assert first == content_id(uri)
    assert len(first) == 64
    assert content_id(make_spec(clarity=0.81).to_uri()) != first
    # The same specification, its keys in another order, is the same picture.
    head, *pairs = uri.removeprefix("rendered:").split("&")
    assert content_id("rendered:" + "&".join([head, *reversed(pairs)])) == first
    monkeypatch.setattr(rendering, "GENERATOR_VERSION", rendering.GENERATOR_VERSION + 1)
    assert content_id(uri) != first


# -- purity --------------------------------------------------------------------------------------


def test_a_picture_is_a_pure_function_of_its_address() -> None:
    specs = [make_spec(seed) for seed in range(16)]
    first = [picture(spec) for spec in specs]
    for spec, before in zip(reversed(specs), reversed(first), strict=True):
        assert before.shape == (SIZE, SIZE, 3)
        assert before.dtype == np.uint8
        np.testing.assert_array_equal(picture(spec), before)
        np.testing.assert_array_equal(render(spec).picture, before)


def test_another_process_paints_the_same_pictures() -> None:
    uris = [make_spec(seed).to_uri() for seed in (0, 5, 9, 13)]
    here = [hashlib.sha256(render_picture(uri).tobytes()).hexdigest() for uri in uris]
    script = (
        "import hashlib, sys\n"
        "from ccim_core.rendered.rendering import render_picture\n"
        "for uri in reversed(sys.argv[1:]):\n"
        "    print(hashlib.sha256(render_picture(uri).tobytes()).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *uris], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == here[::-1]


def test_every_seed_and_every_choice_changes_the_picture() -> None:
    spec = make_spec(2, emotion="Happy", cue="Sad")
    before = picture(spec)
    for change in (
        {"scene": "kitchen"},
        {"emotion": "Fear"},
        {"cue": "Anger"},
        {"clarity": 0.3},
        {"subject_seed": 5},
        {"place_seed": 5},
        {"cue_seed": 5},
        {"parts": "people"},
    ):
        assert (picture(dataclasses.replace(spec, **change)) != before).any(), change


@pytest.mark.parametrize("size", [32, 65, 300])
def test_any_size_is_painted_whole(size: int) -> None:
    rendered = render(make_spec(3, size=size))
    assert rendered.picture.shape == (size, size, 3)
    assert rendered.mask.shape == rendered.depth.shape == (size, size)
    assert rendered.mask.any()


# -- annotations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_the_scene_moves_nobody(seed: int) -> None:
    spec = make_spec(seed)
    first = render(spec)
    for scene in SCENES:
        other = render(dataclasses.replace(spec, scene=scene, place_seed=77 + seed))
        np.testing.assert_array_equal(other.mask, first.mask)
        np.testing.assert_array_equal(other.keypoints, first.keypoints)
        np.testing.assert_array_equal(other.landmarks, first.landmarks)
        assert other.bystanders == first.bystanders


@pytest.mark.parametrize("seed", range(6))
def test_within_one_light_only_the_background_depends_on_the_place(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ccim_core.rendered.colours import DAYLIGHT

    original = rendering.paint_scene

    def in_daylight(*arguments: object, **named: object) -> object:
        return original(*arguments, **named)[0], DAYLIGHT  # type: ignore[arg-type]

    monkeypatch.setattr(rendering, "paint_scene", in_daylight)
    a = render(make_spec(seed, place_seed=1))
    b = render(make_spec(seed, place_seed=2))
    inner = a.mask.copy()  # away from the outline, where pixels are shared with the background
    inner[1:-1, 1:-1] = (
        a.mask[1:-1, 1:-1] & a.mask[:-2, 1:-1] & a.mask[2:, 1:-1]
        & a.mask[1:-1, :-2] & a.mask[1:-1, 2:]
    )  # fmt: skip
    inner[[0, -1]], inner[:, [0, -1]] = False, False
    changed = (a.picture != b.picture).any(axis=2)
    assert changed[inner].mean() < 0.02  # what is left: the gap under an arm, strands of hair
    assert changed[~a.mask].mean() > 0.3


@pytest.mark.parametrize("seed", range(6))
def test_the_cue_changes_only_the_bystanders_and_the_emotion_only_the_subject(seed: int) -> None:
    spec = make_spec(seed, emotion="Happy", cue="Sad")
    first = render(spec)
    cue = render(dataclasses.replace(spec, cue="Anger"))
    np.testing.assert_array_equal(cue.mask, first.mask)
    changed = (cue.picture != first.picture).any(axis=2)
    reach = np.zeros_like(changed)  # faces, and as far as arms go
    for x1, y1, x2, y2 in first.bystanders:
        wide, high = 1.4 * (x2 - x1), y2 - y1
        left, top = max(0, int(x1 - wide)), max(0, int(y1 - high))
        reach[top:, left : int(x2 + wide) + 2] = True
        assert changed[int(y1) : int(y2) + 2, int(x1) : int(x2) + 2].any()
    assert changed.any()
    assert not changed[~reach].any()
    emotion = render(dataclasses.replace(spec, emotion="Anger"))
    changed = (emotion.picture != first.picture).any(axis=2)
    x1, y1, x2, y2 = (int(v) for v in first.face_box)
    changed[max(0, y1 - 2) : y2 + 8, max(0, x1 - 2) : x2 + 3] = False
    # A dropped jaw moves its shadow on the neck, a beard or a scarf: nothing lies elsewhere.
    assert changed.mean() < 0.004


def test_bystanders_are_two_or_three_and_their_faces_are_free() -> None:
    for seed in range(60):
        rendered = render(make_spec(seed, size=112))
        assert 2 <= len(rendered.bystanders) <= 3
        _, fy1, _, fy2 = rendered.face_box
        for box in rendered.bystanders:
            x1, y1, x2, y2 = box
            assert inside(box, rendered.mask).mean() < 0.04, (seed, box)
            assert x1 >= 0
            assert x2 <= 112
            assert y2 - y1 > 12, (seed, box)
            assert y2 - y1 < (fy2 - fy1) * 1.02, (seed, box)


def test_without_scene_or_bystanders_the_subject_is_the_same() -> None:
    spec = make_spec(6)
    whole = render(spec)
    people = render(dataclasses.replace(spec, parts="people"))
    alone = render(dataclasses.replace(spec, parts="subject"))
    core = whole.depth == whole.depth.min()
    for other in (people, alone):
        np.testing.assert_array_equal(other.mask, whole.mask)
        difference = np.abs(other.picture[core].astype(int) - whole.picture[core]).max(axis=1)
        assert (difference > 0).mean() < 0.15  # edges and what shows through hair
    assert alone.bystanders == ()
    assert (alone.picture[~alone.mask] == 128).mean() > 0.95
    assert people.bystanders == whole.bystanders
    # No trace of the place is left beyond its light: same light, other layout, same picture.
    grey = (people.picture == 128).all(axis=2)
    assert grey.mean() > 0.2


@pytest.mark.parametrize("scene", SCENES)
def test_a_places_light_does_not_depend_on_the_pictures_size(scene: str) -> None:
    for seed in range(4):
        assert paint_scene(scene, seed, 8)[1] == paint_scene(scene, seed, 96)[1]


@pytest.mark.parametrize("emotion", [emotion for emotion in EMOTIONS if emotion != "Neutral"])
def test_a_clearer_face_is_farther_from_the_neutral_one(emotion: str) -> None:
    far = np.zeros((8, 4))
    for seed in range(8):
        spec = make_spec(seed, scene="park", cue="Neutral", parts="subject", size=128)
        neutral = picture(dataclasses.replace(spec, emotion="Neutral")).astype(float)
        for k, clarity in enumerate((0.1, 0.4, 0.7, 1.0)):
            face = picture(dataclasses.replace(spec, emotion=emotion, clarity=clarity))
            far[seed, k] = np.abs(face - neutral).mean()
    assert (np.diff(far.mean(axis=0)) > 0).all()
    assert (np.diff(far, axis=1) > 0).mean() > 0.9
    assert (far[:, 3] > 2 * far[:, 0]).all()


def test_clarity_leaves_a_neutral_face_alone() -> None:
    spec = make_spec(4, emotion="Neutral")
    np.testing.assert_array_equal(picture(spec), picture(dataclasses.replace(spec, clarity=0.2)))


def test_pictures_of_one_specification_agree_across_sizes() -> None:
    small = picture(make_spec(8, size=96)).astype(float)
    large = picture(make_spec(8, size=192)).astype(float)
    halved = large.reshape(96, 2, 96, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - small).mean() < 6
    np.testing.assert_allclose(
        np.array(layout(make_spec(8, size=192)).box) / 2, layout(make_spec(8, size=96)).box, atol=1
    )
