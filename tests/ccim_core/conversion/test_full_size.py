"""A caffemodel of ResNet-152's real size, 240 MB: its logits, and the memory that it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ccim_core.backbones import build_encoder
from tests.ccim_core.conversion import small_networks
from tests.ccim_core.conversion.caffe_files import forward, write
from tests.ccim_core.places365_files import CATEGORIES

NAME = "resnet152-places365"
SIDE = 224
MEAN = (104.051, 112.514, 116.676)
# Its own peak memory (`ru_maxrss` of a child counts the parent that it was forked from), and what
# a process that has loaded the libraries holds before.
MEASURED = """
import re, sys, time
import ccim_core.conversion, torchvision.models
from ccim_core.cli import main
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
before = peak()
code = main(sys.argv[1:])
print(time.process_time(), peak(), before, file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture
def full_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small networks' builder at ResNet-152's widths, depths and names."""
    lettered = ("a", "b", "c")
    numbered = [("a", *(f"b{k}" for k in range(1, n))) for n in (8, 36)]
    names = [lettered, *numbered, lettered]
    for setting, value in (
        ("_STEM", 64),
        ("_PLANES", (64, 128, 256, 512)),
        ("_NAMES", names),
        ("N_CLASSES", 365),
        ("SIZE", SIDE),
    ):
        monkeypatch.setattr(small_networks, setting, value)


@pytest.mark.slow
@pytest.mark.usefixtures("full_size")
def test_the_real_size_converts_in_little_more_than_the_file_and_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "weights").mkdir(parents=True)
    (tmp_path / "home" / "weights" / "categories_places365.txt").write_text(CATEGORIES)
    layers = small_networks.caffe_resnet_layers()
    original, out = tmp_path / "resnet152.caffemodel", tmp_path / "out.safetensors"
    original.write_bytes(write(layers))
    assert original.stat().st_size > 235e6
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "weights", "convert", NAME, original, "--out", out],
        cwd=Path(__file__).parents[3],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, peak, before = map(float, done.stderr.split()[-3:])
    print(f"{seconds:.1f} s CPU, {peak / 1e6:.2f} GB, of which {before / 1e6:.2f} before it")
    assert (peak - before) * 1024 < 3 * original.stat().st_size
    encoder = build_encoder(NAME, weights=out)
    (picture,) = small_networks.pictures(1, size=SIDE)
    with torch.inference_mode():
        found = encoder.classify(encoder(encoder.preprocessing([picture])))
    expected = forward(layers, picture[None], MEAN)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.numpy() / scale, expected / scale, atol=1e-5)
