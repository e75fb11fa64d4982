"""Same person, another place: by the shipped photograph model, and in drawings."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skimage.data

from ccim_core.cut_out import Extent
from ccim_core.errors import InputError
from ccim_core.images import encode_png
from ccim_core.labels import get_label_set
from ccim_core.manifest import build_manifest
from ccim_core.places import Place, composites, painted_places, redrawn_places, study_places
from ccim_core.predict import Predictor
from ccim_core.relocation import Pair, Relocation, consistency, relocate, working_copy
from ccim_core.rendered.rendering import RenderSpec, render
from ccim_core.study import Study
from ccim_core.subject_reading import SubjectReading

SINGLE = get_label_set("photographs")
SCENES = ("beach", "cemetery")


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.open()


@pytest.fixture(scope="module")
def reading(predictor: Predictor) -> SubjectReading:
    (found,) = predictor.read(np.asarray(skimage.data.astronaut()))
    return found


def all_pairs(predictor: Predictor) -> list[Pair]:
    return [(key, names[0]) for key, names in predictor.pairs().items()]


def moved(predictor: Predictor, reading: SubjectReading, extent: Extent) -> Relocation:
    places = composites(reading.picture, reading.subject, painted_places(SCENES), extent)

    def reserve() -> AbstractContextManager[Predictor]:
        return nullcontext(predictor)

    return relocate(reserve, reading, places, all_pairs(predictor))


def test_an_estimator_that_ignores_the_place_is_consistent_and_the_likelihood_is_not(
    predictor: Predictor, reading: SubjectReading
) -> None:
    """With the whole box kept nothing changes that the subject's encoder sees."""
    found = moved(predictor, reading, "box")
    assert found.places == ("here", *SCENES)
    runs = dict(all_pairs(predictor))
    backdoor = ("backdoor", runs["backdoor"])
    assert found.subject_shift[runs["backdoor"]] == pytest.approx(0, abs=1e-6)
    assert found.consistency(backdoor).value == pytest.approx(1, abs=1e-6)
    likelihood = found.consistency(("likelihood", runs["likelihood"]))
    assert likelihood.value < 0.999
    assert likelihood.n_places == 3
    here = predictor.judge(reading, image="x")["estimates"]
    for (key, run), outputs in found.outputs.items():
        assert outputs[0] == pytest.approx(list(here[key]["probabilities"].values()), abs=1e-6)
        assert found.average((key, run)) == pytest.approx(outputs.mean(0))


def test_a_closer_cut_says_how_far_the_subjects_own_features_move(
    predictor: Predictor, reading: SubjectReading
) -> None:
    found = moved(predictor, reading, "person")
    assert all(0 < shift < 1 for shift in found.subject_shift.values())


def test_consistency_is_one_less_the_mean_total_variation_of_pairs() -> None:
    outputs = np.random.default_rng(0).dirichlet(np.ones(6), 5)
    slow = [abs(p - q).sum() / 2 for p, q in combinations(outputs, 2)]
    found = consistency(outputs, SINGLE)
    assert found.value == pytest.approx(1 - np.mean(slow))
    tops = [p.argmax() != q.argmax() for p, q in combinations(outputs, 2)]
    assert found.top_change == pytest.approx(np.mean(tops))
    apart = np.eye(6)[:2]
    assert consistency(apart, SINGLE).value == 0
    assert consistency(apart[[0, 0]], SINGLE).value == 1
    assert np.isnan(consistency(apart[:1], SINGLE).value)


def test_consistency_of_several_labels_and_of_scores() -> None:
    emotic = get_label_set("emotic")
    outputs = np.zeros((2, emotic.size))
    outputs[1, 0] = 1.0
    assert consistency(outputs, emotic).value == pytest.approx(1 - 1 / emotic.size)
    scores = consistency(outputs * 7, emotic.with_loss("weighted_l2"))
    assert np.isnan(scores.value)


def test_a_drawing_is_redrawn_exactly() -> None:
    spec = RenderSpec(
        scene="park", emotion="Sad", cue="Happy", subject_seed=1, place_seed=2, cue_seed=3, size=96
    )
    here = render(spec)
    same, other = redrawn_places(spec.to_uri(), ["park", "bar"])
    assert (same.picture == here.picture).all()
    assert (other.picture != here.picture).mean() > 0.3
    # In another place's light the subject stands where it stood.
    assert (render(RenderSpec.from_uri(spec.to_uri())).mask == here.mask).all()


def test_large_photographs_are_shrunk_but_not_their_faces(predictor: Predictor) -> None:
    large = np.asarray(skimage.data.astronaut()).repeat(3, 0).repeat(3, 1)
    (reading,) = predictor.read(large)
    small = working_copy(reading)
    assert max(small.picture.shape) == 1024
    assert small.subject.box == pytest.approx([v * 1024 / 1536 for v in reading.subject.box])
    far = np.full((1536, 3072, 3), 90, np.uint8)
    far[:512, :512] = skimage.data.astronaut()
    (reading,) = predictor.read(far)
    face = reading.subject.face
    assert face is not None
    assert working_copy(reading) is reading  # its face is 110 pixels high


def test_a_studys_own_pictures_are_places(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for i, scene in enumerate(("beach", "beach", "bar", "park")):
        picture = rng.integers(0, 256, (40, 50, 3), np.uint8)
        if scene != "park":  # the park's picture is lost
            (tmp_path / f"{i}.png").write_bytes(encode_png(picture))
        rows.append((f"s{i}", f"{i}.png", "train", 0, 0, 20 - i, 30, "Happy", scene))
    columns = ["sample_id", "image", "split", "x1", "y1", "x2", "y2", "labels", "scene"]
    manifest, _ = build_manifest(pd.DataFrame(rows, columns=columns), SINGLE)
    study = Study.create(
        tmp_path / "study",
        name="s",
        kind="table",
        labels=SINGLE,
        manifest=manifest,
        roots={"images": str(tmp_path)},
    )
    places = list(study_places(study, 3))
    assert [place.name for place in places] == ["beach", "bar"]
    assert (places[0].picture == study.reader.read("1.png")).all()  # the smaller subject
    assert len(list(study_places(study, 1))) == 1


def test_nowhere_to_go_and_unknown_scenes_are_one_sentence(
    predictor: Predictor, reading: SubjectReading
) -> None:
    def reserve() -> AbstractContextManager[Predictor]:
        return nullcontext(predictor)

    pairs = all_pairs(predictor)
    with pytest.raises(InputError, match="another place"):
        relocate(reserve, reading, [], pairs)
    with pytest.raises(InputError, match="estimator to ask"):
        relocate(reserve, reading, [Place(name="x", picture=reading.picture)], [])
    with pytest.raises(InputError, match="Expected a scene of"):
        list(painted_places(["moon"]))
