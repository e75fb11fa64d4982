"""`weights`, as a user runs it, against a server on this machine."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ccim_core import weights as module
from ccim_core.cli import main
from ccim_core.conversion import CONVERSIONS, read_converted
from tests.ccim_core.conversion.caffe_files import write, write_mean
from tests.ccim_core.conversion.small_networks import (
    SIZE,
    caffe_resnet_layers,
    make_caffe_resnet,
)
from tests.ccim_core.file_server import FileServer, serve_files
from tests.ccim_core.places365_files import CATEGORIES, INDOOR


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve_files({"/categories_places365.txt": CATEGORIES.encode()}) as state:
        entry = module.WEIGHTS["places365-categories"]
        address = f"{state.url}/categories_places365.txt"
        monkeypatch.setitem(module.WEIGHTS, entry.name, replace(entry, address=address))
        yield state


def test_list_get_check(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["weights", "check"]) == 0
    assert "no weights are here" in capsys.readouterr().out
    assert main(["weights", "get", "places365-categories", "--quiet"]) == 0
    path = tmp_path / "home" / "weights" / "categories_places365.txt"
    assert str(path) in capsys.readouterr().out
    assert path.read_text() == CATEGORIES
    assert main(["weights", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    states = {line.split()[0]: line.split()[1] for line in lines}
    assert states["places365-categories"] == "here"
    assert states["resnet152-imagenet"] == "absent"
    assert main(["weights", "check"]) == 0
    assert "places365-categories             ok" in capsys.readouterr().out
    assert main(["weights", "check", "resnet152-imagenet", "places365-categories"]) == 2
    states = dict(line.split()[:2] for line in capsys.readouterr().out.splitlines())
    assert states == {"resnet152-imagenet": "absent", "places365-categories": "ok"}
    path.write_text(CATEGORIES + " ")
    assert main(["weights", "check"]) == 2
    captured = capsys.readouterr()
    assert "wrong" in captured.out
    assert "weights get places365-categories" in captured.err


@pytest.mark.parametrize(
    "options, message",
    [
        (["get", "resnet101-places365"], "Expected weights of"),
        (["get", "resnet152-places365"], "weights convert resnet152-places365"),
        (["convert", "resnet152-imagenet"], "weights to convert of"),
        (["convert", "vgg16-places365"], "weights get vgg16-places365-caffemodel"),
        (["convert", "vgg16-places365", "{file}"], "whole caffemodel"),
        (["convert", "vgg16-places365", "{file}", "--mean-file", "{file}"], "mean picture"),
        (["check", "vgg16-imagenet"], "weights get vgg16-imagenet"),
        (["get", "places365-categories", "places365-indoor", "--url", "http://x/y"], "one name"),
        (["get", "places365-categories", "--url", "{url}/gone.txt"], "HTTP 404"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    server: FileServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    file = tmp_path / "file"
    file.write_text("no network")
    words = [part.format(url=server.url, file=file) for part in options]
    assert main(["weights", *words, *_quiet(options)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Expected")
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_get_then_convert(
    server: FileServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    conversion = CONVERSIONS["resnet152-places365"]
    monkeypatch.setitem(
        CONVERSIONS,
        conversion.name,
        replace(
            conversion,
            make=make_caffe_resnet,
            preprocessing=replace(conversion.preprocessing, size=SIZE),
        ),
    )
    server.files["/net.caffemodel"] = write(caffe_resnet_layers())
    server.files["/io.txt"] = INDOOR.encode()
    for name, file in ((conversion.original, "net.caffemodel"), ("places365-indoor", "io.txt")):
        entry = replace(module.WEIGHTS[name], address=f"{server.url}/{file}")
        monkeypatch.setitem(module.WEIGHTS, name, entry)
    assert main(["weights", "get", conversion.original, "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "next: python -m ccim_core weights convert resnet152-places365\n" in printed
    mean = tmp_path / "mean.binaryproto"
    mean.write_bytes(write_mean(np.full((3, 2, 2), 100, np.float32)))
    out = tmp_path / "out.safetensors"
    command = ["weights", "convert", conversion.name]
    assert main([*command, "--out", str(out), "--mean-file", str(mean)]) == 0
    printed = capsys.readouterr().out
    assert f"--encoder resnet152-places365 --weights {out}" in printed
    preprocessing = read_converted(out, conversion.name)[1]
    assert [255 * value for value in preprocessing.mean] == pytest.approx([100, 100, 100])
    assert main(command) == 0
    assert str(conversion.path) in capsys.readouterr().out
    assert main(["weights", "list"]) == 0
    states = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines()}
    assert states["resnet152-places365"] == "here"
    assert states["vgg16-places365"] == "absent"
    assert main(["weights", "check"]) == 0
    assert "converted from net.caffemodel" in capsys.readouterr().out
    conversion.path.write_bytes(b"damaged")
    assert main(["weights", "check"]) == 2
    assert "weights convert resnet152-places365" in capsys.readouterr().err


def _quiet(options: list[str]) -> list[str]:
    return ["--quiet"] if options[0] == "get" else []
