"""Each row of a study's table with an interval over subjects and training seeds together.

From predictions and the manifest alone, so that runs without weights have it too. The difference
to the reference (the plain model on whole pictures, same recipe) is taken on the same subjects and
the same seeds, and so is the share of the gap to the oracle that is won back. Made once and kept
in `analysis/intervals.json`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ccim_core.errors import InputError
from ccim_core.evaluation.comparisons import StudyOutputs
from ccim_core.evaluation.evaluate import EVALUATION_FILE
from ccim_core.evaluation.variants import (
    FULL,
    changed_settings,
    family,
    plain_variants,
    run_variant,
)
from ccim_core.files import read_json, write_json
from ccim_core.metrics.resampling import SeedInterval, seed_interval
from ccim_core.progress import progress
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.config import RunConfig, to_dict

__all__ = [
    "INTERVALS_FILE",
    "NO_REFERENCE",
    "SHIFT",
    "StudyRuns",
    "make_intervals",
    "pairwise_difference",
    "read_intervals",
]

INTERVALS_FILE = "intervals.json"
NO_REFERENCE = "there is no plain run of the same settings on whole pictures"
SHIFT = "shift"
_REFERENCE = "likelihood"

Key = tuple[str, str]
"""A variant and its family: variants of two recipes may share a name."""
OutputKey = tuple[Path, str, str]
"""A run's path, a split and an estimator."""


class StudyRuns:
    """A study's runs by variant and family, and which variant is the plain one or the oracle."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.by_key: dict[Key, dict[int, Run]] = defaultdict(dict)
        values = {run.name: to_dict(run.config) for run in runs}
        for run in runs:
            key = run_variant(run.name), family(values[run.name])
            self.by_key[key][run.config.train.seed] = run
        self.bare = plain_variants((run_variant(run.name), values[run.name]) for run in runs)
        self.values = values

    def plain(self, of_family: str) -> Key | None:
        """The plain variant of a family."""
        return self._bare(of_family, oracle=False)

    def reference(self, of_family: str) -> Key | None:
        """The plain variant on whole pictures of a family's recipe."""
        return self.plain(_with_inputs(of_family, FULL))

    def oracle(self, of_family: str, inputs: str | None = None) -> Key | None:
        """The oracle of a family, or of its recipe on other inputs."""
        wanted = of_family if inputs is None else _with_inputs(of_family, inputs)
        return self._bare(wanted, oracle=True)

    def _bare(self, of_family: str, *, oracle: bool) -> Key | None:
        variant = self.bare.get((of_family, oracle))
        return None if variant is None else (variant, of_family)

    def changes(self, run: Run) -> int:
        """In how many settings a run differs from its recipe's reference (without one: from the
        defaults)."""
        reference = self.reference(family(self.values[run.name]))
        other = next(iter(self.by_key[reference].values())) if reference else None
        config = to_dict(RunConfig()) if other is None else self.values[other.name]
        return changed_settings(self.values[run.name], config)


def _with_inputs(of_family: str, inputs: str) -> str:
    return f"{of_family.rpartition('/')[0]}/{inputs}"


def make_intervals(
    study: Study, *, n_resamples: int = 1000, quiet: bool = False
) -> list[dict[str, Any]]:
    """Intervals of every evaluated variant × estimator × split that has predictions; kept, and
    made anew only where a run was trained anew.

    Raises:
        InputError: predictions with missing subjects.
    """
    if n_resamples < 2:
        return []
    runs = [
        Run.open(path)
        for path in study.run_paths()
        if (path / EVALUATION_FILE).is_file() and (path / "predictions.parquet").is_file()
    ]
    found, outputs = StudyRuns(runs), StudyOutputs(study, n_resamples)
    kept = {_identity(record): record for record in _kept(study)}
    records: list[dict[str, Any]] = []
    for key in progress(list(found.by_key), "intervals", unit="variants", quiet=quiet):
        records += _variant_records(found, key, outputs, kept)
    # Predictions of a split may have stayed behind where a study was shipped.
    present = {_identity(record) for record in records}
    records += [record for name, record in kept.items() if name not in present]
    write_json(study.analysis_root / INTERVALS_FILE, records)
    return records


def read_intervals(study: Study) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """(variant, family, estimator, split) to its record, where its runs are still the same."""
    digests = {path.name: _digest(path) for path in study.run_paths()}
    return {
        (record["variant"], record["family"], record["estimator"], record["split"]): record
        for record in _kept(study)
        if all(digests.get(name) == digest for name, digest in record["made_of"].items())
    }


def pairwise_difference(
    study: Study, *, first: tuple[str, str], second: tuple[str, str], split: str, n: int = 1000
) -> SeedInterval:
    """second − first of the headline, each a (variant, estimator), over their common seeds.

    Args:
        n: resamples.

    Raises:
        InputError: no seed that both have, or no predictions of them on `split`.
    """
    paths: dict[str, dict[int, Path]] = defaultdict(dict)
    for path in study.run_paths():
        paths[run_variant(path.name)][Run.open(path).config.train.seed] = path
    one, other = paths[first[0]], paths[second[0]]
    pairs = {
        seed: ((one[seed], split, first[1]), (other[seed], split, second[1]))
        for seed in one
        if seed in other
    }
    if not pairs:
        raise InputError(
            f"Expected runs of {first[0]!r} and {second[0]!r} with a common training seed, got "
            "none; train both with the same seeds."
        )
    outputs = StudyOutputs(study, n)
    for path, _, estimator in (side for pair in pairs.values() for side in pair):
        if (split, estimator) not in outputs.outputs(path):
            raise InputError(
                f"Expected predictions of {estimator!r} on {split!r} in {path}, got none; "
                f"evaluate the run on it."
            )
    return _difference(outputs, pairs)


def _variant_records(
    found: StudyRuns, key: Key, outputs: StudyOutputs, kept: Mapping[Any, dict[str, Any]]
) -> list[dict[str, Any]]:
    runs = found.by_key[key]
    reference = found.reference(key[1])
    others = found.by_key[reference] if reference else {}
    variant, of_family = key
    oracle = found.oracle(of_family)
    best = found.by_key[oracle] if oracle else {}
    made_of = {
        run.name: _digest(run.path) for run in (*runs.values(), *others.values(), *best.values())
    }
    records = []
    for split, estimator in outputs.outputs(next(iter(runs.values())).path):
        record: dict[str, Any] = {
            "variant": variant,
            "family": of_family,
            "estimator": estimator,
            "split": split,
            "made_of": made_of,
        }
        same = kept.get(_identity(record))
        if same is not None and same["made_of"] == made_of:
            records.append(same)
            continue
        mine = {
            s: run for s, run in runs.items() if (split, estimator) in outputs.outputs(run.path)
        }
        if len(np.unique(outputs.subjects(split)[1])) < 2:
            continue
        record |= _put("headline", _interval(outputs, mine, split, estimator))
        record["interval_seeds"] = len(mine)
        record["reference_variant"] = reference[0] if reference else None
        pairs = {
            seed: ((others[seed].path, split, _REFERENCE), (run.path, split, estimator))
            for seed, run in mine.items()
            if seed in others and (split, _REFERENCE) in outputs.outputs(others[seed].path)
        }
        record["difference_seeds"] = len(pairs)
        record["difference_reason"] = _reason(key, reference, estimator, pairs)
        if not record["difference_reason"]:
            record |= _put("difference", _difference(outputs, pairs))
        if pairs and key != oracle and split == SHIFT:
            oracles = {
                seed: (best[seed].path, split, _REFERENCE)
                for seed in pairs
                if seed in best and (split, _REFERENCE) in outputs.outputs(best[seed].path)
            }
            record |= _put("won_back", _share(outputs, pairs, oracles))
        records.append(record)
    return records


def _reason(key: Key, reference: Key | None, estimator: str, pairs: Mapping[int, Any]) -> str:
    if reference is None:
        return NO_REFERENCE
    if key == reference and estimator == _REFERENCE:
        return "it is the reference itself"
    return "" if pairs else "the plain runs have no seed in common with it"


def _interval(
    outputs: StudyOutputs, runs: Mapping[int, Run], split: str, estimator: str
) -> SeedInterval:
    paths = [run.path for _, run in sorted(runs.items())]
    return seed_interval(
        [outputs.value(path, split, estimator) for path in paths],
        np.stack([outputs.draws(path, split, estimator) for path in paths]),
    )


def _difference(
    outputs: StudyOutputs, pairs: Mapping[int, tuple[OutputKey, OutputKey]]
) -> SeedInterval:
    values, draws = [], []
    for _, (before, after) in sorted(pairs.items()):
        values.append(outputs.value(*after) - outputs.value(*before))
        draws.append(outputs.draws(*after) - outputs.draws(*before))
    return seed_interval(values, np.stack(draws))


def _share(
    outputs: StudyOutputs,
    pairs: Mapping[int, tuple[OutputKey, OutputKey]],
    oracles: Mapping[int, OutputKey],
) -> SeedInterval | None:
    """The share r = D/G of the oracle's gap, linearised: it moves by (D_i − r·G_i)/G, so that the
    noise of the gap is in it. None where no seed has all three runs, or there is no gap."""
    seeds = sorted(set(pairs) & set(oracles))
    if not seeds:
        return None

    def moved(of: Callable[[Path, str, str], Any]) -> tuple[np.ndarray, np.ndarray]:
        before = np.stack([of(*pairs[seed][0]) for seed in seeds])
        after, best = (
            np.stack([of(*key) for key in keys])
            for keys in ([pairs[s][1] for s in seeds], [oracles[s] for s in seeds])
        )
        return after - before, best - before

    gained, gap = moved(outputs.value)
    if not gap.mean() > 0:
        return None
    share = gained.mean() / gap.mean()
    values = share + (gained - share * gap) / gap.mean()
    gained_draws, gap_draws = moved(outputs.draws)
    return seed_interval(values, share + (gained_draws - share * gap_draws) / gap.mean())


def _put(name: str, interval: SeedInterval | None) -> dict[str, float | None]:
    if interval is None:
        return {}
    low, high = interval.low, interval.high
    values = {f"{name}_low": low, f"{name}_high": high}
    if name == "headline":
        values = {end: min(max(value, 0.0), 1.0) for end, value in values.items()}
    # Headlines and shares are the table's own, which see digits that predictions leave out.
    if name == "difference":
        values[name] = interval.estimate
    return {end: float(value) if np.isfinite(value) else None for end, value in values.items()}


def _identity(record: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return record["variant"], record["family"], record["estimator"], record["split"]


def _kept(study: Study) -> list[dict[str, Any]]:
    path = study.analysis_root / INTERVALS_FILE
    return list(read_json(path)) if path.is_file() else []


def _digest(path: Path) -> str | None:
    digest = read_json(path / "done").get("model_sha256")
    return None if digest is None else str(digest)[:16]
