from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ccim_core import auxiliary
from ccim_core.auxiliary import (
    AUXILIARY,
    check_auxiliary,
    extract_auxiliary,
    import_auxiliary,
    prepare_depth,
)
from ccim_core.cli import main
from ccim_core.errors import InputError
from ccim_core.labels import LABEL_SETS
from ccim_core.manifest import Manifest
from ccim_core.pictures import PictureReader
from ccim_core.rendered.generator import ControlledConfig, controlled_frame
from ccim_core.rendered.rendering import RenderSpec, render
from tests.ccim_core.features.toys import make_manifest

KINDS = tuple(AUXILIARY)
SHAPES = {"landmarks": (68, 2), "face_points": (5, 2), "keypoints": (17, 3), "depth": (20, 30)}


@pytest.fixture(scope="module")
def rendered() -> Manifest:
    """Seven rendered rows, the last of them twice."""
    config = ControlledConfig(
        n_train=7, n_val=7, n_test=7, n_shift=7, n_twins=7, n_scenes=2, size=96
    )
    frame = controlled_frame(config).iloc[:7]
    frame = pd.concat([frame, frame.iloc[-1:].assign(sample_id="again")], ignore_index=True)
    return Manifest(frame=frame, labels=LABEL_SETS["controlled"])


READER = PictureReader({})


def test_rendered_rows_have_the_renderers_truth(tmp_path: Path, rendered: Manifest) -> None:
    stores = extract_auxiliary(rendered, READER, KINDS, root=tmp_path, quiet=True)
    found = dict(zip(KINDS, (store.gather(rendered, READER) for store in stores), strict=True))
    for i, row in enumerate(rendered.frame.to_dict("records")):
        truth = render(RenderSpec.from_uri(row["image"]))
        np.testing.assert_array_equal(found["landmarks"][i], truth.landmarks)
        np.testing.assert_array_equal(found["keypoints"][i], truth.keypoints)
        left, right, tip, *corners = found["face_points"][i]
        assert left[0] < tip[0] < right[0]
        assert max(left[1], right[1]) < tip[1] < min(corner[1] for corner in corners)
        assert corners[0][0] < corners[1][0]
        x1, y1, x2, y2 = (row[name] for name in ("face_x1", "face_y1", "face_x2", "face_y2"))
        nose = found["landmarks"][i, 27:31]
        assert (nose >= (x1, y1)).all()
        assert (nose <= (x2, y2)).all()
        expected = prepare_depth(truth.depth, rendered.boxes()[i].tolist())
        np.testing.assert_allclose(found["depth"][i], expected, rtol=1e-3)


def test_nothing_is_rendered_twice(
    tmp_path: Path, rendered: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ccim_core.rendered import rendering

    calls: list[str] = []
    original = rendering.render

    def counting(spec: RenderSpec) -> object:
        calls.append(spec.to_uri())
        return original(spec)

    monkeypatch.setattr(rendering, "render", counting)
    first = Manifest(frame=rendered.frame.iloc[:3], labels=rendered.labels)
    for rows, kinds, new in (
        (first, ["landmarks"], 3),
        (first, ["landmarks"], 0),
        (rendered, ["landmarks", "keypoints"], 7),
        (rendered, ["landmarks", "keypoints"], 0),
    ):
        calls.clear()
        extract_auxiliary(rows, READER, kinds, root=tmp_path, quiet=True)
        assert len(calls) == len(set(calls)) == new


def test_what_was_done_before_an_interruption_is_kept(
    tmp_path: Path, rendered: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ccim_core.features import work

    monkeypatch.setattr(work, "_CHUNK_ROWS", 2)
    truth, calls = auxiliary._truth, 0

    def dying(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return truth(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(auxiliary, "_truth", dying)
    with pytest.raises(KeyboardInterrupt):
        extract_auxiliary(rendered, READER, ["keypoints"], root=tmp_path, quiet=True)
    (store,) = extract_auxiliary(rendered, READER, ["keypoints"], root=tmp_path, quiet=True)
    assert len(store) == 7
    assert calls == 3 + 2  # chunks of two: three of seven rows were left, in two chunks


def test_depth_hides_the_subjects_shape_and_keeps_its_distance() -> None:
    depth = np.full((128, 128), 9.0, np.float32)
    depth[32:96, 32:64] = 2.0
    shaped = depth.copy()
    shaped[40:50, 40:50] = 2.5
    box = (32.0, 32.0, 64.0, 96.0)
    plain = prepare_depth(depth, box)
    assert plain.shape == (64, 64)
    np.testing.assert_array_equal(prepare_depth(shaped, box), plain)
    assert plain[20:40, 20:30].max() == 2
    assert plain[0, 0] == 9


@pytest.fixture
def photographs(tmp_path: Path) -> tuple[Manifest, PictureReader]:
    return make_manifest(tmp_path / "images", 3), PictureReader({"images": tmp_path / "images"})


def write_files(folder: Path, manifest: Manifest, kind: str, seed: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    for name in manifest.frame["sample_id"]:
        np.save(folder / f"{name}.npy", generator.uniform(1, 9, SHAPES[kind]))


@pytest.mark.parametrize("kind", KINDS)
def test_your_own_files_are_taken_in_once(
    tmp_path: Path, photographs: tuple[Manifest, PictureReader], kind: str
) -> None:
    manifest, reader = photographs
    root = tmp_path / "study" / "features"
    with pytest.raises(InputError, match=f"--study {root.parent} --kind {kind} --files") as error:
        extract_auxiliary(manifest, reader, [kind], root=root, quiet=True)
    assert ("--model.depth false" in str(error.value)) == (kind == "depth")
    write_files(tmp_path / "mine", manifest, kind)
    for _ in range(2):
        import_auxiliary(manifest, reader, kind, tmp_path / "mine", root=root, quiet=True)
    (store,) = extract_auxiliary(manifest, reader, [kind], root=root, quiet=True)
    found = store.gather(manifest, reader)
    assert len(store) == 3
    if kind != "depth":
        expected = [np.load(tmp_path / "mine" / f"{n}.npy") for n in manifest.frame["sample_id"]]
        np.testing.assert_allclose(found, np.stack(expected), rtol=1e-6)
    write_files(tmp_path / "mine", manifest, kind, seed=1)
    with pytest.raises(InputError, match="other values"):
        import_auxiliary(manifest, reader, kind, tmp_path / "mine", root=root, quiet=True)


def test_a_depth_map_of_another_size_is_filled_where_the_subject_is(tmp_path: Path) -> None:
    manifest = make_manifest(tmp_path / "images", 1)
    Image.new("RGB", (40, 40)).save(tmp_path / "images" / "0.png")
    reader = PictureReader({"images": tmp_path / "images"})
    depth = np.full((80, 80), 5.0)
    depth[8:41, 4:32] = np.random.default_rng(0).uniform(0, 3, (33, 28))  # the box, doubled
    np.save(tmp_path / "0-0.npy", depth)
    store = import_auxiliary(
        manifest, reader, "depth", tmp_path, root=tmp_path / "features", quiet=True
    )
    found = store.gather(manifest, reader)[0]
    assert np.ptp(found[8:32, 5:24]) == 0  # of 64 cells, well inside
    assert found[40:, 40:].min() == 5


@pytest.mark.parametrize(
    "values", [np.zeros((68, 3)), np.zeros(0), np.full((68, 2), np.nan), np.array("text")]
)
def test_values_of_another_shape_or_not_finite_are_refused(values: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"Expected .*landmarks.* in mine"):
        check_auxiliary("landmarks", values, source="mine")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = make_manifest(tmp_path / "images", 2)
    manifest.save(tmp_path / "manifest.parquet")
    source = [
        "--manifest",
        str(tmp_path / "manifest.parquet"),
        "--images",
        str(tmp_path / "images"),
    ]
    command = ["auxiliary", *source, "--quiet"]
    write_files(tmp_path / "mine", manifest, "landmarks")
    mine = ["--files", str(tmp_path / "mine")]
    assert main([*command, "--kind", "landmarks", *mine]) == 0
    assert "landmarks: 2 rows of 68 × 2" in capsys.readouterr().out
    (tmp_path / "mine" / "1-0.npy").write_bytes(b"no array")
    assert main([*command, "--kind", "landmarks", *mine]) == 2
    assert main([*command, "--kind", "keypoints", *mine]) == 2
    assert main([*command, *mine]) == 2
    assert main([*command, "--kind", "depth"]) == 2
    (tmp_path / "mine" / "1-0.npy").unlink()
    assert main([*command, "--kind", "landmarks", *mine]) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 5
    assert all(line.startswith("error: Expected") for line in errors)
