"""A page holds all it shows, says what it was told, and lets no text become markup."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

from analysis.figure_page import Card, Picture, Section, write_page


def figure(name: str) -> go.Figure:
    return go.Figure(go.Bar(x=[1], y=[2], name=name))


def test_everything_is_in_one_file(tmp_path: Path) -> None:
    table = pd.DataFrame({"scene": ["bar", "<b>park"], "share": ["12 %", "–"], "n": [3, 4]})
    write_page(
        tmp_path / "page.html",
        title="A & B",
        lead=["**61 %** of `H(Y)`, <i>not</i> markup"],
        cards=[Card(label="Subjects", value="2,400", note="split train")],
        sections=[
            Section(title="Map", caption="words", figure=figure("one")),
            Section(title="Cells", table=table),
            Section(
                title="Tiles",
                tiles=[
                    Section(
                        title=f"#{k}",
                        figure=figure("two"),
                        pictures=[Picture(url="data:image/png;base64,AA==", alternative='a "b"')],
                    )
                    for k in range(2)
                ],
            ),
        ],
        figures=[figure("three")],
        notes=["a note"],
        settings={"top_k": 200, "split": None},
    )
    page = (tmp_path / "page.html").read_text()
    assert "<script src" not in page
    assert "<title>A &amp; B</title>" in page
    assert "<strong>61 %</strong> of <code>H(Y)</code>, &lt;i&gt;not&lt;/i&gt;" in page
    assert page.count('class="plotly-graph-div"') == 4
    assert page.count("Plotly.newPlot") >= 4
    assert page.count("<h3>") == 2
    assert page.count("<img ") == 2
    assert 'alt="a &quot;b&quot;"' in page
    assert '<td class="text">&lt;b&gt;park</td><td>–</td><td>4</td>' in page
    assert "<td>top k</td><td>200</td>" in page.replace(' class="text"', "")
    assert "<td>split</td><td>all</td>" in page.replace(' class="text"', "")
    assert "<li>a note</li>" in page
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    # Plotly's own code, of megabytes, goes with the first figure only.
    assert 3e6 < len(page) < 7e6


def test_a_page_without_figures_needs_no_plotly(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", title="Empty", notes=["nothing could be computed"])
    page = (tmp_path / "page.html").read_text()
    assert len(page) < 10_000
    assert "nothing could be computed" in page
