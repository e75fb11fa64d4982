"""Experiments: runs and their settings, the evaluation, the paper's tables, two runs compared."""

from __future__ import annotations

from app import layout
from app.errors import shown_errors
from app.experiments.comparing import show_comparison
from app.experiments.evaluation import show_evaluation
from app.experiments.paper import show_paper
from app.experiments.records import require_runs
from app.experiments.runs import show_runs
from app.links import linked_control
from app.stored import require_study

LEAD = (
    "Every trained run with what made it, every number with its interval, and the paper's tables "
    "with ours beside them."
)
PARTS = {
    "runs": "Runs",
    "evaluation": "Evaluation",
    "compare": "Compare two",
    "paper": "The paper's tables",
}


def main() -> None:
    """The page."""
    layout.header("Experiments", LEAD)
    part = linked_control("What to show", list(PARTS), key="show", names=PARTS)
    with shown_errors("reading the runs"):
        study = require_study()
        if study is None:
            return
        runs = require_runs(study)
        if runs is None:
            return
        if part == "runs":
            show_runs(study, runs)
        elif part == "evaluation":
            show_evaluation(study)
        elif part == "compare":
            show_comparison(study, runs)
        else:
            show_paper(study)


main()
