"""The training loop, on Accelerate: device, precision, processes, early stopping, exact resume."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ccim_core.causal.reweighting import GroupDRO
from ccim_core.labels import LabelSet
from ccim_core.models.network import EmotionNetwork
from ccim_core.progress import progress_bar
from ccim_core.training.checkpoint import (
    Stopwatch,
    balanced_order,
    epoch_order,
    load_checkpoint,
    save_checkpoint,
    seed_step,
)
from ccim_core.training.config import RunConfig, to_dict
from ccim_core.training.objective import Objective, TrainingData
from ccim_core.training.optimisers import build_optimiser, build_schedule
from ccim_core.training.samples import Samples

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["TrainingData", "fit"]

# Metrics of the validation split from (targets, outputs), both (n, C) on the CPU.
Validate = Callable[[Tensor, Tensor], dict[str, float]]


@dataclass
class _Progress:
    """Where training stands; everything a checkpoint holds beside the tensors of the network."""

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best_score: float = -math.inf
    best_tie: float = -math.inf
    epoch_started: float = 0.0
    best_epoch: int = -1


class _Loop:
    def __init__(
        self,
        network: EmotionNetwork,
        data: TrainingData,
        config: RunConfig,
        labels: LabelSet,
        accelerator: Accelerator,
        checkpoint: Path | None,
        stopwatch: Stopwatch,
    ) -> None:
        self.data, self.config = data, config
        self.stopwatch = stopwatch
        self.accelerator = accelerator
        self.checkpoint = checkpoint
        self.plain = network.to(accelerator.device)
        optim, decay = config.optim, config.intervention.weight_decay
        if config.intervention.name == "group_dro" and decay is not None:
            optim = replace(optim, weight_decay=decay)
        optimiser = build_optimiser(network.parameters(), optim)
        compiled: nn.Module = torch.compile(network) if config.train.compile else network  # type: ignore[assignment]
        self.network, self.optimiser = accelerator.prepare(compiled, optimiser)
        self.steps_per_epoch = math.ceil(len(data.targets) / config.train.batch_size)
        self.schedule = build_schedule(
            optimiser,
            config.optim,
            steps_per_epoch=self.steps_per_epoch,
            epochs=config.train.epochs,
        )
        self.objective = Objective(network, data, config, labels, accelerator.device)
        self.dro = self._build_dro()
        self.state = _Progress()
        self._running = torch.zeros(2, device=accelerator.device)
        self.best: dict[str, Tensor] = {}
        self._resume()

    def _build_dro(self) -> GroupDRO | None:
        if self.data.groups is None:
            return None
        groups = self.data.groups
        count = groups.shape[1] if groups.ndim == 2 else int(groups.max()) + 1
        dro = GroupDRO(count, step_size=self.config.intervention.step_size)
        return dro.to(self.accelerator.device)

    # -- checkpoints ------------------------------------------------------------------------

    def _resume(self) -> None:
        if self.checkpoint is None:
            return
        saved = load_checkpoint(self.checkpoint, config=to_dict(self.config))
        if saved is None:
            return
        self.plain.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.schedule.load_state_dict(saved["schedule"])
        if self.dro is not None:
            self.dro.load_state_dict(saved["dro"])
        self.state = _Progress(**saved["progress"])
        self.best = saved["best"]
        earlier = saved.get("seconds", 0.0)
        # What this session spent before it came here is no part of the epoch it goes on with.
        self.state.epoch_started += self.stopwatch.seconds
        self.stopwatch.earlier = earlier

    def _save(self) -> None:
        if self.checkpoint is None or not self.accelerator.is_main_process:
            return
        save_checkpoint(
            self.checkpoint,
            {
                "config": to_dict(self.config),
                "network": self.plain.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "schedule": self.schedule.state_dict(),
                "dro": None if self.dro is None else self.dro.state_dict(),
                "progress": vars(self.state),
                "best": self.best,
                "seconds": self.stopwatch.seconds,
            },
        )

    # -- one step ---------------------------------------------------------------------------

    def _mine(self, rows: Tensor) -> Tensor:
        return rows.tensor_split(self.accelerator.num_processes)[self.accelerator.process_index]

    def _micro_batches(self, first_step: int) -> tuple[list[Tensor], list[int]]:
        """This process's rows of every micro-batch from `first_step` on, and global batch sizes."""
        train = self.config.train
        order = self._order()
        rows, sizes = [], []
        for batch in order.split(train.batch_size)[first_step:]:
            for micro in batch.tensor_split(train.accumulation):
                rows.append(self._mine(micro))
                sizes.append(len(batch))
        return rows, sizes

    def _order(self) -> Tensor:
        seed, epoch = self.config.train.seed, self.state.epoch
        if self.data.groups is not None and self.config.intervention.min_group_size:
            return balanced_order(self.data.groups, seed=seed, epoch=epoch)
        return epoch_order(len(self.data.targets), seed=seed, epoch=epoch)

    @property
    def _device(self) -> torch.device:
        return self.accelerator.device

    def _global_loss(self, losses: Tensor, rows: Tensor, size: int) -> Tensor:
        """This process's share of the global batch's loss, times the number of processes.

        Distributed wrappers average gradients over processes; the factor undoes that, so that
        unequal shares still add up to the loss of one process at the same global batch.
        """
        if self.dro is not None:
            groups = self.objective.pick(self.data.groups, rows)
            assert groups is not None
            return self.dro(losses, groups) / self.config.train.accumulation
        return losses.sum() * self.accelerator.num_processes / size

    def _backward(self, batch: dict[str, Tensor], rows: Tensor, size: int, last: bool) -> None:
        wait = nullcontext() if last else self.accelerator.no_sync(self.network)
        with wait:
            with self.accelerator.autocast():
                output = self.network(batch)
            losses, extra = self.objective(output, rows)
            loss = self._global_loss(losses, rows, size)
            loss = loss + extra * len(rows) * self.accelerator.num_processes / size
            self.accelerator.backward(loss)
        self._running = self._running + torch.stack(
            [losses.detach().sum(), losses.new_tensor(float(len(rows)))]
        )

    def _update(self) -> None:
        if self.config.optim.clip_norm:
            self.accelerator.clip_grad_norm_(self.network.parameters(), self.config.optim.clip_norm)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.schedule.step()
        self.state.step += 1

    def _seed(self) -> None:
        step = self.state.epoch * self.steps_per_epoch + self.state.step
        seed_step(self.config.train.seed, step, self.accelerator.process_index)

    # -- one epoch --------------------------------------------------------------------------

    def _drain_running(self) -> None:
        total = self.accelerator.reduce(self._running, reduction="sum")
        self.state.loss_sum += float(total[0])
        self.state.loss_count += int(total[1])
        self._running = torch.zeros_like(self._running)

    def _train_epoch(self, bar: Any) -> None:
        accumulation = self.config.train.accumulation
        rows, sizes = self._micro_batches(self.state.step)
        self._running = torch.zeros(2, device=self._device)
        self.network.train()
        for i, batch in enumerate(self.data.samples.batches(rows)):
            if i % accumulation == 0:
                self._seed()
            last = i % accumulation == accumulation - 1
            self._backward(batch, rows[i], sizes[i], last)
            if last:
                self._update()
                bar.update(1)
                if self.state.step % self.config.train.checkpoint_steps == 0:
                    self._drain_running()
                    self._save()
        self._drain_running()

    @torch.no_grad()
    def outputs(self, samples: Samples) -> Tensor:
        """Logits (n, C) of all subjects, each process taking a share; on the CPU."""
        self.network.eval()
        rows = torch.arange(len(samples))
        world = self.accelerator.num_processes
        padded = torch.cat([rows, rows[: -len(rows) % world]])
        shares = self._mine(padded).split(self.config.train.batch_size)
        parts: list[Tensor] = []
        for batch in samples.batches(shares):
            with self.accelerator.autocast():
                parts.append(self.network(batch).logits.float())
        gathered = self.accelerator.gather(torch.cat(parts))
        return gathered[: len(rows)].cpu()

    def _finish_epoch(self, validate: Validate) -> bool:
        """Validate, keep the best state, log; True when patience is at its end."""
        state, train = self.state, self.config.train
        metrics = validate(
            self.data.validation_targets.cpu(), self.outputs(self.data.validation_samples)
        )
        chosen_by = train.criterion if train.select_by == "headline" else train.select_by
        score = metrics[chosen_by]
        # Accuracies of a group of few rows are often equal: the mean over groups then decides.
        tie = metrics.get("mean_group", 0.0)
        if math.isnan(score):
            raise ValueError(f"Expected a defined `{chosen_by}` on the validation split.")
        row: dict[str, float] = {
            "epoch": state.epoch,
            "train_loss": state.loss_sum / max(state.loss_count, 1),
            "lr": float(self.schedule.get_last_lr()[0]),
            **{f"val_{name}": value for name, value in metrics.items()},
            "seconds": self.stopwatch.seconds - state.epoch_started,
        }
        state.history.append(row)
        if (score, tie) > (state.best_score, state.best_tie):
            state.best_score, state.best_tie, state.best_epoch = score, tie, state.epoch
            self.best = {
                name: value.detach().cpu().clone()
                for name, value in self.plain.state_dict().items()
            }
        stop = bool(train.patience) and state.epoch - state.best_epoch >= train.patience
        state.epoch, state.step, state.loss_sum, state.loss_count = state.epoch + 1, 0, 0.0, 0
        if stop:
            state.epoch = train.epochs
        return stop

    def run(self, validate: Validate, *, description: str, quiet: bool) -> None:
        """Train to the end (or to the end of patience), then load the best state."""
        total = self.config.train.epochs * self.steps_per_epoch
        done = self.state.epoch * self.steps_per_epoch + self.state.step
        quiet = quiet or not self.accelerator.is_main_process
        bar = progress_bar(description, total=total, unit="steps", quiet=quiet)
        # Training reseeds torch's generators at every step; the caller's are left as they were.
        with torch.random.fork_rng(), bar:
            bar.update(done)
            while self.state.epoch < self.config.train.epochs:
                if self.state.step == 0:
                    self.state.epoch_started = self.stopwatch.seconds
                self._train_epoch(bar)
                self._finish_epoch(validate)
                self._save()
        self.plain.load_state_dict(self.best)
        self.plain.eval()


def fit(
    network: EmotionNetwork,
    data: TrainingData,
    config: RunConfig,
    labels: LabelSet,
    *,
    accelerator: Accelerator,
    validate: Validate,
    checkpoint: Path | None = None,
    stopwatch: Stopwatch | None = None,
    quiet: bool = False,
) -> list[dict[str, float]]:
    """Train `network` in place and leave it in evaluation mode with its best weights.

    Args:
        validate: metrics of the validation outputs; `config.train.criterion` names the one that
            is maximised to choose the epoch, or `select_by`, where that is not "headline".
        checkpoint: file to resume from and to save to; None keeps nothing.
        stopwatch: gets the seconds of earlier sessions from the checkpoint.

    Returns:
        A row an epoch: epoch, train_loss, lr, val_*, seconds.
    """
    loop = _Loop(network, data, config, labels, accelerator, checkpoint, stopwatch or Stopwatch())
    loop.run(validate, description=config.run_name, quiet=quiet)
    return loop.state.history
