"""Near-duplicates by perceptual hash, against a slow reference and known copies."""

import io
from itertools import permutations

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from ccim_core.datasets.perceptual_hashes import find_near_duplicates, hash_picture
from ccim_core.errors import InputError
from tests.ccim_core.datasets.builders import draw_picture


def distance(a, b):
    return (a ^ b).bit_count()


def test_copies_are_near_and_other_pictures_far():
    picture = draw_picture(5, (120, 200))
    original = hash_picture(picture)
    image = Image.fromarray(picture)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=40)
    copies = (
        image.resize((150, 90)),
        Image.open(stream),
        ImageEnhance.Brightness(image).enhance(1.1),
    )
    for copy in copies:
        assert distance(hash_picture(np.array(copy.convert("RGB"))), original) <= 6
    others = [hash_picture(draw_picture(seed, (120, 200))) for seed in range(6, 26)]
    assert min(distance(other, original) for other in others) > 12


def test_every_nearest_match_as_the_slow_reference_has_it():
    rng = np.random.default_rng(0)
    centres = rng.integers(0, 2**63, 40, dtype=np.uint64)
    images, splits, hashes = [], [], {}
    for k in range(600):  # more than a chunk
        name = f"{k}.png"
        flips = rng.choice(64, rng.integers(0, 6), replace=False)
        code = int(rng.choice(centres))
        for bit in flips:
            code ^= 1 << int(bit)
        images.append(name)
        splits.append(("train", "val", "test")[k % 3])
        hashes[name] = code
    found = find_near_duplicates(images, splits, hashes, max_distance=3)
    expected = set()
    for one, two in permutations(("train", "val", "test"), 2):
        for image, split in zip(images, splits, strict=True):
            if split != one:
                continue
            others = [i for i, s in zip(images, splits, strict=True) if s == two]
            least = min(distance(hashes[image], hashes[other]) for other in others)
            if least <= 3:
                expected.add((image, one, two, least))
    columns = ["image", "split", "other_split", "distance"]
    assert set(found.matches[columns].itertuples(index=False, name=None)) == expected
    assert sum(row["with_near_duplicate"] for row in found.counts()) == len(expected)
    assert 0 < len(expected) < 1200


def test_copies_within_a_split_and_unknown_pictures_are_not_reported():
    images = ["a", "b", "c", "d"]
    splits = ["train", "train", "test", "test"]
    found = find_near_duplicates(images, splits, {"a": 7, "b": 7, "c": 2**40 - 1})
    assert found.matches.empty
    assert found.sizes == {"train": 2, "test": 1}
    assert "No near-duplicates" in str(found)


def test_a_distance_outside_the_hash_is_refused():
    with pytest.raises(InputError, match="0 to 63 bits, got 64"):
        find_near_duplicates([], [], {}, max_distance=64)
