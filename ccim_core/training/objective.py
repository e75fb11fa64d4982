"""What a run is trained on, and what is minimised: the emotions' loss and all losses beside it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ccim_core.labels import LabelSet
from ccim_core.models.network import EmotionNetwork, NetworkOutput
from ccim_core.training.config import RunConfig
from ccim_core.training.losses import per_sample_loss
from ccim_core.training.samples import Samples
from ccim_core.training.vad import VAD_SCALE, known_shares, vad_loss

__all__ = ["Objective", "TrainingData"]


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Training and validation subjects.

    targets (n, C); offsets (n, C) added to logits (logit adjustment); weights (n,), or (n, C) for
    several labels, of mean one (inverse propensity); groups (n,) int64 or memberships (n, G)
    (group DRO); class_weights (C,) (weighted L2); vad (n, 3), divided by 10, NaN where missing.
    """

    samples: Samples
    targets: Tensor
    validation_samples: Samples
    validation_targets: Tensor
    offsets: Tensor | None = None
    weights: Tensor | None = None
    groups: Tensor | None = None
    class_weights: Tensor | None = None
    vad: Tensor | None = None


class Objective:
    """The losses of a batch.

    Args:
        network: says which losses there are beside the emotions'.
        device: of the network's outputs.
    """

    def __init__(
        self,
        network: EmotionNetwork,
        data: TrainingData,
        config: RunConfig,
        labels: LabelSet,
        device: torch.device,
    ) -> None:
        self.network, self.data, self.config, self.labels = network, data, config, labels
        self.device = device
        weights = data.class_weights
        self._class_weights = None if weights is None else weights.to(device)
        if network.vad is not None and data.vad is None:
            raise ValueError("Expected `vad` targets for a network with such a head, got none.")
        self._vad_shares = None if data.vad is None else known_shares(data.vad).to(device)

    def pick(self, values: Tensor | None, rows: Tensor) -> Tensor | None:
        """Rows of an array over the training subjects, on the device."""
        return None if values is None else values[rows.to(values.device)].to(self.device)

    def __call__(self, output: NetworkOutput, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of each subject's emotions (b,), and the mean over them of all other losses."""
        targets = self.pick(self.data.targets, rows)
        assert targets is not None
        losses = per_sample_loss(
            output.logits,
            targets,
            self.labels,
            class_weights=self._class_weights,
            offsets=self.pick(self.data.offsets, rows),
            weights=self.pick(self.data.weights, rows),
        )
        extra = losses.new_zeros(())
        if output.side:
            model = self.network.model
            found = model.auxiliary_losses(output.side, targets, kind=self.labels.kind)
            extra = extra + torch.stack(list(found.values())).sum()
        if len(rows):
            extra = extra + self._context_loss(output, targets) + self._vad_loss(output, rows)
        return losses, extra

    def _context_loss(self, output: NetworkOutput, targets: Tensor) -> Tensor:
        """The counterfactual's own two losses, weighted; 0 without its branch."""
        branch = self.network.counterfactual
        if branch is None:
            return targets.new_zeros(())

        def criterion(logits: Tensor, wanted: Tensor) -> Tensor:
            return per_sample_loss(
                logits, wanted, self.labels, class_weights=self._class_weights
            ).mean()

        found = branch.auxiliary_losses(
            output.fused.float(),
            output.v.float(),
            targets,
            criterion=criterion,
            kind=self.labels.kind,
        )
        return self.config.intervention.context_loss * found["context"] + found["constant"]

    def _vad_loss(self, output: NetworkOutput, rows: Tensor) -> Tensor:
        """Of valence, arousal and dominance, weighted; 0 without their head."""
        wanted, options = self.pick(self.data.vad, rows), self.config.vad
        if output.vad is None or wanted is None or options.loss == "none":
            return output.logits.new_zeros(())
        assert self._vad_shares is not None
        losses = vad_loss(
            output.vad,
            wanted,
            shares=self._vad_shares,
            kind=options.loss,
            margin=options.margin / VAD_SCALE,
        )
        return options.weight * losses.mean()
