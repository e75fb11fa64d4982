from __future__ import annotations

import pytest

from ccim_core.evaluation.variants import plainest_variant


def test_the_shortest_name_is_the_plain_one_and_the_first_of_equals() -> None:
    assert plainest_variant(["ccim-additive", "ccim", "ccim-random-z"]) == "ccim"
    assert plainest_variant(["none", "last-layer-refit"]) == "none"
    assert plainest_variant(["b", "a"]) == "a"
    with pytest.raises(ValueError, match="empty"):
        plainest_variant([])
