"""`evaluate`: predictions and metrics of a study's runs, and the study's table."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ccim_core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "evaluate",
        help="predictions, metrics with intervals, and the table of a study",
        description="Evaluate the runs of a study that have no evaluation yet (or the named ones "
        "again; those without weights from the predictions that they keep), then print a row a "
        "run variant, estimator and split with mean and standard "
        "deviation over seeds; the app reads the same table from the study.",
    )
    parser.add_argument("--study", type=Path, required=True, help="study directory")
    parser.add_argument("--run", action="append", help="evaluate this run (again); repeatable")
    parser.add_argument("--all", action="store_true", help="evaluate every run (again)")
    parser.add_argument("--splits", nargs="+", help="splits to predict; all by default")
    parser.add_argument("--embeddings", nargs="*", default=[], metavar="SPLIT")
    parser.add_argument("--bootstrap", type=int, default=1000, help="resamples, 0 for none")
    parser.add_argument(
        "--contexts",
        choices=("auto", "scene", "cluster"),
        default="auto",
        help="what the shift estimate makes emotion independent of: the scene, or the dictionary's "
        "cluster, if it is shown to hold all that the scene tells of the emotion (auto: scenes "
        "where every subject has one, else there is no estimate)",
    )
    parser.add_argument(
        "--trained-on",
        type=Path,
        metavar="MANIFEST",
        help="take runs of this manifest too: the same rows, whose coordinates another machine "
        "or version rounded otherwise, by 1/64 pixel at most",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(func=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> int:
    from ccim_core.evaluation.evaluate import EVALUATION_FILE, evaluate_run, reevaluate
    from ccim_core.evaluation.table import table_rows, write_study_table
    from ccim_core.manifest import Manifest
    from ccim_core.progress import progress
    from ccim_core.run import Run
    from ccim_core.study import Study
    from ccim_core.training.accelerator import make_accelerator
    from ccim_core.training.data import StudyData

    if arguments.bootstrap < 0:
        raise InputError(f"Expected --bootstrap of 0 or more, got {arguments.bootstrap}.")
    study = Study.open(arguments.study)
    if arguments.trained_on is not None:
        study.accept_manifest(Manifest.load(arguments.trained_on))
    splits = arguments.splits or study.manifest.splits
    for split in arguments.embeddings:
        if split not in splits:
            text = f"warning: no embeddings of {split!r}, which is none of the splits {splits}"
            print(text, file=sys.stderr)
    paths = study.run_paths()
    if not paths:
        raise InputError(
            f"Expected finished runs in {study.runs_root}, got none; train one with "
            f"`python -m ccim_core train --study {study.path}`."
        )
    if arguments.run:
        paths = [study.run_path(name) for name in arguments.run]
    elif not arguments.all:
        paths = [path for path in paths if not (path / EVALUATION_FILE).is_file()]
    device = make_accelerator(device=arguments.device).device
    data = StudyData(study, device=device, quiet=arguments.quiet)
    for path in progress(paths, "evaluate", unit="runs", quiet=arguments.quiet):
        run = Run.open(path)
        if not (path / "model.safetensors").is_file():
            reevaluate(run, study, n_bootstrap=arguments.bootstrap, contexts=arguments.contexts)
            continue
        evaluate_run(
            run,
            data,
            splits=arguments.splits,
            n_bootstrap=arguments.bootstrap,
            embeddings=arguments.embeddings,
            contexts=arguments.contexts,
        )
    table = write_study_table(study, n_resamples=arguments.bootstrap, quiet=arguments.quiet)
    if arguments.json:
        json.dump(table_rows(table), sys.stdout, indent=2)
        print()
    else:
        _print_table(table)
    print(
        f"next: python -m analysis bias --study {study.path}",
        file=sys.stderr if arguments.json else sys.stdout,
    )
    return 0


def _print_table(table: pd.DataFrame) -> None:
    """Headlines; where no split is free of the bias, what reweighting says of one."""
    from ccim_core.evaluation.vad import VAD_METRICS

    columns = ["variant", "estimator", "split", "runs", "headline", "headline_sd", "gain", "ece"]
    estimated = not table["split"].eq("shift").any()
    possible = bool(table["shift_estimate"].notna().any())
    if estimated and possible:
        columns += ["shift_estimate", "shift_effective_size"]
    columns += [name for name in VAD_METRICS if name in table]
    print(table[columns].to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    if estimated and possible:
        groups = " and ".join(sorted(set(table["shift_groups"].dropna())))
        print(
            f"shift_estimate: subjects reweighted so that emotion does not depend on the {groups}, "
            "worth shift_effective_size subjects of equal weight"
        )
    elif estimated:
        print(f"shift: {'; '.join(sorted(set(table['shift_estimate_reason'].dropna())))}")
    if (table["runs"] == 1).any():
        print("one seed only, where headline_sd is NaN: how far training varies is unknown")
