"""The workspace of the Data page, and the jobs that it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import workspace
from ccim_core.jobs import Jobs, JobSpec


@pytest.fixture
def root(assets: Path) -> Path:
    """The workspace."""
    return workspace.root()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[JobSpec]:
    """Jobs that the page starts, without their processes."""
    specs: list[JobSpec] = []

    def start(self: Jobs, spec: JobSpec) -> str:
        specs.append(spec)
        return "name"

    monkeypatch.setattr(Jobs, "start", start)
    return specs
