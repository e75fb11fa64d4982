"""Data: open a study, make one from your own pictures, train small models on it."""

from __future__ import annotations

from app import layout, workspace
from app.data.jobs import show_jobs
from app.data.making import show_making
from app.data.opening import show_opening
from app.data.training import show_training
from app.errors import shown_errors
from app.links import linked_control

LEAD = (
    "Open a study, make one from your own pictures, and train small models on it. Work runs in a "
    "process of its own: leave the page and it goes on."
)
PARTS = {"open": "Open a study", "make": "Make one", "train": "Train on it"}


def main() -> None:
    """The page."""
    layout.header("Data", LEAD)
    at_work = any(status.state == "running" for status in workspace.jobs().list())
    if at_work:  # what moves is what its visitor came back for
        _jobs()
    part = linked_control("What to do", list(PARTS), key="do", names=PARTS)
    if part == "open":
        with shown_errors("listing the studies"):
            show_opening()
    elif part == "make":
        show_making()
    else:
        with shown_errors("preparing the training"):
            show_training()
    if not at_work:
        _jobs()


def _jobs() -> None:
    with shown_errors("looking at the jobs"):
        show_jobs()


main()
