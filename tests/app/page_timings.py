"""How long a visitor waits: warm page switches and filters, in a real browser.

    python -m tests.app.page_timings [--repeats 10] [--study DIR] [--only demo|large]

Prints a table: median and worst of the repeats, in seconds, from the click until the script has
run, nothing it drew is stale and every chart is drawn. The limits are those of a machine of its
own; the load is printed, and what an act took of the processors (server and browser together,
median seconds; where `/proc` tells), which the load does not lengthen much.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from app.registry import PAGES
from tests.app.conftest import Visitor
from tests.app.large_study import make_large_study
from tests.app.measuring import measured_app

__all__ = ["Timing", "main", "measure"]

SWITCH_LIMITS = {"demo": 1.0, "large": 2.0}
FILTER_LIMIT = 0.5

# From the click on, notes when the script last ended; then waits for what it drew.
WATCH = """
() => {
  const app = document.querySelector('[data-testid="stApp"]');
  const watch = {began: null, ended: null, changed: null};
  window.__watch = watch;
  document.addEventListener(
    'click', () => { watch.began = performance.now(); watch.ended = watch.changed = null; },
    {capture: true, once: true});
  new MutationObserver(() => {
    const state = app.getAttribute('data-test-script-state');
    watch.ended = state === 'notRunning' ? performance.now() : null;
  }).observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
  new MutationObserver(() => { watch.changed = performance.now(); }).observe(
    document.querySelector('[data-testid="stMain"]'),
    {childList: true, subtree: true, characterData: true});
}
"""
SETTLED = """
title => {
  const watch = window.__watch;
  if (!watch || watch.began === null) return false;
  // The state of a script that ends within one drawing of the page is never seen to change.
  const state = document.querySelector('[data-testid="stApp"]').dataset.testScriptState;
  const still = watch.changed !== null && performance.now() - watch.changed > 100;
  if (watch.ended === null && !(state === 'notRunning' && still)) return false;
  const main = document.querySelector('[data-testid="stMain"]');
  const heading = main.querySelector('h1');
  if (!heading || heading.innerText !== title) return false;
  const waits = '[data-testid=stSkeleton], [data-stale=true], .point-maps[data-drawn=""]';
  if (main.querySelector(waits)) return false;
  const charts = [...main.querySelectorAll('[data-testid=stPlotlyChart]')];
  if (!charts.every(chart => chart.querySelector('.main-svg'))) return false;
  const drawn = [...main.querySelectorAll('.point-maps')].map(maps => Number(maps.dataset.drawn));
  const ended = watch.ended === null ? watch.changed : performance.now();
  return Math.max(ended, ...drawn) - watch.began;
}
"""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What was done, how long it took each time (seconds), and how long it may take."""

    study: str
    act: str
    limit: float
    seconds: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    def add(self, took: tuple[float, float]) -> None:
        """Keep one time."""
        self.seconds.append(took[0])
        self.busy.append(took[1])

    @property
    def median(self) -> float:
        """Median in seconds."""
        return statistics.median(self.seconds)


def measure(visitor: Visitor, click: Callable[[], None], title: str) -> tuple[float, float]:
    """Seconds from a click until the page of that title stands still, and processor seconds."""
    visitor.page.evaluate(WATCH)
    before = processor_seconds()
    click()
    handle = visitor.page.wait_for_function(SETTLED, arg=title, polling="raf", timeout=60_000)
    return float(handle.json_value()) / 1000, processor_seconds() - before


def processor_seconds() -> float:
    """What this process' descendants (server, browser) have used so far; 0 without `/proc`."""
    children: dict[int, list[int]] = {}
    used = {}
    for record in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = record.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has ended
        pid = int(record.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        used[pid] = int(fields[11]) + int(fields[12])
    found, family = [os.getpid()], []
    while found:
        family += (below := children.get(found.pop(), []))
        found += below
    return sum(used[pid] for pid in family) / os.sysconf("SC_CLK_TCK")


def time_switches(visitor: Visitor, study: str, repeats: int) -> list[Timing]:
    """Every page, from its neighbour in the navigation, after one round to warm up."""
    titles = [_title(entry.title) for entry in PAGES]
    timings = [
        Timing(study=study, act=f"to {entry.title}", limit=SWITCH_LIMITS[study]) for entry in PAGES
    ]
    for k in range(repeats + 1):
        for entry, title, timing in zip(PAGES, titles, timings, strict=True):
            link = visitor.page.locator('[data-testid="stSidebarNav"]').get_by_role(
                "link", name=entry.title, exact=True
            )
            took = measure(visitor, link.click, title)
            if k:
                timing.add(took)
            visitor.page.wait_for_timeout(150)
    return timings


def _title(title: str) -> str:
    return "CCIM Studio" if title == "Overview" else title


def time_filters(visitor: Visitor, study: str, repeats: int) -> list[Timing]:
    """A switch, a sort and a select box, each back and forth."""
    page = visitor.page
    acts: tuple[tuple[str, str, str, Callable[[int], None]], ...] = (
        (
            "context-bias",
            "Context bias",
            "cells that count",
            lambda k: page.get_by_text("Only cells at q").click(),
        ),
        ("context-bias", "Context bias", "an emotion's cells", lambda k: _choose(page, "Show", k)),
        ("confounders", "Confounders", "sort the clusters", lambda k: _choose(page, "Sort by", k)),
        ("embeddings", "Embeddings", "another colour", lambda k: _choose(page, "Colour by", k)),
        (
            "experiments?show=evaluation",
            "Experiments",
            "one estimator",
            lambda k: _choose(page, "Estimator", k),
        ),
    )
    timings = []
    for address, title, act, click in acts:
        visitor.open(f"{address}{'&' if '?' in address else '?'}{_query(study)}")
        timing = Timing(study=study, act=f"{title}: {act}", limit=FILTER_LIMIT)
        for k in range(repeats + 1):
            took = measure(visitor, partial(click, k), title)
            if k:
                timing.add(took)
            page.wait_for_timeout(150)
        timings.append(timing)
    return timings


def _choose(page: Any, label: str, k: int) -> None:
    """Take the first or the second option of a select box; only the last click is timed."""
    box, option = page.get_by_role("combobox", name=label, exact=True), page.get_by_role("option")
    box.scroll_into_view_if_needed()
    while option.count() < 2:  # a list that opens while the page scrolls closes again
        box.click()
        page.wait_for_timeout(400)
    option = option.nth((k + 1) % 2)
    page.evaluate(WATCH)
    option.click()


def _query(study: str) -> str:
    return "study=large" if study == "large" else "study=demo"


def _print(timings: list[Timing]) -> int:
    """The table; returns how many are over their limit."""
    print(f"{'study':6s} {'act':44s} {'median':>7s} {'worst':>7s} {'busy':>7s} {'limit':>6s}")
    for timing in timings:
        over = timing.median > timing.limit
        print(
            f"{timing.study:6s} {timing.act:44s} {timing.median:6.2f}s {max(timing.seconds):6.2f}s "
            f"{statistics.median(timing.busy):6.2f}s {timing.limit:5.1f}s{' over' if over else ''}"
        )
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"median of {len(timings[0].seconds)}; load {load:.1f} on {cores} cores")
    return sum(timing.median > timing.limit for timing in timings)


def main() -> int:
    """Measure and print. Returns 1 when something takes too long."""
    parser = argparse.ArgumentParser(prog="python -m tests.app.page_timings", description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--study", type=Path, help="keep the large study here (in a folder large)")
    parser.add_argument("--only", choices=("demo", "large"))
    arguments = parser.parse_args()
    timings: list[Timing] = []
    with measured_app("large", make_large_study, keep=arguments.study) as (browser, server):
        for study in (arguments.only,) if arguments.only else ("demo", "large"):
            visitor = Visitor(browser, server, width=1280, height=720, scheme="light")
            visitor.open(f"?{_query(study)}")
            timings += time_switches(visitor, study, arguments.repeats)
            timings += time_filters(visitor, study, arguments.repeats)
            visitor.close()
    return int(_print(timings) > 0)


if __name__ == "__main__":
    sys.exit(main())
