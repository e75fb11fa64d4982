"""`features` and `dictionary`, as a user runs them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ccim_core.cli import main
from ccim_core.confounders import ConfounderDictionary
from ccim_core.encoder_specs import ENCODERS
from ccim_core.features import FeatureStore
from ccim_core.manifest import Manifest
from ccim_core.study import Study
from tests.ccim_core.features.toys import make_manifest

SIZE = ["--size", "32", "--quiet", "--device", "cpu"]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    manifest = make_manifest(tmp_path / "images", 12)
    frame = manifest.frame.assign(split=["train"] * 8 + ["test"] * 4)
    return Study.create(
        tmp_path / "study",
        name="toy",
        kind="table",
        labels=manifest.labels,
        manifest=Manifest(frame=frame, labels=manifest.labels),
        roots={"images": str(tmp_path / "images")},
    )


def stores(study: Study) -> dict[str, FeatureStore]:
    found = [FeatureStore.open(path) for path in study.features_root.iterdir()]
    return {store.view.kind: store for store in found}


def test_features_of_a_study(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["features", "--study", str(study.path), "--view", "masked", "face", *SIZE]
    assert main(command) == 0
    out = capsys.readouterr().out
    made = stores(study)
    assert set(made) == {"masked", "face"}
    assert len(made["masked"]) == 12
    assert str(made["masked"].path) in out
    assert f"dictionary --study {study.path} --encoder efficientnet-lite0 --size 32" in out
    assert made["masked"].gather(study.manifest, study.reader).shape == (12, 1280)


def test_options_reach_the_store(study: Study) -> None:
    options = ["--fill", "1,2,3", "--grow", "1.5", "--stage", "map", "--grey", "--split", "test"]
    options += ["--dtype", "float32", "--precision", "bf16", "--batch-size", "3", "--workers", "1"]
    assert main(["features", "--study", str(study.path), *options, *SIZE]) == 0
    store = stores(study)["masked"]
    assert (store.view.fill, store.view.grow, store.stage) == ((1, 2, 3), 1.5, "map")
    assert store.provenance.preprocessing.grey
    assert (store.record["dtype"], store.record["precision"]) == ("float32", "bf16")
    assert len(store) == 4


def test_a_manifest_outside_a_study(tmp_path: Path, study: Study) -> None:
    path = tmp_path / "images" / "m.parquet"
    study.manifest.save(path)
    assert main(["features", "--manifest", str(path), *SIZE]) == 0
    assert len(list((tmp_path / "images" / "features").iterdir())) == 1
    moved = tmp_path / "elsewhere" / "m.parquet"
    study.manifest.save(moved)
    options = ["--images", str(tmp_path / "images"), "--out", str(tmp_path / "out")]
    assert main(["features", "--manifest", str(moved), *options, *SIZE]) == 0
    assert len(list((tmp_path / "out" / "features").iterdir())) == 1


def test_dictionary_of_training_rows(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["dictionary", "--study", str(study.path), "--prototypes", "3", *SIZE]
    assert main(command) == 0
    path = study.dictionaries_root / "efficientnet-lite0-masked-train-3-seed0.safetensors"
    out = capsys.readouterr().out
    assert f"dictionary: {path}" in out
    assert f"train --study {study.path}" in out
    dictionary = ConfounderDictionary.load(path)
    assert dictionary.counts_.sum() == 8
    train = study.manifest.split("train")
    features = stores(study)["masked"].gather(train, study.reader)
    np.testing.assert_array_equal(dictionary.predict(features), dictionary.labels_)
    assert dictionary.provenance["encoder"]["source"].startswith("efficientnet_lite0")
    assert dictionary.provenance["manifest"] == study.manifest.content_hash()
    assert main([*command, "--random", "--name", "control"]) == 0
    control = ConfounderDictionary.load(study.dictionaries_root / "control.safetensors")
    assert control.kind == "random"
    np.testing.assert_array_equal(control.prior_, dictionary.prior_)


@pytest.mark.parametrize(
    "command, message",
    [
        (["features", "--study", "{study}", "--encoder", "resnet19"], "resnet18-places365"),
        (["features", "--study", "{study}", "--encoder", "resnet18"], "weights get resnet18-imag"),
        (["features", "--study", "{study}", "--weights", "no.pth"], "no such file"),
        (["features", "--study", "{study}", "--split", "val"], "'train', 'test'"),
        (["features", "--study", "{study}", "--fill", "red"], "127,127,127"),
        (["features", "--study", "{study}", "--size", "3"], "16 pixels"),
        (["features", "--study", "{study}", "--grow", "0"], "positive factor"),
        (["features", "--study", "{study}", "--batch-size", "0"], "--batch-size"),
        (["features", "--study", "{study}", "--images", "x"], "with --manifest only"),
        (["features", "--study", "nowhere"], "study"),
        (["features", "--manifest", "nowhere.parquet"], "no such file"),
        (["dictionary", "--study", "{study}", "--prototypes", "9"], "at least 9 distinct"),
        (["dictionary", "--study", "{study}", "--prototypes", "0"], "n_prototypes"),
        (["dictionary", "--study", "{study}", "--name", "../z"], "without folders"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    study: Study,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: list[str],
    message: str,
) -> None:
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))
    options = [part.format(study=study.path) for part in command]
    assert main([*options, "--quiet", *(() if "--size" in command else SIZE[:2])]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Expected")
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert not study.dictionaries_root.exists()


def test_a_broken_picture_names_the_sample(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "images" / "5.png").write_text("no picture")
    assert main(["features", "--study", str(study.path), *SIZE]) == 2
    assert "Sample 5-0: Expected a picture" in capsys.readouterr().err


def test_rows_without_a_face(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    frame: pd.DataFrame = study.manifest.frame.drop(
        columns=[f"face_{side}" for side in ("x1", "y1", "x2", "y2")]
    )
    Manifest(frame=frame, labels=study.labels).save(study.path / "manifest.parquet")
    assert main(["features", "--study", str(study.path), "--view", "face", *SIZE]) == 2
    assert "got none in 12 of 12" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["features", "dictionary"])
def test_a_box_that_nobody_found_is_not_masked(
    study: Study, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    frame = study.manifest.frame.assign(box_source=["picture"] + ["annotated"] * 11)
    Manifest(frame=frame, labels=study.labels).save(study.path / "manifest.parquet")
    options = ["--study", str(study.path), *SIZE]
    assert main([command, *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Expected a subject box in every row to mask it")
    assert "python -m ccim_core detect" in error
    assert len(error.strip().splitlines()) == 1
    prototypes = ["--prototypes", "3"] if command == "dictionary" else []
    assert main([command, *options, "--view", "whole", *prototypes]) == 0


def test_help_names_every_encoder(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["features", "--help"])
    words = capsys.readouterr().out.replace("-\n", "-").split()
    named = {word.strip(",;()") for word in words}
    short = {"efficientnet-lite1": "-lite1", "efficientnet-lite2": "-lite2"}
    assert {short.get(name, name) for name in ENCODERS} <= named
