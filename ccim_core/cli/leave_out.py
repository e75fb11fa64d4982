"""`leave-out`: a study whose training lacks some contexts, and whose tests have them apart."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ccim_core.cli.config_help import SettingsHelp
from ccim_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from ccim_core.leave_out import LeftOut
    from ccim_core.study import Study

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "leave-out",
        help="derive a study whose training lacks some contexts",
        description="Write a study without some scenes, or clusters of the dictionary, in "
        "training; every test split then comes in two, in contexts that training has and in those "
        "that it has not (test_left_out). It shares the features of the study it is made from. "
        "With --by cluster the dictionary is that of the config's options, as in `train`.",
        allow_abbrev=False,
        formatter_class=SettingsHelp,
    )
    parser.add_argument("--study", type=Path, required=True, help="study to derive from")
    parser.add_argument("--out", type=Path, required=True, help="study directory to make")
    parser.add_argument("--by", choices=("scene", "cluster"), default="scene")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument(
        "--contexts", metavar="A,B", help="names of scenes, or numbers of clusters, to leave out"
    )
    chosen.add_argument("--folds", type=int, metavar="K", help="deal all contexts to K folds")
    parser.add_argument("--fold", type=int, default=0, help="which fold to leave out (default: 0)")
    parser.add_argument("--seed", type=int, default=0, help="of the folds")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(func=_derive, takes_config=True)


def _derive(arguments: argparse.Namespace) -> int:
    from ccim_core.leave_out import derive_study, lost_emotions
    from ccim_core.study import Study

    study = Study.open(arguments.study)
    contexts, clusters = _contexts(study, arguments)
    left_out = _choose(study, contexts, clusters, arguments)
    derived = derive_study(study, arguments.out, contexts, left_out)
    dropped = derived.info["settings"]["left_out"]["rows_dropped"]
    print(f"left out: {', '.join(left_out.contexts)}")
    for split, count in derived.manifest.frame["split"].value_counts(sort=False).items():
        gone = f" ({dropped[split]:,} left out)" if split in dropped else ""
        print(f"{split}: {count:,} subjects{gone}")
    for emotion in lost_emotions(derived):
        print(f"warning: no training subject is left of {emotion}")
    print(f"study: {derived.path}")
    print(
        f"next: python -m ccim_core sweep --study {derived.path} --grid.intervention none,ccim "
        "--grid.seeds 0,1,2"
    )
    return 0


def _contexts(study: Study, arguments: argparse.Namespace) -> tuple[np.ndarray, dict[str, object]]:
    """The context of every row, and the settings of the dictionary that clusters are of."""
    from ccim_core.leave_out import cluster_contexts, scene_contexts

    if arguments.by == "scene":
        if arguments.config_options:
            raise InputError(
                f"Expected options of a config with --by cluster only, got "
                f"{' '.join(arguments.config_options)}."
            )
        return scene_contexts(study), {}
    from ccim_core.training.accelerator import make_accelerator
    from ccim_core.training.config import parse_config, to_dict
    from ccim_core.training.train import study_data

    config = parse_config(arguments.config_options)
    accelerator = make_accelerator(device=arguments.device)
    data = study_data(study, accelerator, config, quiet=arguments.quiet)
    values = to_dict(config)
    settings = {"encoder": values["encoder"], "dictionary": values["dictionary"]}
    return cluster_contexts(study, config, data), settings


def _choose(
    study: Study, contexts: np.ndarray, clusters: dict[str, object], arguments: argparse.Namespace
) -> LeftOut:
    from ccim_core.leave_out import LeftOut, choose_contexts

    if arguments.contexts is not None:
        names = tuple(name for name in arguments.contexts.split(",") if name)
        how: dict[str, object] = {"how": "named"}
    else:
        names = choose_contexts(
            contexts,
            study.manifest.frame["split"].to_numpy(str),
            n_folds=arguments.folds,
            fold=arguments.fold,
            seed=arguments.seed,
        )
        how = {
            "how": "fold",
            "folds": arguments.folds,
            "fold": arguments.fold,
            "seed": arguments.seed,
        }
    return LeftOut(by=arguments.by, contexts=names, made_by=how, clusters=clusters)
