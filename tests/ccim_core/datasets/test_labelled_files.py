"""Listing folders by class and dealing files into pools."""

import numpy as np
import pytest

from ccim_core.datasets.labelled_files import deal_files, list_labelled_files
from ccim_core.errors import InputError

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def make_files(**counts):
    return {label: [f"{label}/{i}.jpg" for i in range(n)] for label, n in counts.items()}


def deal(files, shares=SHARES, seed=0, groups=None):
    return deal_files(files, shares, rng=np.random.default_rng(seed), groups=groups)


def test_lists_pictures_by_folder_and_counts_the_folders_it_skips(tmp_path):
    touch(tmp_path, "happy/b.JPG", "happy/a.png", "happy/notes.txt", "Sad/c.jpg", "Fear/d.jpg")
    touch(tmp_path, "happy/.hidden.jpg", ".cache/e.jpg")
    listed = list_labelled_files(tmp_path, what="emotion", wanted=("Happy", "Sad"))
    assert listed.files == {"Happy": ("happy/a.png", "happy/b.JPG"), "Sad": ("Sad/c.jpg",)}
    assert listed.skipped == {"Fear": 1}
    assert listed.labels["happy/a.png"] == "Happy"


def test_every_folder_is_a_class_where_none_is_named(tmp_path):
    touch(tmp_path, "bar/a.jpg", "park/b.jpg", "empty/readme.md")
    listed = list_labelled_files(tmp_path, what="scene")
    assert set(listed.files) == {"bar", "park"}
    assert listed.skipped == {"empty": 0}


@pytest.mark.parametrize(
    ("names", "wanted", "message"),
    [
        (["Happy/a.jpg"], ("Happy", "Sad"), "none for Sad"),
        (["Happy/a.jpg", "Sad/b.txt"], ("Happy", "Sad"), "none for Sad"),
        (["bar/a.jpg"], None, "two or more sub-folders"),
    ],
)
def test_lost_classes_are_named(tmp_path, names, wanted, message):
    touch(tmp_path, *names)
    with pytest.raises(InputError, match=message):
        list_labelled_files(tmp_path, what="emotion", wanted=wanted)


def test_a_lost_folder_is_said(tmp_path):
    with pytest.raises(InputError, match="folder of pictures by scene"):
        list_labelled_files(tmp_path / "nowhere", what="scene")


def test_shares_hold_within_each_class():
    files = make_files(Happy=100, Sad=20)
    pool_of = deal(files)
    assert set(pool_of) == {name for names in files.values() for name in names}
    for label, n in (("Happy", 100), ("Sad", 20)):
        pools = [pool_of[name] for name in files[label]]
        assert [pools.count(pool) for pool in SHARES] == [0.8 * n, 0.1 * n, 0.1 * n]


def test_three_files_are_enough_and_two_are_not():
    assert sorted(deal(make_files(Happy=3)).values()) == ["test", "train", "val"]
    with pytest.raises(InputError, match=r"at least 3 .* 'Sad'.* got 2"):
        deal(make_files(Happy=9, Sad=2))


def test_near_duplicates_stay_together_across_classes():
    files = make_files(Happy=200, Sad=40)
    groups = {f"Happy/{i}.jpg": 0 for i in range(6)} | {f"Sad/{i}.jpg": 0 for i in range(3)}
    groups |= {f"Happy/{i}.jpg": 1 for i in range(6, 9)}
    for seed in range(5):
        pool_of = deal(files, seed=seed, groups=groups)
        for group in (0, 1):
            assert len({pool_of[name] for name, g in groups.items() if g == group}) == 1
        # The mixed group counts for the rarer class: 38 bundles of Sad, 192 of Happy.
        sad_test = {pool_of[f"Sad/{i}.jpg"] for i in range(3, 40)}
        assert sad_test == set(SHARES)


def test_groups_are_what_is_counted():
    groups = dict.fromkeys(make_files(Happy=5)["Happy"], 7)
    with pytest.raises(InputError, match="got 1"):
        deal(make_files(Happy=5), groups=groups)


def test_the_seed_decides():
    files = make_files(Happy=50)
    assert deal(files) == deal(files)
    assert deal(files) != deal(files, seed=1)


def test_shares_must_be_positive():
    with pytest.raises(InputError, match="positive shares"):
        deal(make_files(Happy=50), shares={"train": 1.0, "test": 0.0})
