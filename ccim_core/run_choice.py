"""Which of a study's runs answers which estimator."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from ccim_core.causal.estimators import ESTIMATORS
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.config import InterventionConfig, RunConfig

__all__ = ["answering_runs", "assign_estimators", "default_runs"]

# Which intervention's run answers each estimator, unless the caller names runs.
PREFERRED = {
    "likelihood": "none",
    "ccim": "ccim",
    "backdoor": "none",
    "prior_correction": "none",
    "counterfactual": "counterfactual",
}


def answering_runs(study: Study) -> list[Run]:
    """Finished runs that can answer for a new picture: with weights, and the study's emotions."""
    # Others are shipped with their predictions alone.
    paths = [path for path in study.run_paths() if (path / "model.safetensors").is_file()]
    runs = [Run.open(path) for path in paths]
    return [run for run in runs if run.labels.emotions == study.labels.emotions]


def default_runs(study: Study) -> list[Run]:
    """One run an intervention that an estimator asks for, all of one configuration beside it.

    Of several configurations the one with the most interventions is taken; of several runs of an
    intervention the one with its default settings, then the lowest seed.
    """
    families: dict[RunConfig, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in answering_runs(study):
        name = run.config.intervention.name
        if name in PREFERRED.values():
            families[_family(run.config)][name].append(run)
    if not families:
        return []
    family = max(families.values(), key=len)
    return [min(runs, key=_preference) for runs in family.values()]


def _family(config: RunConfig) -> RunConfig:
    """A config without what may differ between the estimates of one picture."""
    train = replace(config.train, seed=0, select_by="headline")
    return replace(config, name="", train=train, intervention=InterventionConfig())


def _preference(run: Run) -> tuple[bool, bool, int, str]:
    plain = InterventionConfig(name=run.config.intervention.name)
    # Of two plain runs, that whose epoch was chosen as in the paper.
    chosen_otherwise = run.config.train.select_by != "headline"
    return run.config.intervention != plain, chosen_otherwise, run.config.train.seed, run.name


def assign_estimators(runs: list[Run]) -> tuple[dict[str, Run], dict[str, str]]:
    """Each estimator's run, and the reason for every estimator without one."""
    by_estimator: dict[str, Run] = {}
    absent: dict[str, str] = {}
    for key in ESTIMATORS:
        reasons = []
        ordered = sorted(runs, key=lambda run: run.config.intervention.name != PREFERRED[key])
        for run in ordered:
            reason = run.estimators()[key]
            if reason is None:
                by_estimator[key] = run
                break
            reasons.append(f"{run.name}: {reason}")
        else:
            absent[key] = "; ".join(reasons)
    return by_estimator, absent
