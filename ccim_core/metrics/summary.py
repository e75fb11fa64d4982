"""Every metric of one run × estimator × split, as one JSON-safe dictionary.

A value that is undefined is None, and `<key>_reason` beside it says why in one clause.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from ccim_core.labels import LabelSet
from ccim_core.metrics.average_precision import AP_KINDS, average_precisions, nan_mean
from ccim_core.metrics.calibration import (
    brier_score,
    classwise_ece,
    reliability_table,
    subject_nll,
    top_label_reliability,
)
from ccim_core.metrics.chance import chance_average_precision
from ccim_core.metrics.checks import as_codes
from ccim_core.metrics.classification import accuracy, confusion_matrix, per_class_recall
from ccim_core.metrics.groups import (
    Group,
    group_means,
    outranked_negatives,
    reweighted_average,
    worst_group,
)
from ccim_core.metrics.record import (
    HEADLINES,
    EvaluatedOutputs,
    Record,
    check_outputs,
    number_or_nan,
)
from ccim_core.metrics.summary_intervals import add_intervals
from ccim_core.metrics.summary_shift import add_shift

__all__ = ["HEADLINES", "evaluate_outputs"]

_SEVERAL = "a subject has several labels"
_NO_SUBJECTS = "there are no subjects"
_NOT_PROBABILITIES = "the outputs are scores: no link to probabilities is defined"


def evaluate_outputs(
    targets: Any,
    outputs: Any,
    label_set: LabelSet,
    *,
    images: Any = None,
    context_group: Any = None,
    context_cluster: Any = None,
    train_proportions: Mapping[tuple[str, str], float] | None = None,
    probabilities: bool | None = None,
    min_group_size: int = 10,
    n_bins: int = 15,
    n_bootstrap: int = 0,
    level: float = 0.95,
    random_state: int = 0,
) -> dict[str, Any]:
    """Metrics of `outputs` (n, C) for `targets` (n, C) of 0/1.

    `images` (n,): what the bootstrap resamples whole (default: each row on its own).
    `context_group` (n,): adds the worst emotion × context group, and with `train_proportions`
    ({(emotion, group): share}, see `group_proportions`) the average at the training mix.
    `context_cluster` (n,): adds the shift estimate, reweighted to P(y)P(cluster).
    `probabilities`: whether outputs are probabilities; by default, whether the label set has a
    link. `n_bootstrap` resamples give intervals at `level`.

    Raises ValueError on shapes that disagree, values that are not finite, or "probabilities"
    outside [0, 1] or not summing to 1 for one label a subject.
    """
    data = check_outputs(targets, outputs, label_set, images, probabilities)
    record = Record(
        label_set=label_set.name,
        kind=label_set.kind,
        n=len(data.targets),
        n_images=data.n_images,
    )
    per_class = _per_class(data)
    _add_ranking(record, per_class, data)
    _add_classification(record, per_class, data)
    _add_calibration(record, per_class, data, n_bins)
    contexts = None if context_group is None else _context_names(data, context_group)
    if contexts is not None:
        _add_groups(record, data, contexts, train_proportions, min_group_size)
    weights = None
    if context_cluster is not None:
        weights = add_shift(record, per_class, data, context_cluster)
    headline = HEADLINES[label_set.headline]
    record["headline_name"] = headline
    record.put("headline", number_or_nan(record[headline]), record.get(f"{headline}_reason", ""))
    if n_bootstrap and data.n_images < 2:
        record["intervals_reason"] = "fewer than two images: nothing to resample"
    elif n_bootstrap:
        add_intervals(
            record,
            per_class,
            data,
            contexts,
            weights,
            n_resamples=n_bootstrap,
            level=level,
            seed=random_state,
        )
    record["per_class"] = per_class
    return dict(record)


def _per_class(data: EvaluatedOutputs) -> list[Record]:
    """A record an emotion with what every metric needs beside it: how many there are."""
    positives, n = data.targets.sum(axis=0), len(data.targets)
    records = []
    for emotion, count in zip(data.label_set.emotions, positives, strict=True):
        record = Record(emotion=emotion, positives=int(count))
        record.put("prevalence", count / n if n else math.nan, _NO_SUBJECTS)
        records.append(record)
    return records


def _add_ranking(record: Record, per_class: list[Record], data: EvaluatedOutputs) -> None:
    """The three APs and mAPs, each with its chance level."""
    values = average_precisions(data.targets, data.outputs)
    positives, n = data.targets.sum(axis=0), len(data.targets)
    record["map_classes"] = int((positives > 0).sum())
    for kind in AP_KINDS:
        chance = chance_average_precision(positives, n, kind=kind).mean
        for row, value, level in zip(per_class, values[kind], chance, strict=True):
            row.put(f"ap_{kind}", value, "the class has no positive")
            row.put(f"chance_{kind}", level, "the class has no positive")
        record.put(f"map_{kind}", nan_mean(values[kind]), "no class has a positive")
        record.put(f"map_chance_{kind}", nan_mean(chance), "no class has a positive")


def _add_classification(record: Record, per_class: list[Record], data: EvaluatedOutputs) -> None:
    """Accuracy, balanced accuracy, recalls and the confusion matrix; for one label a subject."""
    if data.multi:
        for key in ("accuracy", "balanced_accuracy"):
            record.put(key, math.nan, _SEVERAL)
        return
    n_classes = data.label_set.size
    labels, predicted = data.targets.argmax(axis=1), data.outputs.argmax(axis=1)
    recall = per_class_recall(labels, predicted, n_classes=n_classes)
    record.put("accuracy", accuracy(labels, predicted), _NO_SUBJECTS)
    record.put("balanced_accuracy", nan_mean(recall), _NO_SUBJECTS)
    record["balanced_accuracy_classes"] = int(np.isfinite(recall).sum())
    record["confusion"] = confusion_matrix(labels, predicted, n_classes=n_classes).tolist()
    for row, value in zip(per_class, recall, strict=True):
        row.put("recall", value, "the class has no subject")


def _add_calibration(
    record: Record, per_class: list[Record], data: EvaluatedOutputs, n_bins: int
) -> None:
    """ECE (top label, or mean over classes), class-wise ECE, Brier, NLL and the reliability table.

    The table pools all emotions where a subject has several labels.
    """
    reason = _NO_SUBJECTS
    ece = brier = nll = math.nan
    classwise = np.full(data.label_set.size, math.nan)
    if data.probabilities is None:
        reason = _NOT_PROBABILITIES
    else:
        classwise = classwise_ece(data.targets, data.probabilities, n_bins=n_bins)
        if data.multi:
            table = reliability_table(
                data.probabilities.ravel(), data.targets.ravel(), n_bins=n_bins
            )
        else:
            labels = data.targets.argmax(axis=1)
            table = top_label_reliability(labels, data.probabilities, n_bins=n_bins)
        ece = float(nan_mean(classwise)) if data.multi else table.error
        # Bins are equal in width: their number says where they lie.
        record["reliability"] = {
            name: [value if math.isfinite(value) else None for value in column.tolist()]
            for name, column in asdict(table).items()
            if name not in ("lower", "upper")
        }
        brier = brier_score(data.targets, data.probabilities, multi_label=data.multi)
        nll = nan_mean(subject_nll(data.targets, data.probabilities, multi_label=data.multi))
    for key, value in (
        ("ece", ece),
        ("ece_classwise", float(nan_mean(classwise))),
        ("brier", brier),
        ("nll", nll),
    ):
        record.put(key, value, reason)
    for row, value in zip(per_class, classwise, strict=True):
        row.put("ece", value, reason)


def _context_names(data: EvaluatedOutputs, context_group: Any) -> np.ndarray:
    """The context group of every subject, (n,) text."""
    codes, names = as_codes(context_group, len(data.targets), "context_group")
    return names.astype(str)[codes] if len(codes) else np.zeros(0, str)


def _groups(data: EvaluatedOutputs, contexts: np.ndarray) -> list[Group]:
    """Accuracy of each group, or how well its positives outrank the emotion's negatives."""
    rows, emotions = np.nonzero(data.targets)
    if data.multi:
        values = outranked_negatives(data.targets, data.outputs)[rows, emotions]
        defined = np.isfinite(values)
        rows, emotions, values = rows[defined], emotions[defined], values[defined]
    else:
        values = data.correct[rows]
    return group_means(values, emotions, contexts[rows], names=data.label_set.emotions)


def _add_groups(
    record: Record,
    data: EvaluatedOutputs,
    contexts: np.ndarray,
    train_proportions: Mapping[tuple[str, str], float] | None,
    min_size: int,
) -> None:
    """The worst group by name and size, every group, and the average at the training mix."""
    groups = _groups(data, contexts)
    worst = worst_group(groups, min_size=min_size)
    record["group_metric"] = "outranked_negatives" if data.multi else "accuracy"
    record.put("worst_group", worst.value, worst.reason)
    record["worst_group_name"] = (
        f"{worst.group.emotion}, {worst.group.context}" if worst.group else None
    )
    record["worst_group_emotion"] = worst.group.emotion if worst.group else None
    record["worst_group_context"] = worst.group.context if worst.group else None
    record["worst_group_size"] = worst.group.size if worst.group else 0
    record["worst_group_min_size"] = min_size
    record["groups_compared"], record["groups_too_small"] = worst.n_groups, worst.n_small
    record["groups"] = [asdict(group) for group in groups]
    if train_proportions is not None:
        average = reweighted_average(groups, train_proportions)
        record.put("reweighted_average", average.value, "no training group occurs in this split")
        record["reweighted_average_covered"] = average.covered
