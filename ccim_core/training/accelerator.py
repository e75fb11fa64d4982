"""The device, precision and processes that training and extraction run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["make_accelerator"]


def make_accelerator(*, device: str = "auto", precision: str = "fp32") -> Accelerator:
    """Accelerate on the device asked for: "auto", "cpu" or "cuda"; processes come from torchrun."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, PartialState

    # Accelerate keeps one state a process and refuses another precision or device later; runs of
    # one process may differ in both. A process group, once made, stays.
    alone = PartialState._shared_state.get("num_processes", 1) == 1
    AcceleratorState._reset_state(reset_partial_state=alone)
    return Accelerator(cpu=device == "cpu", mixed_precision="bf16" if precision == "bf16" else "no")
