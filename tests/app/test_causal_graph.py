"""The drawing of Figure 3."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from app.causal_graph import ALTERNATIVES, Panel, Theme, causal_graph_svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("panel", ["likelihood", "intervention"])
def test_is_well_formed_with_five_nodes_six_arrows_and_a_text_alternative(
    panel: Panel, theme: Theme
) -> None:
    root = ElementTree.fromstring(causal_graph_svg(panel, theme))
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"X", "S", "C", "Z", "Y"} <= set(texts)
    assert len(list(root.iter(f"{SVG}line"))) == 6
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == ALTERNATIVES[panel]


def test_only_the_intervention_cuts_an_arrow() -> None:
    dashed = {
        panel: [
            line
            for line in ElementTree.fromstring(causal_graph_svg(panel)).iter(f"{SVG}line")
            if line.get("stroke-dasharray")
        ]
        for panel in ALTERNATIVES
    }
    assert dashed["likelihood"] == []
    (cut,) = dashed["intervention"]
    # It runs from Z (top) down and left to X.
    assert float(cut.get("x1", "")) > float(cut.get("x2", ""))
    assert float(cut.get("y1", "")) < float(cut.get("y2", ""))
