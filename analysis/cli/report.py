"""`report`: one self-contained HTML page of a study."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "report",
        help="one self-contained HTML page of a study",
        description="Data, context bias, dictionary, results with the paper's tables, features, "
        "settings, versions and a model card on one page that opens without a network. It is made "
        "of what the study keeps; what it does not keep is named with the command that makes it.",
    )
    parser.add_argument("--study", type=Path, required=True, metavar="DIR", help="a study")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="default: analysis/report.html of the study"
    )
    parser.add_argument(
        "--pictures",
        action=argparse.BooleanOptionalAction,
        help="put pictures of the data into the page (default: rendered ones only, since most "
        "data sets of people may not be passed on)",
    )
    parser.add_argument("--json", action="store_true", help="print what was made as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(func=_report)


def _report(arguments: argparse.Namespace) -> int:
    from analysis.report import write_report
    from ccim_core.study import Study

    study = Study.open(arguments.study)
    path = arguments.out or study.analysis_root / "report.html"
    made = write_report(study, path, pictures=arguments.pictures, quiet=arguments.quiet)
    if arguments.json:
        answer = {"path": str(made.path), "bytes": made.size, "chapters": list(made.chapters)}
        print(json.dumps(answer, indent=2))
    else:
        print(f"{made.path} ({made.size / 1e6:.1f} MB): {', '.join(made.chapters)}")
        print(f"next: streamlit run app/main.py -- --study {study.path}")
    return 0
