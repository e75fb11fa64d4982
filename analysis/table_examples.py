"""Figure 8: two subjects of each dataset before and after, and how many there are of each kind.

The paper shows examples that CCIM puts right. Such can be found for any two models that differ at
all, so the rule by which these are found is stated, and beside them stands how many subjects got
better and how many worse.

A subject's *hits* are the share of its labels among its k top outputs, k being how many labels it
has: right or wrong for one label a subject.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.run_families import ModelRuns
from analysis.table_data import TableData

__all__ = ["COUNT_COLUMNS", "EXAMPLE_COLUMNS", "RULE", "example_counts", "example_table"]

RULE = (
    "Of the subjects whose labels rank higher after than before, those whose labels' outputs rose "
    "most against the others', of different pictures and first labels."
)
EXAMPLE_COLUMNS = (
    "dataset",
    "split",
    "model",
    "example",
    "sample_id",
    "image",
    "x1",
    "y1",
    "x2",
    "y2",
    "labels",
    "scene",
    "emotion",
    "true",
    "before",
    "after",
    "hits_before",
    "hits_after",
    "seed",
    "seeds_better",
    "seeds",
)
COUNT_COLUMNS = (
    "dataset",
    "split",
    "model",
    "seed",
    "subjects",
    "better",
    "worse",
    "unchanged",
    "reason",
)


def example_table(
    datasets: Mapping[str, TableData],
    *,
    model: str = "emot_net",
    n: int = 2,
    split: str | None = None,
) -> pd.DataFrame:
    """`EXAMPLE_COLUMNS`: a row an emotion of each of `n` examples of each dataset.

    Outputs are those of the lowest seed that both runs have; `seeds_better` of `seeds` agree that
    the subject's hits rise. A dataset without both runs, or where nobody got better, has no rows.
    """
    parts = [_examples(data, data.model(model), split, n) for data in datasets.values()]
    return pd.concat([pd.DataFrame(columns=list(EXAMPLE_COLUMNS)), *parts], ignore_index=True)


def example_counts(
    datasets: Mapping[str, TableData], *, model: str = "emot_net", split: str | None = None
) -> pd.DataFrame:
    """`COUNT_COLUMNS`: a row a dataset and seed, how many subjects got better and worse."""
    rows: list[dict[str, Any]] = []
    for data in datasets.values():
        found = data.model(model)
        chosen = split or _default_split(data)
        place: dict[str, Any] = {"dataset": data.dataset, "split": chosen, "model": found.title}
        seeds = _shared_seeds(found, chosen)
        if not seeds:
            rows.append({**place, "reason": "no plain and CCIM run share a seed"})
        for seed in seeds:
            before, after = _hits(data, found, chosen, seed)
            rows.append(
                {
                    **place,
                    "seed": seed,
                    "subjects": len(before),
                    "better": int((after > before).sum()),
                    "worse": int((after < before).sum()),
                    "unchanged": int((after == before).sum()),
                    "reason": "",
                }
            )
    return pd.DataFrame(rows, columns=list(COUNT_COLUMNS))


def _default_split(data: TableData) -> str:
    """Where the two models differ most: the shift test of the rendered benchmark, else the test."""
    return "shift" if "shift" in data.splits else data.splits[0]


def _shared_seeds(model: ModelRuns, split: str) -> list[int]:
    pair = [model.by_setting.get(setting, {}) for setting in ("none", "ccim")]
    return [
        seed
        for seed in sorted(set(pair[0]) & set(pair[1]))
        if all(runs[seed].metrics(split) is not None for runs in pair)
    ]


def _outputs(
    data: TableData, model: ModelRuns, split: str, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    before, after = (model.by_setting[setting][seed] for setting in ("none", "ccim"))
    return data.outputs(before, split), data.outputs(after, split)


def _hits(
    data: TableData, model: ModelRuns, split: str, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Share of a subject's k labels among its k top outputs, before and after, (n,) each."""
    targets = data.rows(split).targets
    k = targets.sum(axis=1)
    found = []
    for outputs in _outputs(data, model, split, seed):
        ranks = np.argsort(np.argsort(-outputs, axis=1, kind="stable"), axis=1)
        hit = (targets & (ranks < k[:, None])).sum(axis=1)
        found.append(np.divide(hit, k, out=np.zeros(len(k)), where=k > 0))
    return found[0], found[1]


def _examples(data: TableData, model: ModelRuns, split: str | None, n: int) -> pd.DataFrame:
    chosen = split or _default_split(data)
    seeds = _shared_seeds(model, chosen)
    if not seeds:
        return pd.DataFrame(columns=list(EXAMPLE_COLUMNS))
    hits = {seed: _hits(data, model, chosen, seed) for seed in seeds}
    before, after = hits[seeds[0]]
    rows = data.rows(chosen)
    frame = data.studies[0].manifest.split(chosen).frame
    outputs = _outputs(data, model, chosen, seeds[0])
    rise = _margin(outputs[1], rows.targets) - _margin(outputs[0], rows.targets)
    better = np.flatnonzero(after > before)
    picked = _distinct(better[np.argsort(-rise[better], kind="stable")], frame, rows.targets, n)
    agree = np.sum([one[1] > one[0] for one in hits.values()], axis=0)
    parts = []
    for place, k in enumerate(picked, start=1):
        subject = frame.iloc[k]
        columns = ("sample_id", "image", "x1", "y1", "x2", "y2", "labels", "scene")
        cells = {name: subject.get(name) for name in columns}
        parts.append(
            pd.DataFrame(
                {
                    "dataset": data.dataset,
                    "split": chosen,
                    "model": model.title,
                    "example": place,
                    **cells,
                    "emotion": list(data.labels.emotions),
                    "true": rows.targets[k],
                    "before": outputs[0][k],
                    "after": outputs[1][k],
                    "hits_before": before[k],
                    "hits_after": after[k],
                    "seed": seeds[0],
                    "seeds_better": int(agree[k]),
                    "seeds": len(seeds),
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _margin(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Mean output of a subject's labels minus that of the other emotions, (n,)."""
    k = targets.sum(axis=1)
    own = np.where(targets, outputs, 0.0).sum(axis=1) / np.maximum(k, 1)
    others = np.where(targets, 0.0, outputs).sum(axis=1) / np.maximum(targets.shape[1] - k, 1)
    return own - others


def _distinct(ordered: np.ndarray, frame: pd.DataFrame, targets: np.ndarray, n: int) -> list[int]:
    """The first `n` of different pictures and first labels, or of pictures where labels run out."""
    first = targets.argmax(axis=1)
    images = frame["image"].to_numpy()
    for alike in (False, True):
        picked: list[int] = []
        for k in ordered.tolist():
            if any(images[k] == images[j] for j in picked):
                continue
            if not alike and any(first[k] == first[j] for j in picked):
                continue
            picked.append(k)
            if len(picked) == n:
                return picked
    return picked
