"""The README's commands are what they say: the first starts the app, the second is what CI runs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def commands() -> list[str]:
    """The README's bash blocks."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```bash\n(.*?)\n```$", text, flags=re.MULTILINE | re.DOTALL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The tree as committed or about to be, with this environment in place of a fresh one."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    # The copy that CI works in is no git checkout: there, everything but the environment counts.
    names = listed or [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*")
        if path.is_file() and not {".venv", "__pycache__"} & set(path.relative_to(ROOT).parts)
    ]
    for name in names:
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tmp_path / name)
    lend_environment(tmp_path / ".venv")
    return tmp_path


def lend_environment(path: Path) -> None:
    """A virtual environment that sees this one's packages, so that nothing is downloaded again."""
    subprocess.run([sys.executable, "-m", "venv", str(path)], check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(path)}))
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    script = path / "bin" / "streamlit"
    script.write_text(
        f"#!{path}/bin/python\nimport sys\nfrom streamlit.web.cli import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)


@pytest.fixture
def server(clone: Path) -> Iterator[str]:
    """The address of the app, started by the README's first command."""
    port = free_port()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_HEADLESS": "true",
    }
    log = open(clone / "server.log", "w", encoding="utf-8")  # noqa: SIM115 - closed below, with the process
    process = subprocess.Popen(
        ["bash", "-c", commands()[0]],
        cwd=clone,
        env=environment,
        start_new_session=True,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        log.close()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(url: str, seconds: float) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(f"no answer from {url} in {seconds} s")


@pytest.mark.timeout(300)
def test_the_first_command_starts_the_app_and_it_answers(server: str) -> None:
    assert wait_for(f"{server}/_stcore/health", 200) == "ok"
    assert "<title>" in wait_for(server, 10)


def test_the_second_command_is_what_ci_runs() -> None:
    """CI takes the README's second block as it stands, by the same rule as here."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "block == 2" in script
    found = subprocess.run(
        [
            "awk",
            "/^```bash$/ {block++; inside = block == 2; next} /^```$/ {inside = 0} inside",
            str(ROOT / "README.md"),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert found == commands()[1].strip()
    assert "pytest" in found
    assert "-r requirements.txt -r tests/requirements.txt" in found
