"""Where a preparation goes: a study directory, or a manifest with its summary beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ccim_core.datasets.preparation import Preparation
from ccim_core.datasets.source import SourceTable
from ccim_core.errors import InputError
from ccim_core.files import write_atomically, write_json
from ccim_core.study import Study

__all__ = ["check_out", "pictures_folder", "write_preparation"]

_PICTURES = "pictures"


def is_manifest(out: Path) -> bool:
    """Whether `out` names a manifest file and no study directory."""
    return out.suffix.lower() in (".parquet", ".pq")


def pictures_folder(source: SourceTable, out: Path) -> Path:
    """Where the pictures of what is written to `out` lie."""
    if source.write_pictures is None:
        return source.image_root.resolve()
    return out.with_name(f"{out.stem}.pictures") if is_manifest(out) else out / _PICTURES


def check_out(out: Path, kind: str) -> None:
    """Raise InputError for a place that can't be written to, before the long work begins."""
    if is_manifest(out):
        if out.is_dir():
            raise InputError(f"Expected a file to write the manifest to, got the folder {out}.")
        return
    if out.suffix.lower() in (".csv", ".json"):
        raise InputError(
            f"Expected --out FILE.parquet for a manifest or a folder for a study, got {out}."
        )
    Study.check_target(out)
    if (out / "study.json").is_file():
        study = Study.open(out)
        if study.kind != kind:
            raise InputError(
                f"Expected a new folder or a study of {kind!r} data at {out}, "
                f"got one of {study.kind!r}; choose another folder."
            )


def write_preparation(
    preparation: Preparation, out: Path, *, name: str | None = None, quiet: bool = False
) -> Path:
    """Write it, whole or not at all. Returns the path of what was made.

    `out` named .parquet: the manifest, and beside it FILE.summary.json and, where there is a
    report, FILE.near_duplicates.csv. Else a study directory with the same in it. Pictures that
    the dataset held in arrays go to `pictures/` in the study, to FILE.pictures/ beside a manifest.
    """
    source = preparation.source
    check_out(out, source.kind)
    if is_manifest(out):
        with _pictures(source, pictures_folder(source, out), beside=out.parent, quiet=quiet):
            preparation.manifest.save(out)
        _write_account(preparation, out.parent, f"{out.stem}.")
        return out
    pictures = pictures_folder(source, out)
    root = _PICTURES if source.write_pictures else str(pictures)
    with _pictures(source, pictures, beside=out.parent, quiet=quiet):
        Study.create(
            out,
            name=name or source.kind,
            kind=source.kind,
            labels=source.labels,
            manifest=preparation.manifest,
            roots={"images": root},
            settings={"prepare": _settings(preparation)},
        )
    _write_account(preparation, out, "")
    return out


def _settings(preparation: Preparation) -> dict[str, Any]:
    summary = preparation.summary
    return {
        "dataset": summary.dataset,
        **summary.settings,
        "check_pictures": summary.check_pictures,
        "actions": summary.actions,
        "subjects": {split: account.subjects for split, account in summary.splits.items()},
    }


def _write_account(preparation: Preparation, folder: Path, prefix: str) -> None:
    write_json(folder / f"{prefix}summary.json", preparation.summary.to_dict())
    near = preparation.summary.near_duplicates
    if near is not None:
        with write_atomically(folder / f"{prefix}near_duplicates.csv") as temporary:
            near.matches.to_csv(temporary, index=False)


@contextmanager
def _pictures(source: SourceTable, target: Path, *, beside: Path, quiet: bool) -> Iterator[None]:
    """Write the pictures that a source holds in arrays, which become `target` once the block has
    succeeded. Until then they are in a hidden folder in `beside`, where a rename moves them."""
    if source.write_pictures is None:
        yield
        return
    beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=beside) as temporary:
        fresh = Path(temporary) / "fresh"
        fresh.mkdir()
        source.write_pictures(fresh, quiet)
        yield
        if target.exists():
            target.rename(Path(temporary) / "old")
        fresh.rename(target)
