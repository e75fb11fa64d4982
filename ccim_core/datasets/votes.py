"""Several annotators' votes as soft labels, kept in a manifest's extra columns.

`soft_labels` holds the share of annotators who gave each emotion, as text in the order of the
label set ("Engagement=0.667|Fatigue=0.333", emotions that nobody gave left out), `annotators`
their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ccim_core.errors import InputError
from ccim_core.labels import LABEL_SEPARATOR, LabelSet
from ccim_core.manifest import Manifest

__all__ = ["ANNOTATORS_COLUMN", "SOFT_LABELS_COLUMN", "soft_targets", "write_soft_labels"]

SOFT_LABELS_COLUMN = "soft_labels"
ANNOTATORS_COLUMN = "annotators"


def write_soft_labels(votes: Sequence[Sequence[str]], labels: LabelSet) -> str | None:
    """The text for one subject, from each annotator's emotions; None without annotators.

    An annotator counts once an emotion. Emotions outside the label set are left out here: the
    check of `labels` names them.
    """
    if not votes:
        return None
    counts = Counter(emotion for vote in votes for emotion in set(vote))
    return LABEL_SEPARATOR.join(
        f"{emotion}={counts[emotion] / len(votes):.6g}"
        for emotion in labels.emotions
        if emotion in counts
    )


def soft_targets(manifest: Manifest) -> np.ndarray:
    """Shares of annotators (n, C), float32; rows without votes are the 0/1 labels.

    Raises InputError when the manifest has no soft labels.
    """
    if SOFT_LABELS_COLUMN not in manifest.frame:
        raise InputError(
            "Expected a manifest with annotators' votes, got none; "
            "run `prepare emotic` with --soft-labels."
        )
    targets = manifest.targets()
    codes, texts = pd.factorize(manifest.frame[SOFT_LABELS_COLUMN])
    for code, text in enumerate(texts):
        shares = np.zeros(manifest.labels.size, np.float32)
        for part in filter(None, str(text).split(LABEL_SEPARATOR)):
            emotion, _, share = part.rpartition("=")
            shares[manifest.labels.index(emotion)] = float(share)
        targets[codes == code] = shares
    return targets
