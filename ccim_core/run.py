"""A run directory: everything needed to question a trained network, on a split or on a picture.

config.json environment.json metrics.jsonl model.safetensors strata.safetensors encoder.json
predictions.parquet evaluation.json embeddings/ done
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from ccim_core.causal.estimators import EstimatorInputs, estimate, supported_estimators
from ccim_core.causal.links import to_probabilities
from ccim_core.causal.strata import Strata
from ccim_core.checkpoints import read_checkpoint
from ccim_core.confounders import ConfounderDictionary
from ccim_core.errors import InputError
from ccim_core.files import read_json, sha256_file, write_atomically, write_json
from ccim_core.labels import LabelSet
from ccim_core.models.base import Batch
from ccim_core.models.network import EmotionNetwork
from ccim_core.training.build import build_network
from ccim_core.training.config import RunConfig, from_dict, to_dict, with_recorded
from ccim_core.weights import Provenance

__all__ = ["Run", "RunContext", "write_run"]

# Smaller tensors (priors, counts, biases) stay in full precision: they cost nothing.
_HALF_FROM = 4096


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """What estimators need beside the network.

    strata: member contexts in the model's v space, (N, K, d_v); conditional: P(Y|z), (N, C);
    marginal: P(Y), (C,); dictionary: assigns a masked context's features to a stratum;
    names: a name for each stratum (its commonest scene), or "".
    """

    strata: Strata
    conditional: Tensor
    marginal: Tensor
    dictionary: ConfounderDictionary
    names: list[str]


class Run:
    """A trained run. `Run.open` reads config only; weights are read when first needed."""

    def __init__(self, path: Path, info: dict[str, Any]) -> None:
        self.path = path
        self.info = info
        self.config: RunConfig = from_dict(
            with_recorded(info["config"]), source=str(path / "config.json")
        )
        self.labels = LabelSet.from_dict(info["label_set"])

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Open a finished run. Raises InputError when it is none or is damaged."""
        path = Path(path)
        info = read_json(path / "config.json")
        if not isinstance(info, dict) or not {"config", "label_set", "widths"} <= set(info):
            raise InputError(f"Expected a run's config in {path / 'config.json'}, got another.")
        if not (path / "done").is_file():
            raise InputError(
                f"Expected a finished run at {path}, got one that is not done; train it again with "
                "the same command to go on."
            )
        return cls(path, info)

    @property
    def name(self) -> str:
        """The run's folder name."""
        return self.path.name

    @cached_property
    def weights_sha256(self) -> str:
        """Hash of the weights that `done` vouches for. Raises InputError if they were changed."""
        found = sha256_file(self.path / "model.safetensors")
        expected = read_json(self.path / "done").get("model_sha256")
        if found != expected:
            raise InputError(
                f"Expected the weights of {self.path} to have SHA-256 {str(expected)[:12]}…, got "
                f"{found[:12]}…: the checkpoint was changed or damaged; restore or train it again."
            )
        return found

    @cached_property
    def encoders(self) -> dict[str, dict[str, Any]]:
        """Stream to the encoder it needs: name, weights, sha256, preprocessing, view."""
        return read_json(self.path / "encoder.json")

    @cached_property
    def network(self) -> EmotionNetwork:
        """The trained network in evaluation mode, float32, on the CPU."""
        assert self.weights_sha256
        state = _read_tensors(self.path / "model.safetensors")
        widths = self.info["widths"]
        size, d = self.config.dictionary.size, widths["dictionary"]
        network = build_network(
            self.config,
            self.labels,
            widths=widths,
            prototypes=torch.zeros(size, d),
            prior=torch.full((size,), 1 / size),
            encoders=self._finetuned(),
        )
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise InputError(
                f"Expected the weights in {self.path} to fit the run's config, got "
                f"{' '.join(str(error).split())[:200]}."
            ) from None
        return network.eval()

    def _finetuned(self) -> dict[str, torch.nn.Module] | None:
        if not self.config.encoder.finetune:
            return None
        from ccim_core.backbones import encoder_from_provenance

        return {
            name: encoder_from_provenance(Provenance.from_dict(value["provenance"]))
            for name, value in self.encoders.items()
            if name != "dictionary"
        }

    @cached_property
    def context(self) -> RunContext:
        """Strata, counts and dictionary."""
        tensors = _read_tensors(self.path / "strata.safetensors")
        dictionary = ConfounderDictionary.from_arrays(
            {
                name.removeprefix("dictionary."): value.numpy()
                for name, value in tensors.items()
                if name.startswith("dictionary.")
            }
        )
        members = tensors["members"]
        if self.config.model.name == "emot_net" and self.config.model.inputs == "subject":
            # Older runs kept a bias here that is now a part of u.
            members = torch.zeros_like(members)
        return RunContext(
            strata=Strata(
                members=members,
                mask=tensors["mask"].bool(),
                prior=tensors["prior"],
            ),
            conditional=tensors["conditional"],
            marginal=tensors["marginal"],
            dictionary=dictionary,
            names=list(self.info.get("stratum_names", [])),
        )

    def estimators(self) -> dict[str, str | None]:
        """Every estimator's key to None, or to the reason why this run does not support it."""
        supported, reasons = supported_estimators(
            self.config.intervention.name,
            link=self.labels.link,
            has_strata=True,
            # For several labels a refit is balanced over strata alone, which leaves P(Y|z) in.
            refit=self.config.train.refit and self.labels.kind == "single",
        )
        return {**dict.fromkeys(supported), **reasons}

    @torch.no_grad()
    def project(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Streams to u (B, d_u) and v (B, d_v)."""
        return self.network.project(batch)

    def link(self, logits: Tensor) -> Tensor:
        """Logits (…, C) to probabilities (scores when the label set has no link)."""
        return to_probabilities(logits, self.labels.link)

    def outputs(self, u: Tensor, v: Tensor, *, g: str = "own") -> Tensor:
        """Probabilities (…, C) of u and v, broadcast."""
        return self.link(self.network.logits(u, v, g=g))

    @torch.no_grad()
    def estimate(self, key: str, u: Tensor, v: Tensor, stratum: Tensor) -> Tensor:
        """One estimator's probabilities (B, C).

        Args:
            stratum: (B,) dictionary cluster of each masked context.
        """
        return estimate(key, self.inputs(u, v, stratum))

    def inputs(self, u: Tensor, v: Tensor, stratum: Tensor) -> EstimatorInputs:
        """What the estimators of `ccim_core.causal.estimators` are asked with."""
        context = self.context
        counterfactual = None
        if self.network.counterfactual is not None:
            counterfactual = self._counterfactual_outputs
        return EstimatorInputs(
            u=u,
            v=v,
            stratum=stratum,
            outputs=self.outputs,
            strata=context.strata,
            conditional=context.conditional,
            marginal=context.marginal,
            counterfactual_outputs=counterfactual,
            kind=self.labels.kind,
        )

    def _counterfactual_outputs(self, u: Tensor, v: Tensor) -> Tensor:
        return self.link(self.network.counterfactual_logits(u, v))


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a file, half precision widened. Raises InputError if missing or damaged."""
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in read_checkpoint(path).items()
    }


def write_run(
    path: Path,
    *,
    config: RunConfig,
    labels: LabelSet,
    network: EmotionNetwork,
    context: RunContext,
    widths: dict[str, int],
    encoders: dict[str, Any],
    environment: dict[str, Any],
    history: list[dict[str, float]],
    half: bool,
) -> Run:
    """Write a finished run; `done`, with the hash of the weights, comes last."""
    path.mkdir(parents=True, exist_ok=True)
    info = {
        "config": to_dict(config),
        "label_set": labels.to_dict(),
        "widths": widths,
        "stratum_names": context.names,
    }
    write_json(path / "config.json", info)
    write_json(path / "environment.json", environment)
    write_json(path / "encoder.json", encoders)
    _write_history(path / "metrics.jsonl", history)
    _write_tensors(path / "model.safetensors", network.state_dict(), half=half)
    tensors = {
        "members": context.strata.members,
        "mask": context.strata.mask.to(torch.uint8),
        "prior": context.strata.prior,
        "conditional": context.conditional,
        "marginal": context.marginal,
    }
    for name, value in context.dictionary.to_arrays().items():
        tensors[f"dictionary.{name}"] = torch.from_numpy(np.ascontiguousarray(value))
    _write_tensors(path / "strata.safetensors", tensors, half=half)
    write_json(path / "done", {"model_sha256": sha256_file(path / "model.safetensors")})
    return Run.open(path)


def _write_tensors(path: Path, tensors: dict[str, Tensor], *, half: bool) -> None:
    ready = {}
    for name, value in tensors.items():
        value = value.detach().cpu().contiguous()
        small = value.numel() < _HALF_FROM or not value.is_floating_point()
        ready[name] = value.clone() if small or not half else value.half()
    with write_atomically(path) as temporary:
        save_file(ready, temporary)


def _write_history(path: Path, history: list[dict[str, float]]) -> None:
    with write_atomically(path) as temporary:
        temporary.write_text("".join(_json_line(row) + "\n" for row in history))


def _json_line(row: dict[str, float]) -> str:
    """One line of JSON, whose standard knows no NaN: an undefined metric is null."""
    defined = {name: value if math.isfinite(value) else None for name, value in row.items()}
    return json.dumps(defined, allow_nan=False)
