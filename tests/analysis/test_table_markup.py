"""Markdown and LaTeX of texts as they come: pipes, percent signs, Greek, brackets."""

from __future__ import annotations

import pandas as pd

from analysis.table_markup import escape_latex, latex_table, markdown_table

FRAME = pd.DataFrame(
    {
        "model": ["EMOT-Net, λ∘P", "50% & more_or|less"],
        "ours ± sd": ["−1.50 ± 0.20 (n=3)", "–"],
        "95% interval": ["[−2.00, −1.00]", "–"],
    }
)


def test_a_markdown_table_keeps_its_columns_whatever_is_in_the_cells() -> None:
    lines = markdown_table(FRAME).splitlines()
    assert lines[0] == "| model | ours ± sd | 95% interval |"
    assert lines[1] == "| --- | ---: | ---: |"
    assert lines[3] == "| 50% & more_or\\|less | – | – |"


def test_latex_escapes_what_it_would_read_as_its_own() -> None:
    assert escape_latex("50% & a_b #1 {x} ~ ^ \\ $") == (
        r"50\% \& a\_b \#1 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} \$"
    )
    assert escape_latex("−1 ± 2 → λ, ḡ") == r"$-$1 $\pm$ 2 $\rightarrow$ $\lambda$, $\bar{g}$"


def test_a_latex_table_is_whole_and_plain_ascii_but_for_letters() -> None:
    text = latex_table(FRAME, caption="Table 1: 50% of it", label="table1")
    assert text.count("{") == text.count("}")
    assert r"\begin{tabular}{lrr}" in text
    assert r"\caption{Table 1: 50\% of it}" in text
    body = text.split("\\midrule\n")[1].split("\\bottomrule")[0]
    assert [line.count(" & ") for line in body.splitlines()] == [2, 2]
    assert text.isascii()


def test_a_row_that_starts_with_a_bracket_is_no_argument_of_the_line_break() -> None:
    text = latex_table(FRAME[["95% interval"]], caption="", label="x")
    assert "{}[$-$2.00, $-$1.00]" in text
