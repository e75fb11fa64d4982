"""A study's features, dictionary and strata for a config, each computed once and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from ccim_core.backbones import Encoder
from ccim_core.confounders import ConfounderDictionary
from ccim_core.errors import InputError
from ccim_core.features import extract_views
from ccim_core.study import Study
from ccim_core.training.config import DictionaryConfig, RunConfig
from ccim_core.training.streams import (
    StreamPlan,
    context_plan,
    dictionary_plan,
    subject_plan,
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
        self._features: dict[tuple[StreamPlan, str], np.ndarray] = {}
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
        plans = [dictionary_plan(config)]
        if not config.encoder.finetune:
            plans += [subject_plan(config), context_plan(config)]
        splits = list(dict.fromkeys(splits))
        for parts in dict.fromkeys(plan.parts for plan in plans):
            mine = [plan for plan in dict.fromkeys(plans) if plan.parts == parts]
            lacking = [
                split
                for split in splits
                if any((plan, split) not in self._features for plan in mine)
            ]
            if lacking:
                self._extract(parts, mine, lacking)

    def _extract(self, parts: str, plans: list[StreamPlan], splits: list[str]) -> None:
        rows = np.concatenate([self.rows(split) for split in splits])
        chosen = replace(self.manifest, frame=self.manifest.frame.iloc[rows])
        manifest = with_parts(chosen, parts)
        stores = extract_views(
            manifest,
            self.study.reader,
            [(self.encoder(plan), plan.view) for plan in plans],
            root=self.study.features_root,
            device=self.device,
            precision=self.precision,
            workers=self.workers,
            rank=self.rank,
            world_size=self.world_size,
            quiet=self.quiet,
        )
        self.barrier()
        ends = np.cumsum([len(self.rows(split)) for split in splits])[:-1]
        for plan, store in zip(plans, stores, strict=True):
            features = store.gather(manifest, self.study.reader)
            for split, part in zip(splits, np.split(features, ends), strict=True):
                self._features[plan, split] = part

    def features(self, config: RunConfig, plan: StreamPlan, split: str) -> np.ndarray:
        """Pooled features (n, d) float32 of one stream of a config on one split."""
        self.load(config, [split])
        return self._features[plan, split]

    def streams(self, config: RunConfig, split: str) -> dict[str, np.ndarray]:
        """The cached streams a frozen model reads on one split, each (n, d)."""
        return {
            "subject": self.features(config, subject_plan(config), split),
            "context": self.features(config, context_plan(config), split),
        }

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
        provenance = {
            "encoder": self.encoder(plan).provenance.to_dict(),
            "view": plan.view.kind,
            "split": config.train.split,
            "manifest": self.manifest.content_hash(),
            "size": options.size,
            "components": options.components,
            "seed": options.seed,
        }
        stem = f"{plan.encoder}-{plan.view.kind}-{config.train.split}-{options.size}"
        path = self.study.dictionaries_root / f"{stem}-seed{options.seed}.safetensors"
        if path.is_file():
            saved = ConfounderDictionary.load(path)
            if saved.provenance == provenance:
                self._dictionaries[key] = saved
                return saved
        dictionary = ConfounderDictionary(
            options.size,
            n_components=min(options.components, *features.shape),
            random_state=options.seed,
        ).fit(features)
        if self.rank == 0:
            dictionary.save(path, provenance=provenance)
        self._dictionaries[key] = dictionary
        return dictionary

    def strata(self, config: RunConfig, split: str) -> np.ndarray:
        """Stratum (dictionary cluster) of every masked context of a split, (n,) int64."""
        features = self.features(config, dictionary_plan(config), split)
        return self.dictionary(config).predict(features).astype(np.int64)
