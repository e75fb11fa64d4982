"""The pages, in the order of the navigation. A new room is a file in `app_pages` and a row here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGES", "PAGES_ROOT", "PageEntry"]

PAGES_ROOT = Path(__file__).parent / "app_pages"


@dataclass(frozen=True, kw_only=True)
class PageEntry:
    """A page: `name` is its file in `app_pages` (without `.py`), `url_path` its address.

    `summary` is the line under its name wherever another page points to it.
    """

    name: str
    title: str
    url_path: str
    icon: str
    summary: str

    @property
    def path(self) -> Path:
        """The page's script."""
        return PAGES_ROOT / f"{self.name}.py"


PAGES: tuple[PageEntry, ...] = (
    PageEntry(
        name="overview",
        title="Overview",
        url_path="overview",
        icon=":material/space_dashboard:",
        summary="What is loaded, what it was trained on, and the question asked of it.",
    ),
    PageEntry(
        name="context_bias",
        title="Context bias",
        url_path="context-bias",
        icon=":material/landscape:",
        summary="How far the scenes give the labels away, beside what chance gives.",
    ),
    PageEntry(
        name="confounders",
        title="Confounders",
        url_path="confounders",
        icon=":material/workspaces:",
        summary="The clusters of contexts that stand for Z, and the emotions each holds.",
    ),
    PageEntry(
        name="embeddings",
        title="Embeddings",
        url_path="embeddings",
        icon=":material/scatter_plot:",
        summary="The same people's features before and after the intervention, side by side.",
    ),
    PageEntry(
        name="predict",
        title="Predict",
        url_path="predict",
        icon=":material/compare:",
        summary="A photograph judged by two estimators, with the contexts that made them differ.",
    ),
    PageEntry(
        name="experiments",
        title="Experiments",
        url_path="experiments",
        icon=":material/science:",
        summary="Runs, curves and intervals, two runs compared, the paper's tables beside ours.",
    ),
    PageEntry(
        name="data",
        title="Data",
        url_path="data",
        icon=":material/database:",
        summary="Your own pictures as a study, and small models trained on it from here.",
    ),
)
