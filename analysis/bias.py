"""The context-bias study: do scenes tell emotions, which ones, and is it more than chance?"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import numpy as np
import pandas as pd

from analysis.association import Associations, associate
from analysis.bias_notes import study_notes
from analysis.bias_report import BiasReport, BiasSettings
from analysis.bias_tables import (
    cells_table,
    emotions_table,
    histogram_table,
    scenes_table,
    why_nothing,
)
from analysis.bootstrap import BootstrapDraws, resample_images
from analysis.contingency import SceneTable
from analysis.counting import count_frame, infer_labels
from analysis.entropy import (
    ZeroEntropy,
    is_zero_entropy,
    scene_entropies,
    select_scenes,
    summarise_zero_entropy,
)
from analysis.information import (
    band,
    basic_interval,
    correct_bias,
    entropy_bits,
    table_information,
)
from analysis.resampling import NullDraws, simulate_null
from ccim_core.errors import InputError
from ccim_core.labels import LabelSet
from ccim_core.manifest import Manifest
from ccim_core.progress import progress_bar

__all__ = ["BiasReport", "BiasSettings", "bias_study", "study_table"]

Selected = tuple[np.ndarray, np.ndarray, np.ndarray]

# Names of a number of the dataset, and of its corrected value.
_INFORMATION = ("mutual_information", "mutual_information_corrected")
_SHARE = ("information_share", "information_share")


def bias_study(
    data: Manifest | pd.DataFrame,
    labels: LabelSet | None = None,
    *,
    settings: BiasSettings | None = None,
    scene_weights: pd.DataFrame | None = None,
    random_state: int | np.random.Generator = 0,
    progress: bool = False,
) -> BiasReport:
    """Study how scenes and emotions go together in a dataset.

    Args:
        data: a manifest, or a table with a row per subject: `image`, `labels` and a scene column.
            Subjects of one image are one cluster.
        labels: the vocabulary; a manifest's own by default, otherwise the names that occur.
        settings: the choices that the numbers depend on.
        scene_weights: soft scenes instead of the scene column: a row an image, a column a scene.
        random_state: of null tables and resampling; one value gives one report.
        progress: show a bar on standard error.

    Raises:
        InputError: nothing can be computed: no scene and no weights, unknown labels, no rows left.
            Whatever else cannot be computed is NaN, and `notes` say why.
    """
    settings = settings or BiasSettings()
    if isinstance(data, Manifest):
        labels = labels or data.labels
        data = data.frame
    frame = _rows_of_split(data, settings.split)
    labels = labels or infer_labels(frame)
    table, notes = count_frame(
        frame, labels, scene_column=settings.scene_column, scene_weights=scene_weights
    )
    return study_table(
        table, settings=settings, notes=notes, random_state=random_state, progress=progress
    )


def _rows_of_split(frame: pd.DataFrame, split: str | None) -> pd.DataFrame:
    if split is None:
        return frame
    if "split" not in frame:
        raise InputError(f"Expected a column `split` to choose {split!r} from, got none.")
    chosen = (frame["split"] == split).to_numpy(bool)
    if not chosen.any():
        names = sorted(str(name) for name in frame["split"].dropna().unique())
        raise InputError(f"Expected a split of {names}, got {split!r}.")
    return frame[chosen]


def study_table(
    table: SceneTable,
    *,
    settings: BiasSettings | None = None,
    notes: list[str] | None = None,
    random_state: int | np.random.Generator = 0,
    progress: bool = False,
) -> BiasReport:
    """`bias_study` on counts that are there already."""
    settings = settings or BiasSettings()
    null, bootstrap = _draw(table, settings, random_state, progress)
    null_counts = np.empty((0, *table.counts.shape)) if null is None else null.counts
    found = associate(
        table,
        min_support=settings.min_support,
        confidence=settings.confidence,
        beta_prior=settings.beta_prior,
        fdr=settings.fdr,
        null_counts=null_counts,
    )
    data = _selected(table, table.counts, settings)
    chance = None if null is None else _selected(table, null.counts, settings)
    zero = _zero_entropy(data, chance, settings)
    emotions = emotions_table(
        table,
        found,
        zero,
        null,
        bootstrap,
        confidence=settings.confidence,
        level=settings.level,
    )
    zeros, chosen, entropies = data
    return BiasReport(
        emotions=emotions,
        cells=cells_table(
            table, found, zero=zeros, chosen=chosen, min_support=settings.min_support
        ),
        scenes=scenes_table(table, found, zero=zeros, level=settings.level),
        histogram=histogram_table(
            table.emotions,
            entropies,
            chosen,
            None if chance is None else chance[2],
            None if chance is None else chance[1],
            confidence=settings.confidence,
        ),
        dataset=_dataset(table, found, null, bootstrap, settings),
        settings=settings,
        notes=(*(notes or ()), *study_notes(table, found, zero, settings)),
    )


def _draw(
    table: SceneTable,
    settings: BiasSettings,
    random_state: int | np.random.Generator,
    progress: bool,
) -> tuple[NullDraws | None, BootstrapDraws | None]:
    """Null tables and resampled tables, each with its own stream, on a thread each."""
    of_null, of_bootstrap = np.random.default_rng(random_state).spawn(2)
    total = settings.n_null + settings.n_bootstrap
    stopped = Event()
    with (
        progress_bar("tables by chance", total=total, unit="table", quiet=not progress) as bar,
        ThreadPoolExecutor(2) as threads,
    ):

        def advance(n: int) -> None:
            if stopped.is_set():
                raise InterruptedError
            bar.update(n)

        null: Future[NullDraws] | None = None
        bootstrap: Future[BootstrapDraws] | None = None
        if settings.n_null:
            null = threads.submit(
                simulate_null, table, n_draws=settings.n_null, rng=of_null, advance=advance
            )
        if settings.n_bootstrap:
            bootstrap = threads.submit(
                resample_images,
                table,
                n_draws=settings.n_bootstrap,
                rng=of_bootstrap,
                advance=advance,
            )
        try:
            return (
                None if null is None else null.result(),
                None if bootstrap is None else bootstrap.result(),
            )
        except BaseException:  # Ctrl-C reaches this thread only: the others end at their next table
            stopped.set()
            raise


def _selected(table: SceneTable, counts: np.ndarray, settings: BiasSettings) -> Selected:
    """Zero-entropy scenes, scenes looked at and H(Y|s), each (…, S, E)."""
    return (
        is_zero_entropy(counts, table.totals, soft=table.is_soft),
        select_scenes(counts, table.totals, top_k=settings.top_k, selected_by=settings.selected_by),
        scene_entropies(counts, table.totals, table.positives, negatives=settings.negatives),
    )


def _zero_entropy(data: Selected, chance: Selected | None, settings: BiasSettings) -> ZeroEntropy:
    if chance is not None:
        return summarise_zero_entropy(*data, *chance, confidence=settings.confidence)
    zero, chosen, _ = data
    n_emotions = zero.shape[1]
    with np.errstate(invalid="ignore"):
        share = (zero & chosen).sum(axis=0) / chosen.sum(axis=0)
    nan, nothing = np.full(n_emotions, np.nan), np.full((n_emotions, 2), np.nan)
    return ZeroEntropy(
        selected=chosen.sum(axis=0),
        share=share,
        null_mean=nan,
        null_interval=nothing,
        excess=nan,
        excess_interval=nothing,
        coarse=np.zeros(n_emotions, bool),
    )


def _dataset(
    table: SceneTable,
    found: Associations,
    null: NullDraws | None,
    bootstrap: BootstrapDraws | None,
    settings: BiasSettings,
) -> dict[str, Any]:
    """The one number: I(Y; scene) in bits and as a share of H(Y), with chance and interval."""
    plug_in = float(table_information(table.label_mass))
    entropy = float(entropy_bits(table.label_mass.sum(axis=0)))
    nan, nothing = float("nan"), [float("nan")] * 2
    values: dict[str, Any] = {
        "subjects": table.n_subjects,
        "images": table.n_images,
        "scenes": int((table.totals > 0).sum()),
        "emotions": len(table.emotions),
        "one_subject_per_image": table.one_subject,
        "one_label_per_subject": table.one_label,
        "soft_scenes": table.is_soft,
        "scene_source": settings.scene_source,
        "entropy_bits": entropy,
        "mutual_information": plug_in,
        "mutual_information_corrected": nan,
        "mutual_information_interval": nothing,
        "mutual_information_null_mean": nan,
        "mutual_information_null_interval": nothing,
        "mutual_information_p": nan,
        "information_share": nan,
        "information_share_interval": nothing,
        "cells": found.p.size,
        "tested_cells": int(found.tested.sum()),
        "significant_cells": int((found.tested & (found.q < settings.level)).sum()),
    }
    if why_nothing(table) or not entropy > 0:
        return {**values, "mutual_information": nan}
    if bootstrap is not None:
        for name, corrected, of, unit, ceiling in (
            (*_INFORMATION, "table_information", 1.0, np.inf),
            (*_SHARE, "information_share", entropy, 1.0),
        ):
            deviations = bootstrap.deviations(of)
            values[corrected] = float(correct_bias(np.array(plug_in / unit), deviations))
            values[f"{name}_interval"] = basic_interval(
                np.array(plug_in / unit),
                deviations,
                confidence=settings.confidence,
                by_chance=None if null is None else null.information / unit,
                ceiling=ceiling,
            ).tolist()
    if null is not None:
        by_chance = null.information
        as_high = int((by_chance >= plug_in - 1e-12).sum())
        values["mutual_information_null_mean"] = float(by_chance.mean())
        values["mutual_information_null_interval"] = band(
            by_chance, confidence=settings.confidence
        ).tolist()
        values["mutual_information_p"] = (as_high + 1) / (len(by_chance) + 1)
    return values
