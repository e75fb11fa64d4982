"""How far the benchmark's headline numbers vary with the data and with the dictionary.

± over training seeds says nothing of other data. Here the headline variants are trained again on
the benchmark rendered from other seeds, and with dictionaries from other seeds. Each step leaves
what it made under `<study>/variation` and is skipped when that is there.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ccim_core.demo import RECIPE, demo_configs, make_manifest
from ccim_core.errors import InputError
from ccim_core.evaluation.evaluate import read_evaluation
from ccim_core.evaluation.variants import run_variant
from ccim_core.files import write_json
from ccim_core.rendered.generator import ControlledConfig
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.sweeps.engine import SweepOptions
from ccim_core.sweeps.processes import run_in_processes
from ccim_core.training.config import RunConfig, load_recipe, replace_field

__all__ = ["VARIATION_FILE", "VARIED", "make_data_variation"]

VARIATION_FILE = "data_variation.json"
VARIED = (
    "none",
    "ccim",
    "logit_adjusted",
    "orthogonal-logit_adjusted",
    "subject-only",
    "oracle",
    "oracle-subject-only",
)
_SPLITS = ("test", "shift")
_SEED = 0
_PLAIN = "none", "likelihood"

Values = dict[tuple[str, str, str], dict[int, float]]
"""(variant, estimator, split) to the headline by seed, of the data or of the dictionary."""


def make_data_variation(
    study: Study,
    *,
    data_seeds: int = 3,
    dictionary_seeds: int = 3,
    base: RunConfig | None = None,
    variants: Sequence[str] = VARIED,
    processes: int | None = 1,
    device: str = "cpu",
    quiet: bool = False,
) -> list[dict[str, Any]]:
    """Train `variants` on data and with dictionaries of several seeds, one training seed each.

    A deviation between data seeds has the training's own in it. Dictionaries vary on the first
    data alone.

    Args:
        study: a demo study; its data seed is the first, the rest follow it.
        data_seeds, dictionary_seeds: how many of each.
        base: the plain run; by default the shipped recipe.

    Returns:
        The rows of `analysis/data_variation.json`: variant, estimator, split; data_values (by
        seed), data_mean, data_sd; difference_mean, difference_sd (to the plain model on the same
        data); dictionary_values, dictionary_mean, dictionary_sd. None where it is of one seed or,
        for the dictionary, where none enters.

    Raises:
        InputError: the study is no demo study, or a run failed.
    """
    settings = study.info["settings"].get("controlled")
    if settings is None:
        raise InputError(
            f"Expected a demo study, got {study.path} of another kind; data can be drawn anew for "
            "the rendered benchmark alone."
        )
    controlled = ControlledConfig(**settings)
    base = base or load_recipe(RECIPE)
    of_data: Values = defaultdict(dict)
    of_dictionary: Values = defaultdict(dict)
    seeds = [controlled.seed + i for i in range(data_seeds)]
    for seed in seeds:
        folder = study.path / "variation" / f"data-seed{seed}"
        drawn = make_manifest(folder, replace(controlled, seed=seed), quiet=quiet)
        configs = demo_configs(base, [_SEED], variants=variants)
        if seed == controlled.seed:
            configs += [_with_dictionary(c, i) for i in range(1, dictionary_seeds) for c in configs]
        options = SweepOptions(device=device, splits=_SPLITS, n_bootstrap=0, half=True)
        outcome = run_in_processes(drawn, configs, options, processes=processes, quiet=quiet)
        if outcome.failed:
            first = outcome.failed[0]
            raise InputError(f"Expected every run to be made, {first.name} failed: {first.error}")
        for path in drawn.run_paths():
            _collect(path, seed, of_data, of_dictionary, first=seed == controlled.seed)
    rows = [_row(key, of_data, of_dictionary) for key in of_data]
    record = {
        "data_seeds": seeds,
        "dictionary_seeds": list(range(dictionary_seeds)),
        "training_seed": _SEED,
        "rows": rows,
    }
    write_json(study.analysis_root / VARIATION_FILE, record)
    return rows


def _with_dictionary(config: RunConfig, seed: int) -> RunConfig:
    """The same run with the dictionary of another seed, under a name of its own."""
    config = replace_field(config, "dictionary.seed", seed)
    return replace(config, name=f"{config.name}-dictionary{seed}")


def _collect(path: Path, seed: int, of_data: Values, of_dictionary: Values, *, first: bool) -> None:
    """Sort a run's headlines by what its seed is of."""
    run = Run.open(path)
    dictionary = run.config.dictionary.seed
    variant = run_variant(path.name).removesuffix(f"-dictionary{dictionary}")
    for row in read_evaluation(run)["rows"]:
        key = variant, row["estimator"], row["split"]
        if row["headline"] is None:
            continue
        if dictionary == 0:
            of_data[key][seed] = row["headline"]
        if first:
            of_dictionary[key][dictionary] = row["headline"]


def _row(key: tuple[str, str, str], of_data: Values, of_dictionary: Values) -> dict[str, Any]:
    plain = of_data.get((*_PLAIN, key[2]), {})
    data, dictionary = of_data[key], of_dictionary.get(key, {})
    moved = {seed: data[seed] - plain[seed] for seed in data if seed in plain}
    # A run that no dictionary enters comes out the same whatever its seed.
    enters = len(set(dictionary.values())) > 1
    row: dict[str, Any] = dict(zip(("variant", "estimator", "split"), key, strict=True))
    row["data_values"] = [data[seed] for seed in sorted(data)]
    row |= _spread("data", data) | _spread("difference", moved if key[:2] != _PLAIN else {})
    row["dictionary_values"] = [dictionary[s] for s in sorted(dictionary)] if enters else None
    return row | _spread("dictionary", dictionary if enters else {})


def _spread(name: str, values: dict[int, float]) -> dict[str, float | None]:
    found = list(values.values())
    return {
        f"{name}_mean": statistics.fmean(found) if found else None,
        f"{name}_sd": statistics.stdev(found) if len(found) > 1 else None,
    }
