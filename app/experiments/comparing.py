"""Two variants over all their seeds: the paired test, emotions on both sides, who changed."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from analysis.prediction_tables import estimator_title
from analysis.run_comparison import Answer, Comparison, compare_answers, metrics_for
from analysis.run_records import RunRecord
from analysis.run_text import METRIC_NAMES, comparison_sentences, describe_classes
from app import layout
from app.experiments.records import rows_of, stamp_of
from app.links import linked_selectbox
from ccim_core.evaluation.variants import (
    FULL,
    changed_settings,
    family,
    input_name,
    is_oracle,
    plain_variants,
    recipe_key,
    run_variant,
)
from ccim_core.metrics.comparison import PairedMetric
from ccim_core.study import Study

__all__ = ["show_comparison"]

SEPARATOR = "."
ORDER = ("shift", "test", "val", "twins", "train")
STATIC = {"displayModeBar": False}


def show_comparison(study: Study, runs: dict[str, RunRecord]) -> None:
    """The choices and what they give."""
    answers = _answers(runs)
    if len(answers) < 2:
        st.info(
            "Two evaluated answers are needed to compare them; evaluate the runs first:",
            icon=":material/hourglass_empty:",
        )
        st.code(
            f"python -m ccim_core evaluate --study {study.path}", language="bash", wrap_lines=True
        )
        return
    before, after = _choose(answers)
    splits = _shared_splits(answers[before], answers[after])
    if not splits:
        st.info("These two have no evaluated split in common.", icon=":material/info:")
        return
    names = metrics_for(study.labels.kind)
    metrics: dict[str, PairedMetric] = {str(name): name for name in names}
    headline = str(study.labels.headline)
    left, right = st.columns(2)
    with left:
        split = linked_selectbox("On split", splits, key="on", default=splits[0], format_func=str)
    with right:
        metric = linked_selectbox(
            "By",
            list(metrics),
            key="by",
            default=headline if headline in metrics else next(iter(metrics)),
            format_func=METRIC_NAMES.__getitem__,
        )
    if before == after:
        st.info("Choose two different answers.", icon=":material/info:")
        return
    found = _compared(
        str(study.path), stamp_of(study), before, after, split, metrics[metric], study, answers
    )
    st.markdown("\n\n".join(comparison_sentences(found, split)))
    _by_emotion(found, before, after, study.labels.kind)


def _answers(runs: dict[str, RunRecord]) -> dict[str, Answer]:
    """Every evaluated (variant, estimator), by a key for the address.

    Runs of another recipe or other inputs are another variant even where they share its name.
    """
    groups: dict[tuple[str, str], list[RunRecord]] = {}
    for run in runs.values():
        groups.setdefault((run_variant(run.name), family(run.config)), []).append(run)
    names = Counter(name for name, _ in groups)
    found = {}
    for (name, _), members in groups.items():
        title = name if names[name] == 1 else f"{name} ({recipe_key(members[0].config)})"
        by_estimator: dict[str, list[RunRecord]] = {}
        for run in members:
            rows = (run.evaluation or {}).get("rows", [])
            for estimator in dict.fromkeys(str(row["estimator"]) for row in rows):
                by_estimator.setdefault(estimator, []).append(run)
        for estimator, mine in by_estimator.items():
            found[f"{title}{SEPARATOR}{estimator}"] = Answer(runs=tuple(mine), estimator=estimator)
    return found


def _defaults(answers: dict[str, Answer]) -> tuple[str, str]:
    """The plain model of the recipe with most answers, and the CCIM that changes least of it."""
    configs = {key: answer.runs[0].config for key, answer in answers.items()}
    recipes = Counter(recipe_key(values) for values in configs.values())
    plain = plain_variants(
        (run_variant(run.name), run.config) for answer in answers.values() for run in answer.runs
    )
    keys = [
        key
        for key, answer in answers.items()
        if answer.estimator == "likelihood"
        and input_name(configs[key]) == FULL
        and plain.get((family(configs[key]), False)) == run_variant(answer.runs[0].name)
    ]
    first = min(
        keys, key=lambda k: (-recipes[recipe_key(configs[k])], k), default=next(iter(answers))
    )
    ccim = [
        key
        for key, answer in answers.items()
        if answer.estimator == "ccim"
        and family(configs[key]) == family(configs[first])
        and not is_oracle(configs[key])
    ]
    second = min(
        ccim,
        key=lambda key: (changed_settings(configs[key], configs[first]), key),
        default=next(key for key in answers if key != first),
    )
    return first, second


def _choose(answers: dict[str, Answer]) -> tuple[str, str]:
    keys = list(answers)

    def title(key: str) -> str:
        variant = key.removesuffix(f"{SEPARATOR}{answers[key].estimator}")
        return f"{variant} · {estimator_title(answers[key].estimator)}"

    plain, other = _defaults(answers)
    left, right = st.columns(2)
    with left:
        before = linked_selectbox("Before", keys, key="before", default=plain, format_func=title)
    with right:
        after = linked_selectbox("After", keys, key="after", default=other, format_func=title)
    return before, after


def _shared_splits(first: Answer, second: Answer) -> list[str]:
    def splits(answer: Answer) -> set[str]:
        rows = [row for run in answer.runs for row in (run.evaluation or {}).get("rows", [])]
        return {str(row["split"]) for row in rows if row["estimator"] == answer.estimator}

    shared = splits(first) & splits(second)
    return sorted(shared, key=lambda name: (ORDER.index(name) if name in ORDER else 9, name))


@st.cache_resource(max_entries=64, ttl="1h", show_spinner="Resampling …")
def _compared(
    path: str,
    stamp: tuple[int, ...],
    before: str,
    after: str,
    split: str,
    metric: PairedMetric,
    _study: Study,
    _answers: dict[str, Answer],
) -> Comparison:
    rows = rows_of(_study, split)
    return compare_answers(rows, _answers[before], _answers[after], metric=metric)


def _by_emotion(found: Comparison, before: str, after: str, kind: str) -> None:
    from analysis.figures_runs import class_dumbbells

    metric = "recall, %" if kind == "single" else "average precision, %"
    st.subheader("By emotion", anchor=False)
    st.plotly_chart(
        class_dumbbells(found.classes, metric=metric, ink=layout.ink()),
        key="dumbbells",
        config=STATIC,
        alt=describe_classes(found),
    )
    st.caption(
        "Hollow: before, solid: after; means over the seeds that both have, with 95% intervals "
        "over images and seeds."
    )
    st.download_button(
        "Download these numbers",
        found.classes.to_csv(index=False).encode(),
        file_name=f"{before}--{after}.csv",
        mime="text/csv",
        icon=":material/download:",
    )
    with st.expander("Who changed: leading emotion before (rows) and after (columns), all seeds"):
        st.dataframe(found.moves, height="content")
