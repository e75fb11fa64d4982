"""Twenty visitors at once: every answer right, and a server that does not grow."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import data

from analysis.prediction_tables import comparison_table
from analysis.prediction_text import verdict
from ccim_core.images import decode_image
from ccim_core.predict import Predictor
from tests.app.conftest import Server, start_server, stop_server
from tests.app.protocol_client import PageVisitor

pytestmark = pytest.mark.slow

VISITORS = 20
WARM_UP, MEASURED = 5, 10  # uploads a visitor: 100 to warm up, 200 measured
GROWTH = 1.10


@pytest.fixture(scope="module")
def quiet_server() -> Iterator[Server]:
    running = start_server()
    yield running
    stop_server(running)


def photographs() -> dict[str, bytes]:
    """The astronaut in six versions that models read differently."""
    whole = Image.fromarray(data.astronaut())
    versions = {
        "plain": whole,
        "mirrored": ImageOps.mirror(whole),
        "dark": whole.point(lambda value: value // 3),
        "small": whole.resize((200, 200)),
        "face": whole.crop((120, 0, 340, 260)),
        "on_grass": ImageOps.expand(whole.resize((300, 300)), 200, (70, 130, 50)),
    }
    return {name: _jpeg(picture) for name, picture in versions.items()}


def _jpeg(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=92)
    return stream.getvalue()


def expected(pictures: dict[str, bytes]) -> dict[str, str]:
    """What the page must say of each, by the predictor itself."""
    predictor = Predictor.open()
    told = {}
    for name, content in pictures.items():
        found = predictor.predict(decode_image(content), image=name)
        told[name] = verdict(comparison_table(found[0], "likelihood", "ccim"))
    return told


def resident_mib(process: int) -> float:
    """Resident memory of a process, MiB (Linux)."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_twenty_visitors_are_answered_and_memory_stays_flat(quiet_server: Server) -> None:
    if not Path("/proc/self/statm").is_file():
        pytest.skip("resident memory is read from /proc")
    pictures = photographs()
    truth = expected(pictures)
    assert len(set(truth.values())) == len(truth), "the answers tell the pictures apart"
    names = list(pictures)
    pid = quiet_server.process.pid

    def rounds(visitor: PageVisitor, number: int, uploads: range) -> list[float]:
        seconds = []
        for turn in uploads:
            name = names[(number + turn) % len(names)]
            started = time.monotonic()
            # A comment behind the picture makes every file another one, so that nothing is kept.
            content = pictures[name] + f"{number}-{turn}".encode()
            texts = visitor.upload(f"{name}.jpg", content)
            seconds.append(time.monotonic() - started)
            problems = [text for text in texts if text.startswith("alert: Expected")]
            assert not problems, problems
            assert truth[name] in texts, (name, truth[name], texts)
        return seconds

    visitors = [PageVisitor(quiet_server.url, "predict") for _ in range(VISITORS)]
    with ThreadPoolExecutor(VISITORS) as pool:
        list(pool.map(PageVisitor.__enter__, visitors))
        list(pool.map(rounds, visitors, range(VISITORS), [range(WARM_UP)] * VISITORS))
        memory, seconds = [resident_mib(pid)], []
        for turn in range(WARM_UP, WARM_UP + MEASURED):
            one = [range(turn, turn + 1)] * VISITORS
            for took in pool.map(rounds, visitors, range(VISITORS), one):
                seconds += took
            memory.append(resident_mib(pid))
        for visitor in visitors:
            visitor.__exit__()
    print(
        f"\n{len(seconds)} predictions by {VISITORS} visitors: median "
        f"{np.median(seconds):.1f} s, slowest {max(seconds):.1f} s; resident memory "
        f"{memory[0]:.0f} MiB after warm-up, then "
        f"{', '.join(f'{value:.0f}' for value in memory[1:])} after every {VISITORS}"
    )
    assert quiet_server.process.poll() is None
    assert max(memory) <= GROWTH * memory[0]
