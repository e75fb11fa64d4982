"""From pictures: encoder throughput, and the latency of a whole prediction."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch

from ccim_core.backbones import build_encoder
from ccim_core.benchmarks.measuring import seconds_of
from ccim_core.errors import InputError
from ccim_core.inference import frozen_copy

__all__ = ["EncoderCase", "encoder_cases", "run_encoder_case", "run_prediction_case"]


@dataclass(frozen=True, kw_only=True)
class EncoderCase:
    """A frozen encoder at a picture size (pixels) and batch size, in a precision."""

    encoder: str
    size: int
    batch: int
    precision: str


def encoder_cases(device: str, *, quick: bool) -> list[EncoderCase]:
    """The default encoder; on a GPU also ResNet-152, untrained if its weights are not here."""
    names = [("efficientnet-lite0", 112, 64)]
    if not quick:
        names += [("efficientnet-lite0", 128, 64), ("efficientnet-lite0", 224, 64)]
        names += [("resnet50", 224, 16 if device == "cpu" else 256)]
    if device == "cuda" and not quick:
        names += [("resnet152", 224, 256)]
    return [
        EncoderCase(encoder=name, size=size, batch=batch, precision=precision)
        for name, size, batch in names
        for precision in ("fp32", "bf16")
    ]


@torch.inference_mode()
def run_encoder_case(*, case: EncoderCase, device: str, min_seconds: float) -> dict[str, Any]:
    """Pictures a second through a frozen, folded, channels-last encoder; decoding not counted.

    Weights that are not on this machine make the case "skipped", with the reason.
    """
    try:
        encoder = frozen_copy(build_encoder(case.encoder, size=case.size), device=device)
    except InputError as error:
        return asdict(case) | {"skipped": str(error)}
    pictures = torch.randn(case.batch, 3, case.size, case.size, device=device)
    pictures = pictures.contiguous(memory_format=torch.channels_last)

    def step() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=case.precision == "bf16"):
            encoder.pool(encoder(pictures))

    step()
    seconds = median(seconds_of(step, device=device, min_seconds=min_seconds))
    return asdict(case) | {"pictures_per_second": case.batch / seconds}


def run_prediction_case(*, min_seconds: float) -> dict[str, Any]:
    """Milliseconds from a decoded photograph to every estimate, on the CPU, one at a time.

    The shipped photograph model answers for scikit-learn's flower.jpg (427 × 640 pixels),
    boxed by hand for want of a face, detection and every estimator included. Without the model
    the case is "skipped".

    Returns:
        open_ms: opening the model, once.
        first_ms: the first prediction, which loads detector and encoders.
        warm_ms: the median after it.
    """
    from sklearn.datasets import load_sample_image

    from ccim_core.predict import Predictor

    picture = load_sample_image("flower.jpg")
    box = (0.0, 0.0, 640.0, 427.0)
    started = time.perf_counter()
    try:
        predictor = Predictor.open()
    except InputError as error:
        return {"skipped": str(error)}
    opened = time.perf_counter()
    found = predictor.predict(picture, image="flower.jpg", box=box)
    first = time.perf_counter()
    times = seconds_of(
        lambda: predictor.predict(picture, image="flower.jpg", box=box),
        device="cpu",
        min_seconds=min_seconds,
    )
    return {
        "estimates": len(found[0]["estimates"]),
        "open_ms": 1e3 * (opened - started),
        "first_ms": 1e3 * (first - opened),
        "warm_ms": 1e3 * median(times),
    }
