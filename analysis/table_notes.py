"""What a reader must know beside a table: what the numbers are, and what they are not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.run_families import ModelRuns
from analysis.table_data import TableData
from analysis.table_settings import load_reference
from analysis.tables_results import AP_TITLES

__all__ = ["data_notes", "interval_note", "provenance", "seed_notes"]


def interval_note() -> str:
    """How to read mean, deviation and interval."""
    return (
        "Ours: mean ± standard deviation over n training seeds. The 95% interval holds both the "
        "images (1,000 resamples of whole images, kept with each run by `evaluate`) and the seeds "
        "(Student's t). Differences and gains are between runs of the same seed on the same "
        "images. “Outside interval”: whether the published number lies outside ours; the paper "
        "prints neither deviations nor the number of its runs."
    )


def data_notes(data: TableData, ap: str, *, published: bool) -> list[str]:
    """What a dataset's numbers are: which metric, which chance level, which splits."""
    notes = []
    if data.metric == "map":
        notes.append(
            f"{data.dataset}: average precision is the {AP_TITLES[ap]}, one of three in use, and "
            "chance is the level that this one gives to a random ranking. Intervals are kept for "
            "the step-wise AP alone, and are the population's: a sample's mAP lies above it (the "
            "rarer the classes the more, and as much in a published number), so that they reach "
            "further down than up."
            + (" The paper does not say which it reports." if published else "")
        )
    else:
        notes.append(f"{data.dataset}: chance is to guess the commonest emotion of the split.")
    if "shift" in data.splits:
        notes.append(
            f"{data.dataset}: on `shift` the scene is independent of the emotion while the causal "
            "cue is unchanged, which is the interventional truth; on `test` the bias is that of "
            "the training pictures."
        )
    if not published:
        notes.append(f"The paper has no numbers of {data.dataset}: there is nothing to compare.")
    empty = [
        f"{emotion} ({split})"
        for split in data.splits
        for emotion, count in zip(
            data.labels.emotions, data.rows(split).targets.sum(axis=0), strict=True
        )
        if not count
    ]
    if empty:
        notes.append(
            f"{data.dataset}: no positives of {', '.join(empty)}; their average precision is "
            "undefined, and the mean is over the others."
        )
    if any(run.labels.link == "identity" for run in data.runs):
        notes.append(
            f"{data.dataset}: some runs were trained with the weighted L2 loss; their outputs are "
            "scores, not probabilities."
        )
    return notes


def seed_notes(data: TableData, models: Iterable[str], settings: Iterable[str]) -> list[str]:
    """What the chosen runs are: single seeds, runs left out, configurations that are no recipe."""
    settings = list(settings)
    notes = []
    for name in models:
        model = data.model(name)
        single = [setting for setting in settings if len(model.seeds(setting)) == 1]
        if single:
            notes.append(
                f"{data.dataset}, {model.title}: one seed only of {', '.join(single)}, so there is "
                "no deviation, and the interval holds the images alone."
            )
        if model.unused:
            shown = ", ".join(model.unused[:4]) + (", …" if len(model.unused) > 4 else "")
            notes.append(
                f"{data.dataset}, {model.title}: {len(model.unused)} runs of other settings are "
                f"not shown ({shown})."
            )
        if model.by_setting and not _is_recipe(model):
            notes.append(
                f"{data.dataset}, {model.title}: these runs are not of the shipped recipe; "
                "commands for missing runs say how they differ."
            )
    return notes


def _is_recipe(model: ModelRuns) -> bool:
    recipe: dict[str, Any] = load_reference(model.recipe, model.model)
    ignored = ("name", "train", "intervention")
    return model.recipe is not None and all(
        model.reference[group] == recipe[group] for group in recipe if group not in ignored
    )


def provenance(datasets: Mapping[str, TableData]) -> pd.DataFrame:
    """What the numbers were made from: a row a fact, "what" and "value"."""
    rows: list[tuple[str, str]] = []
    for data in datasets.values():
        study = data.studies[0]
        counts = study.manifest.frame["split"].value_counts()
        sizes = ", ".join(f"{split} {counts[split]:,}" for split in study.manifest.splits)
        rows.append((f"{data.dataset}, study", ", ".join(one.name for one in data.studies)))
        rows.append((f"{data.dataset}, subjects", sizes))
        rows.append((f"{data.dataset}, manifest", study.manifest.content_hash()[:16]))
        for name in data.models:
            model = data.model(name)
            if model.by_setting:
                rows.append((f"{data.dataset}, {model.title}", _describe(model)))
        runs = [run.environment for run in data.runs]
        for key in ("commit", "device"):
            values = sorted({str(one[key])[:16] for one in runs if one.get(key)})
            rows.append((f"{data.dataset}, {key} of the runs", ", ".join(values)))
        versions = {f"{k} {v}" for one in runs for k, v in one.get("packages", {}).items()}
        rows.append((f"{data.dataset}, versions of the runs", ", ".join(sorted(versions))))
    return pd.DataFrame(rows, columns=["what", "value"])


def _describe(model: ModelRuns) -> str:
    encoder, dictionary = model.reference["encoder"], model.reference["dictionary"]
    runs = sum(len(found) for found in model.by_setting.values())
    return (
        f"{runs} runs; encoders {encoder['subject']} and {encoder['context']} "
        f"({'fine-tuned' if encoder['finetune'] else 'frozen'}), "
        f"dictionary of {dictionary['size']} prototypes"
    )
