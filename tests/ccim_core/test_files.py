import json
import os
from pathlib import Path

import pytest

from ccim_core.errors import InputError
from ccim_core.files import (
    check_file_name,
    read_json,
    resolve_inside,
    sha256_file,
    write_atomically,
    write_json,
)


def test_a_failed_write_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    target = tmp_path / "value.json"
    write_json(target, {"a": 1})

    def fail() -> None:
        with write_atomically(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        fail()
    assert read_json(target) == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["value.json"]


def test_a_file_that_is_being_read_is_replaced_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses both while the other is at it."""
    left = [2, 2]
    replace, read = os.replace, Path.read_text

    def busy(which: int) -> None:
        left[which] -= 1
        if left[which] >= 0:
            raise PermissionError

    monkeypatch.setattr("ccim_core.files._TRIES", 3)
    monkeypatch.setattr("ccim_core.files.os.replace", lambda *a: (busy(0), replace(*a))[1])
    monkeypatch.setattr(Path, "read_text", lambda *a, **k: (busy(1), read(*a, **k))[1])
    write_json(tmp_path / "x.json", {"a": 1})
    assert read_json(tmp_path / "x.json") == {"a": 1}
    left[:] = [3, 0]
    with pytest.raises(PermissionError):
        write_json(tmp_path / "x.json", {"a": 2})


def test_nan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["{", "not json"])
def test_a_file_that_is_not_json_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(InputError, match="x.json"):
        read_json(path)
    with pytest.raises(InputError, match="no such file"):
        read_json(tmp_path / "absent.json")


def test_hash_is_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_file(tmp_path / "x").startswith("ba7816bf8f01cfea")


@pytest.mark.parametrize("relative", ["../secret", "/etc/passwd", "a/../../b", "link/x"])
def test_paths_never_leave_their_root(tmp_path: Path, relative: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="inside"):
        resolve_inside(root, relative)
    assert resolve_inside(root, "a/b.png") == root.resolve() / "a/b.png"


def test_json_is_written_readably(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"a": [1]})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": [1]}


@pytest.mark.parametrize("name", ["a:b", "a/b", "a\\b", "a?", "..", ".a", "a.", "a ", "a\nb", 'a"'])
def test_names_that_some_system_refuses_are_refused_on_all(name: str) -> None:
    check_file_name("emot_net-ccim n=64, λ-seed0", "a name")
    with pytest.raises(InputError, match="Expected a name that can name a folder"):
        check_file_name(name, "a name")
