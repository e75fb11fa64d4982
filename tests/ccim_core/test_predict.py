from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from ccim_core.cli import main
from ccim_core.predict import Predictor
from ccim_core.study import Study


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.asarray(skimage.data.astronaut())


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    path = tmp_path_factory.mktemp("photos") / "astronaut.png"
    Image.fromarray(astronaut).save(path)
    return path


@pytest.fixture(scope="module")
def predictor(tiny_study: Study) -> Predictor:
    return Predictor.open(tiny_study.path)


def test_every_estimate_is_there_and_sums_to_one(
    predictor: Predictor, astronaut: np.ndarray
) -> None:
    (found,) = predictor.predict(astronaut, image="astronaut.png")
    assert set(found["estimates"]) == {
        *("likelihood", "ccim", "backdoor", "prior_correction", "counterfactual")
    }
    for estimate in found["estimates"].values():
        assert sum(estimate["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert set(estimate["probabilities"]) == set(predictor.labels.emotions)
        assert len(estimate["weights_sha256"]) == 64
    assert found["absent"] == {}
    x1, y1, x2, y2 = found["box"]
    fx1, fy1, fx2, fy2 = found["face"]
    assert x1 <= fx1 < fx2 <= x2
    assert y1 <= fy1 < fy2 <= y2
    json.dumps(found)


def test_removing_a_stratum_changes_the_backdoor_as_told(
    predictor: Predictor, astronaut: np.ndarray
) -> None:
    """A removal's effect is that of Eq. 2 with that stratum's prior at zero."""
    from dataclasses import replace

    import torch

    from ccim_core.causal.backdoor import stratum_substitution

    (found,) = predictor.predict(astronaut, image="x")
    (reading,) = predictor.read(astronaut)
    run = predictor.by_estimator["backdoor"]
    u = reading.project(run).u
    for prototype in found["prototypes"][:3]:
        prior = run.context.strata.prior.clone()
        prior[prototype["index"]] = 0
        without = replace(run.context.strata, prior=prior / prior.sum())
        with torch.no_grad():
            changed = stratum_substitution(u, without, outputs=run.outputs)[0]
        before = found["estimates"]["backdoor"]["probabilities"]
        for j, emotion in enumerate(predictor.labels.emotions):
            expected = float(changed[j]) - before[emotion]
            assert prototype["effects"]["backdoor"][emotion] == pytest.approx(expected, abs=1e-5)


def test_no_face_is_nobody_until_a_box_is_given(predictor: Predictor) -> None:
    grass = np.full((120, 160, 3), (60, 140, 50), np.uint8)
    assert predictor.predict(grass, image="grass") == []
    (found,) = predictor.predict(grass, image="grass", box=(0, 0, 160, 120))
    assert found["box"] == [0, 0, 160, 120]
    assert found["face"] is None
    assert found["warnings"]


def test_the_shipped_model_answers_offline_and_says_when_it_saw_no_face(
    astronaut: np.ndarray,
) -> None:
    shipped = Predictor.open()
    (found,) = shipped.predict(astronaut, image="astronaut")
    assert len(found["estimates"]) == 5
    for estimate in found["estimates"].values():
        assert sum(estimate["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    likelihood = found["estimates"]["likelihood"]["probabilities"]
    assert max(likelihood, key=likelihood.__getitem__) == "Happy"
    assert shipped.card["encoder"]["held_out"]["balanced_accuracy"] >= 0.55
    grass = np.full((120, 160, 3), (60, 140, 50), np.uint8)
    assert shipped.predict(grass, image="grass") == []
    (empty,) = shipped.predict(grass, image="grass", box=(0, 0, 160, 120))
    assert len(empty["estimates"]) == 5
    assert any("face" in warning for warning in empty["warnings"])
    assert shipped.subject_box.kind == "body"
    size = sum(path.stat().st_size for path in shipped.study.path.rglob("*") if path.is_file())
    assert size < 16 * 2**20


def test_one_study_without_ccim_says_why_it_is_absent(tiny_study: Study) -> None:
    from ccim_core.run import Run

    predictor = Predictor(tiny_study, [Run.open(tiny_study.run_path("none-seed0"))])
    assert set(predictor.absent) == {"ccim", "counterfactual"}
    assert all("trained" in reason for reason in predictor.absent.values())


def test_command_prints_json(
    tiny_study: Study, photograph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["predict", str(photograph), "--study", str(tiny_study.path)]
    assert main([*command, "--json", "--box", "40,10,420,500"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["box"] == [40, 10, 420, 500]
    assert found["image"] == "astronaut.png"
    assert main(command) == 0
    assert "likelihood" in capsys.readouterr().out


def _bytes(mode: str, form: str, **options: object) -> bytes:
    picture = Image.fromarray(np.asarray(skimage.data.astronaut())).resize((200, 200))
    stream = io.BytesIO()
    picture.convert(mode).save(stream, form, **options)
    return stream.getvalue()


GOOD = {
    "cmyk.jpg": _bytes("CMYK", "JPEG"),
    "grey16.png": _bytes("I;16", "PNG"),
    "animation.gif": _bytes("P", "GIF"),
}
BAD = {
    "text.jpg": b"this is no picture",
    "truncated.jpg": _bytes("RGB", "JPEG")[:900],
    "empty.png": b"",
    "point.png": (lambda s: (Image.new("RGB", (1, 1)).save(s, "PNG"), s.getvalue())[1])(
        io.BytesIO()
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_unusual_pictures_work(
    tiny_study: Study, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(GOOD[name])
    assert main(["predict", str(tmp_path / name), "--study", str(tiny_study.path), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) >= 1


def one_sentence(error: str) -> bool:
    lines = error.strip().splitlines()
    return len(lines) == 1 and lines[0].startswith("error: ")


@pytest.mark.parametrize("name", BAD)
def test_bad_pictures_are_one_sentence(
    tiny_study: Study, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(BAD[name])
    assert main(["predict", str(tmp_path / name), "--study", str(tiny_study.path), "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert one_sentence(captured.err)


@pytest.mark.parametrize("box", ["600,600,700,700", "1,2,3", "a,b,c,d", "10,10,5,5", "nan,0,1,1"])
def test_bad_boxes_are_one_sentence(
    tiny_study: Study, photograph: Path, box: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["predict", str(photograph), "--study", str(tiny_study.path), f"--box={box}"])
    assert code == 2
    assert one_sentence(capsys.readouterr().err)


def test_missing_study_or_photograph_is_one_sentence(
    tmp_path: Path, photograph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(photograph), "--study", str(tmp_path)]) == 2
    assert one_sentence(capsys.readouterr().err)
    assert main(["predict", str(tmp_path / "absent.jpg")]) == 2
    assert one_sentence(capsys.readouterr().err)
