"""A sweep in several processes of one machine: started here, or by torchrun."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path

from ccim_core.errors import InputError
from ccim_core.study import Study
from ccim_core.sweeps.engine import SweepOptions, SweepOutcome, run_sweep
from ccim_core.training.config import RunConfig

__all__ = ["run_in_processes", "stand_alone"]

# What torchrun tells its processes of each other; a sweep's each train runs of their own.
_GROUP_VARIABLES = (
    "RANK",
    "WORLD_SIZE",
    "LOCAL_RANK",
    "LOCAL_WORLD_SIZE",
    "GROUP_RANK",
    "ROLE_RANK",
    "ROLE_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
)


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux alone
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def stand_alone() -> int:
    """Leave the group that torchrun made: this process works for itself, on its own GPU.

    To be called before anything asks for a device. Returns the rank in that group, 0 without one.
    """
    found = {name: os.environ.pop(name) for name in _GROUP_VARIABLES if name in os.environ}
    rank, local = int(found.get("RANK", 0)), int(found.get("LOCAL_RANK", 0))
    if int(found.get("LOCAL_WORLD_SIZE", 1)) > 1:
        given = os.environ.get("CUDA_VISIBLE_DEVICES")
        visible = given.split(",") if given else []
        if given is None or local < len(visible):
            os.environ["CUDA_VISIBLE_DEVICES"] = visible[local] if visible else str(local)
    return rank


def run_in_processes(
    study: Study,
    configs: Sequence[RunConfig],
    options: SweepOptions,
    *,
    processes: int | None = None,
    quiet: bool = False,
) -> SweepOutcome:
    """`run_sweep` in this process and `processes` − 1 more, the cores shared among them.

    By default there is one for each core that this process may use, four at most.

    Raises InputError for less than one process, and as `run_sweep` does.
    """
    processes = min(4, _cores()) if processes is None else processes
    if processes < 1:
        raise InputError(f"Expected --processes to be 1 or more, got {processes}.")
    if processes == 1:
        return run_sweep(study, configs, options, quiet=quiet)
    threads = max(1, _cores() // processes)
    # spawn: a process that has used several threads of torch cannot safely fork.
    context = multiprocessing.get_context("spawn")
    arguments = (study.path, list(configs), options, threads)
    others = [context.Process(target=_work, args=arguments) for _ in range(processes - 1)]
    for process in others:
        process.start()
    try:
        _limit_threads(threads)
        outcome = run_sweep(study, configs, options, quiet=quiet)
    finally:
        # They end when the sweep does; after an interruption here they are not waited for.
        for process in others:
            process.join(timeout=10)
            if process.is_alive():
                process.terminate()
                process.join()
    return outcome


def _work(path: Path, configs: Sequence[RunConfig], options: SweepOptions, threads: int) -> None:
    """What the other processes do; how their runs went, the first one reads from the study."""
    _limit_threads(threads)
    try:
        run_sweep(Study.open(path), configs, options, quiet=True)
    except KeyboardInterrupt:
        return


def _limit_threads(threads: int) -> None:
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(threads)
    threadpool_limits(threads)  # NumPy's and scikit-learn's
