"""Every model × every intervention on a rendered study: trained, reloaded, evaluated."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ccim_core.training.train as train_module
from ccim_core.errors import InputError
from ccim_core.evaluation.evaluate import evaluate_run
from ccim_core.evaluation.predictions import read_predictions
from ccim_core.evaluation.probes import probe_run
from ccim_core.labels import LABEL_SETS
from ccim_core.manifest import build_manifest
from ccim_core.models import MODELS
from ccim_core.predict import Predictor
from ccim_core.rendered.generator import ControlledConfig, controlled_frame
from ccim_core.run import Run
from ccim_core.study import Study
from ccim_core.training.assembly import split_samples
from ccim_core.training.config import RunConfig, replace_field
from ccim_core.training.data import StudyData
from ccim_core.training.streams import stream_plans
from ccim_core.training.train import train_run
from tests.ccim_core.training.test_train import FIELDS, make_study
from tests.ccim_core.training.tiny import tiny_config

NAMES = sorted(MODELS)
INTERVENTIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "ccim-dot": {"intervention__name": "ccim"},
    "ccim-additive": {"intervention__name": "ccim", "intervention__attention": "additive"},
    "counterfactual": {"intervention__name": "counterfactual"},
    "logit_adjusted": {"intervention__name": "logit_adjusted"},
}
ESTIMATORS = {
    "none": {"likelihood", "backdoor", "prior_correction"},
    "ccim-dot": {"ccim", "backdoor", "prior_correction"},
    "ccim-additive": {"ccim", "backdoor", "prior_correction"},
    "counterfactual": {"likelihood", "backdoor", "prior_correction", "counterfactual"},
    "logit_adjusted": {"likelihood", "backdoor"},
}


def make_config(name: str, **fields: Any) -> RunConfig:
    """The base config with a model's name; small networks for those that train their own."""
    return tiny_config(
        **{
            "model__name": name,
            "model__d_h": None,
            "model__channels": 0.125,
            "model__subject_pixels": 32,
            "model__context_pixels": 32,
            "encoder__subject_size": 64,
            "encoder__context_size": 64,
            "train__epochs": 5,
            "train__batch_size": 14,
            "optim__lr": 3e-3,
            **fields,
        }
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A rendered study: nothing but its manifest."""
    sizes = {"n_train": 56, "n_val": 21, "n_test": 21, "n_shift": 21, "n_twins": 7}
    frame = controlled_frame(ControlledConfig(**sizes, n_scenes=4, size=96))
    frame = frame[frame["split"].isin(["train", "val", "shift"])].reset_index(drop=True)
    manifest, _ = build_manifest(frame, LABEL_SETS["controlled"])
    return Study.create(
        tmp_path_factory.mktemp("models") / "study",
        name="models",
        kind="controlled",
        labels=LABEL_SETS["controlled"],
        manifest=manifest,
    )


@pytest.fixture(scope="module")
def data(study: Study) -> StudyData:
    torch.set_num_threads(1)
    return StudyData(study, quiet=True)


@pytest.mark.parametrize("intervention", INTERVENTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_trains_reloads_and_answers(
    study: Study,
    data: StudyData,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    intervention: str,
) -> None:
    config = make_config(name, **INTERVENTIONS[intervention])
    config = replace_field(config, "name", f"{name}-{intervention}")
    kept: list[Any] = []
    write = train_module.write_run

    def keeping(path: Path, **options: Any) -> Run:
        kept.append(copy.deepcopy(options["network"]).eval())
        return write(path, **options)

    monkeypatch.setattr(train_module, "write_run", keeping)
    run = Run.open(train_run(study, config, device="cpu", data=data, quiet=True))
    history = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    samples = split_samples(data, config, "val")
    (batch,) = samples.batches([torch.arange(len(samples))])
    with torch.no_grad():
        assert torch.equal(run.network(batch).logits, kept[0](batch).logits)
    evaluation = evaluate_run(run, data, splits=["shift"], n_bootstrap=0)
    assert {row["estimator"] for row in evaluation["rows"]} == ESTIMATORS[intervention]
    table = read_predictions(run, split="shift")
    outputs = table[list(run.labels.emotions)].to_numpy()
    assert len(outputs) == 21 * len(ESTIMATORS[intervention])
    np.testing.assert_allclose(outputs.sum(1), 1, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_one_field_changes_the_model(name: str) -> None:
    """d_h, views and sizes follow the name; all else is the config's."""
    plans = stream_plans(replace_field(RunConfig(), "model.name", name))
    expected = {
        "caer_net": {"face", "context"},
        "emot_net": {"subject", "context"},
        "emoticon": {"landmarks", "keypoints", "image", "depth"},
        "gcn_cnn": {"subject", "context"},
    }
    assert set(plans) == expected[name]


@pytest.mark.parametrize("name", NAMES)
def test_probes_read_every_models_streams(study: Study, data: StudyData, name: str) -> None:
    config = make_config(name, train__epochs=1)
    config = replace_field(config, "name", f"probed-{name}")
    run = Run.open(train_run(study, config, device="cpu", data=data, quiet=True))
    records = probe_run(run, data, split="shift")
    assert {"S", "C", "h"} <= {record["features"] for record in records}


def test_a_model_is_shown_parts_of_rendered_pictures(study: Study, data: StudyData) -> None:
    """What the oracles see: only the subject, and only people."""
    parts = {"model__subject_parts": "subject", "model__context_parts": "people"}
    shown = data.streams(make_config("caer_net", **parts), "val")
    whole = data.streams(make_config("caer_net"), "val")
    # Between the people is the renderer's grey.
    grey = [(array["context"] == 128).all(-1).mean() for array in (shown, whole)]
    assert grey[0] > grey[1] + 0.2
    with pytest.raises(InputError, match="depth"):
        data.streams(make_config("emoticon", **parts), "val")
    assert "depth" not in data.streams(make_config("emoticon", **parts, model__depth=False), "val")


def test_photographs_without_landmarks_are_refused_with_the_command(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s")
    config = tiny_config(**FIELDS, model__name="emoticon", model__d_h=None)
    with pytest.raises(InputError, match=r"ccim_core auxiliary --study .* --kind landmarks"):
        train_run(study, config, device="cpu", quiet=True)
    assert study.run_paths() == []
    config = tiny_config(**FIELDS, model__name="caer_net", model__d_h=None)
    with pytest.raises(InputError, match="face box .* run `detect`"):
        train_run(study, config, device="cpu", quiet=True)


def test_networks_of_their_own_have_no_encoder_to_tune(study: Study, data: StudyData) -> None:
    config = replace_field(make_config("caer_net", encoder__finetune=True), "name", "tuned")
    with pytest.raises(InputError, match="finetune"):
        train_run(study, config, device="cpu", data=data, quiet=True)


def test_gcn_cnn_tunes_its_encoders(tmp_path: Path) -> None:
    study = make_study(tmp_path / "s")
    fields = {**FIELDS, "encoder__finetune": True, "train__epochs": 1, "model__channels": 0.1}
    config = tiny_config(**fields, model__name="gcn_cnn")
    run = Run.open(train_run(study, config, device="cpu", quiet=True))
    pictures = torch.randn(2, 3, 32, 32)
    u, v = run.project({"subject": pictures, "context": pictures})
    assert u.shape == v.shape == (2, 16)


def test_a_new_picture_is_answered_as_far_as_it_can_be(study: Study, data: StudyData) -> None:
    """CAER-Net reads all it needs from a picture; EmotiCon must be told, or says what it lacks."""
    row = study.manifest.frame.iloc[data.rows("shift")[0]]
    picture = study.reader.read(row["image"])
    box = tuple(float(row[name]) for name in ("x1", "y1", "x2", "y2"))
    from ccim_core.rendered.rendering import RenderSpec, render

    truth = render(RenderSpec.from_uri(row["image"]))
    known = {name: getattr(truth, name) for name in ("landmarks", "keypoints", "depth")}
    config = replace_field(make_config("emoticon", train__epochs=1), "name", "told")
    run = Run.open(train_run(study, config, device="cpu", data=data, quiet=True))
    evaluate_run(run, data, splits=["shift"], n_bootstrap=0)
    predictor = Predictor(study, [run])
    (lacking,) = predictor.predict(picture, image="x", box=box)
    assert lacking["estimates"] == {}
    assert "landmarks and keypoints and depth" in lacking["absent"]["likelihood"]
    (found,) = predictor.predict(picture, image="x", box=box, known=known)
    table = read_predictions(run, split="shift")
    expected = table[table["sample_id"] == row["sample_id"]].set_index("estimator")
    for key, estimate in found["estimates"].items():
        for emotion, value in estimate["probabilities"].items():
            # Depth maps and features of the study are stored in half precision.
            assert value == pytest.approx(expected.loc[key, emotion], abs=5e-3)
    with pytest.raises(InputError, match="box"):
        predictor.predict(picture, image="x", known=known)
    with pytest.raises(InputError, match="landmarks"):
        predictor.predict(picture, image="x", box=box, known={"landmarks": np.zeros((5, 2))})
