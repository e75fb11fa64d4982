"""From finished runs to predictions, metrics with intervals, and the study's table."""
