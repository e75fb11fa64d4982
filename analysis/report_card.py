"""The report's model card: what the models are for, what they are not for, and how they were made.

After "Model Cards for Model Reporting" (Mitchell et al. 2019): details, intended use, data,
evaluation, limits, responsible use; every number comes from the study.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.figure_page import Section
from analysis.report_page import Chapter
from analysis.run_records import RunRecord
from analysis.run_table import made_by
from analysis.story import is_outdated, main_recipe
from analysis.story_text import epoch_choice, shift_estimate_text
from analysis.table_settings import model_title
from analysis.table_text import number
from ccim_core.environment import describe_environment
from ccim_core.study import Study

__all__ = ["card_chapter", "run_list", "settings_chapter"]

RESPONSIBLE = (
    "An estimate is a guess at how a person would look to annotators. It is not what the person "
    "feels, thinks or intends, and no measurement of it.",
    "Do not use it to judge, rank, hire, grade, police or monitor people, or to decide anything "
    "about one. Law restricts such systems in places: the European Union's AI Act bans emotion "
    "recognition at work and in education but for medical and safety reasons.",
    "Expressions and their reading differ between cultures, ages and people; labels record the "
    "habits of those who gave them. Removing one bias (of the scene) removes no other.",
    "Pictures of people need their consent. What is computed from them is personal data as well.",
)
_LIMITS = {
    "controlled": (
        "Trained on drawings: on photographs its outputs mean nothing.",
        "What holds here is evidence about estimators under a bias of known strength, and no claim "
        "about any real data set.",
    ),
    "photographs": (
        "Trained on grey portraits composed on scenes with a planted bias: it is there to show "
        "interventions at work.",
        "Labels are noisy, and rare emotions were seen seldom.",
    ),
}
_GENERAL_LIMITS = (
    "Intervals hold the images of the split and the training seeds. They do not hold how the data "
    "were collected and labelled, nor choices of settings that were not varied.",
    "“Back-door” estimates are causal only if the dictionary's clusters are all that confounds "
    "scene and emotion, which no data set can show.",
    "Outputs averaged over strata are not P(Y|s) and need not be calibrated: see ECE.",
)


def card_chapter(
    study: Study, runs: Sequence[RunRecord], rows: Sequence[dict[str, Any]]
) -> Chapter:
    """The model card of a study's models."""
    scored = [one for one in runs if one.labels.link == "identity"]
    limits = [*_LIMITS.get(study.kind, (_own_data(study),)), *_GENERAL_LIMITS]
    if scored:
        limits.append(
            f"{len(scored)} runs were trained with the weighted L2 loss: their outputs are scores, "
            "not probabilities."
        )
    sections = [
        Section(title="What the models are", points=_details(study, runs)),
        Section(
            title="Intended use",
            points=(
                "Research on context bias: to compare estimators of P(Y|X) and P(Y|do(X)) on one "
                "data set, with controls.",
                "Teaching, and checking a data set before a model is built on it.",
                "Not intended: any use on people outside such a study.",
            ),
        ),
        Section(
            title="Evaluation",
            caption="Reweighted: what the split says of one where the scene is independent of the "
            "emotion."
            if rows and not is_outdated(rows)
            else f"Not evaluated by this version: `python -m ccim_core evaluate --study "
            f"{study.path}`.",
            table=_evaluation(rows) if rows and not is_outdated(rows) else None,
        ),
        Section(title="Limits", points=limits),
        Section(title="Responsible use", points=RESPONSIBLE),
    ]
    return Chapter(title="Model card", sections=sections)


def _own_data(study: Study) -> str:
    return (
        f"Trained on “{study.name}” alone: on other pictures, people or labels its accuracy is "
        "unknown. The data's own licence and terms hold for what is made from it."
    )


def _details(study: Study, runs: Sequence[RunRecord]) -> list[str]:
    if not runs:
        return ["This study has no finished run: there is no model to describe."]
    models = Counter(model_title(str(run.config["model"]["name"])) for run in runs)
    interventions = Counter(str(run.config["intervention"]["name"]) for run in runs)
    encoders = sorted(
        {str(run.config["encoder"][side]) for run in runs for side in ("subject", "context")}
    )
    tuned = sum(bool(run.config["encoder"]["finetune"]) for run in runs)
    sizes = study.manifest.frame["split"].value_counts(sort=False)
    trained = sorted({str(run.config["train"]["split"]) for run in runs})
    known = [f"`{split}` ({sizes[split]:,} subjects)" for split in trained if split in sizes]
    return [
        f"{len(runs)} runs of {_counted(models)}; trained with {_counted(interventions)}.",
        f"Encoders: {', '.join(encoders)} ({tuned} of {len(runs)} runs fine-tune them).",
        f"Trained on {', '.join(known)}; the kept epoch is chosen on "
        f"`{runs[0].config['train']['validation_split']}` alone.",
        f"Outputs: {', '.join(study.labels.emotions)}; link {study.labels.link}, headline "
        f"{study.labels.headline.replace('_', ' ')}.",
    ]


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common())


def _evaluation(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """The plain model, the subject's box alone and CCIM on each split: headline, worst group,
    calibration, reweighted estimate."""
    table = main_recipe(pd.DataFrame(rows))
    lines = []
    for intervention, estimator, inputs in (
        ("none", "likelihood", "full"),
        ("none", "likelihood", "subject"),
        ("ccim", "ccim", "full"),
    ):
        mine = table[
            (table["intervention"] == intervention)
            & (table["estimator"] == estimator)
            & (table["inputs"] == inputs)
            & ~table["oracle"].astype(bool)
            & (table["plain"].astype(bool) | (intervention != "none"))
        ]
        if mine.empty:
            continue
        plainest = mine.sort_values(["changes", "variant"])["variant"].iloc[0]
        for row in mine[mine["variant"] == plainest].to_dict("records"):
            lines.append(
                {
                    "model": plainest,
                    "sees": inputs,
                    "epoch by": epoch_choice(row["select_by"]),
                    "split": str(row["split"]),
                    "subjects": f"{int(row['n']):,}",
                    "seeds": str(int(row["runs"])),
                    "headline, %": _share(row, "headline"),
                    "95% interval": _interval(row),
                    "worst group, %": _share(row, "worst_group"),
                    "which": str(row.get("worst_group_name") or "–"),
                    "ECE": number(row.get("ece"), 3),
                    "reweighted, %": shift_estimate_text(row)
                    if row["split"] in ("val", "test")
                    else "–",
                }
            )
    return pd.DataFrame(lines)


def _interval(row: Mapping[Any, Any]) -> str:
    low, high = row.get("headline_low"), row.get("headline_high")
    if low is None or high is None or low != low:
        return "–"
    return f"{number(low * 100, 1)} to {number(high * 100, 1)}"


def _share(row: Mapping[Any, Any], key: str) -> str:
    value = row.get(key)
    return number(None if value is None else value * 100, 1)


def settings_chapter(study: Study, runs: Sequence[RunRecord], facts: pd.DataFrame) -> Chapter:
    """What made the numbers: settings of the study and its runs, commands, versions.

    Args:
        facts: as by `analysis.table_notes.provenance`.
    """
    sections = [
        Section(title="What the numbers were made from", table=facts),
        Section(title="What made this page", table=_versions()),
    ]
    if study.info.get("settings"):
        sections.append(
            Section(title="How the study was made", table=_flat(study.info["settings"]))
        )
    commands = sorted({text for run in runs if (text := made_by(run))})
    if commands:
        sections.append(
            Section(
                title="Commands that made the runs",
                points=[f"`{text}`" for text in commands[:12]]
                + ([f"and {len(commands) - 12} more"] if len(commands) > 12 else []),
            )
        )
    if runs:
        table = run_list(runs)
        sections.append(Section(title="Runs", table=table, folded=f"Show all {len(table)} runs"))
    return Chapter(title="Settings and versions", sections=sections)


def _versions() -> pd.DataFrame:
    made = describe_environment(device="cpu")
    rows = {name: str(made[name] or "–") for name in ("commit", "python", "system", "machine")}
    rows |= {name: str(version) for name, version in made["packages"].items()}
    return pd.DataFrame(rows.items(), columns=["what", "value"])


def _flat(settings: dict[str, Any], prefix: str = "") -> pd.DataFrame:
    rows: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, dict):
            rows += list(_flat(value, f"{prefix}{name}.").itertuples(index=False, name=None))
        else:
            rows.append((f"{prefix}{name}", "" if value is None else str(value)))
    return pd.DataFrame(rows, columns=["setting", "value"])


def run_list(runs: Sequence[RunRecord]) -> pd.DataFrame:
    """A row a run: settings that tell runs apart, seed, seconds, commit."""
    return pd.DataFrame(
        [
            {
                "run": run.name,
                "model": model_title(str(run.config["model"]["name"])),
                "intervention": str(run.config["intervention"]["name"]),
                "prototypes": str(run.config["dictionary"]["size"]),
                "trained on": str(run.config["train"]["split"]),
                "seed": str(run.seed),
                "seconds": number(run.environment.get("seconds"), 1),
                "commit": str(run.environment.get("commit") or "–")[:12],
            }
            for run in runs
        ]
    )
