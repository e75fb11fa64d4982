"""Names that may mean the same thing: questions about a user's own labels and splits, and answers.

An emotion written "hapiness" beside "happiness" would become a class of its own, and a split named
"training" one that nothing trains on. Neither is mended silently nor let through: each is a
`Question`, which the page asks and the command line prints with the options that answer it.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import pandas as pd

from ccim_core.errors import InputError
from ccim_core.labels import LABEL_SEPARATOR, LABEL_SETS

__all__ = [
    "KNOWN_SPLITS",
    "SEVERAL_SHARE",
    "Answers",
    "Question",
    "UnansweredError",
    "label_names",
    "settle_names",
    "spelled_as",
    "split_questions",
    "vocabulary_questions",
]

KNOWN_SPLITS = ("train", "val", "test", "shift", "twins", "oracle_train")
"""Splits that the other commands know the meaning of."""

SEVERAL_SHARE = 0.05
"""Fewer rows with several emotions than this share may be slips: whether the study is multi-label
is asked then. From this share on it is, and the summary says so."""

MAX_EMOTIONS = 200
"""More different names than this are no emotions: each would be held against each."""

MAX_SPLITS = 20
"""More different names than this are no splits: each would be asked about."""

_WORD_FORMS = (
    ("anger", "angry"),
    ("disgust", "disgusted"),
    ("fear", "fearful", "afraid"),
    ("happiness", "happy"),
    ("sadness", "sad"),
    ("surprise", "surprised"),
)
"""Forms of one word that the public datasets use for one emotion: read as the same."""

_NEAR_SYNONYMS = {"joy": "happiness", "joyful": "happiness", "scared": "fear"}
"""Words that often, not always, mean the same: only ever asked about."""

_FORM_OF = {form: forms[0] for forms in _WORD_FORMS for form in forms}
_MEANING_OF = {**_FORM_OF, **_NEAR_SYNONYMS}

_SPLIT_ALIASES = {
    **dict.fromkeys(("training", "trn"), "train"),
    **dict.fromkeys(("validation", "valid", "validate", "dev", "development"), "val"),
    **dict.fromkeys(("testing", "tst", "tests", "holdout"), "test"),
}


@lru_cache(maxsize=4096)
def spelled_as(name: str, emotions: tuple[str, ...]) -> str | None:
    """The one of `emotions` that `name` is, but for case and the form of the word; else None."""
    by_name = {_fold(emotion): emotion for emotion in emotions}
    by_form = {_FORM_OF.get(_fold(emotion)): emotion for emotion in emotions}
    form = _FORM_OF.get(_fold(name))
    return by_name.get(_fold(name)) or (by_form.get(form) if form else None)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Answers to the questions: emotion → the emotion that it is, split → the split that it is,
    and emotions or splits that stand for themselves. Renaming is done once, all at a time."""

    rename: Mapping[str, str] = field(default_factory=dict)
    rename_splits: Mapping[str, str] = field(default_factory=dict)
    keep_apart: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (*self.rename.values(), *self.rename_splits.values()):
            if not name.strip() or LABEL_SEPARATOR in name:
                raise InputError(f"Expected one name to rename to, got {name!r}.")

    def require(self, *, emotions: Collection[str], splits: Collection[str]) -> None:
        """Raise InputError for an answer about a name that does not occur."""
        asked = (
            ("emotion", self.rename, emotions),
            ("split", self.rename_splits, splits),
            ("emotion or split", self.keep_apart, {*emotions, *splits}),
        )
        for what, names, occurring in asked:
            for name in names:
                if name not in occurring:
                    raise InputError(
                        f"Expected an {what} that occurs ({', '.join(sorted(occurring))}) to be "
                        f"renamed or kept apart, got {name!r}."
                    )

    def to_dict(self) -> dict[str, Any]:
        """JSON form, for the record of a study."""
        return {
            "rename": dict(self.rename),
            "rename_splits": dict(self.rename_splits),
            "keep_apart": list(self.keep_apart),
        }


@dataclass(frozen=True, kw_only=True)
class Question:
    """One thing to settle before a study is made.

    about: an emotion, a split, or whether rows have one emotion or several ("kind"). name: what is
    asked about; of kind, an example of a row with several. rows: how many have it, of `total`.
    into: the names it may be renamed to, the first of them the suggestion where there is one
    (`suggested`, in `suggested_rows`). reason: why it is asked.
    """

    about: Literal["emotion", "split", "kind"]
    name: str
    rows: int
    total: int
    into: tuple[str, ...] = ()
    suggested: bool = True
    suggested_rows: int = 0
    reason: str = ""

    @property
    def text(self) -> str:
        """The question in one sentence, without its answers."""
        if self.about == "kind":
            return (
                f"{self.rows:,} of {self.total:,} rows ({self.rows / self.total:.1%}) have several "
                f"emotions, such as {self.name!r}: does a person have one emotion or several?"
            )
        told = f"The {self.about} {self.name!r} ({_rows(self.rows)}) {self.reason}"
        if not self.suggested:
            return f"{told}: which is it?"
        return f"{told} {self.into[0]!r} ({_rows(self.suggested_rows)}): are they one?"

    @property
    def options(self) -> str:
        """The command line's options that answer it."""
        if self.about == "kind":
            return "--kind multi, or --kind single --policy several_labels=drop"
        option = "--rename" if self.about == "emotion" else "--rename-split"
        into = self.into[:1] if self.suggested else self.into
        renames = [f"{option} {shlex.quote(f'{self.name}={name}')}" for name in into]
        return ", or ".join([*renames, f"--keep-apart {shlex.quote(self.name)}"])


def _rows(count: int) -> str:
    return f"{count:,} row" + ("" if count == 1 else "s")


class UnansweredError(InputError):
    """Questions are open; the message is for the command line, `questions` for the page."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self.questions = tuple(questions)
        lines = [f"  {question.text} {question.options}" for question in questions]
        count = f"{len(lines)} open question" + ("" if len(lines) == 1 else "s")
        super().__init__(
            "\n".join([f"Expected names that mean one thing each, got {count}; answer:", *lines])
        )


def vocabulary_questions(
    *, emotions: Mapping[str, int], splits: Mapping[str, int], keep_apart: Collection[str] = ()
) -> list[Question]:
    """What to ask about names, each with its number of rows. No row is looked at.

    An emotion is asked about where a better known or more frequent one is the same but for case
    and separators, means the same, or is at most two edits and a quarter of its letters away; a
    split where it is none of `KNOWN_SPLITS`. Names kept apart are not asked about.
    """
    questions: list[Question] = []
    settled: list[str] = []
    known = {_fold(name) for labels in LABEL_SETS.values() for name in labels.emotions}
    known |= set(_MEANING_OF)
    order = sorted(emotions, key=lambda name: (_fold(name) not in known, -emotions[name], name))
    for name in order:
        found = None if name in keep_apart else _alike(name, settled, known)
        if found is None:
            settled.append(name)
            continue
        questions.append(
            Question(
                about="emotion",
                name=name,
                rows=emotions[name],
                total=sum(emotions.values()),
                into=found[:1],
                suggested_rows=emotions[found[0]],
                reason=found[1],
            )
        )
    return questions + split_questions(splits, keep_apart=keep_apart)


def split_questions(
    splits: Mapping[str, int], *, keep_apart: Collection[str] = (), only_alike: bool = False
) -> list[Question]:
    """What to ask about the names of splits. only_alike: not about those like no known split."""
    questions = []
    for name, rows in splits.items():
        if name in KNOWN_SPLITS or name in keep_apart:
            continue
        alias = _SPLIT_ALIASES.get(_fold(name))
        found = (alias, "may be meant as") if alias else _alike(name, KNOWN_SPLITS, ())
        if found is None and only_alike:
            continue
        rest = tuple(split for split in KNOWN_SPLITS[:3] if not found or split != found[0])
        questions.append(
            Question(
                about="split",
                name=name,
                rows=rows,
                total=sum(splits.values()),
                into=(*(found[:1] if found else ()), *rest),
                suggested=found is not None,
                suggested_rows=splits.get(found[0], 0) if found else 0,
                reason=found[1] if found else "is none that is known",
            )
        )
    return questions


def _alike(name: str, others: Iterable[str], known: Collection[str]) -> tuple[str, str] | None:
    """The other name that `name` may stand for, and the words between the two; the surest first."""
    own = _fold(name)
    by_reason: dict[str, list[tuple[int, str]]] = {"case": [], "meaning": [], "spelling": []}
    for other in others:
        theirs = _fold(other)
        if own == theirs:
            by_reason["case"].append((0, other))
        elif own in _MEANING_OF and _MEANING_OF[own] == _MEANING_OF.get(theirs):
            by_reason["meaning"].append((0, other))
        elif not (own in known and theirs in known):  # two right words are no slip for each other
            distance = _slips(own, theirs)
            if distance is not None:
                by_reason["spelling"].append((distance, other))
    reasons = {
        "case": "is, but for case and separators,",
        "meaning": "may mean the same as",
        "spelling": "is spelled nearly as",
    }
    for reason, found in by_reason.items():
        if found:
            return min(found, key=lambda pair: pair[0])[1], reasons[reason]
    return None


def _fold(name: str) -> str:
    """A name without case, and with spaces for any separators."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\s_-]+", " ", text).strip() or text


def _slips(a: str, b: str) -> int | None:
    """Edits between two names, where few enough to be slips of the hand; else None."""
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    if re.findall(r"\d+", a) != re.findall(r"\d+", b):  # "group 1" and "group 2"
        return None
    if len(longer) - len(shorter) > 2:
        return None
    if len(longer) - len(shorter) == 2 and longer.endswith(shorter):  # "unhappiness"
        return None
    distance = _edits(a, b)
    return distance if distance <= min(2, len(longer) // 4) else None


def _edits(a: str, b: str) -> int:
    """Letters left out, added, replaced, or swapped with a neighbour (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i in range(1, len(a) + 1):
        row = [i]
        for j in range(1, len(b) + 1):
            cost = min(last[j] + 1, row[-1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and (a[i - 1], a[i - 2]) == (b[j - 2], b[j - 1]):
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def label_names(text: Any) -> list[str]:
    """The emotions of a cell such as "Happy|Sad", each once."""
    names = (part.strip() for part in str(text).split(LABEL_SEPARATOR))
    return list(dict.fromkeys(name for name in names if name))


def settle_names(
    frame: pd.DataFrame,
    answers: Answers,
    *,
    ask_emotions: bool = True,
    kind: str = "auto",
    splits_named: Collection[str] = (),
) -> tuple[pd.DataFrame, list[str]]:
    """Rename as answered, then ask: the frame's `labels` and, where it has them, `split`.

    ask_emotions: false where the vocabulary is given, so that a name outside it is a fault of its
    row. kind: "auto" asks where fewer rows than `SEVERAL_SHARE` have several emotions.
    splits_named: names of splits that were settled already.

    Returns the frame with names as they are to be, and notes. Raises UnansweredError for what is
    left to ask, and InputError for answers about names that do not occur.
    """
    labels = frame["labels"].astype(object)
    names = {text: label_names(text) for text in labels.dropna().unique()}
    splits = pd.Series(dtype=object)
    if "split" in frame:
        splits = frame["split"].dropna().astype(str).str.strip()
    answers.require(
        emotions={name for of_text in names.values() for name in of_text},
        splits={*splits, *splits_named},
    )
    renamed = {
        text: dict.fromkeys(answers.rename.get(name, name) for name in of_text)
        for text, of_text in names.items()
    }
    joined = {text: LABEL_SEPARATOR.join(of_text) for text, of_text in renamed.items()}
    frame = frame.assign(labels=labels.map(joined))
    if "split" in frame:
        splits = splits.map(lambda name: answers.rename_splits.get(name, name))
        frame["split"] = splits.reindex(frame.index)
    rows = Counter(map(str, frame["labels"].dropna()))
    emotions: Counter[str] = Counter()
    for text, count in rows.items():
        emotions.update(dict.fromkeys(label_names(text), count))
    if ask_emotions and len(emotions) > MAX_EMOTIONS:
        raise InputError(
            f"Expected at most {MAX_EMOTIONS} emotions, got {len(emotions):,} (such as "
            f"{next(iter(emotions))!r}); name the column that holds them, or give them all with "
            "--emotions."
        )
    if splits.nunique() > MAX_SPLITS:
        raise InputError(
            f"Expected at most {MAX_SPLITS} splits, got {splits.nunique():,} (such as "
            f"{splits.iloc[0]!r}); name the column that holds them, or deal splits."
        )
    questions = vocabulary_questions(
        emotions=emotions if ask_emotions else {},
        splits=Counter(name for name in splits if name),
        keep_apart=answers.keep_apart,
    )
    several, notes = _several(rows, kind)
    questions += several
    if questions:
        raise UnansweredError(questions)
    changed = [f"{old!r} to {new!r}" for old, new in answers.rename.items()]
    changed += [f"split {old!r} to {new!r}" for old, new in answers.rename_splits.items()]
    return frame, [*notes, *([f"Renamed: {', '.join(changed)}."] if changed else [])]


def _several(rows: Mapping[str, int], kind: str) -> tuple[list[Question], list[str]]:
    """What to ask, or else to say, of rows with several emotions."""
    several = {text: n for text, n in rows.items() if len(label_names(text)) > 1}
    count, total = sum(several.values()), sum(n for text, n in rows.items() if label_names(text))
    if not count or kind == "single":  # with one label a subject these are faults of their rows
        return [], []
    if kind == "auto" and count < SEVERAL_SHARE * total:
        example = min(several, key=lambda text: (-several[text], text))
        return [Question(about="kind", name=example, rows=count, total=total)], []
    return [], [
        f"{count:,} of {total:,} rows ({count / total:.1%}) have several emotions: "
        "the study has several labels a subject."
    ]
