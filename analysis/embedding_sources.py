"""Which stored features are compared: a run's array, before and after an intervention."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccim_core.errors import InputError
from ccim_core.files import read_json, sha256_file
from ccim_core.study import Study

__all__ = [
    "ARRAYS",
    "PairedFeatures",
    "Side",
    "SourceArray",
    "context_pairs",
    "default_pairs",
    "default_split",
    "read_pair",
    "source_hashes",
]

FOLDER = "embeddings"
INDEX = "index.parquet"


@dataclass(frozen=True, kw_only=True)
class SourceArray:
    """One of the arrays that `evaluate --embeddings` keeps.

    `space` names what its columns are: two arrays of one run and one space share their axes.
    """

    title: str
    space: str


ARRAYS: dict[str, SourceArray] = {
    "likelihood": SourceArray(title="joint feature h", space="h"),
    "backdoor": SourceArray(title="h averaged over strata", space="h"),
    "ccim": SourceArray(title="W_h h + W_g g (Eq. 4)", space="classifier input"),
    "context": SourceArray(title="context feature", space="v"),
}


@dataclass(frozen=True, kw_only=True)
class Side:
    """One array of one run, written `RUN:ARRAY`."""

    run: str
    array: str

    def __post_init__(self) -> None:
        if self.array not in ARRAYS:
            raise InputError(f"Expected an array of {list(ARRAYS)}, got {self.array!r}.")

    @classmethod
    def parse(cls, text: str) -> Side:
        """`"none-seed0:likelihood"` to a side. Raises InputError for another form."""
        run, colon, array = text.rpartition(":")
        if not colon or not run:
            raise InputError(f"Expected RUN:ARRAY, such as none-seed0:likelihood, got {text!r}.")
        return cls(run=run, array=array)

    def __str__(self) -> str:
        return f"{self.run}:{self.array}"

    def shares_space(self, other: Side) -> bool:
        """Whether both have the same axes, so that one projection serves both."""
        return self.run == other.run and ARRAYS[self.array].space == ARRAYS[other.array].space


@dataclass(frozen=True, kw_only=True, eq=False)
class PairedFeatures:
    """Two arrays of the same subjects, row by row.

    before (n, d), after (n, d′): float32. sample_id (n,). cluster: (n,) dictionary cluster of
    each subject's context, or None where the run did not keep it. n_left_out: subjects that only
    one of the two arrays has.
    """

    before: np.ndarray
    after: np.ndarray
    sample_id: np.ndarray
    cluster: np.ndarray | None
    n_left_out: int


def read_pair(study: Study, before: Side, after: Side, *, split: str) -> PairedFeatures:
    """The two arrays on one split, matched by `sample_id`, in the order of `before`.

    Raises:
        InputError: an array that was not stored, is damaged, or has no subject of the split.
    """
    (first, first_index), (second, second_index) = (
        _read_side(study, side, split) for side in (before, after)
    )
    position = pd.Index(second_index["sample_id"]).get_indexer(first_index["sample_id"])
    common = position >= 0
    if not common.any():
        raise InputError(
            f"Expected {before} and {after} to share subjects of split {split!r}, got none; "
            "evaluate both runs again on this study."
        )
    cluster = None
    if "stratum" in first_index:
        cluster = first_index["stratum"].to_numpy()[common]
    return PairedFeatures(
        before=first[common],
        after=second[position[common]],
        sample_id=first_index["sample_id"].to_numpy(str)[common],
        cluster=cluster,
        n_left_out=len(first) + len(second) - 2 * int(common.sum()),
    )


def source_hashes(study: Study, side: Side) -> dict[str, str] | None:
    """SHA-256 of an array and its index; None where the array is not there."""
    folder = study.runs_root / side.run / FOLDER
    paths = {"array": folder / f"{side.array}.npy", "index": folder / INDEX}
    if not all(path.is_file() for path in paths.values()):
        return None
    return {name: sha256_file(path) for name, path in paths.items()}


def default_pairs(study: Study) -> list[tuple[Side, Side]]:
    """What to compare when nothing is named: the first plain run, before and after.

    Its joint feature against the one averaged over strata, and against the CCIM run whose config
    differs in the intervention alone (any CCIM run if there is none such); and the context
    features of these two runs, where both keep them.

    Raises InputError when no plain run keeps features.
    """
    configs = _configs(study, "likelihood")
    plain = _first(configs, "none")
    if plain is None:
        raise _no_features(study)
    before = Side(run=plain, array="likelihood")
    pairs = [(before, Side(run=plain, array="backdoor"))]
    ccim = _first(_configs(study, "ccim"), "ccim", like=configs[plain])
    if ccim is not None:
        pairs.append((before, Side(run=ccim, array="ccim")))
        if {plain, ccim} <= set(_configs(study, "context")):
            pairs.append((Side(run=plain, array="context"), Side(run=ccim, array="context")))
    return pairs


def context_pairs(study: Study) -> dict[str, tuple[Side, Side]]:
    """For each emotion model: context features of its plain run and of its CCIM run.

    Raises InputError when no model has both.
    """
    configs = _configs(study, "context")
    pairs = {}
    for model in sorted({config["model"]["name"] for config in configs.values()}):
        mine = {name: one for name, one in configs.items() if one["model"]["name"] == model}
        plain = _first(mine, "none")
        ccim = _first(mine, "ccim", like=mine[plain]) if plain else None
        if plain and ccim:
            pairs[model] = (Side(run=plain, array="context"), Side(run=ccim, array="context"))
    if not pairs:
        raise _no_features(study)
    return pairs


def default_split(study: Study, side: Side, wanted: Sequence[str] = ("shift", "test")) -> str:
    """The first of the `wanted` splits that a side's run keeps features of, else any."""
    index = study.run_path(side.run) / FOLDER / INDEX
    names: list[str] = []
    if index.is_file():
        names = [str(name) for name in pd.read_parquet(index, columns=["split"])["split"].unique()]
    return next((name for name in (*wanted, *names) if name in names), wanted[0])


def _configs(study: Study, array: str) -> dict[str, dict[str, Any]]:
    """Configs of the runs that keep an array, by name."""
    return {
        path.name: read_json(path / "config.json")["config"]
        for path in study.run_paths()
        if (path / FOLDER / INDEX).is_file() and (path / FOLDER / f"{array}.npy").is_file()
    }


def _no_features(study: Study) -> InputError:
    return InputError(
        f"Expected runs trained plainly and with CCIM, with stored features, in "
        f"{study.runs_root}, got none; store them with `python -m ccim_core evaluate --study "
        f"{study.path} --run RUN --embeddings test shift`."
    )


def _first(
    configs: dict[str, dict[str, Any]], intervention: str, *, like: dict[str, Any] | None = None
) -> str | None:
    """The run of an intervention that is plainest, or most alike another's config."""
    names = [name for name, one in configs.items() if one["intervention"]["name"] == intervention]
    if like is not None:
        alike = [name for name in names if _differs_by_name_only(configs[name], like)]
        names = alike or names
    # The study's first variant is named by its intervention alone; seeds count upwards.
    names.sort(key=lambda name: (configs[name]["name"] != intervention, name))
    return names[0] if names else None


def _differs_by_name_only(one: dict[str, Any], other: dict[str, Any]) -> bool:
    def rest(config: dict[str, Any]) -> str:
        intervention = {**config["intervention"], "name": ""}
        return json.dumps({**config, "name": "", "intervention": intervention}, sort_keys=True)

    return rest(one) == rest(other)


def _read_side(study: Study, side: Side, split: str) -> tuple[np.ndarray, pd.DataFrame]:
    # Imported here: it needs torch, which readers of stored coordinates do without.
    from ccim_core.evaluation.embeddings import read_embeddings
    from ccim_core.run import Run

    run = Run.open(study.run_path(side.run))
    path = run.path / FOLDER / f"{side.array}.npy"
    try:
        features, index = read_embeddings(run, side.array)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"Expected features in {path}, got a damaged file ({error}).") from None
    _check(features, index, path)
    chosen = (index["split"] == split).to_numpy()
    if not chosen.any():
        stored = sorted(index["split"].astype(str).unique())
        raise InputError(
            f"Expected features of split {split!r} in {path.parent}, got those of {stored}; store "
            f"them with `python -m ccim_core evaluate --study {study.path} --run {side.run} "
            f"--embeddings {split}`."
        )
    return features[chosen], index[chosen].reset_index(drop=True)


def _check(features: np.ndarray, index: pd.DataFrame, path: Path) -> None:
    if features.ndim != 2 or not {"sample_id", "split"} <= set(index):
        raise InputError(f"Expected features (n, d) with an index at {path}, got another file.")
    if len(features) != len(index):
        raise InputError(
            f"Expected {len(index)} rows in {path}, as its index has, got {len(features)}; "
            "evaluate the run again."
        )
    broken = int((~np.isfinite(features).all(axis=1)).sum())
    if broken:
        raise InputError(
            f"Expected finite features in {path}, got NaN or infinity in {broken} rows; "
            "evaluate the run again."
        )
