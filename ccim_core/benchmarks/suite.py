"""All sections of the benchmark in order, their rows, and the table that people read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ccim_core.benchmarks.measuring import available_memory, in_fresh_process
from ccim_core.benchmarks.module import module_cases, naive_bytes, run_module_case
from ccim_core.benchmarks.pictures import encoder_cases, run_encoder_case, run_prediction_case
from ccim_core.benchmarks.substitution import run_substitution_case, substitution_cases
from ccim_core.progress import progress

__all__ = ["SECTIONS", "Section", "as_table", "run_section"]

Row = dict[str, Any]
Task = Callable[[], Row]


class Section:
    """A part of the benchmark: its title, what its columns mean, and its tasks.

    Args:
        tasks: from device, quick and memory cap (bytes, or None) to one task a row.
    """

    def __init__(
        self, title: str, note: str, tasks: Callable[[str, bool, int | None], Iterator[Task]]
    ) -> None:
        self.title, self.note, self.tasks = title, note, tasks


def _module_tasks(device: str, quick: bool, memory_cap: int | None) -> Iterator[Task]:
    cap = available_memory(device) // 2 if memory_cap is None else memory_cap
    for case in module_cases(quick=quick):
        needed = naive_bytes(case)
        if case.form == "naive" and needed > cap:
            reason = f"needs {needed / 2**30:.1f} GiB, cap {cap / 2**30:.1f} GiB"
            yield partial(dict, vars(case), skipped=reason)
        else:
            arguments = {"case": case, "device": device, "min_seconds": _seconds(quick)}
            yield partial(in_fresh_process, run_module_case, arguments)


def _substitution_tasks(device: str, quick: bool, _: int | None) -> Iterator[Task]:
    for case in substitution_cases(quick=quick):
        arguments = {"case": case, "device": device, "min_seconds": _seconds(quick)}
        yield partial(in_fresh_process, run_substitution_case, arguments)


def _encoder_tasks(device: str, quick: bool, _: int | None) -> Iterator[Task]:
    for case in encoder_cases(device, quick=quick):
        arguments = {"case": case, "device": device, "min_seconds": _seconds(quick)}
        yield partial(in_fresh_process, run_encoder_case, arguments)


def _prediction_tasks(device: str, quick: bool, _: int | None) -> Iterator[Task]:
    yield partial(in_fresh_process, run_prediction_case, {"min_seconds": _seconds(quick)})


def _seconds(quick: bool) -> float:
    return 0.2 if quick else 1.0


SECTIONS: dict[str, Section] = {
    "module": Section(
        "CCIM, forward and backward",
        "d = 2048, d_h = d_n = 256, d_m = 128; extra_mib is the highest memory of a step less "
        "that before it; naive holds a (B, N, d) tensor.",
        _module_tasks,
    ),
    "substitution": Section(
        "Stratum substitution, 256 strata",
        "EMOT-Net, 7 emotions, a batch of rows, members a stratum. ratio: from cached features, "
        "substitution over a plain forward. ratio_with_head: over a plain forward and the head on "
        "every pair of row and member, which Eq. 2 asks for. ratio_with_encoding: plain forward "
        "and substitution both with the encoder's forward of the two streams (EfficientNet-Lite0, "
        "112 px), as for a new picture.",
        _substitution_tasks,
    ),
    "encoder": Section(
        "Encoder throughput",
        "Frozen, batch normalisation folded, channels-last; decoding not counted.",
        _encoder_tasks,
    ),
    "prediction": Section(
        "Prediction latency",
        "A decoded photograph to every estimate, detection included, on the CPU.",
        _prediction_tasks,
    ),
}


def run_section(
    name: str, *, device: str, quick: bool, memory_cap: int | None = None, quiet: bool = False
) -> list[Row]:
    """Rows of one section. A case that cannot run has a "skipped" reason in place of figures.

    Args:
        name: a key of `SECTIONS`.
        device: "cpu" or "cuda".
        quick: fewer and smaller cases.
        memory_cap: bytes that the naive form may take; half of what is free if None.
    """
    tasks = list(SECTIONS[name].tasks(device, quick, memory_cap))
    return [task() for task in progress(tasks, SECTIONS[name].title, unit="case", quiet=quiet)]


def as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as aligned text, a line a row; a skipped row ends with its reason."""
    columns = list(dict.fromkeys(key for row in rows for key in row if key != "skipped"))
    cells = [[_cell(row.get(column, "")) for column in columns] for row in rows]
    widths = [
        max(len(text) for text in (column, *(line[place] for line in cells)))
        for place, column in enumerate(columns)
    ]
    lines = [_line(columns, widths)]
    for row, line in zip(rows, cells, strict=True):
        reason = f"  skipped: {row['skipped']}" if "skipped" in row else ""
        lines.append(_line(line, widths) + reason)
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


def _cell(value: Any) -> str:
    if value is None:
        return "unknown"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
