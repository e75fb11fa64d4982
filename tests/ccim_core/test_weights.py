import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ccim_core import weights as module
from ccim_core.errors import InputError
from ccim_core.weights import (
    WEIGHTS,
    Preprocessing,
    Provenance,
    download_weights,
    locate_weights,
    weights_dir,
)
from tests.ccim_core.conversion.caffe_files import Layer, write
from tests.ccim_core.file_server import FileServer, serve_files
from tests.ccim_core.places365_files import CATEGORIES, INDOOR
from tests.ccim_core.python2_pickle import save_as_python2


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """The registry's Places365 names, served from here by small files of the same form."""
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("ccim_core.downloads.time.sleep", lambda _: None)
    checkpoint = tmp_path / "checkpoint"
    state = {"module.fc.weight": torch.zeros(365, 2), "module.fc.bias": torch.zeros(365)}
    save_as_python2({"arch": "resnet18", "state_dict": state}, checkpoint)
    files = {
        "/resnet18_places365.pth.tar": checkpoint.read_bytes(),
        "/categories_places365.txt": CATEGORIES.encode(),
        "/IO_places365.txt": INDOOR.encode(),
    }
    with serve_files(files) as state:
        for name, weights in list(WEIGHTS.items()):
            if "places365" in name:
                address = state.url + "/" + weights.address.rpartition("/")[2]
                monkeypatch.setitem(module.WEIGHTS, name, replace(weights, address=address))
        yield state


def test_download_brings_what_belongs_beside_it(server: FileServer) -> None:
    paths = download_weights("resnet18-places365", quiet=True)
    assert [path.name for path in paths] == [
        "resnet18_places365.pth.tar",
        "categories_places365.txt",
        "IO_places365.txt",
    ]
    assert all(path.parent == weights_dir() for path in paths)
    found = locate_weights("resnet18-places365")
    assert found.sha256 == hashlib.sha256(paths[0].read_bytes()).hexdigest()
    assert found.source == f"{server.url}/resnet18_places365.pth.tar"
    asked = len(server.requests)
    assert download_weights("resnet18-places365", quiet=True) == paths
    assert len(server.requests) == asked


def test_the_first_hash_is_required_ever_after(server: FileServer) -> None:
    path = download_weights("resnet18-places365", quiet=True)[0]
    record = json.loads((path.parent / (path.name + ".json")).read_text())
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="weights get resnet18-places365") as caught:
        locate_weights("resnet18-places365")
    assert record["sha256"] in str(caught.value)
    assert "delete it" in str(caught.value)


def test_a_replaced_publication_is_not_taken_silently(server: FileServer) -> None:
    path = download_weights("places365-categories", quiet=True)[0]
    path.unlink()
    server.files["/categories_places365.txt"] = (CATEGORIES + "\n").encode()
    with pytest.raises(InputError, match="first downloaded"):
        download_weights("places365-categories", quiet=True)
    assert not path.exists()


def test_missing_weights_name_the_command_and_the_file(server: FileServer) -> None:
    with pytest.raises(InputError) as caught:
        locate_weights("resnet50-places365")
    message = str(caught.value)
    assert "python -m ccim_core weights get resnet50-places365" in message
    assert str(weights_dir() / "resnet50_places365.pth.tar") in message
    assert "resnet50_places365.pth.tar elsewhere" in message
    assert server.requests == []


def test_a_failed_download_says_what_to_do_and_leaves_nothing(server: FileServer) -> None:
    with pytest.raises(InputError, match=r"HTTP 404.*put it at .*resnet50_places365"):
        download_weights("resnet50-places365", quiet=True)
    assert not list(weights_dir().glob("resnet50*pth.tar"))


def test_a_page_in_place_of_weights_is_not_kept(server: FileServer) -> None:
    server.files["/resnet18_places365.pth.tar"] = b"The site has moved."
    with pytest.raises(InputError, match="Expected a checkpoint"):
        download_weights("resnet18-places365", quiet=True)
    assert not (weights_dir() / "resnet18_places365.pth.tar").exists()
    server.files["/categories_places365.txt"] = b"The site has moved."
    with pytest.raises(InputError, match="/a/airfield 0"):
        download_weights("places365-categories", quiet=True)


def test_other_weights_under_the_name_are_refused(server: FileServer, tmp_path: Path) -> None:
    path = tmp_path / "imagenet.pth"
    torch.save({"fc.weight": torch.zeros(1000, 2)}, path)
    server.files["/resnet18_places365.pth.tar"] = path.read_bytes()
    with pytest.raises(InputError, match="365 scene outputs"):
        download_weights("resnet18-places365", quiet=True)


def test_a_caffemodel_of_another_network_is_not_kept(server: FileServer) -> None:
    """A download without a published hash is read whole before it gets its name."""
    layer = Layer("conv1", "Convolution", ["data"], "conv1", [np.zeros((2, 3, 1, 1))], {4: 1})
    whole = write([layer])
    for content, match in ((whole, "ResNet-152.*bn_conv1"), (whole[:-5], "whole caffemodel")):
        server.files["/resnet152_places365.caffemodel"] = content
        with pytest.raises(InputError, match=match):
            download_weights("resnet152-places365-caffemodel", quiet=True)
        assert not list(weights_dir().glob("resnet152*"))


def test_a_file_put_there_by_hand_is_checked_and_recorded(server: FileServer) -> None:
    target = WEIGHTS["places365-categories"].path
    target.parent.mkdir(parents=True)
    target.write_text("nonsense")
    with pytest.raises(InputError, match="/a/airfield 0"):
        locate_weights("places365-categories")
    target.write_text(CATEGORIES)
    locate_weights("places365-categories")
    target.write_text(CATEGORIES + "\n")
    with pytest.raises(InputError, match="changed or damaged"):
        locate_weights("places365-categories")


def test_published_hash_digits_are_checked(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"weights"
    digits = hashlib.sha256(data).hexdigest()[:8]
    server.files[f"/net-{digits}.pth"] = server.files["/net-00000000.pth"] = data
    for name, file in (("good", f"net-{digits}.pth"), ("bad", "net-00000000.pth")):
        entry = module.Weights(name=name, address=f"{server.url}/{file}", about="")
        monkeypatch.setitem(module.WEIGHTS, name, entry)
    assert download_weights("good", quiet=True)[0].read_bytes() == data
    with pytest.raises(InputError, match="sha256 00000000"):
        download_weights("bad", quiet=True)
    WEIGHTS["bad"].path.write_bytes(data)
    with pytest.raises(InputError, match="sha256 00000000"):
        locate_weights("bad")


def test_a_mirror_is_recorded_as_the_source(server: FileServer) -> None:
    server.files["/mirror/c.txt"] = CATEGORIES.encode()
    download_weights("places365-categories", url=f"{server.url}/mirror/c.txt", quiet=True)
    found = locate_weights("places365-categories")
    assert found.source == f"{server.url}/mirror/c.txt"
    assert found.path.name == "categories_places365.txt"


def test_torchvision_addresses_carry_their_hash() -> None:
    for name in ("resnet18", "resnet50", "resnet152", "vgg16"):
        weights = WEIGHTS[f"{name}-imagenet"]
        assert weights.url.startswith("https://download.pytorch.org/models/" + name)
        assert len(weights.known_sha256 or "") == 8


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(InputError, match="resnet50-places365"):
        locate_weights("resnet101-places365")


def test_provenance_round_trip() -> None:
    preprocessing = Preprocessing(size=64, mean=(0.5,) * 3, std=(0.5,) * 3)
    provenance = Provenance(name="a", source="b", sha256="c", preprocessing=preprocessing)
    assert Provenance.from_dict(json.loads(json.dumps(provenance.to_dict()))) == provenance
    for wrong in ({}, {**provenance.to_dict(), "more": 1}, {"preprocessing": {}}):
        with pytest.raises(InputError):
            Provenance.from_dict(wrong)
