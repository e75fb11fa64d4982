"""Composite pictures: what an address fixes, where portraits lie, what is refused."""

import numpy as np
import pytest

from ccim_core.datasets.controlled.compositor import (
    CompositeSpec,
    composite_picture,
    content_id,
    place_portraits,
)
from ccim_core.errors import InputError
from ccim_core.images import decode_image
from ccim_core.pictures import PictureReader
from tests.ccim_core.datasets.controlled.making_pictures import make_folders, save_picture


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    made = make_folders(folder, n_subjects=1, n_scenes=1)
    save_picture(folder / "subjects" / "red.png", 1, (40, 40), colour=(230, 20, 20))
    save_picture(folder / "subjects" / "blue.png", 2, (40, 40), colour=(20, 20, 230))
    save_picture(folder / "scenes" / "green.png", 3, (120, 80), colour=(20, 200, 20))
    return made


def make_spec(**change):
    fields = {"subject": "red.png", "scene": "green.png", "cue": "blue.png", "size": 200}
    return CompositeSpec(**{**fields, "grey": False, "place": 5, **change})


def test_an_address_survives_the_round_trip():
    spec = make_spec(subject="a folder/ä&=+.png", cue=None, grey=True)
    assert CompositeSpec.from_uri(spec.to_uri()) == spec
    assert spec.to_uri().startswith("composite:v=1&")


@pytest.mark.parametrize(
    "uri",
    [
        "composite:v=2&size=200&grey=0&place=1&scene=a&subject=b",
        "composite:size=200&grey=0&place=1&scene=a&subject=b",
        "composite:v=1&size=200&grey=0&place=1&scene=a",
        "composite:v=1&size=big&grey=0&place=1&scene=a&subject=b",
        "composite:v=1&size=200&grey=0&place=-1&scene=a&subject=b",
        "composite:v=1&size=9&grey=0&place=1&scene=a&subject=b",
        "composite:v=1&size=200&grey=0&place=1&scene=a&subject=b&hat=1",
        "composite:v=1&size=200&grey=0&place=1&scene=a&subject=b&subject=c",
        "composite:",
    ],
)
def test_other_addresses_are_refused(uri):
    with pytest.raises(InputError, match="Expected"):
        CompositeSpec.from_uri(uri)


def test_the_picture_shows_what_the_placement_says(roots):
    spec = make_spec()
    picture = composite_picture(spec.to_uri(), roots)
    assert picture.shape == (200, 200, 3)
    assert picture.dtype == np.uint8
    placement = place_portraits(spec, (40, 40), (40, 40))
    for box, channel in ((placement.subject, 0), (placement.cue, 2)):
        x1, y1, x2, y2 = box
        inner = picture[y1:y2, x1:x2][(y2 - y1) // 3 : -(y2 - y1) // 3]
        assert inner[:, (x2 - x1) // 3 : -(x2 - x1) // 3].mean((0, 1)).argmax() == channel
        assert picture[y1, x1].argmax() == 1  # the soft edge leaves the corner to the scene
    outside = picture.copy().astype(int)
    for x1, y1, x2, y2 in (placement.subject, placement.cue):
        outside[y1:y2, x1:x2] = (0, 255, 0)
    assert (outside[:, :, 1] - outside[:, :, 0]).min() > 50


def test_portraits_lie_apart_and_inside_at_every_place():
    for place in range(300):
        spec = make_spec(place=place)
        for sizes in (((40, 40), (40, 40)), ((30, 60), (60, 30))):
            placement = place_portraits(spec, *sizes)
            left, right = sorted((placement.subject, placement.cue))
            assert left[2] < right[0]
            for x1, y1, x2, y2 in (left, right):
                assert 0 <= x1 < x2 <= 200
                assert 0 <= y1 < y2 <= 200


def test_places_and_scales_vary():
    placed = [place_portraits(make_spec(place=k), (40, 40)).subject for k in range(60)]
    widths = {box[2] - box[0] for box in placed}
    assert len(widths) > 15
    assert 0.3 < np.mean([box[0] + box[2] < 200 for box in placed]) < 0.7


def test_a_box_of_the_portrait_goes_where_its_pixels_go(roots):
    spec = make_spec(cue=None)
    placement = place_portraits(spec, (40, 40))
    assert placement.on_canvas((0, 0, 40, 40), (40, 40)) == placement.subject
    x1, y1, x2, y2 = placement.on_canvas((10, 20, 30, 40), (40, 40))
    left, top, right, bottom = placement.subject
    assert (x1 + x2) / 2 == pytest.approx((left + right) / 2)
    assert (y1, y2) == (pytest.approx((top + bottom) / 2), bottom)


def test_grey_takes_the_portraits_colour_and_leaves_the_scenes(roots):
    spec = make_spec(grey=True)
    picture = composite_picture(spec.to_uri(), roots).astype(int)
    x1, y1, x2, y2 = place_portraits(spec, (40, 40), (40, 40)).subject
    middle = picture[(y1 + y2) // 2, (x1 + x2) // 2]
    assert np.ptp(middle) <= 1
    assert np.ptp(picture[0, 0]) > 50


def test_the_same_address_gives_the_same_pixels_and_another_place_does_not(roots):
    uri = make_spec().to_uri()
    assert np.array_equal(composite_picture(uri, roots), composite_picture(uri, roots))
    other = composite_picture(make_spec(place=6).to_uri(), roots)
    assert not np.array_equal(composite_picture(uri, roots), other)


def test_changing_the_subject_leaves_scene_and_bystander_untouched(roots):
    one, two = (
        composite_picture(make_spec(subject=subject).to_uri(), roots)
        for subject in ("red.png", "blue.png")
    )
    x1, y1, x2, y2 = place_portraits(make_spec(), (40, 40), (40, 40)).subject
    differs = (one != two).any(2)
    assert differs[y1:y2, x1:x2].any()
    differs[y1:y2, x1:x2] = False
    assert not differs.any()


def test_content_id_follows_files_and_address(tmp_path):
    roots = make_folders(tmp_path, n_subjects=2, n_scenes=1)
    spec = CompositeSpec(subject="Sad/0.png", scene="sky/0.png", cue="Happy/0.png")
    reader = PictureReader(roots)
    before = reader.content_id(spec.to_uri())
    assert before == content_id(spec.to_uri(), roots)
    assert len(before) == 64
    other = CompositeSpec(subject="Sad/0.png", scene="sky/0.png", cue="Happy/0.png", place=1)
    assert reader.content_id(other.to_uri()) != before
    for folder, file in (
        ("subjects", spec.cue),
        ("subjects", spec.subject),
        ("scenes", spec.scene),
    ):
        save_picture(roots[folder] / file, 77, (50, 50))
        after = reader.content_id(spec.to_uri())
        assert after != before
        before = after


def test_the_reader_draws_composites(roots):
    uri = make_spec().to_uri()
    assert np.array_equal(PictureReader(roots).read(uri), composite_picture(uri, roots))


def test_what_is_missing_is_said(roots):
    uri = make_spec().to_uri()
    with pytest.raises(InputError, match="--scenes"):
        composite_picture(uri, {"subjects": roots["subjects"]})
    with pytest.raises(InputError, match="no such file"):
        composite_picture(make_spec(subject="gone.png").to_uri(), roots)
    with pytest.raises(InputError, match="leads out of it"):
        composite_picture(make_spec(subject="../scenes/green.png").to_uri(), roots)
    assert decode_image(roots["scenes"] / "green.png").shape == (80, 120, 3)
