"""The report's chapters on results: methods, the paper's tables, examples, features."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import pandas as pd

from analysis.embed_page import embedding_sections, probe_section
from analysis.embeddings import load_embedding, stored_embeddings
from analysis.figure_page import Card, Section
from analysis.figures_overview import story_figure
from analysis.prediction_tables import estimator_title
from analysis.probe_tables import load_probes
from analysis.report_page import Chapter
from analysis.reproduction import Reproduction, reproduce
from analysis.reproduction_page import part_figures, read_thumbnails
from analysis.separation_study import load_separation, stored_separations
from analysis.story import is_outdated, story_table
from analysis.story_text import (
    FILLED_IN,
    METRIC_NAMES,
    epoch_choice,
    leaders,
    selection_sentence,
    shift_estimate_text,
    story_sentences,
)
from analysis.story_text import control_sentences as method_controls
from analysis.table_text import number
from analysis.variation import load_variation, variation_text
from ccim_core.errors import InputError
from ccim_core.files import read_json
from ccim_core.study import Study

__all__ = [
    "control_sentences",
    "features_chapter",
    "method_table",
    "methods_chapter",
    "paper_chapter",
    "reproductions",
    "stored_rows",
    "story_cards",
    "targets_for",
]

_PAPER_TABLES = {"emotic": "table1", "groupwalk": "table2", "caer-s": "table3"}


def stored_rows(study: Study) -> list[dict[str, Any]]:
    """The study's table of evaluated variants; [] where `evaluate` has not made one."""
    path = study.analysis_root / "evaluation.json"
    return read_json(path) if path.is_file() else []


def story_cards(study: Study, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[Card]]:
    """Sentences and cards on what each method does when the scene stops following the emotion."""
    frame = story_table(rows) if rows else pd.DataFrame()
    if frame.empty:
        return [], []
    metric = METRIC_NAMES[study.labels.headline]
    plain = frame.iloc[0]
    cards = [
        Card(label="Plain model, same distribution", value=f"{plain['test']:.0%}", note=metric),
        Card(
            label="Plain model, shift test",
            value=f"{plain['shift']:.0%}",
            note="the scene no longer follows the emotion",
        ),
    ]
    for row in frame[frame["inputs"].eq("subject") & ~frame["oracle"]].to_dict("records"):
        note = "no context: what the rest has to beat"
        cards.append(Card(label="Subject's box alone", value=f"{row['shift']:.0%}", note=note))
    for row in frame[frame["estimator"] == "ccim"].to_dict("records"):
        cards.append(
            Card(
                label="CCIM wins back",
                value="–"
                if math.isnan(row["recovery"])
                else f"{row['recovery']:.0%}".replace("-", "−"),
                note=row["reason"] or "of the gap to the model trained without bias",
            )
        )
    top = leaders(frame[~frame["oracle"]])
    if len(top):
        cards.append(
            Card(
                label="Highest on the shift test",
                value=f"{top['shift'].iloc[0]:.0%}",
                note=f"{top['method'].iloc[0]}; {len(top) - 1} more within its interval",
            )
        )
    chosen = selection_sentence(_selection(study))
    sentences = [*story_sentences(frame, metric), chosen, *method_controls(rows)]
    return [one for one in sentences if one], cards


def _selection(study: Study) -> list[dict[str, Any]]:
    path = study.analysis_root / "selection.json"
    return read_json(path) if path.is_file() else []


def methods_chapter(study: Study, rows: Sequence[dict[str, Any]]) -> Chapter:
    """Every variant × estimator that was evaluated."""
    if not rows:
        command = f"`python -m ccim_core evaluate --study {study.path}`"
        return Chapter(title="Methods", lead=[f"Nothing is evaluated yet: {command}."])
    metric = METRIC_NAMES[study.labels.headline]
    sections = []
    command = f"`python -m ccim_core evaluate --study {study.path}`"
    if is_outdated(rows):
        return Chapter(title="Methods", lead=[f"Evaluated by an earlier version: {command}."])
    frame = story_table(rows)
    if len(frame):
        sections.append(
            Section(
                title="Before and after",
                caption="Hollow: test pictures like the training's. Solid: the scene no longer "
                "follows the emotion. Whiskers: 95% interval over subjects and seeds together. At "
                "the right: share of the gap between the plain model and the oracle that sees the "
                "same inputs that is won back.",
                figure=story_figure(frame, metric=metric.capitalize()),
            )
        )
    table = method_table(rows)
    sections.append(
        Section(
            title="Every variant and estimator",
            caption=f"{metric.capitalize()} in %, mean [95% interval over subjects and seeds "
            "together], ± deviation over seeds where there is none. Epoch by: what the kept epoch "
            "was chosen on. Against plain: the difference to the plain model on the shift test, "
            f"same subjects and seeds; one whose interval holds 0 is no rank. {FILLED_IN} Random "
            "contexts: Eq. 2 with these in place of the picture's own strata. Won back: of the gap "
            "to the oracle that sees the same inputs, or why there is no share. Reweighted: what "
            "validation says of the shift test. ECE: expected calibration error. Worst group: the "
            "lowest over emotion × context group. Moves: how far outputs move (total variation) "
            "when only the scene, or only the emotion, changes.",
            table=table,
            folded=f"Show all {len(table)}" if len(table) > 24 else "",
        )
    )
    found = load_variation(study)
    if found:
        sections.append(
            Section(
                title="Other data, other dictionaries",
                caption="Mean ± deviation over data sets rendered from other seeds, and over "
                "dictionaries fitted from other seeds. One training seed: its "
                "own noise is in both.",
                table=variation_text(found),
            )
        )
    return Chapter(title="Methods", sections=sections)


def method_table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """A row a variant × estimator, its splits side by side, as text."""
    table = pd.DataFrame(rows)
    splits = [name for name in ("val", "test", "shift") if name in set(table["split"])]
    last = "shift" if "shift" in splits else splits[-1] if splits else None
    lines = []
    for _, part in table.groupby(["model", "recipe", "variant", "estimator"], sort=False):
        by_split = {row["split"]: row for row in part.to_dict("records")}
        first, shift = part.iloc[0], by_split.get("shift")
        line = {
            "variant": str(first["variant"]),
            "estimator": estimator_title(str(first["estimator"])),
            "sees": f"{first['inputs']}{', true masks' if first['masks'] else ''}",
            "epoch by": epoch_choice(first["select_by"]),
        }
        for split in splits:
            line[split] = _percent(by_split.get(split), "headline")
        line["against plain"] = _difference(shift)
        line["won back, %"] = _won_back(shift)
        line["random contexts"] = _percent(shift, "backdoor_random_contexts")
        line["reweighted"] = shift_estimate_text(by_split["val"]) if "val" in by_split else "–"
        line[f"ECE ({last})"] = _plain(by_split.get(last), "ece", 1, digits=3)
        line[f"worst group ({last}), %"] = _plain(by_split.get(last), "worst_group", 100)
        twins = by_split.get("twins")
        line["moves with scene"] = _plain(twins, "scene_total_variation", 1, digits=3)
        line["moves with emotion"] = _plain(twins, "emotion_total_variation", 1, digits=3)
        line["seeds"] = str(int(part["runs"].max()))
        lines.append(line)
    frame = pd.DataFrame(lines)
    empty = [name for name in frame.columns if (frame[name] == "–").all()]
    return frame.drop(columns=empty)


def _ends(row: Mapping[Any, Any], key: str, *, signed: bool = False) -> str:
    """The interval in %, or ""."""
    low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
    if low is None or high is None or low != low or high != high:
        return ""
    return f" [{', '.join(number(end * 100, 1, signed=signed) for end in (low, high))}]"


def _difference(row: Mapping[Any, Any] | None) -> str:
    if row is None or not _known(row.get("difference")):
        return "–"
    ends = _ends(row, "difference", signed=True)
    seeds = "" if row["difference_seeds"] > 1 else " (one seed)"
    return f"{number(row['difference'] * 100, 1, signed=True)}{ends}{seeds}"


def _won_back(row: Mapping[Any, Any] | None) -> str:
    """The share against the oracle on the same inputs, or why there is none."""
    if row is None:
        return "–"
    if not _known(row.get("recovery")):
        return str(row.get("recovery_reason") or "–")
    return f"{number(row['recovery'] * 100, 1)}{_ends(row, 'won_back')}"


def _known(value: Any) -> TypeGuard[float]:
    return value is not None and value == value


def _percent(row: Mapping[Any, Any] | None, key: str) -> str:
    if row is None or not _known(row.get(key)):
        return "–"
    spread = row.get(f"{key}_sd")
    more = _ends(row, key) or (f" ± {number(spread * 100, 1)}" if _known(spread) else "")
    return f"{number(row[key] * 100, 1)}{more}"


def _plain(row: Mapping[Any, Any] | None, key: str, factor: float, *, digits: int = 1) -> str:
    value = None if row is None else row.get(key)
    return number(value * factor, digits) if _known(value) else "–"


def targets_for(study: Study) -> tuple[str, ...]:
    """The paper's tables and figures that a study's runs can fill."""
    first = _PAPER_TABLES.get(study.labels.name, "table3")
    return (first, "table4", "figure6", "figure8")


def reproductions(study: Study) -> tuple[dict[str, Reproduction], list[str]]:
    """The paper's targets from a study's runs, and a sentence on what stands against others."""
    made: dict[str, Reproduction] = {}
    refused: dict[str, list[str]] = {}
    for target in targets_for(study):
        try:
            made[target] = reproduce(target, [study.path])
        except InputError as error:
            refused.setdefault(str(error), []).append(target)
    # One run's fault often stands against all of them.
    return made, [f"{', '.join(targets)}: {error}" for error, targets in refused.items()]


def control_sentences(made: Mapping[str, Reproduction]) -> list[str]:
    """What CCIM gains, and what its controls give, for each model with both, on the last split."""
    sentences = []
    for result in list(made.values())[:1]:
        gains, controls = result.part("gains").frame, result.part("controls").frame
        for row in gains[(gains["scope"] == "model") & gains["ours"].notna()].to_dict("records"):
            mine = controls[
                (controls["model"] == row["name"]) & (controls["split"] == row["split"])
            ].set_index("control")
            if row["split"] != gains["split"].iloc[-1] or mine.empty:
                continue
            sentences.append(
                f"{row['name']} + CCIM on `{row['split']}`: **{number(row['ours'], signed=True)} "
                f"points** against the plain model (95% interval {number(row['low'])} to "
                f"{number(row['high'])}). Its top prediction differs from the plain model's for "
                f"{number(mine.loc['top_change', 'ours'], 1)} % of subjects, and between two seeds "
                f"of the plain model for {number(mine.loc['seed_change', 'ours'], 1)} %."
            )
    return sentences


def paper_chapter(
    study: Study, made: Mapping[str, Reproduction], problems: Sequence[str], *, pictures: bool
) -> Chapter:
    """The paper's tables from the study's runs, as `reproductions` makes them."""
    sections: list[Section] = []
    notes = dict.fromkeys(problems)
    missing: set[str] = set()
    for place, result in enumerate(made.values()):
        sections += _target_sections(result, pictures=pictures, controls=place == 0)
        notes |= dict.fromkeys(result.notes)
        missing |= set(result.missing["command"])
    lead = [
        "The paper's tables from this study's runs, by `python -m analysis reproduce`; published "
        "numbers stand beside ours where the paper has them."
    ]
    if missing:
        command = f"python -m analysis reproduce table4 --study {study.path}"
        note = f"{len(missing)} runs that the tables want are missing; `{command}` lists commands."
        notes[note] = None
    return Chapter(title="The paper's tables", lead=lead, sections=sections, notes=list(notes))


def _target_sections(result: Reproduction, *, pictures: bool, controls: bool) -> list[Section]:
    """A target's figures and tables; the controls once, since all targets share them."""
    thumbnails = {}
    if pictures and result.target == "figure8":
        thumbnails = read_thumbnails(result.table, result.datasets)
    name = result.title.split(":")[0]
    sections: list[Section] = []
    for part in result.parts:
        if part.name == "controls" and not controls:
            continue
        text = _measured_rows(part.text)
        for title, caption, figure in part_figures(result, part, pictures=thumbnails):
            sections.append(Section(title=f"{name}. {title}", caption=caption, figure=figure))
        if len(text):
            long = part.name.startswith("categories_") or (
                len(text) > 16 and part.name != "controls"
            )
            sections.append(
                Section(
                    title=f"{name}. {part.title}",
                    caption=part.caption,
                    table=text,
                    folded=f"Show {len(text)} rows" if long else "",
                )
            )
    return sections


def _measured_rows(text: pd.DataFrame) -> pd.DataFrame:
    """Without the rows of models that have neither a run nor a published number here."""
    if "note" not in text:
        return text
    idle = text["note"] == "there are no runs"
    if "published" in text:
        idle &= text["published"] == "–"
    kept = text[~idle]
    return kept.drop(columns="note") if (kept["note"] == "").all() else kept


def features_chapter(study: Study) -> Chapter | None:
    """Stored maps and measures of features, and the scene probes; None where none is kept."""
    sections: list[Section] = []
    measured = {}
    for path in stored_separations(study):
        found = load_separation(study, path)
        measured[_pair(found.record)] = found.frame
    for path in stored_embeddings(study):
        one = load_embedding(study, path)
        titles = [f"{one.record['titles'][side]} ({one.record[side]['run']})" for side in _SIDES]
        parts = embedding_sections(
            one.frame[one.frame["side"].isin(_SIDES)],
            titles=titles,
            emotions=study.labels.emotions,
            measures=measured.get(_pair(one.record)),
        )
        sections += [_named(part, " → ".join(titles)) for part in parts if _wanted(part)]
    probes = load_probes(study)
    if probes is not None and (probes["label"] == "scene").any():
        sections.append(probe_section(probes))
    if not sections:
        return None
    return Chapter(
        title="Features",
        lead=["What the networks' features are organised by, before and after an intervention."],
        sections=sections,
    )


_SIDES = ("before", "after")
_COLOURINGS = ("Coloured by emotion", "Coloured by scene")


def _wanted(part: Section) -> bool:
    """The two colourings that the question is about, and the measures; no second table of them."""
    return part.figure is not None and (
        part.title in _COLOURINGS or not part.title.startswith("Coloured")
    )


def _named(part: Section, pair: str) -> Section:
    return Section(title=f"{part.title}: {pair}", caption=part.caption, figure=part.figure)


def _pair(record: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(record[side][key]) for side in _SIDES for key in ("run", "array"))
