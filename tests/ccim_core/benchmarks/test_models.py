from __future__ import annotations

import json

import pytest

from ccim_core.benchmarks.models import describe_model
from ccim_core.cli import main
from ccim_core.models import MODELS


def test_operations_of_emot_net_are_those_of_its_matrices() -> None:
    found = describe_model("emot_net", encoder="resnet18", size=64, n_classes=7)
    linear = 2 * (512 * 256 + 512 * 256 + 256 * 7) / 1e6
    assert found["mflops"] == pytest.approx(linear)
    assert found["stratum_mflops"] == pytest.approx(2 * 256 * 7 / 1e6)
    assert found["streams"] == {"subject": [512], "context": [512]}
    assert found["parameters"] == 2 * 512 * 256 + 256 + 2 * 256
    assert found["encoder_parameters"] == 2 * 11_176_512  # torchvision's ResNet-18 less its head


def test_operations_of_caer_net_are_those_of_its_convolutions() -> None:
    found = describe_model("caer_net", encoder="efficientnet-lite0", size=32, n_classes=26)
    total = 0
    for side in (96, 112):
        before = 3
        for width in (32, 64, 128, 256, 256):
            total += 9 * before * width * side * side
            before, side = width, side // 2
    attention = 9 * (256 * 128 + 128) * 3 * 3
    linear = 2 * (256 * 128 + 256 * 128 + 128) + 128 * 26
    assert found["mflops"] == pytest.approx(2 * (total + attention + linear) / 1e6)
    assert found["encoder_mflops"] == 0


def test_a_stratum_costs_little_beside_a_forward_pass() -> None:
    for name in MODELS:
        found = describe_model(name, encoder="efficientnet-lite0", size=112)
        whole = found["mflops"] + found["encoder_mflops"]
        assert 256 * found["stratum_mflops"] < 0.05 * whole


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--size", "64"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in (*MODELS, "paper's"))
    assert main(["models", "--size", "64", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["model"]: row["d_h"] for row in rows} == {
        "caer_net": 128,
        "emoticon": 78,
        "emot_net": 256,
        "gcn_cnn": 1024,
    }
    for options in (["--classes", "1"], ["--size", "3"], ["--encoder", "nothing"]):
        assert main(["models", *options]) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 3
    assert all(line.startswith("error: Expected") for line in errors)
