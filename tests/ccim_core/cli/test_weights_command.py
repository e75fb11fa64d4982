"""`weights`, as a user runs it, against a server on this machine."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ccim_core import weights as module
from ccim_core.cli import main
from tests.ccim_core.file_server import FileServer, serve_files
from tests.ccim_core.places365_files import CATEGORIES


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
    assert "places365-categories    ok" in capsys.readouterr().out
    path.write_text(CATEGORIES + " ")
    assert main(["weights", "check"]) == 2
    captured = capsys.readouterr()
    assert "wrong" in captured.out
    assert "weights get places365-categories" in captured.err


@pytest.mark.parametrize(
    "options, message",
    [
        (["get", "resnet152-places365"], "Expected weights of"),
        (["check", "vgg16-imagenet"], "weights get vgg16-imagenet"),
        (["get", "places365-categories", "places365-indoor", "--url", "http://x/y"], "one name"),
        (["get", "places365-categories", "--url", "{url}/gone.txt"], "HTTP 404"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    server: FileServer, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert (
        main(["weights", *(part.format(url=server.url) for part in options), *_quiet(options)]) == 2
    )
    error = capsys.readouterr().err
    assert error.startswith("error: Expected")
    assert message in error
    assert len(error.strip().splitlines()) == 1


def _quiet(options: list[str]) -> list[str]:
    return ["--quiet"] if options[0] == "get" else []
