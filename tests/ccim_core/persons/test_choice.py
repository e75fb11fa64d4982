"""Which of several persons a row means."""

import numpy as np
import pytest

from ccim_core.persons.choice import Choice, choose_person

SMALL, LARGE = (10, 10, 30, 60), (40, 0, 100, 90)


def persons(*boxes: tuple[float, ...]) -> np.ndarray:
    return np.array([[*box, 0.9] for box in boxes]).reshape(-1, 5)


def test_where_nobody_is_nobody_is_chosen() -> None:
    assert choose_person(persons(), None) is None
    assert choose_person(persons(), (1, 1, 2, 2)) is None


def test_without_a_face_the_largest() -> None:
    assert choose_person(persons(SMALL), None) == Choice(index=0, reason="only")
    assert choose_person(persons(SMALL, LARGE), None) == Choice(index=1, reason="largest")
    assert choose_person(persons(LARGE, SMALL), None) == Choice(index=0, reason="largest")


def test_with_a_face_the_one_that_holds_it() -> None:
    for order, index in (((SMALL, LARGE), 0), ((LARGE, SMALL), 1)):
        choice = choose_person(persons(*order), (14, 12, 24, 24))
        assert choice == Choice(index=index, reason="holds_face")


def test_a_face_that_nobody_holds_is_nobodys() -> None:
    assert choose_person(persons(SMALL, LARGE), (31, 70, 39, 80)) is None


@pytest.mark.parametrize("behind_first", [True, False])
def test_of_two_who_hold_it_the_one_whose_head_it_is(behind_first: bool) -> None:
    # Somebody stands before somebody larger: the face is at chest height in the larger's box.
    before, behind = (50, 50, 80, 140), (30, 5, 100, 150)
    order = (behind, before) if behind_first else (before, behind)
    choice = choose_person(persons(*order), (60, 52, 70, 64))
    assert choice == Choice(index=1 if behind_first else 0, reason="holds_face")
