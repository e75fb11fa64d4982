import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from ccim_core.errors import InputError
from ccim_core.features import FeatureStore, View
from ccim_core.features.keys import KEY_TYPE
from ccim_core.files import write_json
from tests.ccim_core.features.toys import make_encoder


def make_store(root: Path, **changes: object) -> FeatureStore:
    encoder = make_encoder()
    settings: dict = {
        "provenance": encoder.provenance,
        "fingerprint": "f",
        "view": View(kind="whole"),
        "stage": "pooled",
        "precision": "fp32",
        "dtype": "float16",
        "shape": (3,),
    }
    return FeatureStore.create(root, **{**settings, **changes})


def keys_of(*names: object) -> np.ndarray:
    return np.array([hashlib.sha256(str(name).encode()).digest() for name in names], KEY_TYPE)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_take_equals_a_dictionary_over_any_shards(tmp_path: Path, dtype: str) -> None:
    store = make_store(tmp_path, dtype=dtype)
    rng = np.random.default_rng(0)
    truth = {}
    for shard in range(5):
        names = [f"{shard}.{row}" for row in range(rng.integers(1, 40))]
        features = rng.normal(size=(len(names), 3)).astype(np.float32)
        store.add(keys_of(*names), features)
        truth.update(zip(names, features.astype(dtype).astype(np.float32), strict=True))
    asked = rng.choice(list(truth), 200)
    for reader in (store, FeatureStore.open(store.path)):
        taken = reader.take(keys_of(*asked))
        assert taken.dtype == np.float32
        np.testing.assert_array_equal(taken, np.stack([truth[name] for name in asked]))
        assert len(reader) == len(truth)
    assert store.take(keys_of()).shape == (0, 3)


def test_keys_that_end_in_zero_bytes_are_told_apart(tmp_path: Path) -> None:
    raw = [b"\1" * 31 + b"\0", b"\1" * 30 + b"\0\0", b"\1" * 32, b"\0" * 32, b"\0" * 31 + b"\1"]
    keys = np.array(raw, KEY_TYPE)
    store = make_store(tmp_path, shape=(1,))
    store.add(keys, np.arange(5.0)[:, None])
    np.testing.assert_array_equal(FeatureStore.open(store.path).take(keys)[:, 0], np.arange(5.0))


def test_missing_rows_are_counted(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    assert not store.has(keys_of("a")).any()
    store.add(keys_of("a", "b"), np.zeros((2, 3)))
    assert store.has(keys_of("a", "x", "b")).tolist() == [True, False, True]
    with pytest.raises(
        InputError, match=r"3 rows .* those of 2; run `python -m ccim_core features`"
    ):
        store.take(keys_of("a", "x", "b"))


def test_another_process_sees_shards_after_a_refresh(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    other = FeatureStore.open(store.path)
    store.add(keys_of("a", "b"), np.ones((2, 3)))
    assert set(other.refresh()) == set(keys_of("a", "b"))
    assert len(other.refresh()) == 0
    np.testing.assert_array_equal(other.take(keys_of("b")), np.ones((1, 3)))


def test_each_setting_has_a_store_of_its_own(tmp_path: Path) -> None:
    base = make_store(tmp_path)
    assert make_store(tmp_path).path == base.path
    encoder = make_encoder(size=32)
    for change in (
        {"fingerprint": "g"},
        {"view": View(kind="subject")},
        {"stage": "map", "shape": (3, 2, 2)},
        {"precision": "bf16"},
        {"dtype": "float32"},
        {"provenance": encoder.provenance},
    ):
        assert make_store(tmp_path, **change).path != base.path
    renamed = make_encoder(seed=1).provenance  # equal numbers from another file
    assert make_store(tmp_path, provenance=renamed).path == base.path


def test_what_made_it_is_told(tmp_path: Path) -> None:
    view = View(kind="masked", fill=(1, 2, 3))
    store = FeatureStore.open(make_store(tmp_path, view=view, stage="map", shape=(3, 2, 2)).path)
    assert store.provenance == make_encoder().provenance
    assert (store.view, store.stage, store.shape) == (view, "map", (3, 2, 2))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
def test_features_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    store = make_store(tmp_path)
    features = np.ones((2, 3), np.float32)
    features[1, 2] = value  # a million is beyond float16
    with pytest.raises(InputError, match="finite features of toy"):
        store.add(keys_of("a", "b"), features)
    assert not list(store.path.glob("*.npy"))


def test_wrong_shapes_are_a_programming_error(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    with pytest.raises(ValueError, match="Expected"):
        store.add(keys_of("a"), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="Expected"):
        store.add(keys_of("a"), np.zeros((1, 4)))


@pytest.mark.parametrize("file", ["data", "keys"])
@pytest.mark.parametrize("damage", ["truncated", "gone", "text"])
def test_damaged_shards_are_named(tmp_path: Path, file: str, damage: str) -> None:
    store = make_store(tmp_path)
    store.add(keys_of("a", "b"), np.zeros((2, 3)))
    shard = next(path for path in store.path.glob("shard-*.npy") if "keys" not in path.name)
    path = shard if file == "data" else shard.with_name(f"{shard.stem}.keys.npy")
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-3])
    elif damage == "text":
        path.write_text("not an array")
    else:
        path.unlink()
    if (file, damage) == ("keys", "gone"):  # like a shard that was never finished
        assert len(FeatureStore.open(store.path)) == 0
        return
    with pytest.raises(InputError, match="delete"):
        FeatureStore.open(store.path).take(keys_of("a"))


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"store\.json"):
        FeatureStore.open(tmp_path)
    write_json(tmp_path / "store.json", {"format": 99})
    with pytest.raises(InputError, match="format"):
        FeatureStore.open(tmp_path)
    record = json.loads((make_store(tmp_path / "s").path / "store.json").read_text())
    del record["view"]
    write_json(tmp_path / "store.json", record)
    with pytest.raises(InputError, match="parts"):
        FeatureStore.open(tmp_path)
