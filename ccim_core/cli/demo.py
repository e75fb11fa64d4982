"""`demo`: the whole demo study, from nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from ccim_core.errors import InputError

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "demo",
        help="make the rendered benchmark with every intervention, evaluated",
        description="Render the controlled benchmark, train every intervention and oracle with "
        "three seeds, evaluate them and write the study's tables. Started again it goes on.",
    )
    parser.add_argument("--out", type=Path, required=True, help="study directory to make")
    parser.add_argument("--bias", type=float, default=0.8, help="bias strength, 0 to 1")
    parser.add_argument(
        "--cue-agreement",
        type=float,
        default=0.75,
        help="how often the bystanders share the subject's emotion, 0 to 1",
    )
    parser.add_argument("--scenes", type=int, default=14, help="number of scenes")
    parser.add_argument("--train-size", type=int, default=2400)
    parser.add_argument("--test-size", type=int, default=800, help="of test and of shift")
    parser.add_argument("--twins", type=int, default=56, help="subjects shown in every scene")
    parser.add_argument("--clarity-low", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=0, help="of the data")
    parser.add_argument("--runs", type=int, default=3, help="training seeds a variant")
    parser.add_argument(
        "--data-seeds",
        type=int,
        default=1,
        help="also train the headline variants on data of this many seeds (the first is --seed)",
    )
    parser.add_argument(
        "--dictionary-seeds",
        type=int,
        default=1,
        help="also train them with dictionaries of this many seeds",
    )
    parser.add_argument(
        "--processes", type=int, help="that share the runs; default: one a core, four at most"
    )
    parser.add_argument("--ship", type=Path, help="also write it here as it ships with the app")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(func=_make)


def _make(arguments: argparse.Namespace) -> int:
    from ccim_core.data_variation import make_data_variation
    from ccim_core.demo import make_demo, ship_demo
    from ccim_core.rendered.generator import ControlledConfig

    if min(arguments.data_seeds, arguments.dictionary_seeds) < 1:
        raise InputError(
            "Expected --data-seeds and --dictionary-seeds of 1 or more, got "
            f"{arguments.data_seeds} and {arguments.dictionary_seeds}."
        )
    controlled = ControlledConfig(
        bias=arguments.bias,
        cue_agreement=arguments.cue_agreement,
        clarity_low=arguments.clarity_low,
        n_scenes=arguments.scenes,
        n_train=arguments.train_size,
        n_test=arguments.test_size,
        n_shift=arguments.test_size,
        n_val=max(arguments.train_size // 5, 7),
        n_twins=arguments.twins,
        seed=arguments.seed,
    )
    study = make_demo(
        arguments.out,
        controlled=controlled,
        seeds=range(arguments.runs),
        processes=arguments.processes,
        quiet=arguments.quiet,
    )
    if max(arguments.data_seeds, arguments.dictionary_seeds) > 1:
        make_data_variation(
            study,
            data_seeds=arguments.data_seeds,
            dictionary_seeds=arguments.dictionary_seeds,
            processes=arguments.processes,
            quiet=arguments.quiet,
        )
    print(f"study: {study.path}")
    if arguments.ship:
        print(f"as shipped: {ship_demo(study, arguments.ship).path}")
    print(f"next: python -m ccim_core evaluate --study {study.path} --json")
    return 0
