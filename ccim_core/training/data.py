"""A study's features, dictionary and strata for a config, each computed once and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from ccim_core.auxiliary import extract_auxiliary
from ccim_core.backbones import Encoder
from ccim_core.confounders import ConfounderDictionary
from ccim_core.dictionary_files import (
    dictionary_provenance,
    find_dictionary,
    new_dictionary_path,
)
from ccim_core.errors import InputError
from ccim_core.features import extract_views
from ccim_core.manifest import Manifest
from ccim_core.study import Study
from ccim_core.training.config import DictionaryConfig, RunConfig
from ccim_core.training.streams import (
    AuxiliaryPlan,
    Plan,
    StreamPlan,
    dictionary_plan,
    encoder_plans,
    stream_plans,
    with_parts,
)

__all__ = ["StudyData"]

Precision = Literal["fp32", "bf16"]


class StudyData:
    """Arrays over the splits of a study's manifest, memoised by what defines them.

    Args:
        study: the opened study.
        device, precision, workers: of feature extraction.
        rank, world_size, barrier: of a distributed run; each process extracts its share, then
            `barrier()` waits for the others.
        quiet: no progress bars.
    """

    def __init__(
        self,
        study: Study,
        *,
        device: torch.device | str = "cpu",
        precision: Precision = "fp32",
        workers: int = 0,
        rank: int = 0,
        world_size: int = 1,
        barrier: Callable[[], None] = lambda: None,
        quiet: bool = False,
    ) -> None:
        self.study = study
        self.device = device
        self.precision = precision
        self.workers = workers
        self.rank, self.world_size, self.barrier = rank, world_size, barrier
        self.quiet = quiet
        self._encoders: dict[tuple[str, str, int], Encoder] = {}
        self._features: dict[tuple[Plan, str], np.ndarray] = {}
        self._dictionaries: dict[Any, ConfounderDictionary] = {}
        self.manifest = study.manifest
        self.targets = self.manifest.targets()
        self.split = self.manifest.frame["split"].to_numpy(str)

    def rows(self, split: str) -> np.ndarray:
        """Row numbers of a split. Raises InputError when it has none."""
        rows = np.flatnonzero(self.split == split)
        if not len(rows):
            raise InputError(
                f"Expected a split of {sorted(set(self.split))} in {self.study.path}, "
                f"got {split!r}."
            )
        return rows

    def encoder(self, plan: StreamPlan) -> Encoder:
        """The plan's encoder, opened once."""
        key = (plan.encoder, plan.weights, plan.size)
        if key not in self._encoders:
            self._encoders[key] = plan.open_encoder(self.study.path)
        return self._encoders[key]

    def load(self, config: RunConfig, splits: Iterable[str]) -> None:
        """Make sure that what a config needs of some splits is there.

        Streams that see the same parts of a picture share its decoding, and all splits share one
        progress bar.
        """
        wanted: list[Plan] = [dictionary_plan(config)]
        if not config.encoder.finetune:
            wanted += stream_plans(config).values()
        splits = list(dict.fromkeys(splits))
        groups: dict[str, list[StreamPlan]] = {}
        known: list[AuxiliaryPlan] = []
        for plan in dict.fromkeys(wanted):
            if isinstance(plan, AuxiliaryPlan):
                known.append(plan)
            else:
                groups.setdefault(plan.parts, []).append(plan)
        if lacking := self._lacking(known, splits):
            self._look_up(known, lacking)
        for parts, plans in groups.items():
            if lacking := self._lacking(plans, splits):
                self._extract(parts, plans, lacking)

    def _lacking(self, plans: Sequence[Plan], splits: list[str]) -> list[str]:
        return [
            split for split in splits if any((plan, split) not in self._features for plan in plans)
        ]

    def _manifest(self, splits: list[str]) -> Manifest:
        rows = np.concatenate([self.rows(split) for split in splits])
        return replace(self.manifest, frame=self.manifest.frame.iloc[rows])

    def _keep(self, plan: Plan, splits: list[str], values: np.ndarray) -> None:
        ends = np.cumsum([len(self.rows(split)) for split in splits])[:-1]
        for split, part in zip(splits, np.split(values, ends), strict=True):
            self._features[plan, split] = part

    def _look_up(self, plans: list[AuxiliaryPlan], splits: list[str]) -> None:
        manifest = self._manifest(splits)
        stores = extract_auxiliary(
            manifest,
            self.study.reader,
            [plan.kind for plan in plans],
            root=self.study.features_root,
            rank=self.rank,
            world_size=self.world_size,
            quiet=self.quiet,
        )
        self.barrier()
        for plan, store in zip(plans, stores, strict=True):
            self._keep(plan, splits, store.gather(manifest, self.study.reader))

    def _extract(self, parts: str, plans: list[StreamPlan], splits: list[str]) -> None:
        manifest = with_parts(self._manifest(splits), parts)
        stores = extract_views(
            manifest,
            self.study.reader,
            [(self.encoder(plan), plan.view) for plan in plans],
            stages=[plan.stage for plan in plans],
            root=self.study.features_root,
            device=self.device,
            precision=self.precision,
            workers=self.workers,
            rank=self.rank,
            world_size=self.world_size,
            quiet=self.quiet,
        )
        self.barrier()
        for plan, store in zip(plans, stores, strict=True):
            # Maps and pixels are large: they stay in the type they were stored in.
            dtype = np.dtype(np.float32) if plan.stage == "pooled" else store.dtype
            features = store.gather(manifest, self.study.reader, dtype=dtype)
            self._keep(plan, splits, features)

    def features(self, config: RunConfig, plan: Plan, split: str) -> np.ndarray:
        """One stream of a config on one split, (n, …); pooled features (n, d) are float32."""
        self.load(config, [split])
        return self._features[plan, split]

    def streams(self, config: RunConfig, split: str) -> dict[str, np.ndarray]:
        """The cached streams a frozen model reads on one split, each (n, …)."""
        return {
            name: self.features(config, plan, split) for name, plan in stream_plans(config).items()
        }

    def widths(self, config: RunConfig) -> dict[str, int]:
        """Channels of the model's streams of pictures, and of the dictionary's features."""
        plans = {**encoder_plans(config), "dictionary": dictionary_plan(config)}
        return {name: self.encoder(plan).width for name, plan in plans.items()}

    def dictionary(self, config: RunConfig) -> ConfounderDictionary:
        """The K-Means dictionary of the training rows, from memory, from disk, or fitted now.

        It also serves a config whose CCIM uses random prototypes: strata are real contexts.
        """
        plan = dictionary_plan(config)
        options: DictionaryConfig = config.dictionary
        key = (plan, config.train.split, options.size, options.components, options.seed)
        if key in self._dictionaries:
            return self._dictionaries[key]
        features = self.features(config, plan, config.train.split)
        provenance = dictionary_provenance(
            encoder=self.encoder(plan).provenance.to_dict(),
            view=plan.view.kind,
            split=config.train.split,
            manifest=self.manifest.content_hash(),
            size=options.size,
            components=options.components,
            seed=options.seed,
        )
        root = self.study.dictionaries_root
        if self.rank:
            # Fits of two processes may differ in their last bits: all use the first one's.
            self.barrier()
        found = find_dictionary(root, provenance)
        if found is None and self.rank:
            raise InputError(
                f"Expected the first process's dictionary in {root}, got none; all processes must "
                "see the same study directory."
            )
        if found:
            dictionary = found[1]
        else:
            dictionary = ConfounderDictionary(
                options.size,
                n_components=min(options.components, *features.shape),
                random_state=options.seed,
            ).fit(features)
            dictionary.save(new_dictionary_path(root, provenance), provenance=provenance)
        if not self.rank:
            self.barrier()
        self._dictionaries[key] = dictionary
        return dictionary

    def strata(self, config: RunConfig, split: str) -> np.ndarray:
        """Stratum (dictionary cluster) of every masked context of a split, (n,) int64."""
        features = self.features(config, dictionary_plan(config), split)
        return self.dictionary(config).predict(features).astype(np.int64)
