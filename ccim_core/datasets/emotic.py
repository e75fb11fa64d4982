"""EMOTIC: subjects in context with 26 emotion categories and valence, arousal, dominance.

Source: Kosti et al., "Context Based Emotion Recognition using EMOTIC Dataset", PAMI 2020; handed
out by its authors on request, for research only. Three forms are read:
- `Annotations/Annotations.mat` beside `emotic/{ade20k,emodb_small,framesdb,mscoco}/images/`;
- the older `CVPR17_Annotations.mat` beside `cvpr_emotic/`;
- the community's pre-processed `{train,val,test}.csv` and `*_{context,body,cat,cont}_arr.npy`.

Its known faults and what is done by default: boxes partly outside are clipped; boxes outside,
empty, inverted or not numbers, missing and unreadable pictures and persons without emotions are
dropped; subjects without VAD, grey and four-channel pictures and pictures of another size than
recorded are kept. The usual pre-processing also drops persons without VAD: that is the policy
`vad_missing=drop`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ccim_core.datasets.emotic_arrays import read_arrays
from ccim_core.datasets.emotic_mat import read_mat
from ccim_core.datasets.source import SourceTable, find_file
from ccim_core.errors import InputError
from ccim_core.labels import get_label_set

__all__ = ["EmoticConfig", "read_emotic"]

_MAT_FILES = (
    "Annotations/Annotations.mat",
    "Annotations.mat",
    "Annotations/CVPR17_Annotations.mat",
    "CVPR17_Annotations.mat",
)
_CSV_FILES = ("train.csv", "emotic_pre/train.csv")
_COLLECTIONS = ("ade20k", "emodb_small", "framesdb", "mscoco")
_PICTURE_FOLDERS = ("emotic", "cvpr_emotic", ".", "emotic/emotic", "cvpr_emotic/cvpr_emotic")


@dataclass(frozen=True, kw_only=True)
class EmoticConfig:
    """How to read EMOTIC.

    form: "mat", "arrays", or "auto": the .mat file if there is one, else the arrays.
    annotations: the .mat file, or the folder of CSV and .npy files; None looks in the usual places.
    soft_labels: also keep the annotators' votes (only the .mat file has them).
    """

    form: Literal["auto", "mat", "arrays"] = "auto"
    annotations: Path | None = None
    soft_labels: bool = False


def read_emotic(root: Path | str, config: EmoticConfig | None = None) -> SourceTable:
    """Read EMOTIC under `root`.

    Raises InputError when no form is found, or what is found is damaged or something else.
    """
    config = config or EmoticConfig()
    root = Path(root)
    path = _find_annotations(root, config)
    if path.suffix.lower() == ".csv":
        if config.soft_labels:
            raise InputError(
                "Expected Annotations.mat for soft labels, got the CSV form, which has no "
                "annotators' votes; leave out --soft-labels."
            )
        return read_arrays(path.parent, find_picture_root(root))
    labels = get_label_set("emotic")
    read = read_mat(path, labels, soft_labels=config.soft_labels)
    return SourceTable(
        kind="emotic",
        frame=read.frame,
        labels=labels,
        image_root=find_picture_root(root) or root / "emotic",
        faults=read.faults,
        settings={"annotations": path.name, "form": "mat", "soft_labels": config.soft_labels},
    )


def _find_annotations(root: Path, config: EmoticConfig) -> Path:
    if config.annotations is not None:
        path = config.annotations
        if path.is_dir():
            path = path / "train.csv"
        if not path.is_file():
            raise InputError(f"Expected EMOTIC's annotations at {path}, got no such file.")
        return path
    candidates = {"mat": _MAT_FILES, "arrays": _CSV_FILES, "auto": _MAT_FILES + _CSV_FILES}
    return find_file(
        root,
        candidates[config.form],
        what="EMOTIC's annotations",
        hint="name the folder that the archives were unpacked in, or the file with --annotations.",
    )


def find_picture_root(root: Path) -> Path | None:
    """The folder that holds EMOTIC's collections (mscoco/, framesdb/, …), None if none does."""
    for name in _PICTURE_FOLDERS:
        if any((root / name / collection).is_dir() for collection in _COLLECTIONS):
            return root / name
    return None
