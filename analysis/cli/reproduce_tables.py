"""`reproduce table1|…|table4|figure5|figure6|figure8`: from run directories, by one command."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccim_core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from analysis.reproduction import Reproduction

__all__ = ["TARGETS", "add_parser"]

# Target to its line in --help; `analysis.reproduction.TARGETS` says how each is made.
TARGETS: dict[str, str] = {
    "table1": "EMOTIC: average precision by emotion, plain and with CCIM",
    "table2": "GroupWalk: average precision by emotion, plain and with CCIM",
    "table3": "CAER-S: accuracy, plain and with CCIM",
    "table4": "ablations of CCIM",
    "figure5": "CAER-S: accuracy by emotion, plain and with CCIM",
    "figure6": "size of the confounder dictionary",
    "figure8": "two subjects of each dataset, before and after",
}
SHIPPED = Path(__file__).resolve().parents[2] / "ccim_core" / "assets" / "demo_study"
_SHOWN_COMMANDS = 12


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the targets."""
    for name, summary in TARGETS.items():
        parser = subparsers.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}: published beside measured, with "
            "intervals and controls, from the runs of one study or several. Missing runs are "
            "shown as the commands that make them.",
        )
        _add_options(parser)
        parser.set_defaults(func=_reproduce)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--study",
        type=Path,
        action="append",
        metavar="DIR",
        help="a study with evaluated runs; repeatable (default: the shipped rendered benchmark)",
    )
    parser.add_argument(
        "--controlled",
        action="store_true",
        help="first train and evaluate what is missing of the same protocol on the rendered "
        "benchmark, in the one --study given; a folder that is not there is made",
    )
    parser.add_argument("--splits", nargs="+", default=[], metavar="NAME")
    parser.add_argument(
        "--ap",
        choices=("step", "interpolated", "eleven_point"),
        default="step",
        help="the average precision in the table; intervals are kept for the step-wise one",
    )
    parser.add_argument(
        "--seeds", type=int, nargs="+", help="that a setting should have (default: 0 1 2)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="default: analysis/reproduce of the first study"
    )
    shown = parser.add_mutually_exclusive_group()
    for name, what in (("json", "JSON"), ("csv", "CSV"), ("markdown", "Markdown")):
        shown.add_argument(f"--{name}", action="store_true", help=f"print {what}")
    shown.add_argument("--latex", action="store_true", help="print LaTeX (booktabs)")
    parser.add_argument(
        "--pictures",
        action=argparse.BooleanOptionalAction,
        help="figure8: put pictures of the data into the page (default: rendered ones only, since "
        "most data sets of people may not be passed on)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bars")


def _reproduce(arguments: argparse.Namespace) -> int:
    from analysis.reproduction import Options, reproduce

    studies = arguments.study or [SHIPPED]
    failed = _run_protocol(arguments) if arguments.controlled else 0
    options = Options(splits=tuple(arguments.splits), ap=arguments.ap)
    if arguments.seeds:
        options = replace(options, seeds=tuple(arguments.seeds))
    result = reproduce(arguments.target, studies, options=options)
    folder = arguments.out
    if folder is None and arguments.study:
        folder = studies[0] / "analysis" / "reproduce"
    files = [] if folder is None else _write(result, folder, pictures=arguments.pictures)
    _print(result, files, arguments)
    return 1 if failed else 0


def _write(result: Reproduction, folder: Path, *, pictures: bool | None) -> list[Path]:
    from analysis.reproduction_page import read_thumbnails, write_reproduction

    shown = {}
    if result.target == "figure8":
        datasets = {
            name: data
            for name, data in result.datasets.items()
            if (data.studies[0].kind == "controlled" if pictures is None else pictures)
        }
        shown = read_thumbnails(result.table, datasets)
    return write_reproduction(result, folder, pictures=shown)


def _print(result: Reproduction, files: list[Path], arguments: argparse.Namespace) -> None:
    if arguments.json:
        json.dump(_answer(result, files), sys.stdout, indent=1, ensure_ascii=False)
        print()
    elif arguments.csv:
        result.table.to_csv(sys.stdout, index=False)
    elif arguments.markdown or arguments.latex:
        from analysis.reproduction_page import latex_text, markdown_text

        print(markdown_text(result) if arguments.markdown else latex_text(result))
    else:
        _print_summary(result, files)


def _answer(result: Reproduction, files: list[Path]) -> dict[str, Any]:
    return {
        "target": result.target,
        "title": result.title,
        "tables": {part.name: _records(part.frame) for part in result.parts},
        "missing": _records(result.missing),
        "notes": list(result.notes),
        "made_from": dict(result.provenance.to_numpy().tolist()),
        "files": [str(path) for path in files],
    }


def _records(frame: pd.DataFrame) -> Any:
    return json.loads(frame.to_json(orient="records"))


def _print_summary(result: Reproduction, files: list[Path]) -> None:
    print(result.title)
    for part in result.parts:
        if not len(part.text.columns):
            continue
        print(f"\n{part.title}")
        print(part.text.to_string(index=False))
    print()
    for note in result.notes:
        print(f"note: {note}")
    if len(result.missing):
        print(f"\n{len(result.missing)} runs are missing; make them with")
        for command in result.missing["command"].head(_SHOWN_COMMANDS):
            print(f"  {command}")
        if len(result.missing) > _SHOWN_COMMANDS:
            script = next((path for path in files if path.suffix == ".sh"), None)
            where = f"all are in {script}" if script else "all are in --json"
            print(f"  … and {len(result.missing) - _SHOWN_COMMANDS} more; {where}")
        if "controlled" in result.datasets and result.target in ("table4", "figure6"):
            study = result.datasets["controlled"].studies[0].path
            words = ["python", "-m", "analysis", "reproduce", result.target, "--controlled"]
            print(f"or all at once with\n  {shlex.join([*words, '--study', str(study)])}")
    for path in files:
        print(path)
    if files:
        study = next(iter(result.datasets.values())).studies[0].path
        print(f"next: {shlex.join(['python', '-m', 'analysis', 'report', '--study', str(study)])}")


def _run_protocol(arguments: argparse.Namespace) -> int:
    """Train and evaluate what the study lacks of the protocol; make the study where there is none.

    Returns the number of runs that failed; the others stand.
    """
    if not arguments.study or len(arguments.study) != 1:
        raise InputError(
            "Expected one --study DIR to hold the protocol's runs with --controlled, got "
            f"{len(arguments.study or [])}."
        )
    from ccim_core.controlled_protocol import make_controlled

    outcome = make_controlled(
        arguments.study[0], seeds=arguments.seeds or (), quiet=arguments.quiet
    )
    for run in outcome.failed:
        print(f"failed: {run.name}: {run.error}", file=sys.stderr)
    return len(outcome.failed)
