"""How smooth the Embeddings page is with 50,000 points: `python -m tests.app.map_timings`.

Prints the time between frames (milliseconds) while the mouse moves over a map, drags it, and turns
its wheel, with the script's own part in a frame (the rest is drawing, which a graphics card does
and, where there is none, the processor), and how long a lasso takes to show on the other map. The
load is printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.app.conftest import Visitor
from tests.app.large_study import make_large_study
from tests.app.measuring import measured_app

__all__ = ["main"]

N_POINTS = 50_000
FRAMES = """
() => {
  const watch = window.__frames = {times: [], on: true};
  const tick = now => { watch.times.push(now); if (watch.on) requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
}
"""
END = "() => { window.__frames.on = false; return window.__frames.times; }"


class Watch:
    """Frames and script time of acts on a page."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.profiler = page.context.new_cdp_session(page)
        self.profiler.send("Profiler.enable")

    def frames(self, act: Callable[[], None]) -> tuple[float, float, float, float]:
        """Median, 95th percentile and worst time between frames, and script time a frame; in ms."""
        self.profiler.send("Profiler.start")
        self.page.evaluate(FRAMES)
        act()
        times = self.page.evaluate(END)
        gaps = [after - before for before, after in pairwise(times)]
        script = _script_ms(self.profiler.send("Profiler.stop")["profile"]) / len(gaps)
        ordered = sorted(gaps)
        return statistics.median(gaps), ordered[int(0.95 * (len(gaps) - 1))], ordered[-1], script


def _script_ms(profile: dict[str, Any]) -> float:
    """Milliseconds in JavaScript: neither idle nor in the browser's own code."""
    names = {node["id"]: node["callFrame"]["functionName"] for node in profile["nodes"]}
    pairs = zip(profile["samples"], profile["timeDeltas"], strict=True)
    return sum(t for node, t in pairs if names[node] not in ("(program)", "(idle)")) / 1000


def measure(visitor: Visitor) -> list[tuple[str, tuple[float, float, float, float]]]:
    """What `Watch.frames` gives of each act."""
    page = visitor.page
    area = page.locator(".st-key-maps .nsewdrag").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    watch = Watch(page)

    def at(x: float, y: float) -> tuple[float, float]:
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def over() -> None:
        for k in range(60):
            page.mouse.move(*at(0.2 + 0.01 * k, 0.3 + 0.005 * k))
            page.wait_for_timeout(16)

    def drag() -> None:
        for k in range(60):
            page.mouse.move(*at(0.5 + 0.003 * k, 0.5 + 0.002 * k))
            page.wait_for_timeout(16)

    def wheel() -> None:
        for k in range(20):
            page.mouse.wheel(0, -40 if k % 2 else 40)
            page.wait_for_timeout(30)

    def lasso() -> None:
        for x, y in ((0.6, 0.4), (0.6, 0.6), (0.4, 0.6), (0.4, 0.41)):
            page.mouse.move(*at(x, y), steps=4)

    page.mouse.move(*at(0.2, 0.3))
    rows = [("mouse over points", watch.frames(over))]
    page.locator('.st-key-maps [data-title="Pan"]').first.click()
    page.mouse.move(*at(0.5, 0.5))
    page.mouse.down()
    rows.append(("drag (pan)", watch.frames(drag)))
    page.mouse.up()
    rows.append(("wheel (zoom)", watch.frames(wheel)))
    page.locator('.st-key-maps [data-title="Lasso Select"]').first.click()
    page.mouse.move(*at(0.4, 0.4))
    page.mouse.down()
    rows.append(("lasso", watch.frames(lasso)))
    began = time.monotonic()
    page.mouse.up()
    page.get_by_text(" chosen").first.wait_for()
    visitor.settle()
    page.wait_for_function(
        "document.querySelectorAll('.st-key-maps .js-plotly-plot').length === 2 && "
        "[...document.querySelectorAll('.st-key-maps .js-plotly-plot')]"
        ".every(plot => plot.data?.some(trace => trace.selectedpoints?.length))"
    )
    print(f"a lasso shows on the other map after {time.monotonic() - began:.1f} s")
    return rows


def _make_dense(path: Path) -> None:
    sizes = {"train": 2_000, "val": 500, "test": N_POINTS}
    make_large_study(path, sizes=sizes, n_clusters=64, max_points=N_POINTS)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.app.map_timings", description=__doc__)
    parser.add_argument("--study", type=Path, help="keep the study here (in a folder dense)")
    arguments = parser.parse_args()
    with measured_app("dense", _make_dense, keep=arguments.study) as (browser, server):
        visitor = Visitor(browser, server, width=1280, height=900, scheme="light")
        began = time.monotonic()
        visitor.open("embeddings?study=dense")
        print(f"opened in {time.monotonic() - began:.1f} s")
        rows = measure(visitor)
    heads = " ".join(f"{head:>7s}" for head in ("median", "95%", "worst", "script"))
    print(f"{'ms between frames':20s} {heads}")
    for act, values in rows:
        print(f"{act:20s} " + " ".join(f"{value:7.0f}" for value in values))
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"{N_POINTS:,} points a map; load {load:.1f} on {cores} cores")
    return 0


if __name__ == "__main__":
    sys.exit(main())
