"""The paper's causal graph (Figure 3) as SVG: the likelihood, and do(X) cutting Z → X."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ALTERNATIVES", "causal_graph_svg"]

Panel = Literal["likelihood", "intervention"]
Theme = Literal["light", "dark"]

ALTERNATIVES: dict[Panel, str] = {
    "likelihood": (
        "Causal graph of the likelihood P(Y|X). Arrows: Z to X, Z to C, X to C, X to S, C to Y, "
        "S to Y. The back-door path X, Z, C, Y is highlighted."
    ),
    "intervention": (
        "Causal graph of the intervention P(Y|do(X)). The arrow from Z to X is cut; the arrows "
        "Z to C, X to C, X to S, C to Y and S to Y remain."
    ),
}

_WIDTH, _HEIGHT, _RADIUS = 420, 250, 25
_NODES: dict[str, tuple[int, int]] = {
    "Z": (196, 38),
    "X": (52, 136),
    "C": (196, 136),
    "S": (196, 216),
    "Y": (352, 136),
}
_LABELS: dict[str, tuple[int, int, str, str]] = {  # x, y, anchor, text
    "Z": (232, 34, "start", "confounder"),
    "X": (52, 180, "middle", "image"),
    "C": (226, 168, "start", "context"),
    "S": (160, 221, "end", "subject"),
    "Y": (352, 180, "middle", "emotion"),
}
_EDGES = (("Z", "X"), ("Z", "C"), ("X", "C"), ("X", "S"), ("C", "Y"), ("S", "Y"))
_BACK_DOOR = {("Z", "X"), ("Z", "C"), ("C", "Y")}


@dataclass(frozen=True, kw_only=True)
class _Colours:
    ink: str
    quiet: str
    node: str
    danger: str
    danger_fill: str
    cut: str
    page: str


_COLOURS: dict[Theme, _Colours] = {
    "light": _Colours(
        ink="#1C2B33",
        quiet="#5B6B74",
        node="#F3F6F7",
        danger="#B35C00",
        danger_fill="#FCEBD6",
        cut="#7F8D95",
        page="#FFFFFF",
    ),
    "dark": _Colours(
        ink="#E7EDF0",
        quiet="#A6B4BB",
        node="#1B252B",
        danger="#F0AE5E",
        danger_fill="#3A2A14",
        cut="#72828B",
        page="#11181C",
    ),
}


def causal_graph_svg(panel: Panel, theme: Theme = "light") -> str:
    """One panel of Figure 3. It shows the open back-door path, or the cut."""
    colours = _COLOURS[theme]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f"font-family=\"'Source Sans 3','Source Sans Pro','Segoe UI',Helvetica,Arial,sans-serif\">",
        f"<title>{ALTERNATIVES[panel]}</title>",
        "<defs>",
        *(
            _arrow_head(name, colour)
            for name, colour in (
                ("ink", colours.quiet),
                ("danger", colours.danger),
                ("cut", colours.cut),
            )
        ),
        "</defs>",
        *(_edge(edge, panel, colours) for edge in _EDGES),
        *(_node(name, colours) for name in _NODES),
    ]
    if panel == "intervention":
        parts.append(_scissors_mark(colours))
    return "".join([*parts, "</svg>"])


def _arrow_head(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 10 10" refX="8.5" refY="5" '
        f'markerUnits="userSpaceOnUse" markerWidth="13" markerHeight="13" orient="auto">'
        f'<path d="M0 0.8 L10 5 L0 9.2 Z" fill="{colour}"/></marker>'
    )


def _edge(edge: tuple[str, str], panel: Panel, colours: _Colours) -> str:
    (x1, y1), (x2, y2) = _NODES[edge[0]], _NODES[edge[1]]
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    dx, dy = (x2 - x1) / length, (y2 - y1) / length
    start, end = _RADIUS + 2, _RADIUS + 4
    line = (
        f'x1="{x1 + dx * start:.1f}" y1="{y1 + dy * start:.1f}" '
        f'x2="{x2 - dx * end:.1f}" y2="{y2 - dy * end:.1f}"'
    )
    if panel == "intervention" and edge == ("Z", "X"):
        style = f'stroke="{colours.cut}" stroke-width="2" stroke-dasharray="3 6"'
        return f'<line {line} {style} marker-end="url(#cut)"/>'
    if panel == "likelihood" and edge in _BACK_DOOR:
        return (
            f'<line {line} stroke="{colours.danger}" stroke-width="3" marker-end="url(#danger)"/>'
        )
    return f'<line {line} stroke="{colours.quiet}" stroke-width="2" marker-end="url(#ink)"/>'


def _node(name: str, colours: _Colours) -> str:
    x, y = _NODES[name]
    label_x, label_y, anchor, label = _LABELS[name]
    confounder = name == "Z"
    fill = colours.danger_fill if confounder else colours.node
    stroke = colours.danger if confounder else colours.quiet
    return (
        f'<circle cx="{x}" cy="{y}" r="{_RADIUS}" fill="{fill}" stroke="{stroke}" '
        f'stroke-width="2"/>'
        f'<text x="{x}" y="{y + 7}" text-anchor="middle" font-size="21" font-style="italic" '
        f'font-weight="600" fill="{colours.ink}">{name}</text>'
        f'<text x="{label_x}" y="{label_y}" text-anchor="{anchor}" font-size="14" '
        f'fill="{colours.quiet}">{label}</text>'
    )


def _scissors_mark(colours: _Colours) -> str:
    """Two strokes across Z → X, where the intervention cuts it, with the words beside them."""
    (x1, y1), (x2, y2) = _NODES["Z"], _NODES["X"]
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return (
        f'<circle cx="{x}" cy="{y}" r="13" fill="{colours.page}"/>'
        f'<path d="M{x - 7} {y - 9} L{x + 7} {y + 9} M{x + 7} {y - 9} L{x - 7} {y + 9}" '
        f'stroke="{colours.danger}" stroke-width="3" stroke-linecap="round" fill="none"/>'
        f'<text x="{x - 20}" y="{y - 12}" text-anchor="end" font-size="14" font-weight="600" '
        f'fill="{colours.danger}">cut by do(X)</text>'
    )
