"""`sweep`: many runs of a study from a grid of settings."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ccim_core.cli.config_help import SettingsHelp
from ccim_core.errors import InputError

if TYPE_CHECKING:
    from ccim_core.study import Study
    from ccim_core.sweeps.engine import SweepOutcome
    from ccim_core.training.config import RunConfig

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "sweep",
        help="train and evaluate every run of a grid",
        description="Train and evaluate every combination of a grid's settings that the study "
        "does not have. --grid.FIELD v1,v2 is an axis: any field of the config, such as "
        "--grid.intervention.attention dot,additive, or model, intervention, size, backbone, "
        "weighting, attention, prior, masking, context, seeds for short. Other options change the "
        "base, as in `train`. Start it as often as you like, in as many terminals as you like, or "
        "under torchrun: processes share the runs. A run that fails stops no other.",
        allow_abbrev=False,
        formatter_class=SettingsHelp,
    )
    parser.add_argument("--study", type=Path, required=True, help="study directory")
    parser.add_argument(
        "--grid", type=Path, metavar="GRID.yaml", help="`field: [values]`, or a list of such grids"
    )
    parser.add_argument("--splits", nargs="+", help="to evaluate on; all not trained on by default")
    parser.add_argument("--bootstrap", type=int, default=1000, help="resamples, 0 for none")
    parser.add_argument("--embeddings", nargs="*", default=[], metavar="SPLIT")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--half", action="store_true", help="store weights in half precision")
    parser.add_argument(
        "--processes", type=int, default=1, metavar="N", help="processes to work in (default: 1)"
    )
    parser.add_argument("--list", action="store_true", help="only say which runs there would be")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(func=_sweep, takes_config=True)


def _sweep(arguments: argparse.Namespace) -> int:
    from ccim_core.sweeps.processes import run_in_processes, stand_alone

    rank = stand_alone()
    from ccim_core.study import Study
    from ccim_core.sweeps.engine import SweepOptions

    study = Study.open(arguments.study)
    configs = _configs(arguments)
    if arguments.list:
        return _list(study, configs)
    options = SweepOptions(
        device=arguments.device,
        splits=tuple(arguments.splits) if arguments.splits else None,
        n_bootstrap=arguments.bootstrap,
        embeddings=tuple(arguments.embeddings),
        half=arguments.half,
    )
    outcome = run_in_processes(
        study,
        configs,
        options,
        processes=arguments.processes,
        quiet=arguments.quiet or rank > 0,
    )
    # torchrun ends its other processes when one ends with an error: the first alone reports.
    return _report(study, outcome, arguments) if rank == 0 else 0


def _configs(arguments: argparse.Namespace) -> list[RunConfig]:
    from ccim_core.sweeps.grid import Grid, grid_configs, parse_axes, read_grids
    from ccim_core.training.config import parse_config

    axes, rest = parse_axes(arguments.config_options)
    base = parse_config(rest)
    grids = [] if arguments.grid is None else read_grids(arguments.grid, base)
    if axes:
        # Axes on the command line multiply the file's grids, as `--grid.seeds 0,1,2` should.
        grids = [Grid(base=grid.base, axes=(*grid.axes, *axes)) for grid in grids] or [
            Grid(base=base, axes=tuple(axes))
        ]
    if not grids:
        raise InputError(
            "Expected a grid, --grid GRID.yaml or --grid.FIELD v1,v2 such as "
            "`--grid.intervention none,ccim --grid.seeds 0,1,2`, got none."
        )
    return grid_configs(grids)


def _list(study: Study, configs: list[RunConfig]) -> int:
    from ccim_core.sweeps.plan import plan_runs

    plan = plan_runs(study, configs)
    for run in plan:
        print(f"{run.name}{'  (there)' if run.present else ''}")
    print(f"{len(plan)} runs, {sum(run.present for run in plan)} of them there", file=sys.stderr)
    return 0


def _report(study: Study, outcome: SweepOutcome, arguments: argparse.Namespace) -> int:
    from ccim_core.evaluation.evaluate import EVALUATION_FILE
    from ccim_core.evaluation.table import write_study_table

    write_study_table(study, n_resamples=arguments.bootstrap, quiet=arguments.quiet)
    table = study.analysis_root / EVALUATION_FILE
    made = outcome.count("made") + outcome.count("elsewhere")
    print(
        f"runs: {study.runs_root} ({len(outcome.runs)} in the grid: {made} made now, "
        f"{outcome.count('present')} there before, {len(outcome.failed)} failed)"
    )
    print(f"table: {table}")
    for run in outcome.failed:
        print(f"failed: {run.name}: {run.error}", file=sys.stderr)
    if outcome.failed:
        print("next: correct what is wrong and start the same command again")
        return 1
    words = ["python", "-m", "ccim_core", "evaluate", "--study", str(study.path), "--json"]
    print(f"next: {shlex.join(words)}")
    return 0
