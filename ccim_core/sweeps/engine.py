"""A sweep at work: processes that know nothing of each other divide runs by file locks.

Every process works through the same plan: it claims a run that nobody has, trains it (or goes on
where it was left), evaluates it, and takes the next. Where all that is left is in others' hands it
waits, and takes over what a process that died has let go. So all processes end together, and each
can say how it went.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

from ccim_core.errors import InputError
from ccim_core.evaluation.evaluate import EVALUATION_FILE, evaluate_run
from ccim_core.features.claims import Claim, Claims
from ccim_core.files import read_json, write_json
from ccim_core.progress import progress_bar
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.sweeps.plan import MARK, PlannedRun, plan_runs
from ccim_core.training.accelerator import make_accelerator
from ccim_core.training.config import RunConfig
from ccim_core.training.data import StudyData
from ccim_core.training.streams import dictionary_plan, stream_plans
from ccim_core.training.train import study_data, train_run

__all__ = ["FAILURE_FILE", "SweepOptions", "SweepOutcome", "SweepRun", "run_sweep"]

FAILURE_FILE = "failed.json"
_POLL_SECONDS = 0.5
_CLAIM_DIGITS = 32  # what a claim's key holds


@dataclass(frozen=True, kw_only=True)
class SweepOptions:
    """How runs are made and evaluated; none of it is part of what a run is.

    splits: to evaluate on; None: all that nothing is trained on.
    n_bootstrap: resamples for intervals. embeddings: splits whose joint features are kept.
    full_seeds: training seeds whose runs get these two; None: all.
    half: store weights in half precision.
    """

    device: str = "auto"
    splits: tuple[str, ...] | None = None
    n_bootstrap: int = 1000
    embeddings: tuple[str, ...] = ()
    full_seeds: tuple[int, ...] | None = None
    half: bool = False


@dataclass(frozen=True, kw_only=True)
class SweepRun:
    """How one run of a sweep went.

    `state`: made here ("made"), made by another process ("elsewhere"), there before ("present"),
    or "failed", with its `error` in one sentence.
    """

    name: str
    path: Path
    state: Literal["made", "elsewhere", "present", "failed"]
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class SweepOutcome:
    """All runs of a sweep, in the plan's order."""

    runs: tuple[SweepRun, ...]

    def count(self, state: str) -> int:
        """How many runs are in a state."""
        return sum(run.state == state for run in self.runs)

    @property
    def failed(self) -> list[SweepRun]:
        """The runs that could not be made."""
        return [run for run in self.runs if run.state == "failed"]


def run_sweep(
    study: Study,
    configs: Sequence[RunConfig],
    options: SweepOptions | None = None,
    *,
    quiet: bool = False,
) -> SweepOutcome:
    """Make and evaluate every run of `configs` that the study does not have.

    Start it in as many processes as wanted, at any time: none makes a run twice. A run that fails
    stops no other; it is tried again by the next sweep. An interrupted run is gone on with.

    Raises:
        InputError: configs that no plan can be made of.
    """
    worker = _Worker(study, plan_runs(study, configs), options or SweepOptions(), quiet=quiet)
    return worker.run()


class _Worker:
    def __init__(
        self, study: Study, plan: list[PlannedRun], options: SweepOptions, *, quiet: bool
    ) -> None:
        self.study, self.plan, self.options, self.quiet = study, plan, options, quiet
        self.started = time.time()
        self.claims = Claims(study.runs_root / ".claims")
        self.states: dict[str, SweepRun] = {}
        self._data: StudyData | None = None
        self._plans: Any = None

    def run(self) -> SweepOutcome:
        """Until every run of the plan is there or has failed."""
        self._take_stock(first=True)
        with progress_bar("sweep", total=len(self.plan), unit="runs", quiet=self.quiet) as bar:
            bar.initial = bar.n = len(self.states)  # what was there says nothing of the rate
            bar.refresh()
            while len(self.states) < len(self.plan):
                claimed = self._claim()
                if claimed is None:
                    self._wait(bar)
                    continue
                run, claim = claimed
                bar.set_postfix_str(run.name)
                try:
                    self.states[run.content] = self._make(run)
                finally:
                    claim.release()
                self._take_stock()
                self._show(bar)
        return SweepOutcome(runs=tuple(self.states[run.content] for run in self.plan))

    def _show(self, bar: tqdm) -> None:
        bar.update(len(self.states) - bar.n)

    def _wait(self, bar: tqdm) -> None:
        """The rest is being done by others."""
        bar.set_postfix_str("waiting for other processes")
        time.sleep(_POLL_SECONDS)
        self._take_stock()
        self._show(bar)

    def _open(self) -> list[PlannedRun]:
        return [run for run in self.plan if run.content not in self.states]

    def _take_stock(self, *, first: bool = False) -> None:
        """Runs that are there by now, or that another process could not make."""
        for run in self._open():
            if _is_complete(run):
                state: Literal["present", "elsewhere"] = "present" if first else "elsewhere"
                self.states[run.content] = SweepRun(name=run.name, path=run.path, state=state)
            elif error := _failure(run, since=self.started):
                self.states[run.content] = SweepRun(
                    name=run.name, path=run.path, state="failed", error=error
                )

    def _claim(self) -> tuple[PlannedRun, Claim] | None:
        """A run that nobody is at, or None if there is none."""
        with self.claims.lock:
            live = set(self.claims.live_keys().tolist())
            self._take_stock()
            for run in self._open():
                key = run.content[:_CLAIM_DIGITS].encode()
                if key not in live:
                    return run, self.claims.take(np.array([key]))
        return None

    def _make(self, run: PlannedRun) -> SweepRun:
        """Train and evaluate one run; whatever goes wrong is its own affair."""
        try:
            self._train_and_evaluate(run)
        except Exception as error:
            message = _one_sentence(error)
            record = {
                "error": message,
                "content": run.content,
                "at": time.time(),
                "traceback": traceback.format_exc(),
            }
            write_json(run.path / FAILURE_FILE, record)
            return SweepRun(name=run.name, path=run.path, state="failed", error=message)
        (run.path / FAILURE_FILE).unlink(missing_ok=True)
        return SweepRun(name=run.name, path=run.path, state="made")

    def _train_and_evaluate(self, run: PlannedRun) -> None:
        options = self.options
        data = self._data_of(run.config)
        if not (run.path / "done").is_file():
            write_json(run.path / MARK, {"content": run.content})
            train_run(
                self.study,
                run.config,
                device=options.device,
                data=data,
                half=options.half,
                quiet=self.quiet,
            )
        seeds = options.full_seeds
        full = seeds is None or run.config.train.seed in seeds
        evaluate_run(
            Run.open(run.path),
            data,
            splits=options.splits or evaluated_splits(self.study, run.config),
            n_bootstrap=options.n_bootstrap if full else 0,
            embeddings=options.embeddings if full else (),
        )

    def _data_of(self, config: RunConfig) -> StudyData:
        """Arrays shared with the run before where both read the same; else they are let go."""
        plans = (dictionary_plan(config), stream_plans(config), config.train.precision)
        if self._data is None or plans != self._plans:
            accelerator = make_accelerator(
                device=self.options.device, precision=config.train.precision
            )
            self._data = study_data(self.study, accelerator, config, quiet=self.quiet)
            self._plans = plans
        return self._data


def evaluated_splits(study: Study, config: RunConfig) -> list[str]:
    """The splits that nothing is trained on."""
    trained_on = {config.train.split, "train", "oracle_train"}
    return [split for split in study.manifest.splits if split not in trained_on]


def _is_complete(run: PlannedRun) -> bool:
    return (run.path / "done").is_file() and (run.path / EVALUATION_FILE).is_file()


def _failure(run: PlannedRun, *, since: float) -> str | None:
    """How a process failed at the run after `since` (seconds), or None."""
    path = run.path / FAILURE_FILE
    if not path.is_file():
        return None
    record = read_json(path)
    if record.get("content") != run.content or record.get("at", 0) < since:
        return None
    return str(record["error"])


def _one_sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"
