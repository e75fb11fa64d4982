import json
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ccim_core.checkpoints import load_into, read_checkpoint
from ccim_core.errors import InputError
from tests.ccim_core.python2_pickle import save_as_python2


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return network().state_dict()


def assert_same(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert set(found) == set(wanted)
    for name, tensor in wanted.items():
        assert torch.equal(found[name], tensor), name


def test_python2_checkpoint_of_a_parallel_network(tmp_path: Path, state: dict) -> None:
    path = tmp_path / "resnet18_places365.pth.tar"
    parallel = OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())
    save_as_python2({"epoch": 90, "arch": "resnet18", "state_dict": parallel}, path)
    assert pickle.SHORT_BINSTRING + bytes([15]) + b"module.0.weight" in path.read_bytes()
    assert_same(read_checkpoint(path), state)


def test_python2_byte_strings_that_are_no_text(tmp_path: Path, state: dict) -> None:
    path = tmp_path / "old.pth.tar"
    save_as_python2({"note": "caf\xe9", "state_dict": state}, path)
    assert_same(read_checkpoint(path), state)


def test_zipped_bare_and_safetensors_files(tmp_path: Path, state: dict) -> None:
    torch.save(state, tmp_path / "a.pth")
    save_file(state, tmp_path / "b.safetensors")
    assert_same(read_checkpoint(tmp_path / "a.pth"), state)
    assert_same(read_checkpoint(tmp_path / "b.safetensors"), state)


def test_code_in_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(tmp_path / "pwned"),)

    for name, new in (("new.pth", True), ("old.pth", False)):
        torch.save({"state_dict": Hostile()}, tmp_path / name, _use_new_zipfile_serialization=new)
        with pytest.raises(InputError, match="holds something else"):
            read_checkpoint(tmp_path / name)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", ["zip.pth", "old.pth.tar", "x.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.97])
def test_truncated_files_are_one_sentence(
    tmp_path: Path, state: dict, name: str, share: float
) -> None:
    path = tmp_path / name
    if name == "zip.pth":
        torch.save(state, path)
    elif name == "old.pth.tar":
        save_as_python2({"state_dict": state}, path)
    else:
        save_file(state, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match="get it again") as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"<html>gone</html>", b"\x80\x02.", os.urandom(4000)])
def test_files_that_are_no_checkpoints(tmp_path: Path, content: bytes) -> None:
    for name in ("a.pth", "a.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="Expected"):
            read_checkpoint(tmp_path / name)


@pytest.mark.parametrize("value", [[1, 2], {"epoch": 3}, torch.zeros(2)])
def test_checkpoints_without_named_tensors(tmp_path: Path, value: object) -> None:
    torch.save(value, tmp_path / "a.pth")
    with pytest.raises(InputError, match="Expected named tensors"):
        read_checkpoint(tmp_path / "a.pth")


def test_missing_file_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_checkpoint("/nowhere/a.pth")
    with pytest.raises(InputError, match="got a folder; name the file in it"):
        read_checkpoint(tmp_path)


def test_a_checkpoint_in_several_parts_is_not_taken_for_another_networks(
    tmp_path: Path, state: dict
) -> None:
    first = tmp_path / "model-00001-of-00002.safetensors"
    save_file({"0.weight": state["0.weight"]}, first)
    with pytest.raises(InputError, match=r"in one file at .*, got part 1 of 2; save the tensors"):
        read_checkpoint(first)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"0.weight": first.name}}))
    with pytest.raises(InputError, match="got the index of its parts"):
        read_checkpoint(index)
    whole = tmp_path / "model-00001-of-00001.safetensors"
    save_file(state, whole)
    assert_same(read_checkpoint(whole), state)


def test_loading_copies_every_tensor_and_old_files_may_lack_counters(state: dict) -> None:
    del state["1.num_batches_tracked"]
    target = network()
    load_into(target, state, what="a network", path=Path("a.pth"))
    assert_same({k: v for k, v in target.state_dict().items() if "tracked" not in k}, state)


def test_another_architecture_is_named_with_its_first_differences(state: dict) -> None:
    del state["0.bias"]
    state["fc.weight"] = torch.zeros(2)
    state["1.bias"] = torch.zeros(9)
    with pytest.raises(InputError) as caught:
        load_into(network(), state, what="lite9", path=Path("a.pth"))
    message = str(caught.value)
    assert "lite9" in message
    assert "lacks 1 tensors (first: 0.bias)" in message
    assert "adds 1 tensors (first: fc.weight)" in message
    assert "1.bias (9,) for (4,)" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(state: dict, value: float) -> None:
    state["0.weight"][0, 0, 0, 0] = value
    with pytest.raises(InputError, match="finite"):
        load_into(network(), state, what="a network", path=Path("a.pth"))
