"""Depth estimators of the optional library: the real code on a tiny network of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from ccim_core import depth_model
from ccim_core.depth_model import DepthModel
from ccim_core.errors import InputError
from ccim_core.weights import WEIGHTS, download_weights
from tests.ccim_core.file_server import serve_files
from tests.ccim_core.tiny_depth import write_depth_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return write_depth_model(tmp_path_factory.mktemp("depth") / "tiny")


@pytest.fixture
def damaged(folder: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in ((40, 60), (50, 30))]


def test_maps_cover_their_pictures_and_are_the_librarys(folder: Path) -> None:
    from transformers import pipeline

    model = DepthModel(folder, output="distance")
    found = model.depth(pictures())
    estimator = pipeline("depth-estimation", model=str(folder), device="cpu")
    for picture, depth in zip(pictures(), found, strict=True):
        assert depth.shape == picture.shape[:2]
        expected = estimator(Image.fromarray(picture))["predicted_depth"]
        np.testing.assert_allclose(depth, expected.numpy(), atol=1e-4)


def test_what_falls_with_distance_is_turned_round(folder: Path, tmp_path: Path) -> None:
    relative = DepthModel(folder)
    assert relative.output == "inverse"
    (turned,) = relative.depth(pictures()[:1])
    (plain,) = DepthModel(folder, output="distance").depth(pictures()[:1])
    np.testing.assert_array_equal(turned, -plain)
    assert np.ptp(plain) > 0
    metric = DepthModel(write_depth_model(tmp_path / "metric", kind="metric"))
    assert metric.output == "distance"
    assert (metric.depth(pictures()[:1])[0] >= 0).all()


def test_the_source_says_which_weights(folder: Path, damaged: Path) -> None:
    source = DepthModel(folder).source
    assert source.startswith("local folder tiny (sha256 ")
    state = load_file(damaged / "model.safetensors")
    state[next(iter(state))] *= 2
    save_file(state, damaged / "model.safetensors", metadata={"format": "pt"})
    assert DepthModel(damaged).source.split("sha256")[1] != source.split("sha256")[1]


def test_without_the_library_it_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depth_model, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'transformers>=5,<6'.* --files FOLDER"):
        DepthModel(folder)


def test_published_files_that_are_absent_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))
    with pytest.raises(InputError, match="weights get depth-anything-v2-small") as error:
        DepthModel()
    expected = tmp_path / "home" / "weights" / "depth-anything-v2-small" / "model.safetensors"
    assert str(expected) in str(error.value)


def test_published_files_are_downloaded_to_one_folder_and_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    files = {f"/{path.name}": path.read_bytes() for path in folder.iterdir()}
    with serve_files(files) as server:
        for name, entry in list(WEIGHTS.items()):
            if name.startswith("depth-anything"):
                address = f"{server.url}/{entry.file_name}"
                monkeypatch.setitem(WEIGHTS, name, replace(entry, address=address))
        paths = download_weights("depth-anything-v2-small", quiet=True)
    home = tmp_path / "home" / "weights" / "depth-anything-v2-small"
    assert {path.name for path in paths} == {path.name for path in folder.iterdir()}
    assert all(path.parent == home for path in paths)
    model = DepthModel()
    assert model.source.startswith("depth-anything-v2-small (sha256 ")
    (expected,) = DepthModel(folder).depth(pictures()[:1])
    np.testing.assert_array_equal(model.depth(pictures()[:1])[0], expected)
    (home / "config.json").write_text("{}")
    with pytest.raises(InputError, match="changed or damaged"):
        DepthModel()


def test_a_file_that_is_no_safetensors_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CCIM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    entry = WEIGHTS["depth-anything-v2-small"]
    with serve_files({"/model.safetensors": b"no tensors at all"}) as server:
        served = replace(entry, address=f"{server.url}/model.safetensors")
        monkeypatch.setitem(WEIGHTS, entry.name, served)
        with pytest.raises(InputError, match="Expected safetensors"):
            download_weights(entry.name, quiet=True)
        assert not served.path.exists()


def test_a_checkpoint_that_lacks_weights_is_not_filled_up_at_random(damaged: Path) -> None:
    state = load_file(damaged / "model.safetensors")
    del state[next(name for name in state if "head" in name)]
    save_file(state, damaged / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="Expected all weights .* got 1 missing"):
        DepthModel(damaged)


def test_weights_that_are_not_finite_are_refused(damaged: Path) -> None:
    state = load_file(damaged / "model.safetensors")
    state[next(name for name in state if name.endswith("weight"))].fill_(float("nan"))
    save_file(state, damaged / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="finite weights"):
        DepthModel(damaged)


def test_other_files_are_refused(damaged: Path) -> None:
    config = json.loads((damaged / "config.json").read_text())
    (damaged / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    with pytest.raises(InputError, match="Expected a depth estimator of transformers"):
        DepthModel(damaged)
    (damaged / "config.json").write_text(json.dumps(config))
    weights = (damaged / "model.safetensors").read_bytes()
    (damaged / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(InputError, match="another or damaged one"):
        DepthModel(damaged)
    (damaged / "model.safetensors").unlink()
    with pytest.raises(InputError, match="got no model.safetensors"):
        DepthModel(damaged)


def test_settings_that_do_not_say_what_is_given_are_asked_for(folder: Path) -> None:
    class Settings:
        model_type = "dpt"

    with pytest.raises(InputError, match="a dpt .* --depth-output distance or inverse"):
        depth_model._output(Settings(), folder)
