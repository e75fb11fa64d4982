"""A manifest of a million rows, sound and at fault, timed in CPU seconds on a busy machine too."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import pytest

from ccim_core.labels import LABEL_SETS
from ccim_core.manifest import CLEANING_POLICY, Manifest, build_manifest
from tests.ccim_core.manifest.frames import sound_frame

ROWS = 1_000_000
LABELS = LABEL_SETS["caer-s"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """A row a person, two persons a picture, every column that is checked against others."""
    frame = sound_frame(ROWS)
    frame["source_id"] = [f"video-{i // 6}-{i % 3}" for i in range(ROWS)]
    frame["scene"], frame["context_group"] = "park", "a"
    return frame


@pytest.mark.slow
def test_a_sound_million_is_validated_saved_and_loaded_in_under_20_seconds(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    start = time.process_time()
    manifest, summary = build_manifest(frame, LABELS)
    manifest.save(tmp_path / "m.parquet")
    assert len(Manifest.load(tmp_path / "m.parquet")) == summary.kept == ROWS
    seconds = time.process_time() - start
    print(f"{seconds:.1f} s CPU")
    assert seconds < 20


@pytest.mark.slow
def test_a_faulty_million_is_counted_and_cleaned_in_under_20_seconds(frame: pd.DataFrame) -> None:
    faulty = frame.copy()
    faulty.loc[::10, "labels"] = "Boredom"
    faulty.loc[1::10, "x2"] = float("nan")
    start = time.process_time()
    manifest, summary = build_manifest(faulty, LABELS, policy=CLEANING_POLICY)
    seconds = time.process_time() - start
    print(f"{seconds:.1f} s CPU")
    assert len(manifest) == ROWS * 8 // 10
    assert sum(summary.faults["unknown_emotion"].values()) == ROWS // 10
    assert seconds < 20
