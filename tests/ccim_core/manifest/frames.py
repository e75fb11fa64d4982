"""Small manifest tables that the tests break in one way each."""

from __future__ import annotations

import pandas as pd


def sound_frame(n: int = 6) -> pd.DataFrame:
    """`n` rows without a fault in the label set `caer-s`."""
    emotions = ("Anger", "Happy", "Sad")
    return pd.DataFrame(
        {
            "sample_id": [f"s{i:03d}" for i in range(n)],
            "image": [f"{i}.png" for i in range(n)],
            "split": [("train", "val", "test")[i % 3] for i in range(n)],
            "x1": [1.0] * n,
            "y1": [2.0] * n,
            "x2": [11.0 + i for i in range(n)],
            "y2": [22.0] * n,
            "labels": [emotions[i % 3] for i in range(n)],
        }
    )
