"""What a user sees is what was kept; `python -m tests.golden` where a change is meant."""

from __future__ import annotations

import re

import pytest

from tests.golden.shown import FOLDER, SHOWN

_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_shown_stays(name: str) -> None:
    kept = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = SHOWN[name]().splitlines()
    assert [_NUMBER.sub("N", line) for line in found] == [_NUMBER.sub("N", line) for line in kept]
    for line, wanted in zip(found, kept, strict=True):
        # A unit of the last digit shown: another processor rounds otherwise.
        for number, other in zip(_NUMBER.findall(line), _NUMBER.findall(wanted), strict=True):
            unit = 10.0 ** -len(other.partition(".")[2].partition("e")[0])
            assert float(number) == pytest.approx(float(other), rel=1e-4, abs=1.01 * unit), line
