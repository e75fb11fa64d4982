"""Which runs a sweep consists of, which of them a study has, and what each is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ccim_core.errors import InputError
from ccim_core.evaluation.variants import run_variant
from ccim_core.files import read_json
from ccim_core.study import Study
from ccim_core.sweeps.naming import unique_stem
from ccim_core.training.config import RunConfig
from ccim_core.training.content import Content, finished_content, planned_content

__all__ = ["MARK", "PlannedRun", "plan_runs"]

MARK = "sweep.json"
"""What a sweep writes into a run's folder when it begins it: whose the folder is."""


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A run to be made, or one that is there.

    Attributes:
        config: with the name that it has or gets.
        content: what decides that two runs are the same, hex SHA-256.
        path: the run directory.
        present: whether it had been trained when the plan was made.
    """

    config: RunConfig
    content: str
    path: Path
    present: bool

    @property
    def name(self) -> str:
        """The run directory's name."""
        return self.path.name


def plan_runs(study: Study, configs: Sequence[RunConfig]) -> list[PlannedRun]:
    """Configs to runs, each content once, in the configs' order.

    A finished run of the same content stands for a config, whatever it is called. New seeds are
    named as those that there are; where a name is another run's, the content's first digits are
    added to it, to all seeds alike.

    Raises:
        InputError: a folder of the name that remains is another run's too.
    """
    manifest = study.manifest_hash
    wanted: dict[str, tuple[Content, RunConfig]] = {}
    for config in configs:
        content = planned_content(config, study, manifest)
        wanted.setdefault(content.run, (content, config))
    there = _Finished.of(study)
    stems = _choose_stems(study, wanted, there)
    planned = []
    for run, (content, config) in wanted.items():
        name = there.by_content.get(run)
        config = replace(config, name=run_variant(name) if name else stems[content.variant])
        path = study.runs_root / (name or config.run_name)
        planned.append(PlannedRun(config=config, content=run, path=path, present=name is not None))
    return planned


@dataclass(frozen=True, kw_only=True)
class _Finished:
    """Names of a study's finished runs: all, by content, and the stem of each variant."""

    names: frozenset[str]
    by_content: Mapping[str, str]
    stems: Mapping[str, str]

    @classmethod
    def of(cls, study: Study) -> _Finished:
        by_content: dict[str, str] = {}
        stems: dict[str, str] = {}
        paths = study.run_paths()
        for path in paths:
            try:
                content = finished_content(path, study)
            except InputError:
                continue  # damaged: its name is taken, and that is all
            if content is not None:
                by_content.setdefault(content.run, path.name)
                stems.setdefault(content.variant, run_variant(path.name))
        return cls(names=frozenset(path.name for path in paths), by_content=by_content, stems=stems)


def _choose_stems(
    study: Study, wanted: Mapping[str, tuple[Content, RunConfig]], there: _Finished
) -> dict[str, str]:
    """A stem for each variant that has runs to be made, free for all of its seeds."""
    missing: dict[str, list[tuple[Content, RunConfig]]] = {}
    for content, config in wanted.values():
        if content.run not in there.by_content:
            missing.setdefault(content.variant, []).append((content, config))
    chosen: dict[str, str] = {}
    for variant, runs in missing.items():
        config = runs[0][1]
        own = config.name or f"{config.model.name}-{config.intervention.name}"
        candidates = [own, unique_stem(own, variant)]
        if variant in there.stems:
            candidates.insert(0, there.stems[variant])
        taken = set(chosen.values())
        for stem in candidates:
            if stem not in taken and all(_is_free(study, stem, *run, there) for run in runs):
                chosen[variant] = stem
                break
        else:
            raise InputError(
                f"Expected the folders {study.runs_root / candidates[-1]}-seed* to be free or this "
                "run's, got another's; delete them."
            )
    return chosen


def _is_free(
    study: Study, stem: str, content: Content, config: RunConfig, there: _Finished
) -> bool:
    """Whether no finished run, and no sweep of other settings, has the folder."""
    name = replace(config, name=stem).run_name
    mark = study.runs_root / name / MARK
    if name in there.names:
        return False
    return not mark.is_file() or bool(read_json(mark).get("content") == content.run)
