"""A study's features, dictionary and strata for a config, each computed once and kept."""

from __future__ import annotations

from collections.abc import Callable
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
    """Arrays over all rows of a study's manifest, memoised by what defines them.

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
        self._features: dict[StreamPlan, np.ndarray] = {}
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

    def load(self, config: RunConfig) -> None:
        """Make sure that every array a config needs is there, decoding each picture once."""
        plans = [dictionary_plan(config)]
        if not config.encoder.finetune:
            plans += [subject_plan(config), context_plan(config)]
        missing = [plan for plan in dict.fromkeys(plans) if plan not in self._features]
        # Streams that see the same parts of a picture share its decoding.
        for parts in dict.fromkeys(plan.parts for plan in missing):
            self._extract(parts, [plan for plan in missing if plan.parts == parts])

    def _extract(self, parts: str, plans: list[StreamPlan]) -> None:
        manifest = with_parts(self.manifest, parts)
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
        for plan, store in zip(plans, stores, strict=True):
            self._features[plan] = store.gather(manifest, self.study.reader)

    def features(self, config: RunConfig, plan: StreamPlan) -> np.ndarray:
        """Pooled features (n, d) float32 of one stream of a config."""
        self.load(config)
        return self._features[plan]

    def streams(self, config: RunConfig) -> dict[str, np.ndarray]:
        """The cached streams a frozen model reads, each (n, d)."""
        return {
            "subject": self.features(config, subject_plan(config)),
            "context": self.features(config, context_plan(config)),
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
        features = self.features(config, plan)[self.rows(config.train.split)]
        provenance = {
            "encoder": self.encoder(plan).provenance.to_dict(),
            "view": plan.view.kind,
            "split": config.train.split,
            "manifest": self.manifest.content_hash(),
            "size": options.size,
            "components": options.components,
            "seed": options.seed,
        }
        name = f"{plan.encoder}-{plan.view.kind}-{options.size}-seed{options.seed}.safetensors"
        path = self.study.dictionaries_root / name
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

    def strata(self, config: RunConfig) -> np.ndarray:
        """Stratum (dictionary cluster) of every row's masked context, (n,) int64."""
        features = self.features(config, dictionary_plan(config))
        return self.dictionary(config).predict(features)
