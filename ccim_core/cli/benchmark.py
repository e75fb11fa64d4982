"""`benchmark`: speed and memory of the method's parts on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

__all__ = ["add_parser"]

# The keys of `ccim_core.benchmarks.suite.SECTIONS`, which is too heavy to import for --help.
_SECTIONS = ("module", "substitution", "encoder", "prediction")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "benchmark",
        help="speed and memory on this machine",
        description="Measure the intervention module against a naive form, stratum substitution "
        "against a plain forward pass, encoder throughput and prediction latency. Every case "
        "runs in a process of its own.",
    )
    parser.add_argument("--device", help="cpu or cuda; the GPU where there is one by default")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller cases")
    parser.add_argument(
        "--section", choices=_SECTIONS, action="append", help="only this one; may be repeated"
    )
    parser.add_argument(
        "--memory-cap",
        type=float,
        metavar="GIB",
        help="memory that the naive form may take; half of what is free by default",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.set_defaults(func=_benchmark)


def _benchmark(arguments: argparse.Namespace) -> int:
    from ccim_core.benchmarks.measuring import resolve_device
    from ccim_core.benchmarks.suite import SECTIONS, as_table, run_section
    from ccim_core.environment import describe_environment
    from ccim_core.errors import InputError
    from ccim_core.files import write_json

    device = resolve_device(arguments.device)
    cap = arguments.memory_cap
    if cap is not None and not cap > 0:
        raise InputError(f"Expected --memory-cap above 0, got {cap}.")
    environment = describe_environment(device=device) | _threads()
    print(
        f"{environment['device']}, {environment['threads']} threads, "
        f"torch {environment['packages']['torch']}, commit {environment['commit']}"
    )
    results: dict[str, list[dict[str, Any]]] = {}
    for name in arguments.section or _SECTIONS:
        results[name] = run_section(
            name,
            device=device,
            quick=arguments.quick,
            memory_cap=None if cap is None else int(cap * 2**30),
        )
        print(f"\n{SECTIONS[name].title}\n{SECTIONS[name].note}\n{as_table(results[name])}")
    if arguments.json is not None:
        write_json(arguments.json, {"environment": environment, "results": results})
        print(f"\nWritten: {arguments.json}")
    return 0


def _threads() -> dict[str, Any]:
    import torch

    return {"threads": torch.get_num_threads()}
