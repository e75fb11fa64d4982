import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccim_core.downloads import fetch
from ccim_core.errors import InputError
from tests.ccim_core.file_server import FileServer, serve_files

DATA = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("ccim_core.downloads.time.sleep", lambda _: None)
    with serve_files({"/weights.pth": DATA}) as state:
        yield state


def get(server: FileServer, target: Path, **options: object) -> str:
    return fetch(f"{server.url}/weights.pth", target, quiet=True, timeout=5, **options)


def assert_clean(target: Path) -> None:
    left = {path.name for path in target.parent.iterdir()} - {f".{target.name}.lock"}
    assert left == {target.name}
    assert target.read_bytes() == DATA


def test_whole_file_with_its_hash(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / "made" / "weights.pth"
    assert get(server, target, sha256=SHA256[:8]) == SHA256
    assert_clean(target)
    assert get(server, target) == SHA256
    assert len(server.requests) == 1


def test_broken_connections_continue_where_they_stopped(server: FileServer, tmp_path: Path) -> None:
    server.cut = [300_000, 300_000]
    target = tmp_path / "weights.pth"
    assert get(server, target) == SHA256
    assert [asked for _, asked in server.requests] == ["", "bytes=300000-", "bytes=600000-"]
    assert_clean(target)


def test_a_later_call_continues_an_interrupted_one(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / "weights.pth"
    server.cut = [500_000]
    with pytest.raises(InputError, match="500,000 of 1,024,000 bytes"):
        get(server, target, attempts=1)
    assert not target.exists()
    assert get(server, target) == SHA256
    assert server.requests[-1][1] == "bytes=500000-"
    assert_clean(target)


def test_a_part_without_its_record_or_of_another_address_is_not_continued(
    server: FileServer, tmp_path: Path
) -> None:
    target = tmp_path / "weights.pth"
    (tmp_path / "weights.pth.part").write_bytes(b"something else")
    assert get(server, target) == SHA256
    assert server.requests[-1][1] == ""
    target.unlink()
    server.cut = [1000]
    server.files["/other.pth"] = DATA[::-1]
    with pytest.raises(InputError):
        fetch(f"{server.url}/other.pth", target, attempts=1, quiet=True)
    assert get(server, target) == SHA256
    assert_clean(target)


@pytest.mark.parametrize("etag", ['"2"', ""])
def test_a_file_that_changed_meanwhile_is_started_anew(
    server: FileServer, tmp_path: Path, etag: str
) -> None:
    target = tmp_path / "weights.pth"
    server.etag = '"1"' if etag else ""
    server.files["/weights.pth"] = bytes(700_000)
    server.cut = [400_000]
    with pytest.raises(InputError):
        get(server, target, attempts=1)
    server.files["/weights.pth"], server.etag = DATA, etag
    assert get(server, target) == SHA256
    assert_clean(target)


def test_a_server_without_ranges_sends_the_file_again(server: FileServer, tmp_path: Path) -> None:
    server.ranges, server.cut = False, [300_000]
    target = tmp_path / "weights.pth"
    assert get(server, target) == SHA256
    assert_clean(target)


def test_a_whole_part_is_only_renamed(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / "weights.pth"
    server.cut = [1000]
    with pytest.raises(InputError):
        get(server, target, attempts=1)
    (tmp_path / "weights.pth.part").write_bytes(DATA)
    assert get(server, target) == SHA256
    assert_clean(target)


@pytest.mark.parametrize("codes", [[503], [500, 502]])
def test_a_server_that_is_busy_is_asked_again(
    server: FileServer, tmp_path: Path, codes: list[int]
) -> None:
    server.status = codes
    assert get(server, tmp_path / "weights.pth") == SHA256


def test_wrong_content_is_thrown_away(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / "weights.pth"
    with pytest.raises(InputError, match=f"sha256 0000.*{SHA256}"):
        get(server, target, sha256="0000")

    def refuse(path: Path) -> None:
        assert path.read_bytes() == DATA
        raise InputError("Expected scenes, got none.")

    with pytest.raises(InputError, match="Expected scenes"):
        get(server, target, check=refuse)
    assert [path.name for path in tmp_path.iterdir()] == [".weights.pth.lock"]


def test_missing_pages_and_hosts_are_one_sentence(server: FileServer, tmp_path: Path) -> None:
    target = tmp_path / "weights.pth"
    with pytest.raises(InputError, match="HTTP 404"):
        fetch(f"{server.url}/gone.pth", target, quiet=True)
    server.content_type = "text/html; charset=utf-8"
    with pytest.raises(InputError, match="web page"):
        get(server, target)
    with pytest.raises(InputError, match="no complete answer in 2 attempts"):
        fetch("http://127.0.0.1:9/weights.pth", target, attempts=2, quiet=True)
    with pytest.raises(InputError, match="Expected"):
        fetch("no-such-scheme://x/weights.pth", target, attempts=1, quiet=True)


def test_a_folder_that_cannot_be_written_is_one_sentence(
    server: FileServer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="folder to write to"):
        get(server, tmp_path / "file" / "weights.pth")


def test_two_at_once_download_once(server: FileServer, tmp_path: Path) -> None:
    target, found = tmp_path / "weights.pth", []
    threads = [threading.Thread(target=lambda: found.append(get(server, target))) for _ in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [SHA256] * 3
    assert len(server.requests) == 1
