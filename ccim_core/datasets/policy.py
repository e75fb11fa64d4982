"""What is done about each fault of a dataset: fail, drop, clip or keep, by cause.

The causes are those of a manifest (`ccim_core.manifest.CAUSES`) and those that only the reading of
a dataset can find (`READING_CAUSES`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from ccim_core.errors import InputError
from ccim_core.manifest import CAUSES

__all__ = [
    "ALL_CAUSES",
    "READING_CAUSES",
    "Policy",
    "PolicyAction",
    "allowed_actions",
    "complete_policy",
    "parse_policy",
]

PolicyAction = Literal["fail", "drop", "clip", "keep"]
"""`fail`: nothing is written. `drop`: the subject is left out. `clip`: the box is cut to the
picture. `keep`: the subject stays; of what is at fault only the value is left out."""

Policy = Mapping[str, PolicyAction]

READING_CAUSES: dict[str, str] = {
    "person_missing": "a picture without an annotated person",
    "picture_not_rgb": "a grey, palette or four-channel picture, read as RGB",
    "file_in_two_splits": "a picture whose bytes are also in a split on the other side",
    "duplicate_subject": "the picture and box of an earlier subject of the same split",
    "vad_missing": "valence, arousal or dominance missing",
    "votes_differ": "combined emotions that are not the union of the annotators'",
    "face_missing": "a picture that the face list does not have",
    "face_without_picture": "a line of the face list that names no picture of the tree",
    "face_label_differs": "a label in the face list that is not the folder's",
}
"""Causes found while reading, with what each means, beside a manifest's."""

ALL_CAUSES: dict[str, str] = {
    cause: meaning
    for cause, meaning in {**READING_CAUSES, **CAUSES}.items()
    if cause not in ("missing_column", "no_rows")  # no policy repairs a table as a whole
}

_KEPT_BY_MANIFEST = (
    # What is at fault can be left empty in a manifest.
    "vad_not_a_number",
    "vad_out_of_range",
    "face_box_not_finite",
    "face_box_inverted",
    "face_box_empty",
    "face_box_outside",
    # The picture's own size is taken in place of the recorded one.
    "picture_size_differs",
    # A leak that the user knows of.
    "source_in_two_splits",
)
_NEVER_KEPT = ("person_missing", "face_without_picture")  # there is no subject to keep

_DEFAULTS: dict[str, PolicyAction] = {
    "person_missing": "drop",
    "picture_not_rgb": "keep",
    "file_in_two_splits": "fail",
    "duplicate_subject": "keep",
    "vad_missing": "keep",
    "votes_differ": "keep",
    "face_missing": "keep",
    "face_without_picture": "drop",
    "face_label_differs": "fail",
    "no_labels": "drop",
    "box_not_finite": "drop",
    "box_inverted": "drop",
    "box_empty": "drop",
    "box_outside": "drop",
    "box_partly_outside": "clip",
    "face_box_not_finite": "keep",
    "face_box_inverted": "keep",
    "face_box_empty": "keep",
    "face_box_outside": "keep",
    "face_box_partly_outside": "clip",
    "missing_image": "drop",
    "picture_missing": "drop",
    "picture_unreadable": "drop",
    "picture_size_differs": "keep",
    "vad_not_a_number": "keep",
    "vad_out_of_range": "keep",
}
"""Whatever is not here (labels outside the vocabulary, leaks, doubled ids) fails."""


def allowed_actions(cause: str) -> tuple[PolicyAction, ...]:
    """The actions that make sense for a cause."""
    if cause in _NEVER_KEPT:
        return ("fail", "drop")
    if cause in ("box_partly_outside", "face_box_partly_outside"):
        return ("fail", "drop", "clip")
    if cause in READING_CAUSES or cause in _KEPT_BY_MANIFEST:
        return ("fail", "drop", "keep")
    return ("fail", "drop")


def complete_policy(*overrides: Policy) -> dict[str, PolicyAction]:
    """Cause → action for every cause: the defaults, then each of `overrides` over the last.

    Raises InputError for an unknown cause, or an action that the cause does not allow.
    """
    fail: PolicyAction = "fail"
    policy = {cause: _DEFAULTS.get(cause, fail) for cause in ALL_CAUSES}
    for override in overrides:
        for cause, action in override.items():
            if cause not in ALL_CAUSES:
                raise InputError(f"Expected a cause of {sorted(ALL_CAUSES)}, got {cause!r}.")
            if action not in allowed_actions(cause):
                raise InputError(
                    f"Expected an action of {list(allowed_actions(cause))} for {cause}, "
                    f"got {action!r}."
                )
            policy[cause] = action
    return policy


def parse_policy(texts: Iterable[str]) -> dict[str, PolicyAction]:
    """`["box_empty=fail"]` to `{"box_empty": "fail"}`. Raises InputError for another form."""
    actions = {str(action): action for action in get_args(PolicyAction)}
    policy: dict[str, PolicyAction] = {}
    for text in texts:
        cause, equals, action = text.partition("=")
        if not equals or action.strip() not in actions:
            raise InputError(
                f"Expected a policy such as box_empty=drop, with one of {list(actions)}, "
                f"got {text!r}."
            )
        policy[cause.strip()] = actions[action.strip()]
    return policy
