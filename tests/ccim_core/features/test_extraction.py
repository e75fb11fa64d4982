import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from ccim_core.backbones import Encoder, build_encoder
from ccim_core.errors import InputError
from ccim_core.features import FeatureStore, View, extract_features, extract_views
from ccim_core.features import work as work_module
from ccim_core.manifest import Manifest
from ccim_core.pixels import pixel_encoder
from tests.ccim_core.features.toys import CountingReader, make_encoder, make_manifest
from tests.ccim_core.features.worker import N_IMAGES

MASKED = View(kind="masked")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "features"


def encode_slowly(
    manifest: Manifest, reader: CountingReader, encoder: Encoder, view: View, *, stage: str
) -> np.ndarray:
    """One picture at a time, nothing folded, nothing stored."""
    rows = []
    for record in manifest.frame.to_dict("records"):
        cut = view.apply(reader.read(record["image"]), record, encoder.preprocessing)
        with torch.inference_mode():
            feature_map = encoder.double()(encoder.preprocessing([cut]).double())
        encoder.float()
        rows.append(feature_map[0] if stage == "map" else feature_map[0].mean((1, 2)))
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("stage", ["pooled", "map"])
@pytest.mark.parametrize(
    "view", [View(kind="whole"), MASKED, View(kind="subject"), View(kind="face", grow=1.3)]
)
def test_features_equal_a_slow_loop(tmp_path: Path, root: Path, view: View, stage: str) -> None:
    manifest = make_manifest(tmp_path / "images", 7, subjects=2)
    reader, encoder = CountingReader(tmp_path / "images"), make_encoder()
    expected = encode_slowly(manifest, reader, encoder, view, stage=stage)
    for dtype, limit in (("float32", 1e-5), ("float16", 1e-3)):
        store = extract_features(
            manifest,
            reader,
            encoder,
            view,
            root=root,
            stage=stage,
            dtype=dtype,
            batch_size=3,
            quiet=True,
        )
        gathered = store.gather(manifest, reader)
        assert gathered.shape == expected.shape
        assert np.linalg.norm(gathered - expected) <= limit * np.linalg.norm(expected)


def test_worker_processes_change_nothing(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path / "images", 11, subjects=2)
    reader, encoder = CountingReader(tmp_path / "images"), make_encoder()
    gathered = [
        extract_features(
            manifest,
            reader,
            encoder,
            MASKED,
            root=tmp_path / f"features-{workers}",
            workers=workers,
            batch_size=4,
            quiet=True,
        ).gather(manifest, reader)
        for workers in (0, 2)
    ]
    np.testing.assert_array_equal(*gathered)


def test_nothing_is_decoded_or_encoded_twice(tmp_path: Path, root: Path) -> None:
    manifest = make_manifest(tmp_path / "images", 6, subjects=3)
    reader, encoder = CountingReader(tmp_path / "images"), make_encoder()
    half = Manifest(frame=manifest.frame.iloc[:9], labels=manifest.labels)
    for rows, pictures, encoded in ((half, 3, 9), (half, 0, 0), (manifest, 3, 9), (manifest, 0, 0)):
        reader.read_images.clear()
        encoder.trunk.seen.clear()
        extract_features(rows, reader, encoder, MASKED, root=root, batch_size=9, quiet=True)
        assert (len(reader.read_images), len(encoder.trunk.seen)) == (pictures, encoded)
    # Three subjects share a whole picture.
    encoder.trunk.seen.clear()
    extract_features(manifest, reader, encoder, View(kind="whole"), root=root, quiet=True)
    assert len(encoder.trunk.seen) == 6


def test_streams_share_each_decoded_picture(tmp_path: Path, root: Path) -> None:
    manifest = make_manifest(tmp_path / "images", 8, subjects=2)
    reader = CountingReader(tmp_path / "images")
    small, large = make_encoder(), make_encoder(width=5, size=32, seed=1)
    done = Manifest(frame=manifest.frame.iloc[4:6], labels=manifest.labels)
    extract_features(done, reader, small, MASKED, root=root, quiet=True)
    reader.read_images.clear()
    streams = [(small, MASKED), (large, View(kind="whole")), (small, View(kind="face"))]
    stores = extract_views(manifest, reader, [*streams, streams[0]], root=root, quiet=True)
    assert Counter(reader.read_images) == {f"{index}.png": 1 for index in range(8)}
    assert [len(store) for store in stores] == [16, 8, 8, 16]
    assert stores[3].path == stores[0].path
    for (encoder, view), store in zip(streams, stores[:3], strict=True):
        expected = encode_slowly(manifest, reader, encoder, view, stage="pooled")
        error = np.abs(store.gather(manifest, reader) - expected).max()
        assert error < 2e-3 * np.abs(expected).max()


def test_pixels_are_what_the_encoder_would_see(tmp_path: Path, root: Path) -> None:
    """With no network run, exactly, beside a stream that is encoded."""
    manifest = make_manifest(tmp_path / "images", 3, subjects=2)
    reader, source, encoder = CountingReader(tmp_path / "images"), pixel_encoder(20), make_encoder()
    black = View(kind="face_masked")
    stores = extract_views(
        manifest,
        reader,
        [(source, black), (encoder, MASKED)],
        root=root,
        stages=["pixels", "pooled"],
        precision="bf16",
        quiet=True,
    )
    assert (stores[0].shape, stores[0].stage) == ((20, 20, 3), "pixels")
    pixels = stores[0].gather(manifest, reader, dtype=stores[0].dtype)
    assert pixels.dtype == np.uint8
    for record, found in zip(manifest.frame.to_dict("records"), pixels, strict=True):
        picture = reader.read(record["image"]).copy()
        picture[5:12, 5:11] = 0
        np.testing.assert_array_equal(found, source.preprocessing.resize(picture))
    assert stores[1].shape == (encoder.width,)


def test_another_encoder_or_fine_tuned_weights_have_other_features(
    tmp_path: Path, root: Path
) -> None:
    manifest = make_manifest(tmp_path / "images", 2)
    reader, encoder = CountingReader(tmp_path / "images"), make_encoder()
    before = extract_features(manifest, reader, encoder, MASKED, root=root, quiet=True)
    with torch.no_grad():
        next(encoder.parameters()).add_(0.01)
    after = extract_features(manifest, reader, encoder, MASKED, root=root, quiet=True)
    assert after.path != before.path
    assert not np.array_equal(after.gather(manifest, reader), before.gather(manifest, reader))


def test_what_was_finished_before_a_failure_is_kept(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_module, "_CHUNK_ROWS", 4)
    manifest = make_manifest(tmp_path / "images", 12)
    reader, encoder = CountingReader(tmp_path / "images"), make_encoder()
    whole = (tmp_path / "images" / "9.png").read_bytes()
    (tmp_path / "images" / "9.png").write_bytes(whole[:60])
    view = View(kind="whole")
    for workers in (0, 1):
        with pytest.raises(InputError, match="Sample 9-0: Expected a whole PNG"):
            extract_features(
                manifest,
                reader,
                encoder,
                view,
                root=root,
                batch_size=2,
                workers=workers,
                quiet=True,
            )
        (path,) = root.iterdir()
        assert len(FeatureStore.open(path)) == 8
        assert not list((path / "claims").glob("claim-*"))
    (tmp_path / "images" / "9.png").write_bytes(whole)
    encoder.trunk.seen.clear()
    extract_features(manifest, reader, encoder, view, root=root, quiet=True)
    assert len(encoder.trunk.seen) == 4


def test_remains_of_a_killed_process_are_removed(tmp_path: Path, root: Path) -> None:
    manifest = make_manifest(tmp_path / "images", 3)
    reader, encoder = CountingReader(tmp_path / "images"), make_encoder()
    half = Manifest(frame=manifest.frame.iloc[:1], labels=manifest.labels)
    path = extract_features(half, reader, encoder, MASKED, root=root, quiet=True).path
    remains = [path / "shard-00.npy", path / ".shard-11-0123abcd.npy"]
    for file in remains:
        file.write_bytes(b"half")
    store = extract_features(manifest, reader, encoder, MASKED, root=root, quiet=True)
    assert not any(file.exists() for file in remains)
    assert len(store) == 3


def test_processes_divide_the_work_and_a_killed_one_is_taken_over(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.ccim_core.features.worker", str(tmp_path), "3"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    try:
        victim, log = pids[0], tmp_path / "log.txt"
        while not (log.exists() and log.read_text().count(f"{victim} ") >= 3):
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    lines = [line.split() for line in log.read_text().splitlines()]
    by_survivors = Counter(image for pid, image in lines if int(pid) != victim)
    assert set(by_survivors.values()) == {1}
    assert len({image for _, image in lines}) == N_IMAGES
    assert {int(pid) for pid, _ in lines} == set(pids)
    first, second = (np.load(tmp_path / f"gathered-{rank}.npy") for rank in (1, 2))
    np.testing.assert_array_equal(first, second)
    assert not (tmp_path / "gathered-0.npy").exists()


def test_features_that_are_not_finite_are_an_error(tmp_path: Path, root: Path) -> None:
    manifest = make_manifest(tmp_path / "images", 2)
    encoder = make_encoder()
    with torch.no_grad():
        encoder.trunk[1].bias[0] = float("nan")
    with pytest.raises(InputError, match="finite features of toy"):
        extract_features(
            manifest, CountingReader(tmp_path / "images"), encoder, MASKED, root=root, quiet=True
        )


def test_the_encoder_is_left_as_it_was(tmp_path: Path, root: Path) -> None:
    encoder = make_encoder().train()
    before = encoder.fingerprint()
    manifest = make_manifest(tmp_path / "images", 2)
    extract_features(
        manifest, CountingReader(tmp_path / "images"), encoder, MASKED, root=root, quiet=True
    )
    assert encoder.training
    assert encoder.fingerprint() == before
    assert all(parameter.requires_grad for parameter in encoder.parameters())


def test_bf16_is_near_and_filed_apart(tmp_path: Path, root: Path) -> None:
    manifest = make_manifest(tmp_path / "images", 4)
    reader = CountingReader(tmp_path / "images")
    encoder = build_encoder("efficientnet-lite0", size=64)
    stores = [
        extract_features(
            manifest, reader, encoder, MASKED, root=root, precision=precision, quiet=True
        )
        for precision in ("fp32", "bf16")
    ]
    exact, near = (store.gather(manifest, reader) for store in stores)
    assert stores[0].path != stores[1].path
    assert 0 < np.linalg.norm(near - exact) < 0.2 * np.linalg.norm(exact)


def test_an_empty_manifest_gives_an_empty_array(tmp_path: Path, root: Path) -> None:
    manifest = make_manifest(tmp_path / "images", 1)
    empty = Manifest(frame=manifest.frame.iloc[:0], labels=manifest.labels)
    reader = CountingReader(tmp_path / "images")
    store = extract_features(empty, reader, make_encoder(), MASKED, root=root, quiet=True)
    assert store.gather(empty, reader).shape == (0, 3)


@pytest.mark.parametrize("options", [{"stage": "last"}, {"precision": "fp8"}, {"dtype": "int8"}])
def test_unknown_options_are_refused(tmp_path: Path, root: Path, options: dict) -> None:
    manifest = make_manifest(tmp_path / "images", 1)
    with pytest.raises(InputError, match="Expected one of"):
        extract_features(
            manifest,
            CountingReader(tmp_path / "images"),
            make_encoder(),
            MASKED,
            root=root,
            **options,
        )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision, limit", [("fp32", 1e-3), ("bf16", 0.15)])
def test_a_gpu_agrees_with_the_cpu(tmp_path: Path, precision: str, limit: float) -> None:
    manifest = make_manifest(tmp_path / "images", 9)
    reader = CountingReader(tmp_path / "images")
    encoder = build_encoder("efficientnet-lite0")
    cpu, gpu = (
        extract_features(
            manifest,
            reader,
            encoder,
            MASKED,
            root=tmp_path / device,
            device=device,
            precision="fp32" if device == "cpu" else precision,
            batch_size=4,
            quiet=True,
        ).gather(manifest, reader)
        for device in ("cpu", "cuda")
    )
    assert np.linalg.norm(gpu - cpu) < limit * np.linalg.norm(cpu)
