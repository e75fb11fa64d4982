"""Table 4 and Figure 6 on the rendered benchmark: the protocol's runs, and the study they are in.

`controlled_protocol.yaml` lists the runs. They go into a demo study (the shipped one's settings
where a new study is made), whose own runs are used where they are the same.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from ccim_core.demo import DEMO_STUDY, EVALUATED_SPLITS, make_manifest
from ccim_core.evaluation.table import write_study_table
from ccim_core.files import read_json
from ccim_core.rendered.generator import ControlledConfig
from ccim_core.study import Study
from ccim_core.sweeps.engine import SweepOptions, SweepOutcome
from ccim_core.sweeps.grid import grid_configs, read_grids
from ccim_core.sweeps.processes import run_in_processes
from ccim_core.training.config import RunConfig

__all__ = ["PROTOCOL", "controlled_configs", "make_controlled"]

PROTOCOL = Path(__file__).parent / "sweeps" / "controlled_protocol.yaml"


def controlled_configs(
    *, models: Collection[str] = (), seeds: Collection[int] = ()
) -> list[RunConfig]:
    """The protocol's configs, in its order, each once.

    Args:
        models: names of the models wanted; all by default.
        seeds: training seeds in place of the protocol's own.
    """
    configs = grid_configs(read_grids(PROTOCOL, RunConfig()))
    if models:
        configs = [config for config in configs if config.model.name in models]
    if seeds:
        configs = [
            replace(config, train=replace(config.train, seed=seed))
            for config in configs
            for seed in seeds
        ]
    return list(dict.fromkeys(configs))


def make_controlled(
    path: Path,
    *,
    models: Collection[str] = (),
    seeds: Collection[int] = (),
    processes: int | None = None,
    n_bootstrap: int = 1000,
    quiet: bool = False,
) -> SweepOutcome:
    """Make every run of the protocol that the study at `path` does not have, and evaluate it.

    Started again it goes on where it stopped.

    Args:
        path: a study of the rendered benchmark; where there is none, one with the shipped demo's
            settings is made.
        models, seeds: as in `controlled_configs`.
        processes: to divide the runs among; as many as suit by default.
        n_bootstrap: resamples for intervals.

    Raises:
        InputError: `path` holds something else.
    """
    study = Study.open(path) if (path / "study.json").is_file() else _new_study(path, quiet=quiet)
    outcome = run_in_processes(
        study,
        controlled_configs(models=models, seeds=seeds),
        SweepOptions(device="cpu", splits=EVALUATED_SPLITS, n_bootstrap=n_bootstrap, half=True),
        processes=processes,
        quiet=quiet,
    )
    write_study_table(study, n_resamples=n_bootstrap, quiet=quiet)
    return outcome


def _new_study(path: Path, *, quiet: bool) -> Study:
    settings = read_json(DEMO_STUDY / "study.json")["settings"]["controlled"]
    return make_manifest(path, ControlledConfig(**settings), quiet=quiet)
