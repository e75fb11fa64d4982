"""The photograph model: portraits on scenes with planted bias, an encoder, three runs, a card.

What is worked with (composites, features, predictions, checkpoints) stays in a work folder, from
which an interrupted call goes on; `out` gets only what prediction needs, and no photograph.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ccim_core.backbones import save_encoder
from ccim_core.datasets.controlled.composites import CompositeConfig, composite_frame
from ccim_core.datasets.controlled.portraits import Portrait, find_portraits
from ccim_core.datasets.labelled_files import LabelledFiles, list_labelled_files
from ccim_core.errors import InputError
from ccim_core.evaluation.evaluate import evaluate_run, read_evaluation
from ccim_core.files import read_json, write_json
from ccim_core.labels import LabelSet, get_label_set
from ccim_core.manifest import build_manifest
from ccim_core.progress import progress
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.accelerator import make_accelerator
from ccim_core.training.config import RunConfig, load_recipe, replace_field
from ccim_core.training.finetune_config import FinetuneConfig
from ccim_core.training.finetune_encoder import finetune_encoder
from ccim_core.training.portrait_report import evaluate_portraits
from ccim_core.training.portrait_split import files_of_pool, split_portraits
from ccim_core.training.train import study_data, train_run

__all__ = ["PhotoModelConfig", "make_photo_model"]

RECIPE = Path(__file__).parent / "training" / "recipes" / "emot_net_photographs.yaml"
INTERVENTIONS = ("none", "ccim", "counterfactual")
ENCODER = "encoders/subject.safetensors"
_SHIPPED = ("config.json", "environment.json", "encoder.json", "model.safetensors")
_SHIPPED_LAST = ("strata.safetensors", "metrics.jsonl", "done")

LIMITS = (
    "Trained on posed and press portraits labelled by students: the labels are noisy, and an "
    "expression is not a feeling.",
    "The context bias is planted, in composites of grey portraits on photographs of a few scene "
    "categories; other scenes are assigned to the nearest of these.",
    "Six emotions; Fear is left out, for it has too few portraits to train or to test on.",
    "Not for decisions about people. Where law restricts emotion recognition (in the European "
    "Union at work and in education, for instance), it must not be used so.",
)


@dataclass(frozen=True, kw_only=True)
class PhotoModelConfig:
    """How the photograph model is made; the seeds of its parts are their own fields."""

    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    composite: CompositeConfig = field(
        default_factory=lambda: CompositeConfig(bias=0.5, cue_agreement=None)
    )


def make_photo_model(
    subjects: Path,
    scenes: Path,
    out: Path,
    *,
    work: Path,
    config: PhotoModelConfig | None = None,
    recipe: Path = RECIPE,
    device: str = "cpu",
    quiet: bool = False,
) -> Study:
    """Make the photograph model from two folders of pictures, or go on with it.

    Args:
        subjects: portraits in sub-folders named by emotion.
        scenes: photographs in sub-folders named by scene.
        out: where the model goes: an empty folder, or a model to replace.
        work: folder for everything else.

    Raises:
        InputError: folders without what is needed, or an `out` that holds something else.
    """
    config = config or PhotoModelConfig()
    Study.check_target(out)
    labels = get_label_set(config.finetune.label_set)
    files = list_labelled_files(subjects, what="emotion", wanted=labels.emotions)
    names = [name for of_label in files.files.values() for name in of_label]
    portraits, summary = find_portraits(files.root, names, cache=work / "portraits.json")
    pools = _pools(config, files, portraits, work, quiet=quiet)
    report = _encoder(config, files, portraits, pools, labels, work, quiet=quiet)
    study = _study(config, labels, files, scenes, portraits, pools, work)
    runs = _runs(study, recipe, device=device, quiet=quiet)
    card = _card(config, labels, summary.to_dict(), report, runs, pools)
    return _ship(study, runs, card, out)


def _pools(
    config: PhotoModelConfig,
    files: LabelledFiles,
    portraits: dict[str, Portrait],
    work: Path,
    *,
    quiet: bool,
) -> dict[str, str]:
    path = work / "pools.json"
    settings = config.finetune.to_dict()
    if path.is_file():
        saved = read_json(path)
        if saved["settings"] == settings:
            return saved["pools"]
    pools = split_portraits(config.finetune, files, portraits, quiet=quiet)
    write_json(path, {"settings": settings, "pools": pools})
    return pools


def _encoder(
    config: PhotoModelConfig,
    files: LabelledFiles,
    portraits: dict[str, Portrait],
    pools: dict[str, str],
    labels: LabelSet,
    work: Path,
    *,
    quiet: bool,
) -> dict[str, Any]:
    """Fine-tune, save into the work study, and report on the held-back portraits."""
    tuned = finetune_encoder(
        config.finetune, files, portraits, pools, work_dir=work / "finetune", quiet=quiet
    )
    save_encoder(tuned.encoder, work / "study" / ENCODER, half=True)
    names, targets = files_of_pool(files, portraits, pools, "test", labels.emotions)
    return evaluate_portraits(
        tuned.encoder,
        tuned.head,
        files.root,
        names,
        targets,
        portraits,
        grow=config.finetune.face_grow,
        emotions=labels.emotions,
    )


def _study(
    config: PhotoModelConfig,
    labels: LabelSet,
    files: LabelledFiles,
    scenes: Path,
    portraits: dict[str, Portrait],
    pools: dict[str, str],
    work: Path,
) -> Study:
    """The study of composites, beside the encoder that was put there first."""
    path = work / "study"
    settings = {"composite": config.composite.to_dict()}
    if (path / "study.json").is_file():
        study = Study.open(path)
        if study.info["settings"] != settings:
            raise InputError(
                f"Expected {work} to hold work of the same settings, got other settings; "
                "choose another work folder."
            )
        return study
    scene_files = list_labelled_files(scenes, what="scene")
    frame = composite_frame(config.composite, files, scene_files, portraits, subject_pools=pools)
    # No oracle is trained here: its rows would only cost features.
    frame = frame[frame["split"] != "oracle_train"].reset_index(drop=True)
    manifest, _ = build_manifest(frame, labels)
    return Study.create(
        path,
        name="Photograph model",
        kind="photographs",
        labels=labels,
        manifest=manifest,
        roots={"subjects": str(files.root.resolve()), "scenes": str(scenes.resolve())},
        settings=settings,
        into_existing=True,
    )


def _runs(study: Study, recipe: Path, *, device: str, quiet: bool) -> list[Run]:
    base = load_recipe(recipe)
    data = study_data(study, make_accelerator(device=device), base, quiet=quiet)
    runs = []
    for name in progress(INTERVENTIONS, "train", unit="runs", quiet=quiet):
        config: RunConfig = replace_field(base, "intervention.name", name)
        path = train_run(study, config, device=device, data=data, half=True, quiet=True)
        run = Run.open(path)
        if not (path / "evaluation.json").is_file():
            evaluate_run(run, data, splits=("val", "test", "shift", "twins"), n_bootstrap=1000)
        runs.append(run)
    return runs


def _card(
    config: PhotoModelConfig,
    labels: LabelSet,
    portraits: dict[str, Any],
    report: dict[str, Any],
    runs: Sequence[Run],
    pools: dict[str, str],
) -> dict[str, Any]:
    """The model card: what it was trained on, how good it is, how far it moves, its limits."""
    rows = [
        {
            "run": run.name,
            **{
                key: row.get(key)
                for key in (
                    *("split", "estimator", "n", "balanced_accuracy", "ece"),
                    *("balanced_accuracy_interval", "scene_total_variation"),
                    "emotion_total_variation",
                )
            },
        }
        for run in runs
        for row in read_evaluation(run)["rows"]
        if row["split"] != "val"
    ]
    counts = {pool: sum(value == pool for value in pools.values()) for pool in set(pools.values())}
    return {
        "name": "Photograph model",
        "data": (
            "Portraits of a public collection (github.com/muxspace/facial_expressions, "
            "Apache-2.0, labels by students), always in grey, composed on photographs of scenes "
            f"with a planted bias of {config.composite.bias:g}: each emotion prefers scenes of "
            "its own."
        ),
        "emotions": list(labels.emotions),
        "left_out": ["Fear"],
        "portraits": {
            "read": portraits["n"],
            "without_face": len(portraits["without_face"]),
            "pools": counts,
        },
        "encoder": {
            "architecture": config.finetune.encoder,
            "size": config.finetune.size,
            "held_out": report,
        },
        "composites": config.composite.to_dict(),
        "estimates": rows,
        "limits": list(LIMITS),
    }


def _ship(study: Study, runs: Sequence[Run], card: dict[str, Any], out: Path) -> Study:
    """Copy what prediction needs; `study.json` comes last."""
    if out.exists():
        shutil.rmtree(out)
    (out / "encoders").mkdir(parents=True)
    shutil.copyfile(study.path / ENCODER, out / ENCODER)
    for run in runs:
        target = out / "runs" / run.name
        target.mkdir(parents=True)
        for name in (*_SHIPPED, *_SHIPPED_LAST):
            shutil.copyfile(run.path / name, target / name)
    write_json(out / "card.json", card)
    return Study.create(
        out,
        name=study.name,
        kind=study.kind,
        labels=study.labels,
        settings=study.info["settings"],
        into_existing=True,
    )
