"""What is known in closed form about a study whose bias was planted.

The generator draws, in this order: the subject's emotion Y (uniform), the scene Z given Y, the
bystanders' emotion V given Y. Z and V are independent given Y, so every table here follows from
three: P(Y), P(Z | Y), P(V | Y).

What has no closed form: anything that conditions on the *pixels* of the subject, since the
likelihood of a drawn (or photographed) face given its emotion is not computable. For those,
`interventional_posterior` and `backdoor_average` take that likelihood from whoever has one.

Both generators draw the emotions, scenes and cues of a split from it with `draw_split`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ccim_core.errors import InputError


def assign_favourites(emotions: Sequence[str], scenes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Deal the scenes out to the emotions in turn; emotions share scenes where there are fewer.

    With 14 scenes and 7 emotions each emotion favours two scenes and no scene is shared, so the
    marginal P(Z) stays uniform at every bias strength.
    """
    favourites: dict[str, list[str]] = {emotion: [] for emotion in emotions}
    for k in range(max(len(emotions), len(scenes))):
        favourites[emotions[k % len(emotions)]].append(scenes[k % len(scenes)])
    return {emotion: tuple(chosen) for emotion, chosen in favourites.items()}


@dataclass(frozen=True, kw_only=True)
class BiasModel:
    """The generator's probabilities.

    emotions: C names of Y and of V.
    scenes: S names of Z.
    favourites: the scenes each emotion favours (`assign_favourites`).
    bias: strength b in [0, 1]. Of P(Z | Y) the share b is split evenly over Y's favoured scenes
        and the share 1 − b evenly over all S: 0 is independence, 1 leaves only favoured scenes.
    cue_agreement: a in [0, 1], P(V = Y | Y); the other C − 1 emotions share 1 − a evenly. It is
        the same in every split: the bystanders are the part of the context that is causal.
    """

    emotions: tuple[str, ...]
    scenes: tuple[str, ...]
    favourites: Mapping[str, tuple[str, ...]]
    bias: float
    cue_agreement: float

    def __post_init__(self) -> None:
        for name in ("bias", "cue_agreement"):
            value = getattr(self, name)
            if not 0 <= value <= 1:  # also refuses NaN
                raise InputError(f"Expected `{name}` between 0 and 1, got {value}.")
        for what, names in (("emotions", self.emotions), ("scenes", self.scenes)):
            if len(names) < 2 or len(set(names)) != len(names):
                raise InputError(f"Expected two or more distinct {what}, got {list(names)}.")
        for emotion in self.emotions:
            chosen = self.favourites.get(emotion, ())
            if not chosen or not set(chosen) <= set(self.scenes):
                raise InputError(
                    f"Expected favoured scenes for {emotion!r} among {list(self.scenes)}, "
                    f"got {list(chosen)}."
                )

    @property
    def emotion_prior(self) -> np.ndarray:
        """P(Y), (C,): uniform."""
        return np.full(len(self.emotions), 1 / len(self.emotions))

    def is_favoured(self) -> np.ndarray:
        """(C, S) bool: does the emotion favour the scene?"""
        return np.array(
            [
                [scene in self.favourites[emotion] for scene in self.scenes]
                for emotion in self.emotions
            ]
        )

    def scene_given_emotion(self) -> np.ndarray:
        """P(Z | Y), (C, S)."""
        favoured = self.is_favoured()
        share = favoured / favoured.sum(axis=1, keepdims=True)
        return self.bias * share + (1 - self.bias) / len(self.scenes)

    def scene_prior(self) -> np.ndarray:
        """P(Z), (S,): the marginal of the biased splits, and what `shift` draws scenes from."""
        return self.emotion_prior @ self.scene_given_emotion()

    def cue_given_emotion(self) -> np.ndarray:
        """P(V | Y), (C, C), rows Y."""
        n = len(self.emotions)
        table = np.full((n, n), (1 - self.cue_agreement) / (n - 1))
        np.fill_diagonal(table, self.cue_agreement)
        return table

    def emotion_given_scene(self) -> np.ndarray:
        """P(Y | Z) in the biased splits, (S, C); NaN for a scene that never occurs."""
        return _normalise((self.emotion_prior[:, None] * self.scene_given_emotion()).T)

    def emotion_given_cue(self) -> np.ndarray:
        """P(Y | V), (C, C), rows V: the same in every split.

        This is P(Y | do(X)) for an image whose subject is not looked at: with the scene cut
        loose from the emotion only the bystanders still tell something.
        """
        return _normalise((self.emotion_prior[:, None] * self.cue_given_emotion()).T)

    def emotion_given_scene_and_cue(self) -> np.ndarray:
        """P(Y | Z, V) in the biased splits, (S, C of V, C of Y): all the context can tell there."""
        joint = np.einsum(
            "y,ys,yv->svy", self.emotion_prior, self.scene_given_emotion(), self.cue_given_emotion()
        )
        return _normalise(joint)

    def scene_information_bits(self) -> float:
        """I(Y; Z) in bits, in the biased splits (0 in `shift`, `oracle_train` and `twins`)."""
        return _mutual_information_bits(self.emotion_prior[:, None] * self.scene_given_emotion())

    def cue_information_bits(self) -> float:
        """I(Y; V) in bits, in every split."""
        return _mutual_information_bits(self.emotion_prior[:, None] * self.cue_given_emotion())

    def best_accuracy(self) -> dict[str, float]:
        """Accuracy of the best guess from each part of the context of the biased splits.

        On `shift` the scene tells nothing: there "cue" is also the best of "scene_and_cue".
        """
        prior = self.emotion_prior
        scene = prior[:, None] * self.scene_given_emotion()
        cue = prior[:, None] * self.cue_given_emotion()
        both = np.einsum("ys,yv->ysv", scene, self.cue_given_emotion())
        return {
            "chance": float(prior.max()),
            "scene": float(scene.max(axis=0).sum()),
            "cue": float(cue.max(axis=0).sum()),
            "scene_and_cue": float(both.max(axis=0).sum()),
        }

    def interventional_posterior(
        self, subject_likelihood: np.ndarray, cue: Sequence[str]
    ) -> np.ndarray:
        """P(Y | subject, V) once the scene is independent of Y: the truth on `shift`.

        subject_likelihood: (n, C), proportional to P(subject's pixels | Y) row by row.
        cue: n bystander emotions.
        Returns (n, C) ∝ P(Y) P(subject | Y) P(V | Y): no scene appears in it.
        """
        weight = self.cue_given_emotion()[:, self._columns(cue)].T
        return _normalise(np.asarray(subject_likelihood, float) * weight * self.emotion_prior)

    def backdoor_average(self, subject_likelihood: np.ndarray, cue: Sequence[str]) -> np.ndarray:
        """Eq. 2 with the true tables: Σ_z P(Y | subject, V, z) P(z), (n, C).

        Not `interventional_posterior`: averaging posteriors over P(z) is close to it but is
        less calibrated (each posterior has already taken its scene as evidence). The two agree
        when the bias is 0 and when the subject leaves no doubt. NaN where a posterior is
        undefined: at bias 1 some scenes never meet some emotions (positivity fails).
        """
        evidence = np.asarray(subject_likelihood, float) * self.emotion_prior
        evidence = evidence * self.cue_given_emotion()[:, self._columns(cue)].T
        prior = self.scene_prior()
        total = np.zeros_like(evidence)
        for s in np.flatnonzero(prior):
            total += prior[s] * _normalise(evidence * self.scene_given_emotion()[:, s])
        return total

    def _columns(self, cue: Sequence[str]) -> list[int]:
        index = {emotion: j for j, emotion in enumerate(self.emotions)}
        unknown = sorted(set(cue) - set(index))
        if unknown:
            raise InputError(f"Expected cues among {list(self.emotions)}, got {unknown}.")
        return [index[name] for name in cue]

    def to_truth(self) -> dict[str, Any]:
        """Everything above as JSON: tables are lists of rows, named by what they condition on."""
        return {
            "emotions": list(self.emotions),
            "scenes": list(self.scenes),
            "favourites": {emotion: list(self.favourites[emotion]) for emotion in self.emotions},
            "bias": self.bias,
            "cue_agreement": self.cue_agreement,
            "emotion_prior": self.emotion_prior.tolist(),
            "scene_prior": self.scene_prior().tolist(),
            "scene_given_emotion": self.scene_given_emotion().tolist(),
            "emotion_given_scene": _json_table(self.emotion_given_scene()),
            "cue_given_emotion": self.cue_given_emotion().tolist(),
            "emotion_given_cue": _json_table(self.emotion_given_cue()),
            "emotion_given_scene_and_cue": _json_table(self.emotion_given_scene_and_cue()),
            "scene_information_bits": self.scene_information_bits(),
            "cue_information_bits": self.cue_information_bits(),
            "best_accuracy": self.best_accuracy(),
            "notes": {
                "p_y_do_x": (
                    "Closed form with the subject withheld: row `cue` of emotion_given_cue, for "
                    "every image of every split. With the subject seen, P(Y|do(X)) is "
                    "proportional to P(subject|Y) * cue_given_emotion[Y, cue]; P(subject|Y) of "
                    "the pixels has no closed form, and the oracle trained on oracle_train "
                    "stands in for it."
                ),
                "emotion_given_scene": "Of train, val and test; elsewhere it is emotion_prior.",
            },
        }

    @classmethod
    def from_truth(cls, truth: Mapping[str, Any]) -> BiasModel:
        """Rebuild from `to_truth`. Raises InputError when a key is missing."""
        try:
            return cls(
                emotions=tuple(truth["emotions"]),
                scenes=tuple(truth["scenes"]),
                favourites={name: tuple(value) for name, value in truth["favourites"].items()},
                bias=truth["bias"],
                cue_agreement=truth["cue_agreement"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"Expected the truth of a controlled study, got something else ({error})."
            ) from None


def _normalise(joint: np.ndarray) -> np.ndarray:
    """Divide by the sum over the last axis; rows without mass become NaN (undefined)."""
    total = joint.sum(axis=-1, keepdims=True)
    return np.divide(joint, total, out=np.full_like(joint, np.nan), where=total > 0)


def _mutual_information_bits(joint: np.ndarray) -> float:
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float(np.sum(joint[seen] * np.log2(joint[seen] / independent[seen])))


def _json_table(table: np.ndarray) -> list[Any]:
    """Nested lists with None for NaN, which JSON has no word for."""
    cells = table.astype(object)
    cells[np.isnan(table)] = None
    return cells.tolist()


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
