"""Fixtures for every page: the app under `AppTest`, the real server, a real browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import types
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import study_cache, workspace
from ccim_core.labels import LABEL_SETS
from ccim_core.manifest import Manifest, build_manifest
from ccim_core.rendered.generator import ControlledConfig, controlled_frame
from ccim_core.study import Study
from tests.app.fakes import FakePredictor, make_photo_study

ROOT = Path(__file__).resolve().parents[2]
MAIN = "app/main.py"
SCREENSHOTS = ROOT / "screenshots"
# Opened below the root, Streamlit's client first looks for its server under the page's own
# address, is told 404, and goes on to the right one; the browser logs that as an error.
EXPECTED_404 = ("/_stcore/health", "/_stcore/host-config")


# ---------------------------------------------------------------- AppTest


@pytest.fixture
def clean_caches() -> Iterator[None]:
    """Nothing cached by one test is seen by the next."""
    st.cache_data.clear()
    st.cache_resource.clear()
    study_cache._asked_for.cache_clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()
    study_cache._asked_for.cache_clear()


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_caches: None) -> Path:
    """An empty assets folder in place of the shipped one, and an empty workspace."""
    path = tmp_path / "assets"
    path.mkdir()
    monkeypatch.setattr(study_cache, "ASSETS", path)
    (tmp_path / "workspace").mkdir()
    monkeypatch.setattr(workspace, "root", lambda: tmp_path / "workspace")
    return path


@pytest.fixture
def predictors(assets: Path, monkeypatch: pytest.MonkeyPatch) -> list[FakePredictor]:
    """A photograph study judged by fakes; lists those that were opened."""
    make_photo_study(assets / "photo_model")
    opened: list[FakePredictor] = []

    class Recorded(FakePredictor):
        @classmethod
        def open(cls, path: Path | None = None) -> FakePredictor:
            opened.append(FakePredictor())
            return opened[-1]

    module: Any = types.ModuleType("ccim_core.predict")
    module.Predictor = Recorded
    monkeypatch.setitem(sys.modules, "ccim_core.predict", module)
    return opened


@pytest.fixture(scope="session")
def demo_manifest() -> Manifest:
    """The manifest of a demo study of few subjects, made once."""
    config = ControlledConfig(n_train=7, n_val=7, n_test=7, n_shift=84, n_twins=7, size=96)
    manifest, _ = build_manifest(controlled_frame(config, quiet=True), LABEL_SETS["controlled"])
    return manifest


@pytest.fixture
def demo(assets: Path, demo_manifest: Manifest) -> Study:
    """A demo study with the outline of a run."""
    study = Study.create(
        assets / "demo_study",
        name="Rendered benchmark",
        kind="controlled",
        labels=demo_manifest.labels,
        manifest=demo_manifest,
    )
    (study.runs_root / "none").mkdir(parents=True)
    for name in ("done", "model.safetensors"):
        (study.runs_root / "none" / name).touch()
    return study


@pytest.fixture
def run_page() -> Callable[..., AppTest]:
    """Run the app and go to a page: `run_page("predict")`, with query parameters if wanted."""

    def run(name: str, **query: str) -> AppTest:
        test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=30)
        # A fresh session on the linked page; AppTest can switch pages only after a first run.
        test.query_params.update(query)
        test.run()
        test.switch_page(f"app_pages/{name}.py")
        test.query_params.update(query)
        return test.run()

    return run


# ---------------------------------------------------------------- the real server


@dataclass
class Server:
    """A running `streamlit run app/main.py`."""

    url: str
    process: subprocess.Popen[str]
    started: float
    lines: list[str] = field(default_factory=list)

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return "".join(self.lines)


def start_server(*arguments: str) -> Server:
    """Start the app as the README does, on a free port; returns once its port answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", MAIN]
    command += ["--server.port", str(port), "--server.headless", "true", *arguments]
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    server = Server(url=f"http://127.0.0.1:{port}", process=process, started=started)
    stream = process.stdout
    assert stream is not None
    threading.Thread(target=lambda: server.lines.extend(stream), daemon=True).start()
    while process.poll() is None and time.monotonic() - started < 60:
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2):
                return server
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise AssertionError(f"the server did not answer:\n{server.log}")


def stop_server(server: Server) -> None:
    """Stop a server that `start_server` started."""
    server.process.terminate()
    try:
        server.process.wait(10)
    except subprocess.TimeoutExpired:
        server.process.kill()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The app on a free port, one for the whole session."""
    running = start_server()
    yield running
    stop_server(running)


# ---------------------------------------------------------------- the real browser


class Visitor:
    """One visitor's browser window on the app, noting what a developer would see go wrong."""

    def __init__(self, chromium: Any, server: Server, *, width: int, height: int, scheme: str):
        self.context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.server = server
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(f"pageerror: {error}"))
        self.page.on("console", self._note)
        self.page.on("request", self._note_request)

    def _note(self, message: Any) -> None:
        address = message.location.get("url", "")
        if message.type == "error" and not address.endswith(EXPECTED_404):
            self.problems.append(f"console error: {message.text} ({address})")

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith((self.server.url, "data:", "blob:")):
            self.problems.append(f"request to another host: {request.url}")

    def open(self, path: str = "") -> Any:
        """Go to an address of the app and wait until its script has run."""
        self.page.goto(f"{self.server.url}/{path}")
        self.page.wait_for_selector("h1")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the script is done, nothing it drew is stale, and every chart is drawn."""
        self.page.wait_for_timeout(250)
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
        self.page.wait_for_function(
            "!document.querySelector("
            "'[data-testid=stSkeleton], [data-stale=true], .point-maps[data-drawn=\"\"]') && "
            "[...document.querySelectorAll('[data-testid=stPlotlyChart]')]"
            ".every(chart => chart.querySelector('.main-svg'))"
        )

    def errors(self) -> list[str]:
        """Texts of the `st.error` boxes in sight."""
        texts = self.page.locator(
            '[data-testid="stAlertContentError"] [data-testid="stMarkdownContainer"]'
        )
        return [text.inner_text().strip() for text in texts.all()]

    def violations(self) -> list[str]:
        """What axe-core finds serious or critical on the page as it stands, a line each."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [
            f"{rule['id']}: {node['html'][:200]}"
            for rule in found
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]

    def screenshot(self, name: str) -> None:
        """The whole page into `screenshots/NAME.png`."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.evaluate("window.scrollTo(0, 0)")
        size = self.page.viewport_size
        height = self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        self.page.set_viewport_size({"width": size["width"], "height": max(size["height"], height)})
        self.page.wait_for_timeout(700)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")
        self.page.set_viewport_size(size)

    def close(self) -> None:
        """Leave."""
        self.context.close()


@pytest.fixture
def visit(chromium: Any, server: Server) -> Iterator[Callable[..., Visitor]]:
    """`visit()` opens a window (`width`, `height`, `scheme`); at the end none may have problems."""
    visitors: list[Visitor] = []

    def open_window(width: int = 1280, height: int = 720, scheme: str = "light") -> Visitor:
        visitors.append(Visitor(chromium, server, width=width, height=height, scheme=scheme))
        return visitors[-1]

    yield open_window
    problems = [problem for visitor in visitors for problem in visitor.problems]
    for visitor in visitors:
        visitor.close()
    assert problems == []
