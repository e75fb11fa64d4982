"""How `embed` prints a measure."""

from __future__ import annotations

from typing import Any

__all__ = ["measure_line"]


def measure_line(row: dict[str, Any]) -> str:
    """One measure in a line: before, after and the change, or of one set of features its value."""
    if row["reason"]:
        return f"not defined: {row['reason']}"
    if "after" not in row:
        return (
            f"{row['before']:.3f} [{row['before_low']:.3f}, {row['before_high']:.3f}]  "
            f"chance {row['chance_before']:.3f}"
        )
    return (
        f"{row['before']:.3f} → {row['after']:.3f}  change {row['change']:+.3f} "
        f"[{row['change_low']:+.3f}, {row['change_high']:+.3f}]  chance {row['chance_after']:.3f}"
    )
