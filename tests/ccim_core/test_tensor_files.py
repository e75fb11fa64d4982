from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ccim_core.errors import InputError
from ccim_core.tensor_files import arrays_sha256, is_tensor_file, load_arrays, save_arrays

ARRAYS = {
    "matrix": np.arange(12, dtype=np.float32).reshape(3, 4),
    "half": np.ones((2, 2), np.float16),
    "scalar": np.array(7),
    "none": np.zeros((0, 3)),
}


def test_round_trip_keeps_values_types_and_shapes(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_arrays(path, ARRAYS, kind="test", record={"name": "é", "value": [1, None]})
    arrays, record = load_arrays(path, kind="test")
    assert record == {"name": "é", "value": [1, None]}
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        np.testing.assert_array_equal(arrays[name], array)
    assert is_tensor_file(path, kind="test")
    assert not is_tensor_file(path, kind="other")


def test_equal_content_gives_equal_files(tmp_path: Path) -> None:
    contents = set()
    for index in range(4):
        order = list(ARRAYS) if index % 2 else list(reversed(ARRAYS))
        path = tmp_path / f"{index}.safetensors"
        record = {"b": 1, "a": 2} if index % 2 else {"a": 2, "b": 1}
        save_arrays(path, {name: ARRAYS[name] for name in order}, kind="test", record=record)
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_hash_sees_values_shapes_types_and_names_but_not_layout() -> None:
    base = {"a": np.arange(6, dtype=np.float32).reshape(2, 3)}
    digest = arrays_sha256(base)
    assert arrays_sha256({"a": np.asfortranarray(base["a"])}) == digest
    others = [
        {"b": base["a"]},
        {"a": base["a"].reshape(3, 2)},
        {"a": base["a"].view(np.int32)},
        {"a": base["a"] + np.float32(1e-7)},
    ]
    assert len({digest, *(arrays_sha256(other) for other in others)}) == 5


def test_a_changed_number_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_arrays(path, ARRAYS, kind="test", record={})
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="changed or damaged"):
        load_arrays(path, kind="test")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_truncated_files_are_one_sentence(tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.safetensors"
    save_arrays(path, ARRAYS, kind="test", record={})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match="truncated"):
        load_arrays(path, kind="test")
    assert not is_tensor_file(path, kind="test")


def test_files_of_others_and_missing_ones(tmp_path: Path) -> None:
    save_file({"a": np.zeros(2)}, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="another program"):
        load_arrays(tmp_path / "a.safetensors", kind="test")
    save_file({"a": np.zeros(2)}, tmp_path / "b.safetensors", metadata={"ccim": "{"})
    with pytest.raises(InputError, match="header"):
        load_arrays(tmp_path / "b.safetensors", kind="test")
    with pytest.raises(InputError, match="no such file"):
        load_arrays(tmp_path / "c.safetensors", kind="test")
    (tmp_path / "t.safetensors").write_text("not tensors at all, only text " * 9)
    with pytest.raises(InputError, match="Expected"):
        load_arrays(tmp_path / "t.safetensors", kind="test")


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_arrays(path, ARRAYS, kind="test", record={})
    before = path.read_bytes()
    with pytest.raises(ValueError):
        save_arrays(path, ARRAYS, kind="test", record={"x": float("nan")})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
