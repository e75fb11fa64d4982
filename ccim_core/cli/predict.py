"""`predict`: every estimate for the subjects of photographs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccim_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from ccim_core.predict import Predictor

__all__ = ["add_parser"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "predict",
        help="before and after, for photographs",
        description="Find the subjects of photographs and print every estimate of their emotion. "
        "Without --study the shipped photograph model answers.",
    )
    parser.add_argument("photographs", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument("--box", help="x1,y1,x2,y2 in pixels of the person, where no face is found")
    parser.add_argument("--study", type=Path, help="study whose runs answer")
    parser.add_argument(
        "--run",
        action="append",
        metavar="NAME",
        help="with --study: this run answers; repeatable (default: one an intervention)",
    )
    parser.add_argument(
        "--known",
        action="append",
        default=[],
        metavar="KIND=FILE",
        help="with --box: landmarks, keypoints or depth of that subject (.npy), for EmotiCon; "
        "repeatable",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON array")
    parser.set_defaults(func=_predict)


def parse_box(text: str | None) -> tuple[float, float, float, float] | None:
    """`"1,2,30,40"` to a box. Raises InputError."""
    if text is None:
        return None
    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"Expected --box x1,y1,x2,y2 in pixels, got {text!r}.") from None
    return x1, y1, x2, y2


def _predict(arguments: argparse.Namespace) -> int:
    from ccim_core.causal.estimators import ESTIMATORS
    from ccim_core.images import decode_image
    from ccim_core.subject_box import no_subject

    box = parse_box(arguments.box)
    if box is not None and len(arguments.photographs) > 1:
        raise InputError("Expected one photograph with --box, got several.")
    # Everything is decoded before the first prediction: all of the output, or one sentence.
    pictures = [(path, decode_image(path)) for path in arguments.photographs]
    known = _read_known(arguments.known)
    predictor = _open_predictor(arguments)
    found: list[dict[str, Any]] = []
    people = 0
    for path, picture in pictures:
        told = predictor.predict(picture, image=path.name, box=box, known=known)
        people += len(told)
        found += told or [no_subject(path.name, list(ESTIMATORS))]
    if arguments.json:
        json.dump(found, sys.stdout, indent=2)
        print()
    else:
        for prediction in found:
            print(_as_text(prediction))
        empty = [prediction["image"] for prediction in found if prediction["box"] is None]
        if len(pictures) > 1:
            who = "person" if people == 1 else "people"
            print(f"{people} {who} in {len(pictures) - len(empty)} of {len(pictures)} pictures.")
            if empty:
                print(f"Nobody found in {', '.join(empty)}.")
    return 0


def _open_predictor(arguments: argparse.Namespace) -> Predictor:
    from ccim_core.predict import Predictor
    from ccim_core.run import Run
    from ccim_core.study import Study

    if not arguments.run:
        return Predictor.open(arguments.study)
    if arguments.study is None:
        raise InputError("Expected --study with --run, got none: it names one of a study's runs.")
    study = Study.open(arguments.study)
    return Predictor(study, [Run.open(study.run_path(name)) for name in arguments.run])


def _read_known(words: list[str]) -> dict[str, np.ndarray]:
    """`["depth=d.npy"]` to arrays by kind. Raises InputError."""
    from ccim_core.auxiliary import AUXILIARY, read_auxiliary

    known: dict[str, np.ndarray] = {}
    for word in words:
        name, _, file = word.partition("=")
        kind = next((kind for kind in AUXILIARY if kind == name), None)
        if kind is None or not file:
            raise InputError(
                f"Expected --known KIND=FILE with a kind of {list(AUXILIARY)}, got {word!r}."
            )
        known[kind] = read_auxiliary(kind, Path(file))
    return known


def _as_text(prediction: dict[str, Any]) -> str:
    """A table: a row an emotion, a column an estimator."""
    estimates = prediction["estimates"]
    if prediction["box"] is None:
        return "\n".join([f"{prediction['image']}  no subject", *_warnings(prediction)])
    box = ", ".join(f"{value:.0f}" for value in prediction["box"])
    lines = [f"{prediction['image']}  subject [{box}]"]
    lines += _warnings(prediction)
    if not estimates:
        return "\n".join([*lines, *_absences(prediction)])
    lines.append("  " + " " * 16 + "".join(f"{key:>18}" for key in estimates))
    for emotion in next(iter(estimates.values()))["probabilities"]:
        values = [estimate["probabilities"][emotion] for estimate in estimates.values()]
        lines.append(f"  {emotion:<16}" + "".join(f"{value:>18.3f}" for value in values))
    return "\n".join([*lines, *_absences(prediction)])


def _warnings(prediction: dict[str, Any]) -> list[str]:
    return [f"  warning: {text}" for text in prediction["warnings"]]


def _absences(prediction: dict[str, Any]) -> list[str]:
    return [f"  absent: {key} ({reason})" for key, reason in prediction["absent"].items()]
