"""The demo study: the rendered benchmark, every intervention and oracle, three seeds, evaluated.

Each step leaves what it made in the study directory and is skipped when that is there, so an
interrupted demo goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ccim_core.errors import InputError
from ccim_core.evaluation.probes import probe_runs
from ccim_core.evaluation.selection import GROUPS, select_by_validation
from ccim_core.evaluation.table import write_study_table
from ccim_core.evaluation.variants import run_variant
from ccim_core.files import write_json
from ccim_core.labels import LABEL_SETS
from ccim_core.manifest import build_manifest
from ccim_core.rendered.generator import (
    ControlledConfig,
    controlled_frame,
    controlled_model,
    write_truth,
)
from ccim_core.run import Run
from ccim_core.shipping import ship_study
from ccim_core.study import Study
from ccim_core.sweeps.engine import SweepOptions, SweepOutcome
from ccim_core.sweeps.processes import run_in_processes
from ccim_core.training.accelerator import make_accelerator
from ccim_core.training.config import RunConfig, load_recipe, replace_field
from ccim_core.training.data import StudyData
from ccim_core.training.train import study_data

__all__ = ["DEMO_STUDY", "VARIANTS", "demo_configs", "make_demo", "make_manifest", "ship_demo"]

DEMO_STUDY = Path(__file__).parent / "assets" / "demo_study"
RECIPE = Path(__file__).parent / "training" / "recipes" / "emot_net_controlled.yaml"
EVALUATED_SPLITS = ("val", "test", "shift", "twins")

# Over which validation subjects an epoch is chosen; the plain model, CCIM and the controls keep the
# paper's choice, by the headline as it is.
_REWEIGHTED = {"train.select_by": "reweighted"}

# Name to the fields that differ from the plain model. Oracles train on unbiased data.
VARIANTS: dict[str, dict[str, Any]] = {
    "none": {},
    # What the criterion gains by itself.
    "none-reweighted-epoch": _REWEIGHTED,
    "ccim": {"intervention.name": "ccim"},
    "ccim-renormalised": {
        "intervention.name": "ccim",
        "intervention.weighting": "renormalised",
    },
    "ccim-additive": {"intervention.name": "ccim", "intervention.attention": "additive"},
    "ccim-random-z": {"intervention.name": "ccim", "dictionary.kind": "random"},
    "ccim-constant-g": {"intervention.name": "ccim", "intervention.attention": "constant"},
    "ccim-shuffled-prior": {"intervention.name": "ccim", "dictionary.shuffle_prior": True},
    "counterfactual": {"intervention.name": "counterfactual", **_REWEIGHTED},
    # CLEF's fusion; the one above is a product of experts.
    "counterfactual-log-sigmoid": {
        "intervention.name": "counterfactual",
        "intervention.fusion": "log_sigmoid",
        **_REWEIGHTED,
    },
    "logit_adjusted": {"intervention.name": "logit_adjusted", **_REWEIGHTED},
    "inverse_propensity": {"intervention.name": "inverse_propensity", **_REWEIGHTED},
    "group_dro": {
        "intervention.name": "group_dro",
        "intervention.weight_decay": 1.0,
        "train.select_by": "worst_group",
    },
    "last-layer-refit": {"train.refit": True},
    # An orthogonal projection (not LEACE): all the directions that 64 strata can span.
    "orthogonal-subject": {"model.subject_erase": 63, **_REWEIGHTED},
    "orthogonal-logit_adjusted": {
        "model.subject_erase": 63,
        "intervention.name": "logit_adjusted",
        **_REWEIGHTED,
    },
    "subject-only": {"model.inputs": "subject"},
    "matted": {"model.subject_parts": "subject"},
    "matted-logit_adjusted": {
        "model.subject_parts": "subject",
        "intervention.name": "logit_adjusted",
        **_REWEIGHTED,
    },
    "matted-cue": {"model.subject_parts": "subject", "model.context_parts": "people"},
    "oracle": {"train.split": "oracle_train"},
    "oracle-subject": {
        "train.split": "oracle_train",
        "model.inputs": "subject",
        "model.subject_parts": "subject",
    },
    "oracle-subject-cue": {
        "train.split": "oracle_train",
        "model.subject_parts": "subject",
        "model.context_parts": "people",
    },
    # A method's oracle sees what the method sees: these are of `subject-only` and of `matted`.
    "oracle-subject-only": {"train.split": "oracle_train", "model.inputs": "subject"},
    "oracle-matted": {"train.split": "oracle_train", "model.subject_parts": "subject"},
}


# Variants whose weights ship: one for each intervention that can be trained in.
SHIPPED_WEIGHTS = (
    "none",
    "ccim",
    "counterfactual",
    "logit_adjusted",
    "inverse_propensity",
    "group_dro",
)
# Variants whose features are probed for what is left of the scene.
PROBED = (
    "none",
    *(name for name in VARIANTS if name.startswith("ccim")),
    "counterfactual",
    "orthogonal-subject",
    "matted",
)
PROBES_FILE = "probes.json"
# What validation alone would choose, of each group.
SELECTION_FILE = "selection.json"


def demo_configs(
    base: RunConfig, seeds: Sequence[int], *, variants: Sequence[str] | None = None
) -> list[RunConfig]:
    """Every variant (of VARIANTS, or those named) × seed as a config of the recipe `base`."""
    configs = []
    for name in variants or VARIANTS:
        config = replace(base, name=name)
        for path, value in VARIANTS[name].items():
            config = replace_field(config, path, value)
        configs += [replace_field(config, "train.seed", seed) for seed in seeds]
    return configs


def make_demo(
    out: Path,
    *,
    controlled: ControlledConfig | None = None,
    base: RunConfig | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    variants: Sequence[str] | None = None,
    n_bootstrap: int = 1000,
    processes: int | None = 1,
    device: str = "cpu",
    quiet: bool = False,
) -> Study:
    """Make the demo study at `out`, or go on with it.

    Args:
        controlled: what to render.
        base: the plain run that variants differ from; by default the shipped recipe.
        seeds: training seeds of each variant. variants: of VARIANTS, all by default.
        n_bootstrap: resamples for the intervals of the first seed.
        processes: to divide the runs among; None: as many as suit.

    Raises:
        InputError: `out` holds something else, a demo of other settings, or a run failed.
    """
    controlled = controlled or ControlledConfig()
    study = make_manifest(out, controlled, quiet=quiet)
    base = base or load_recipe(RECIPE)
    configs = demo_configs(base, seeds, variants=variants)
    data = study_data(study, make_accelerator(device=device), base, quiet=quiet)
    # Encoded once for all, by this process and its workers.
    for config in configs:
        splits = (config.train.split, config.train.validation_split, *EVALUATED_SPLITS)
        data.load(config, splits)
    options = SweepOptions(
        device=device,
        splits=EVALUATED_SPLITS,
        n_bootstrap=n_bootstrap,
        embeddings=("shift",),
        half=True,
        full_seeds=(seeds[0],),
    )
    _check(run_in_processes(study, configs, options, processes=processes, quiet=quiet))
    table = write_study_table(study, n_resamples=n_bootstrap, quiet=quiet)
    chosen = [select_by_validation(table, group=group) for group in GROUPS]
    write_json(study.analysis_root / SELECTION_FILE, chosen)
    _probe(study, data, seeds[0], quiet=quiet)
    return study


def ship_demo(study: Study, out: Path, *, seed: int = 0) -> Study:
    """Write the demo study as it ships: weights of one run of every trained-in intervention.

    Of runs that are no variant of the demo's (the ablations) only their own outputs go.
    """
    weights = [f"{name}-seed{seed}" for name in SHIPPED_WEIGHTS]
    ablations = [path.name for path in study.run_paths() if run_variant(path.name) not in VARIANTS]
    return ship_study(study, out, weights_of=weights, brief=ablations)


def make_manifest(out: Path, controlled: ControlledConfig, *, quiet: bool) -> Study:
    """The study at `out` before its first run, made or opened.

    Raises InputError when `out` holds something else, or a study of other settings.
    """
    settings = {"controlled": controlled.to_dict()}
    Study.check_target(out)
    if (out / "study.json").is_file():
        study = Study.open(out)
        if study.info["settings"] != settings:
            raise InputError(
                f"Expected a demo study of the same settings at {out}, got other settings; "
                "choose another folder."
            )
        return study
    labels = LABEL_SETS["controlled"]
    manifest, _ = build_manifest(controlled_frame(controlled, quiet=quiet), labels)
    write_truth(controlled_model(controlled), controlled, out)
    return Study.create(
        out,
        name="Rendered benchmark",
        kind="controlled",
        labels=labels,
        manifest=manifest,
        settings=settings,
        into_existing=True,
    )


def _check(outcome: SweepOutcome) -> None:
    if outcome.failed:
        first = outcome.failed[0]
        raise InputError(
            f"Expected every run to be made, got {len(outcome.failed)} that failed, the first "
            f"{first.name}: {first.error}"
        )


def _probe(study: Study, data: StudyData, seed: int, *, quiet: bool) -> None:
    """Scene and emotion decodability from S, C and h on the shift split, once."""
    path = study.analysis_root / PROBES_FILE
    if path.is_file():
        return
    paths = [study.runs_root / f"{name}-seed{seed}" for name in PROBED]
    runs = [Run.open(path) for path in paths if path.is_dir()]
    write_json(path, probe_runs(runs, data, split="shift", quiet=quiet))
