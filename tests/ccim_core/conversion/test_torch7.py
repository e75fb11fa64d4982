from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ccim_core.conversion.torch7 import LuaObject, read_t7
from ccim_core.errors import InputError
from tests.ccim_core.conversion.torch7_files import Function, Module, write


def read(path: Path, value: Any, **options: Any) -> Any:
    path.write_bytes(write(value, **options))
    return read_t7(path)


@pytest.mark.parametrize("version", [True, False])
def test_values_tensors_and_objects(tmp_path: Path, version: bool) -> None:
    kernels = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    value = {
        "text": "a\xe9",
        1: 2.5,
        2: True,
        "module": Module("nn.Linear", weight=kernels, bias=np.arange(3.0), n=np.arange(2)),
        "empty": np.zeros(0, np.float32),
    }
    found = read(tmp_path / "a.t7", value, version=version)
    assert (found["text"], found[1], found[2]) == ("a\xe9", 2.5, True)
    module = found["module"]
    assert isinstance(module, LuaObject)
    assert module.class_name == "nn.Linear"
    np.testing.assert_array_equal(module.fields["weight"], kernels)
    np.testing.assert_array_equal(module.fields["bias"], np.arange(3.0))
    assert module.fields["n"].dtype == np.int64
    assert not module.fields["weight"].flags.owndata
    assert found["empty"].size == 0


def test_what_is_written_twice_is_one_and_cycles_end(tmp_path: Path) -> None:
    shared = np.arange(3, dtype=np.float32)
    module = Module("nn.Identity", weight=shared, again=shared)
    module.fields["self"] = module
    found = read(tmp_path / "a.t7", module)
    assert found.fields["weight"] is found.fields["again"]
    assert found.fields["self"] is found


@pytest.mark.parametrize(
    "value, match",
    [
        (Module("nn.DataParallelTable"), "the class 'nn.DataParallelTable'"),
        (Module("os.execute"), "the class 'os.execute'"),
        ({"modules": {1: Module("nn.Reshape")}}, "the class 'nn.Reshape'"),
        ({"hook": Function()}, "a Lua function"),
    ],
)
def test_other_classes_and_code_are_refused(tmp_path: Path, value: Any, match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        read(tmp_path / "a.t7", value)
    assert str(tmp_path / "a.t7") in str(caught.value)
    assert "nothing of it was run" in str(caught.value)


def test_every_truncation_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.t7"
    whole = write({"a": Module("nn.Linear", weight=np.ones((2, 2), np.float32)), "b": "text"})
    path.write_bytes(whole)
    read_t7(path)
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(InputError, match="truncated, damaged or something else"):
            read_t7(path)


def test_sizes_beyond_the_file_or_the_storage_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.t7"
    whole = write(np.ones((2, 2), np.float32))
    for old, new in (
        ((2).to_bytes(8, "little"), (2**40).to_bytes(8, "little")),  # a size
        ((5).to_bytes(8, "little"), (2**60).to_bytes(8, "little")),  # the storage's length
        ((5).to_bytes(8, "little"), (2).to_bytes(8, "little")),
        ((2).to_bytes(4, "little") + (2).to_bytes(8, "little"), bytes([99]) + bytes(11)),
        (b"torch.FloatStorage", b"torch.LongsStorage"),
    ):
        assert old in whole
        path.write_bytes(whole.replace(old, new, 1))
        with pytest.raises(InputError):
            read_t7(path)
    path.write_bytes(write({"a": 1}).replace((1).to_bytes(4, "little"), b"\xff\xff\xff\x7f"))
    with pytest.raises(InputError, match="truncated"):
        read_t7(path)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    value: Any = {}
    for _ in range(150):
        value = {1: value}
    with pytest.raises(InputError, match="nested more than 100 deep"):
        read(tmp_path / "a.t7", value)


def test_missing_and_other_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_t7(tmp_path / "none.t7")
    for content in (b"", b"PK\x03\x04" + bytes(50), b"\x80\x02}q\x00." + bytes(50)):
        (tmp_path / "a.t7").write_bytes(content)
        with pytest.raises(InputError, match="whole binary Torch7 file"):
            read_t7(tmp_path / "a.t7")
