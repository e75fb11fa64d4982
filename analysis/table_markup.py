"""A frame of texts as a Markdown or a LaTeX table."""

from __future__ import annotations

import re

import pandas as pd

__all__ = ["escape_latex", "latex_table", "markdown_table"]

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": "$-$",
    "±": r"$\pm$",
    "→": r"$\rightarrow$",
    "λ": r"$\lambda$",
    "∘": r"$\circ$",
    "‖": r"$\Vert$",
    "ḡ": r"$\bar{g}$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "·": r"$\cdot$",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "“": "``",
    "”": "''",
    "’": "'",
}
_NUMBER = re.compile(r"^[\[−–+\-\d]")


def markdown_table(frame: pd.DataFrame) -> str:
    """A pipe table; numbers to the right."""
    heads = [_cell(str(name)) for name in frame.columns]
    rules = ["---:" if _is_numeric(frame[name]) else "---" for name in frame.columns]
    rows = [[_cell(str(value)) for value in row] for row in frame.to_numpy()]
    lines = [heads, rules, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def escape_latex(text: str) -> str:
    """Text that LaTeX sets as it stands."""
    return "".join(_LATEX.get(character, character) for character in text)


def latex_table(frame: pd.DataFrame, *, caption: str, label: str) -> str:
    """A `table` with the rules of booktabs (`\\usepackage{booktabs}`), numbers to the right."""
    columns = "".join("r" if _is_numeric(frame[name]) else "l" for name in frame.columns)
    heads = " & ".join(escape_latex(str(name)) for name in frame.columns)
    rows = [" & ".join(escape_latex(str(value)) for value in row) for row in frame.to_numpy()]
    # A bracket after \\ would be read as its argument.
    body = "".join(f"  {'{}' if row[:1] == '[' else ''}{row} \\\\\n" for row in rows)
    return (
        "\\begin{table}\n\\centering\n"
        f"\\caption{{{escape_latex(caption)}}}\n\\label{{tab:{label}}}\n"
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n  {heads} \\\\\n\\midrule\n{body}"
        "\\bottomrule\n\\end{tabular}\n\\end{table}\n"
    )


def _is_numeric(column: pd.Series) -> bool:
    return all(_NUMBER.match(text) for text in column.astype(str) if text)
