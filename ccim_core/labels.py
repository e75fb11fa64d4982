"""Label sets: which emotions, one or several a subject, and how outputs become probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from ccim_core.errors import InputError

__all__ = ["LABEL_SETS", "LabelSet", "get_label_set"]

Kind = Literal["single", "multi"]
Loss = Literal["cross_entropy", "binary_cross_entropy", "weighted_l2"]
Link = Literal["softmax", "sigmoid", "identity"]
Headline = Literal["accuracy", "balanced_accuracy", "map"]

LABEL_SEPARATOR = "|"


@dataclass(frozen=True, kw_only=True)
class LabelSet:
    """An emotion vocabulary with what is needed to train on it and to report it.

    `kind`, `loss`, `link` and `headline` are kept apart on purpose: GroupWalk is single-label
    yet reported as mAP, and EMOTIC's weighted L2 loss defines no link (its outputs are scores).
    """

    name: str
    emotions: tuple[str, ...]
    kind: Kind
    loss: Loss
    link: Link
    headline: Headline

    def __post_init__(self) -> None:
        object.__setattr__(self, "emotions", tuple(self.emotions))
        if len(set(self.emotions)) != len(self.emotions) or len(self.emotions) < 2:
            raise InputError(
                f"Expected two or more distinct emotions in label set {self.name!r}, "
                f"got {list(self.emotions)}."
            )
        if any(LABEL_SEPARATOR in emotion or not emotion for emotion in self.emotions):
            raise InputError(f"Expected emotion names without {LABEL_SEPARATOR!r} and not empty.")
        if self.kind == "multi" and self.link == "softmax":
            raise InputError("Expected a sigmoid or identity link for several labels a subject.")

    def with_loss(self, loss: str) -> LabelSet:
        """The same emotions trained with another loss, and the link that this loss defines.

        Raises InputError for a loss that the kind of labels does not allow.
        """
        links: dict[Kind, dict[Loss, Link]] = {
            "single": {"cross_entropy": "softmax"},
            "multi": {"binary_cross_entropy": "sigmoid", "weighted_l2": "identity"},
        }
        allowed = links[self.kind]
        for name, link in allowed.items():
            if name == loss:
                return replace(self, loss=name, link=link)
        raise InputError(f"Expected a loss of {list(allowed)} for {self.name!r}, got {loss!r}.")

    @property
    def size(self) -> int:
        """Number of emotions C."""
        return len(self.emotions)

    def index(self, emotion: str) -> int:
        """Column of `emotion`. Raises InputError naming the vocabulary."""
        try:
            return self.emotions.index(emotion)
        except ValueError:
            raise InputError(
                f"Expected an emotion of {self.name!r} ({', '.join(self.emotions)}), "
                f"got {emotion!r}."
            ) from None

    def parse(self, text: str) -> tuple[str, ...]:
        """`"Happy|Sad"` to `("Happy", "Sad")`; names are checked against the vocabulary."""
        names = tuple(part.strip() for part in text.split(LABEL_SEPARATOR) if part.strip())
        for name in names:
            self.index(name)
        if not names or (self.kind == "single" and len(names) > 1):
            wanted = "exactly one label" if self.kind == "single" else "one label or more"
            raise InputError(f"Expected {wanted} of {self.name!r}, got {text!r}.")
        return names

    def encode(self, texts: Iterable[str]) -> np.ndarray:
        """Label texts to a 0/1 matrix (n, C), float32."""
        texts = list(texts)
        codes: dict[str, np.ndarray] = {}
        matrix = np.zeros((len(texts), self.size), np.float32)
        for text in set(texts):
            row = np.zeros(self.size, np.float32)
            row[[self.index(name) for name in self.parse(text)]] = 1
            codes[text] = row
        if texts:
            matrix = np.stack([codes[text] for text in texts])
        return matrix

    def decode(self, matrix: np.ndarray) -> list[str]:
        """0/1 matrix (n, C) to label texts."""
        return [
            LABEL_SEPARATOR.join(self.emotions[j] for j in np.flatnonzero(row)) for row in matrix
        ]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {**asdict(self), "emotions": list(self.emotions)}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> LabelSet:
        """Inverse of `to_dict`; unknown or missing keys raise InputError."""
        try:
            return cls(**{**value, "emotions": tuple(value["emotions"])})
        except (KeyError, TypeError) as error:
            raise InputError(f"Expected a label set, got {value!r} ({error}).") from None


def _single(name: str, emotions: Sequence[str], headline: Headline) -> LabelSet:
    return LabelSet(
        name=name,
        emotions=tuple(emotions),
        kind="single",
        loss="cross_entropy",
        link="softmax",
        headline=headline,
    )


_SEVEN = ("Anger", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")

LABEL_SETS: dict[str, LabelSet] = {
    "emotic": LabelSet(
        name="emotic",
        emotions=(
            "Affection",
            "Anger",
            "Annoyance",
            "Anticipation",
            "Aversion",
            "Confidence",
            "Disapproval",
            "Disconnection",
            "Disquietment",
            "Doubt/Confusion",
            "Embarrassment",
            "Engagement",
            "Esteem",
            "Excitement",
            "Fatigue",
            "Fear",
            "Happiness",
            "Pain",
            "Peace",
            "Pleasure",
            "Sadness",
            "Sensitivity",
            "Suffering",
            "Surprise",
            "Sympathy",
            "Yearning",
        ),
        kind="multi",
        loss="binary_cross_entropy",
        link="sigmoid",
        headline="map",
    ),
    "caer-s": _single("caer-s", _SEVEN, "accuracy"),
    "groupwalk": _single("groupwalk", ("Angry", "Happy", "Neutral", "Sad"), "map"),
    "controlled": _single("controlled", _SEVEN, "accuracy"),
    "photographs": _single(
        "photographs",
        tuple(emotion for emotion in _SEVEN if emotion != "Fear"),
        "balanced_accuracy",
    ),
}


def get_label_set(name: str) -> LabelSet:
    """A known label set. Raises InputError listing the known names."""
    if name not in LABEL_SETS:
        raise InputError(f"Expected a label set of {sorted(LABEL_SETS)}, got {name!r}.")
    return LABEL_SETS[name]
