"""A manifest's views of its rows, its file, and its identity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccim_core.errors import InputError
from ccim_core.labels import get_label_set
from ccim_core.manifest import Manifest, build_manifest, hash_table
from tests.ccim_core.manifest.frames import sound_frame

CAER, EMOTIC = get_label_set("caer-s"), get_label_set("emotic")


@pytest.fixture
def manifest() -> Manifest:
    frame = sound_frame()
    frame["scene"] = ["beach", None, "park", "bar", None, "bar"]
    frame["seed"] = np.arange(6) + 2**60
    frame["valence"] = [1.5, np.nan, 3, 4, 5, 6]
    return build_manifest(frame, CAER)[0]


def test_targets_agree_with_the_label_set(manifest: Manifest) -> None:
    expected = CAER.encode(manifest.frame["labels"].tolist())
    np.testing.assert_array_equal(manifest.targets(), expected)
    assert manifest.targets().dtype == np.float32
    frame = sound_frame(2)
    frame["labels"] = ["Anger|Yearning", "Fear"]
    targets = build_manifest(frame, EMOTIC)[0].targets()
    assert EMOTIC.decode(targets) == ["Anger|Yearning", "Fear"]


def test_splits_part_the_rows(manifest: Manifest) -> None:
    assert manifest.splits == ["train", "val", "test"]
    parts = [manifest.split(name) for name in manifest.splits]
    assert sum(len(part) for part in parts) == len(manifest)
    assert parts[1].frame["sample_id"].tolist() == ["s001", "s004"]
    assert parts[1].frame.index.tolist() == [0, 1]
    with pytest.raises(InputError, match=r"\['train', 'val', 'test'\], got 'dev'"):
        manifest.split("dev")


def test_boxes(manifest: Manifest) -> None:
    assert manifest.boxes().shape == (6, 4)
    assert manifest.boxes()[4].tolist() == [1, 2, 15, 22]
    assert np.isnan(manifest.face_boxes()).all()


def test_a_manifest_needs_its_columns() -> None:
    with pytest.raises(InputError, match="labels"):
        Manifest(frame=sound_frame().drop(columns="labels"), labels=CAER)


def test_saving_and_loading_change_nothing(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "study" / "manifest.parquet"
    manifest.save(path)
    loaded = Manifest.load(path)
    pd.testing.assert_frame_equal(loaded.frame, manifest.frame)
    assert loaded.labels == CAER
    assert loaded.content_hash() == manifest.content_hash()
    assert [file.name for file in path.parent.iterdir()] == ["manifest.parquet"]


def test_what_is_no_manifest_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "manifest.parquet"
    with pytest.raises(InputError, match="no such file"):
        Manifest.load(path)
    path.write_bytes(b"PAR1 and so on")
    with pytest.raises(InputError, match="Parquet file"):
        Manifest.load(path)
    sound_frame().to_parquet(path)
    with pytest.raises(InputError, match="prepare table"):
        Manifest.load(path)


def test_a_manifest_changed_behind_our_back_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "manifest.parquet"
    manifest.save(path)
    table = pq.read_table(path)
    labels = pa.array(["Sad", *table["labels"].to_pylist()[1:]])
    position = table.schema.get_field_index("labels")
    changed = table.set_column(position, "labels", labels)
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), path)
    with pytest.raises(InputError, match="changed since"):
        Manifest.load(path)


def test_a_manifest_of_a_later_format_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "manifest.parquet"
    manifest.save(path)
    table = pq.read_table(path)
    metadata = {
        key: value.replace(b'"format": 1', b'"format": 2')
        for key, value in table.schema.metadata.items()
    }
    pq.write_table(table.replace_schema_metadata(metadata), path)
    with pytest.raises(InputError, match="format 1"):
        Manifest.load(path)


def test_the_hash_is_of_the_content_and_not_of_its_form(manifest: Manifest) -> None:
    frame = manifest.frame
    same = [
        frame[frame.columns[::-1]],
        frame.set_index(pd.Index(range(10, 16))),
        frame.astype({"labels": "category", "split": object}),
        frame.astype({"x1": "float32", "valence": "Float64"}),
        frame.assign(seed=frame["seed"].astype("uint64").astype("int64")),
        pd.concat([frame.iloc[:2], frame.iloc[2:]]),
    ]
    assert {hash_table(other) for other in same} == {hash_table(frame)}


def test_the_hash_tells_every_change_of_content(manifest: Manifest) -> None:
    frame = manifest.frame
    changes = [
        frame,
        frame.iloc[::-1],
        frame.iloc[:5],
        frame.rename(columns={"scene": "place"}),
        frame.assign(seed=frame["seed"] + 1),  # beyond the integers that floats can tell apart
        frame.assign(scene=frame["scene"].fillna("")),
        frame.assign(valence=frame["valence"].fillna(0)),
        frame.assign(image=["0.pn", "g1.png", *frame["image"][2:]]),
        frame.assign(x1=frame["x1"] + 1e-12),
        frame.assign(streams=[[1, 2]] * 6),
        frame.assign(streams=[[1], [2]] * 3),
        frame.assign(streams=[1, "a"] * 3),
    ]
    assert len({hash_table(other) for other in changes}) == len(changes)
    other_labels = Manifest(frame=frame, labels=get_label_set("controlled"))
    assert other_labels.content_hash() != manifest.content_hash()


def test_the_hash_does_not_change_between_versions() -> None:
    """A stored hash must stay valid: this one was computed when the format was made."""
    frame = pd.DataFrame({"a": ["é", None], "b": [1, 2], "c": [0.5, np.nan], "d": [True, False]})
    assert hash_table(frame) == "5fe4b9a70b93f3adbcefa803f0dcb82630866b268d525fae5e07b03845d33b2c"
