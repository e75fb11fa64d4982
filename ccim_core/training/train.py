"""`train`: one config on one study to one finished run directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ccim_core.causal.strata import Strata, select_members
from ccim_core.environment import describe_environment
from ccim_core.files import check_file_name
from ccim_core.labels import LabelSet
from ccim_core.models.network import EmotionNetwork
from ccim_core.run import Run, RunContext, write_run
from ccim_core.study import Study
from ccim_core.subject_box import SubjectBox
from ccim_core.training.accelerator import make_accelerator
from ccim_core.training.assembly import Assembly, assemble, run_labels
from ccim_core.training.checkpoint import Stopwatch
from ccim_core.training.config import RunConfig
from ccim_core.training.data import StudyData
from ccim_core.training.loop import fit
from ccim_core.training.refit import refit_classifier
from ccim_core.training.samples import Samples
from ccim_core.training.selection import Selection, held_out_group_size, make_selection
from ccim_core.training.streams import AuxiliaryPlan, Plan, dictionary_plan, stream_plans
from ccim_core.training.validation import validation_metrics

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["study_data", "train_run"]

CHECKPOINT = "checkpoint.pt"


def study_data(
    study: Study, accelerator: Accelerator, config: RunConfig, *, quiet: bool
) -> StudyData:
    """A study's arrays, extracted by all processes of the accelerator together."""
    return StudyData(
        study,
        device=accelerator.device,
        precision=config.train.precision,
        workers=config.train.workers,
        rank=accelerator.process_index,
        world_size=accelerator.num_processes,
        barrier=accelerator.wait_for_everyone,
        quiet=quiet or not accelerator.is_main_process,
    )


def train_run(
    study: Study,
    config: RunConfig,
    *,
    device: str = "auto",
    data: StudyData | None = None,
    half: bool = False,
    quiet: bool = False,
) -> Path:
    """Train a config on a study, or go on where it stopped, or return the finished run.

    Args:
        device: "auto", "cpu" or "cuda".
        data: shared between runs of one process, so that nothing is gathered twice.
        half: store weights in half precision.

    Returns:
        The run directory.
    """
    path = study.runs_root / config.run_name
    if (path / "done").is_file():
        _check_same(Run.open(path), config)
        return path
    check_file_name(config.run_name, "a run's name")
    accelerator = make_accelerator(device=device, precision=config.train.precision)
    if data is None:
        data = study_data(study, accelerator, config, quiet=quiet)
    stopwatch = Stopwatch()
    labels = run_labels(config, study.labels)
    assembly = assemble(data, config)
    selection = make_selection(data, config, labels)
    network = assembly.network
    history = fit(
        network,
        assembly.training,
        config,
        labels,
        accelerator=accelerator,
        validate=_validator(labels, config, selection),
        checkpoint=path / CHECKPOINT,
        stopwatch=stopwatch,
        quiet=quiet,
    )
    refit = None
    if config.train.refit:
        validation = config.train.validation_split
        refit = refit_classifier(
            network,
            assembly.training.validation_samples,
            assembly.training.validation_targets,
            torch.from_numpy(data.strata(config, validation)),
            units=_units(data, validation),
            min_group_size=held_out_group_size(config.intervention),
            kind=labels.kind,
        )
    context = run_context(data, config, assembly, network)
    if accelerator.is_main_process:
        environment = describe_environment(
            device=str(accelerator.device), processes=accelerator.num_processes
        )
        environment["seconds"] = round(stopwatch.seconds, 1)
        environment["smoothing"] = round(assembly.smoothing, 3)
        environment["selection"] = selection.record
        if refit is not None:
            environment["refit"] = refit
        environment["manifest"] = data.manifest.content_hash()
        boxes = SubjectBox.of(data.manifest.split(config.train.split))
        environment["subject_box"] = boxes.to_dict()
        write_run(
            path,
            config=config,
            labels=labels,
            network=network,
            context=context,
            widths=data.widths(config),
            encoders=_encoders(data, config),
            environment=environment,
            history=history,
            half=half,
        )
        (path / CHECKPOINT).unlink(missing_ok=True)
    accelerator.wait_for_everyone()
    return path


def _check_same(run: Run, config: RunConfig) -> None:
    from ccim_core.errors import InputError

    if run.config != config:
        raise InputError(
            f"Expected {run.path} to be a run of the same settings, got other settings; give this "
            "run a name of its own (`--name`)."
        )


def _validator(labels: LabelSet, config: RunConfig, selection: Selection) -> Any:
    def validate(targets: Tensor, logits: Tensor) -> dict[str, float]:
        return validation_metrics(
            targets,
            logits,
            labels,
            criterion=config.train.criterion,
            weights=selection.weights,
            groups=selection.groups,
        )

    return validate


def _units(data: StudyData, split: str) -> np.ndarray:
    """What each row of a split was taken from: its source where that is known, else its picture."""
    frame = data.manifest.frame.iloc[data.rows(split)]
    units = frame["image"].astype(str)
    if "source_id" in frame:
        known = frame["source_id"].notna() & (frame["source_id"].astype(str) != "")
        units = units.where(~known, "source " + frame["source_id"].astype(str))
    return units.to_numpy(str)


def _encoders(data: StudyData, config: RunConfig) -> dict[str, Any]:
    """What `encoder.json` holds: a stream's network, its weights' hash, and its view; or what is
    known of the subject beside the picture."""
    plans: dict[str, Plan] = {**stream_plans(config), "dictionary": dictionary_plan(config)}
    return {name: _describe(data, plan) for name, plan in plans.items()}


def _describe(data: StudyData, plan: Plan) -> dict[str, Any]:
    if isinstance(plan, AuxiliaryPlan):
        return {"auxiliary": plan.kind}
    return {
        "encoder": plan.encoder,
        "weights": plan.weights,
        "size": plan.size,
        "stage": plan.stage,
        "view": {"kind": plan.view.kind, "grow": plan.view.grow},
        "provenance": data.encoder(plan).provenance.to_dict(),
    }


@torch.no_grad()
def run_context(
    data: StudyData, config: RunConfig, assembly: Assembly, network: EmotionNetwork
) -> RunContext:
    """Strata of real member contexts in the trained model's v space; sets CCIM's mean g."""
    dictionary = data.dictionary(config)
    rows = data.rows(config.train.split)
    stratum = torch.from_numpy(assembly.stratum)
    u, v = _project_all(network, assembly.training.samples)
    if network.deconfounder is not None:
        network.deconfounder.set_mean_confounder(network.joint(u, v))
    network.cpu()
    generator = torch.Generator().manual_seed(config.dictionary.seed)
    index, mask = select_members(
        stratum, dictionary.n_prototypes, config.dictionary.members, generator=generator
    )
    prior = torch.from_numpy(np.asarray(dictionary.prior_, np.float32))
    strata = Strata.from_rows(v.cpu(), index, mask, prior)
    return RunContext(
        strata=strata,
        conditional=assembly.conditional,
        marginal=assembly.marginal,
        dictionary=dictionary,
        names=_stratum_names(data, rows, assembly.stratum, dictionary.n_prototypes),
    )


def _project_all(network: EmotionNetwork, samples: Samples) -> tuple[Tensor, Tensor]:
    network.eval()
    parts = [
        network.project(batch)
        for batch in samples.batches(list(torch.arange(len(samples)).split(512)))
    ]
    return torch.cat([u for u, _ in parts]), torch.cat([v for _, v in parts])


def _stratum_names(data: StudyData, rows: np.ndarray, stratum: np.ndarray, n: int) -> list[str]:
    """The commonest scene of each stratum's training rows; "" where the manifest has no scenes."""
    frame = data.manifest.frame.iloc[rows]
    if "scene" not in frame or frame["scene"].isna().all():
        return [""] * n
    commonest = frame["scene"].groupby(stratum).agg(lambda scenes: scenes.mode().iloc[0])
    return [str(commonest.get(i, "")) for i in range(n)]
