"""Drawing emotions, scenes and cues for one split from a `BiasModel`: shared by both generators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccim_core.datasets.controlled.bias import BiasModel

__all__ = [
    "BIASED_SPLITS",
    "SPLITS",
    "TWIN_KINDS",
    "Draws",
    "context_groups",
    "draw_split",
    "expand_twins",
    "split_generator",
]

BIASED_SPLITS = ("train", "val", "test")
SPLITS = (*BIASED_SPLITS, "shift", "twins", "oracle_train")
TWIN_KINDS = ("scene", "emotion")


@dataclass(frozen=True, kw_only=True)
class Draws:
    """n rows as indices: emotion (n,) of C, scene (n,) of S, cue (n,) of C.

    twin_group and twin_kind are (n,) arrays of text for `twins` and None elsewhere; `subject`
    (n,) says which drawn subject a row shows (rows of one twin group share it).
    """

    emotion: np.ndarray
    scene: np.ndarray
    cue: np.ndarray
    subject: np.ndarray
    twin_group: np.ndarray | None = None
    twin_kind: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.emotion)


def split_generator(seed: int, split: str) -> np.random.Generator:
    """One stream a split, so that resizing one split leaves the others as they were."""
    return np.random.default_rng([seed, SPLITS.index(split)])


def draw_split(model: BiasModel, split: str, n: int, rng: np.random.Generator) -> Draws:
    """Draw n subjects of one split.

    Emotions are balanced: each n // C times, the remainder drawn without repetition. Scenes and
    cues are independent draws. Every stream is used in the same order at every bias strength,
    so two studies that differ by the bias alone show the same people with the same bystanders.
    """
    n_emotions = len(model.emotions)
    rounds = [np.arange(n_emotions)] * (n // n_emotions)
    rest = rng.permutation(n_emotions)[: n % n_emotions]
    emotion = rng.permutation(np.concatenate([*rounds, rest]).astype(np.int64))
    cue = _draw_rows(model.cue_given_emotion()[emotion], rng)
    if split in BIASED_SPLITS:
        scene_table = model.scene_given_emotion()[emotion]
    else:
        scene_table = np.broadcast_to(model.scene_prior(), (n, len(model.scenes)))
    scene = _draw_rows(scene_table, rng)
    return Draws(emotion=emotion, scene=scene, cue=cue, subject=np.arange(n))


def expand_twins(drawn: Draws, model: BiasModel) -> Draws:
    """Each drawn subject in every scene, and, in its own scene, with every emotion.

    A group of kind "scene" keeps the subject, emotion, cue and places and has S rows; one of
    kind "emotion" keeps everything but the emotion (the cue stays too) and has C rows.
    """
    n, n_scenes, n_emotions = len(drawn), len(model.scenes), len(model.emotions)
    subject = np.concatenate(
        [np.repeat(drawn.subject, n_scenes), np.repeat(drawn.subject, n_emotions)]
    )
    kind = np.array(["scene"] * (n * n_scenes) + ["emotion"] * (n * n_emotions))
    scene = np.concatenate([np.tile(np.arange(n_scenes), n), np.repeat(drawn.scene, n_emotions)])
    emotion = np.concatenate(
        [np.repeat(drawn.emotion, n_scenes), np.tile(np.arange(n_emotions), n)]
    )
    group = np.array([f"{k}-{s:05d}" for k, s in zip(kind, subject, strict=True)])
    return Draws(
        emotion=emotion,
        scene=scene,
        cue=drawn.cue[subject],
        subject=subject,
        twin_group=group,
        twin_kind=kind,
    )


def context_groups(drawn: Draws, model: BiasModel) -> np.ndarray:
    """(n,) bool: is the row's scene one that its emotion favours?"""
    return model.is_favoured()[drawn.emotion, drawn.scene]


def _draw_rows(table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One index a row of probabilities (n, k): inverse CDF of one uniform a row."""
    edges = np.cumsum(table, axis=1)
    uniform = rng.random(len(table))[:, None] * edges[:, -1:]
    return np.minimum((uniform >= edges).sum(axis=1), table.shape[1] - 1)
