"""Fine-tuning an encoder on labelled portraits: the subject stream of the photograph model."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ccim_core.backbones import Encoder, build_encoder
from ccim_core.datasets.controlled.portraits import Portrait
from ccim_core.datasets.labelled_files import LabelledFiles
from ccim_core.labels import get_label_set
from ccim_core.progress import progress_bar
from ccim_core.training.augmentation import augment_portraits
from ccim_core.training.checkpoint import load_checkpoint, save_checkpoint, seed_step
from ccim_core.training.finetune_config import FinetuneConfig
from ccim_core.training.portrait_crops import load_grey_faces
from ccim_core.training.portrait_report import evaluate_portraits
from ccim_core.training.portrait_split import files_of_pool

__all__ = ["FineTuned", "finetune_encoder"]

_CHECKPOINT = "finetune.pt"
_LOG = "finetune.jsonl"


@dataclass(frozen=True, kw_only=True)
class FineTuned:
    """The encoder (averaged weights), its linear head (C outputs), metrics of each epoch."""

    encoder: Encoder
    head: nn.Linear
    history: tuple[dict[str, Any], ...]


class _Classifier(nn.Module):
    """Encoder, global mean, dropout, linear head: pictures (B, 3, S, S) to logits (B, C)."""

    def __init__(self, encoder: Encoder, n_classes: int, drop_out: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.drop_out = nn.Dropout(drop_out)
        self.head = nn.Linear(encoder.width, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop_out(self.encoder.pool(self.encoder(x))))


def finetune_encoder(
    config: FinetuneConfig,
    files: LabelledFiles,
    portraits: Mapping[str, Portrait],
    pools: Mapping[str, str],
    *,
    work_dir: Path,
    quiet: bool = False,
) -> FineTuned:
    """Train on the files of the pool "train", a checkpoint in `work_dir` after each epoch.

    Run again after an interruption it goes on from the last whole epoch to the same result. The
    metrics on "val" are logged after each epoch and choose nothing: the last epoch is kept.

    Raises InputError when `work_dir` holds a run of other settings or files.
    """
    labels = get_label_set(config.label_set)
    names, targets = files_of_pool(files, portraits, pools, "train", labels.emotions)
    torch.manual_seed(config.seed)  # the head's initial weights
    encoder = build_encoder(config.encoder, size=config.size, grey=True)
    model = _Classifier(encoder, labels.size, config.drop_out)
    model.to(memory_format=torch.channels_last)
    _freeze(model, config.frozen_blocks)
    run = _Run(config, model, names)
    done = run.resume(work_dir)
    if done < config.epochs:
        faces = load_grey_faces(
            files.root,
            names,
            portraits,
            grow=config.face_grow,
            side=config.stored_side,
            quiet=quiet,
        )
        validation = files_of_pool(files, portraits, pools, "val", labels.emotions)
        with progress_bar(
            "Fine-tune", total=config.epochs * run.steps, unit="step", quiet=quiet
        ) as bar:
            bar.update(done * run.steps)
            for epoch in range(done, config.epochs):
                loss = run.train_epoch(epoch, torch.from_numpy(faces), torch.tensor(targets), bar)
                averaged = run.averaged
                report = evaluate_portraits(
                    averaged.encoder,
                    averaged.head,
                    files.root,
                    *validation,
                    portraits,
                    grow=config.face_grow,
                    emotions=labels.emotions,
                )
                run.history.append({"epoch": epoch, "loss": loss, "val": report})
                bar.set_postfix(val=f"{report['balanced_accuracy']:.3f}")
                run.save(work_dir, epoch + 1)
    return run.finish()


class _Run:
    """The state that a checkpoint holds, and what is done to it."""

    def __init__(self, config: FinetuneConfig, model: _Classifier, names: Sequence[str]) -> None:
        self.config = config
        self.model = model
        self.averaged = copy.deepcopy(model).eval()
        self.steps = config.draws // config.batch_size
        self.history: list[dict[str, Any]] = []
        self.record = {**config.to_dict(), "files": list(names)}
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": [p for p in trained if p.ndim > 1], "weight_decay": config.weight_decay},
                {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=config.learning_rate,
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser,
            max_lr=config.learning_rate,
            total_steps=config.epochs * self.steps,
            pct_start=config.warm_up,
        )

    def resume(self, work_dir: Path) -> int:
        """Take up the checkpoint, if there is one. Returns the number of finished epochs."""
        state = load_checkpoint(work_dir / _CHECKPOINT, config=self.record)
        if state is None:
            return 0
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.history = list(state["history"])
        return int(state["epochs"])

    def save(self, work_dir: Path, epochs: int) -> None:
        work_dir.mkdir(parents=True, exist_ok=True)
        save_checkpoint(
            work_dir / _CHECKPOINT,
            {
                "config": self.record,
                "epochs": epochs,
                "model": self.model.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "schedule": self.schedule.state_dict(),
                "history": self.history,
            },
        )
        lines = [json.dumps(row) for row in self.history]
        (work_dir / _LOG).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def train_epoch(self, epoch: int, faces: Tensor, targets: Tensor, bar: Any) -> float:
        """One epoch, a function of state, seed and epoch alone. Returns the mean loss."""
        config = self.config
        rng = np.random.default_rng([config.seed, epoch])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        order = _draw_balanced(targets.numpy(), config.draws, config.balance, rng)
        _set_training(self.model, config.frozen_blocks)
        total = torch.zeros(())
        for step in range(self.steps):
            number = epoch * self.steps + step
            seed_step(config.seed, number, 0)
            rows = torch.from_numpy(order[step * config.batch_size :][: config.batch_size])
            pictures = augment_portraits(
                faces[rows][:, None],
                size=config.size,
                config=config.augmentation,
                generator=generator,
            )
            classes = F.one_hot(targets[rows], self.model.head.out_features).float()
            pictures, classes = _mix(pictures, classes, config.mixup, rng)
            loss = self._step(pictures, classes)
            self._average(number)
            total += loss
            bar.update()
        return float(total) / self.steps

    def _step(self, pictures: Tensor, classes: Tensor) -> Tensor:
        config = self.config
        x = _normalise(self.model.encoder, pictures)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bf16"):
            logits = self.model(x)
        loss = F.cross_entropy(logits.float(), classes, label_smoothing=config.label_smoothing)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimiser.step()
        self.schedule.step()
        return loss.detach()

    @torch.no_grad()
    def _average(self, step: int) -> None:
        # The first steps average over fewer, else the initial weights would linger.
        decay = min(self.config.average_decay, (step + 1) / (step + 10))
        for mean, value in zip(
            self.averaged.state_dict().values(), self.model.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    def finish(self) -> FineTuned:
        """The averaged weights, whose provenance says that they are no longer the package's."""
        encoder = self.averaged.encoder.requires_grad_(False).eval()
        encoder.provenance = replace(
            encoder.provenance,
            source=f"{encoder.provenance.source}, fine-tuned on {len(self.record['files'])} "
            f"portraits of {self.config.label_set}",
            sha256=encoder.fingerprint(),
        )
        head = self.averaged.head.requires_grad_(False)
        return FineTuned(encoder=encoder, head=head, history=tuple(self.history))


def _frozen_modules(model: _Classifier, n_blocks: int) -> list[nn.Module]:
    """The stem and the first blocks of an EfficientNet-Lite; none for 0."""
    if n_blocks == 0:
        return []
    trunk = model.encoder.trunk
    blocks = trunk.get_submodule("_blocks")
    assert isinstance(blocks, nn.ModuleList)
    stem = [trunk.get_submodule("_conv_stem"), trunk.get_submodule("_bn0")]
    return [*stem, *list(blocks)[:n_blocks]]


def _freeze(model: _Classifier, n_blocks: int) -> None:
    for module in _frozen_modules(model, n_blocks):
        module.requires_grad_(False)


def _set_training(model: _Classifier, n_blocks: int) -> None:
    """Training mode, in which frozen normalisation keeps its running statistics."""
    model.train()
    for module in _frozen_modules(model, n_blocks):
        module.eval()


def _draw_balanced(
    targets: np.ndarray, n: int, balance: float, rng: np.random.Generator
) -> np.ndarray:
    """n row numbers drawn with replacement, a class of k rows ∝ k^(1 − balance)."""
    counts = np.bincount(targets)
    weight = counts[targets].astype(float) ** -balance
    return rng.choice(len(targets), n, p=weight / weight.sum())


def _mix(
    pictures: Tensor, classes: Tensor, alpha: float, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Mixup: each picture and its label blended with another of the batch by one Beta draw."""
    if alpha == 0:
        return pictures, classes
    share = float(rng.beta(alpha, alpha))
    other = torch.from_numpy(rng.permutation(len(pictures)))
    return (
        share * pictures + (1 - share) * pictures[other],
        share * classes + (1 - share) * classes[other],
    )


def _normalise(encoder: Encoder, grey: Tensor) -> Tensor:
    """(B, 1, S, S) in 0–255 to the encoder's input (B, 3, S, S)."""
    settings = encoder.preprocessing
    mean = torch.tensor(settings.mean).view(1, 3, 1, 1)
    std = torch.tensor(settings.std).view(1, 3, 1, 1)
    return ((grey / 255 - mean) / std).contiguous(memory_format=torch.channels_last)
