"""The benchmark measures the right things, says what it skips, and prints every row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ccim_core.benchmarks import module as module_bench
from ccim_core.benchmarks import suite
from ccim_core.benchmarks.measuring import in_fresh_process
from ccim_core.benchmarks.module import (
    ModuleCase,
    NaiveCCIM,
    module_cases,
    naive_bytes,
    run_module_case,
)
from ccim_core.benchmarks.pictures import EncoderCase, run_encoder_case
from ccim_core.benchmarks.substitution import SubstitutionCase, run_substitution_case
from ccim_core.causal.ccim import CCIM
from ccim_core.cli import main
from ccim_core.files import read_json


@pytest.mark.parametrize("attention", ["dot", "additive"])
def test_the_naive_form_computes_the_same(attention: Any) -> None:
    arguments = (torch.randn(7, 12), torch.rand(7).softmax(0))
    naive = NaiveCCIM(*arguments, d_h=5, d_m=4, d_n=6, attention=attention)
    ours = CCIM(*arguments, d_h=5, d_m=4, d_n=6, attention=attention)
    ours.load_state_dict(naive.state_dict())
    h = torch.randn(3, 5)
    torch.testing.assert_close(naive(h), ours(h))


def test_module_cases_cover_the_sizes_asked_for() -> None:
    cases = module_cases(quick=False)
    assert {(case.rows, case.prototypes) for case in cases} == {
        (rows, n) for rows in (64, 512, 2048) for n in (256, 1024)
    }
    assert len(cases) == len(set(cases)) == 6 * 2 * 2
    assert 0 < len(module_cases(quick=True)) < len(cases)


def test_a_module_case_is_measured_in_memory_and_time() -> None:
    case = ModuleCase(attention="dot", form="naive", rows=64, prototypes=64)
    # In a process of its own, as the benchmark does: this one may hold freed memory to reuse.
    found = in_fresh_process(run_module_case, {"case": case, "device": "cpu", "min_seconds": 0})
    assert found["milliseconds"] > 0
    assert {"attention": "dot", "form": "naive", "rows": 64, "prototypes": 64}.items() <= (
        found.items()
    )
    # two (B, N, d) tensors of 32 MiB each, and with one thread a product's copies of them: what a
    # process sets up once is little beside them
    share = found["extra_mib"] / (naive_bytes(case) / 2**20)
    assert 0.5 < share < 2.5


def test_a_substitution_case_measures_both_readings_of_the_ratio() -> None:
    case = SubstitutionCase(rows=2, width=16, members=2)
    with torch.random.fork_rng():
        found = run_substitution_case(case=case, device="cpu", min_seconds=0, size=32)
    assert found["ratio"] == pytest.approx(found["substitution_ms"] / found["plain_ms"])
    assert found["encoding_ms"] > 0
    whole = found["plain_ms"] + found["head_ms"]
    assert found["ratio_with_head"] == pytest.approx(found["substitution_ms"] / whole)
    expected = (found["substitution_ms"] + found["encoding_ms"]) / (
        found["plain_ms"] + found["encoding_ms"]
    )
    assert found["ratio_with_encoding"] == pytest.approx(expected)


def test_an_encoder_case_counts_pictures_and_says_which_weights_are_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = EncoderCase(encoder="efficientnet-lite0", size=32, batch=2, precision="bf16")
    assert run_encoder_case(case=case, device="cpu", min_seconds=0)["pictures_per_second"] > 0
    monkeypatch.setenv("CCIM_HOME", str(tmp_path))
    absent = run_encoder_case(case=replace(case, encoder="resnet152"), device="cpu", min_seconds=0)
    assert "skipped" in absent
    assert "pictures_per_second" not in absent


def test_naive_cases_over_the_memory_cap_are_skipped_and_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[ModuleCase] = []

    def record(function: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        ran.append(arguments["case"])
        return dict(vars(arguments["case"]), milliseconds=1.0)

    monkeypatch.setattr(suite, "in_fresh_process", record)
    rows = suite.run_section("module", device="cpu", quick=True, memory_cap=2**30, quiet=True)
    skipped = [row for row in rows if "skipped" in row]
    assert [(row["form"], row["rows"]) for row in skipped] == [("naive", 512)] * 2
    assert all("cap 1.0 GiB" in row["skipped"] for row in skipped)
    assert len(ran) == len(rows) - 2
    table = suite.as_table(rows)
    assert len(table.splitlines()) == 1 + len(rows)
    assert table.count("skipped: needs") == 2


def test_the_command_prints_and_writes_every_section(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def record(name: str, **options: Any) -> list[dict[str, Any]]:
        return [{"case": name, "milliseconds": 1.5}, {"case": name, "skipped": "no such thing"}]

    monkeypatch.setattr(suite, "run_section", record)
    file = tmp_path / "figures.json"
    assert main(["benchmark", "--device", "cpu", "--quick", "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    for section in suite.SECTIONS.values():
        assert section.title in printed
    assert printed.count("skipped: no such thing") == len(suite.SECTIONS)
    written = read_json(file)
    assert list(written["results"]) == list(suite.SECTIONS)
    assert written["environment"]["device"] == "cpu"
    assert written["environment"]["threads"] >= 1


@pytest.mark.parametrize("arguments", [["--device", "tpu"], ["--memory-cap", "-1"]])
def test_bad_options_are_one_sentence_and_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", *arguments]) == 2
    assert capsys.readouterr().err.startswith("error: Expected")


def test_sections_of_the_command_are_those_of_the_suite() -> None:
    from ccim_core.cli import benchmark

    assert list(suite.SECTIONS) == list(benchmark._SECTIONS)
    assert module_bench.D == 2048
