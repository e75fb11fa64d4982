"""Options that commands share: which rows, read how."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ccim_core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from ccim_core.labels import LabelSet
    from ccim_core.study import Study

__all__ = ["Rows", "add_row_options", "next_line", "open_rows", "out_directory"]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A table of subjects, its vocabulary, and the split that was chosen (None: all rows)."""

    frame: pd.DataFrame
    labels: LabelSet
    split: str | None
    title: str
    out: Path | None
    """Where results go unless the user says otherwise: a study's own folder."""
    study: Study | None = None

    def chosen(self) -> pd.DataFrame:
        """The rows of the split. Raises InputError when there is no such split."""
        if self.split is None:
            return self.frame
        names = [] if "split" not in self.frame else sorted(self.frame["split"].dropna().unique())
        if self.split not in names:
            raise InputError(f"Expected a split of {[str(n) for n in names]}, got {self.split!r}.")
        return self.frame[self.frame["split"] == self.split].reset_index(drop=True)


def add_row_options(parser: argparse.ArgumentParser) -> None:
    """`--study` or `--manifest`, `--labels`, `--split`, `--out`, `--json`, `--quiet`."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--study", type=Path, metavar="DIR", help="a study")
    source.add_argument(
        "--manifest",
        type=Path,
        metavar="FILE",
        help="a table of subjects, CSV or Parquet; the pictures need not be there",
    )
    parser.add_argument(
        "--labels",
        metavar="SET",
        help="with --manifest: the label set (default: the manifest's own, or the names in it)",
    )
    parser.add_argument(
        "--split",
        metavar="NAME",
        help="rows to use; `all` for all (default: train if there is one)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write JSON, CSV and HTML here")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")


def open_rows(arguments: argparse.Namespace) -> Rows:
    """The rows that the options name. Raises InputError if they cannot be used."""
    study = None
    if arguments.study is not None:
        from ccim_core.study import Study

        if arguments.labels:
            raise InputError("Expected --labels with --manifest only: a study has its own.")
        study = Study.open(arguments.study)
        frame, labels = study.manifest.frame, study.labels
        title, out = study.name, study.analysis_root
    else:
        frame, labels = _read(arguments.manifest, arguments.labels)
        title, out = arguments.manifest.name, None
    return Rows(
        frame=frame,
        labels=labels,
        split=_split(frame, arguments.split),
        title=title,
        out=out,
        study=study,
    )


def _read(path: Path, labels: str | None) -> tuple[pd.DataFrame, LabelSet]:
    """A manifest saved by this project keeps its label set; any other table has none."""
    from analysis.counting import infer_labels
    from ccim_core.labels import get_label_set
    from ccim_core.manifest import Manifest, read_table

    frame = read_table(path)
    if labels is not None:
        return frame, get_label_set(labels)
    if path.suffix.lower() in (".parquet", ".pq"):
        try:
            manifest = Manifest.load(path)
        except InputError:  # a table of somebody else's
            return frame, infer_labels(frame)
        return manifest.frame, manifest.labels
    return frame, infer_labels(frame)


def _split(frame: pd.DataFrame, wanted: str | None) -> str | None:
    if wanted == "all":
        return None
    if wanted is None and ("split" not in frame or not (frame["split"] == "train").any()):
        return None
    return wanted or "train"


def out_directory(arguments: argparse.Namespace, rows: Rows, name: str) -> Path | None:
    """Where the command's files go: `--out`, or a folder of the study, or nowhere."""
    if arguments.out is not None:
        return Path(arguments.out)
    return None if rows.out is None else rows.out / name


def next_line(rows: Rows, page: Path | None) -> str:
    """What to do next: look at a study in the app, at a page that was written, or write one."""
    if rows.study is not None:
        return f"next: streamlit run app/main.py -- --study {rows.study.path}"
    if page is not None:
        return f"next: open {page} in a browser"
    return "next: the same with --out DIR keeps tables and a page"
