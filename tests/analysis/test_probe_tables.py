"""How much of the scene is left in each run's features, as the shipped study keeps it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from analysis.cli import main
from analysis.probe_tables import load_probes, probe_figure, probe_lines
from ccim_core.demo import DEMO_STUDY
from ccim_core.errors import InputError
from ccim_core.study import Study
from tests.analysis.test_bias_command import answer

REPORTED = ("none", "ccim", "counterfactual")


@pytest.fixture
def shipped(tmp_path: Path) -> Study:
    return Study.open(shutil.copytree(DEMO_STUDY, tmp_path / "demo"))


def test_the_shipped_study_reports_vanilla_ccim_and_counterfactual(shipped: Study) -> None:
    probes = load_probes(shipped)
    assert probes is not None
    scene = probes[probes["label"] == "scene"]
    runs = {run.rsplit("-seed", 1)[0] for run in scene["run"]}
    assert runs >= set(REPORTED)
    for run in scene["run"].unique():
        mine = scene[scene["run"] == run].set_index("features")
        assert {"S", "C", "h"} <= set(mine.index)
        assert ("W_h h + W_g g" in mine.index) == run.startswith("ccim")
    assert (scene["low"] <= scene["accuracy"]).all()
    assert (scene["accuracy"] <= scene["high"]).all()
    lines = probe_lines(probes)
    assert len(lines) == 2 + scene["run"].nunique()
    figure = probe_figure(probes)
    shown = [run for trace in figure.data for (run,) in trace.customdata]
    assert set(shown) == set(scene["run"])
    assert list(figure.layout.yaxis.ticktext) == list(dict.fromkeys(scene["run"]))


def test_embed_tells_them_with_what_a_shared_study_keeps(
    shipped: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["embed", "--study", str(shipped.path), "--quiet"]
    found = answer(capsys, *words, "--out", str(tmp_path / "out"))
    assert {one["label"] for one in found["scene_probes"]} == {"scene", "labels"}
    assert len(found["embeddings"]) >= 2
    for one in found["embeddings"]:
        assert not one["computed"]
        assert len(one["measures"]) == 10
        page = Path(one["files"][-1]).read_text(encoding="utf-8")
        assert "How much of the scene is left" in page
    assert "shared without its runs" in found["notes"][0]
    assert main(words) == 0
    lines = capsys.readouterr().out
    assert "a linear probe reads the scene from" in lines
    assert "counterfactual-seed0" in lines


def test_a_study_without_probes_has_none_and_another_file_is_refused(shipped: Study) -> None:
    path = shipped.analysis_root / "probes.json"
    path.write_text(json.dumps([{"run": "x"}]))
    with pytest.raises(InputError, match="Expected probes"):
        load_probes(shipped)
    path.unlink()
    assert load_probes(shipped) is None
