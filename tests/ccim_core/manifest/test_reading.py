"""CSV and Parquet, and everything that calls itself one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ccim_core.errors import InputError
from ccim_core.labels import get_label_set
from ccim_core.manifest import find_faults, read_table
from tests.ccim_core.manifest.frames import sound_frame

HEADER = "sample_id,image,split,x1,y1,x2,y2,labels,scene,note\n"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_csv_tsv_and_parquet_say_the_same(tmp_path: Path) -> None:
    frame = sound_frame()
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "t.parquet")
    for suffix in ("csv", "tsv", "parquet"):
        pd.testing.assert_frame_equal(read_table(tmp_path / f"t.{suffix}"), frame)


def test_text_stays_text_and_numbers_become_numbers(tmp_path: Path) -> None:
    row = "007,0012,train,1,2,3,NaN,None,NA,5\n8,b.png,val,1,2,3,4,,,\n"
    frame = read_table(write(tmp_path / "t.csv", HEADER + row))
    assert frame["sample_id"].tolist() == ["007", "8"]
    assert frame.loc[0, ["image", "labels", "scene"]].tolist() == ["0012", "None", "NA"]
    assert frame["x1"].dtype == np.int64
    assert frame["y2"].isna().tolist() == [True, False]
    assert frame["note"].isna().tolist() == [False, True]
    assert frame["labels"].tolist() == ["None", ""]


def test_which_columns_are_text_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "Index,BBox\n01,02\n")
    assert read_table(path, text_columns=("Index",)).iloc[0].tolist() == ["01", 2]


def test_a_byte_order_mark_and_spaces_in_the_header_are_no_part_of_a_name(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "\ufeffsample_id, image\na,b\n")
    assert read_table(path).columns.tolist() == ["sample_id", "image"]


@pytest.mark.parametrize(
    "name, text, words",
    [
        ("t.xlsx", "x", r"named \.csv, \.tsv or \.parquet"),
        ("t.csv", "", "header"),
        ("t.csv", "\n\n", "header"),
        ("t.csv", "a,b,a\n1,2,3\n", r"\['a'\] more than once"),
        ("t.csv", "a;b\n1;2\n", "semicolons"),
        ("t.csv", "a,b\n1,2\n1,2,3\n", "something else"),
        ("t.csv", "a,b\n1,2,3\n", "2 cells a row"),
        ("t.csv", 'a,b\n"1,2\n', "something else"),
        ("t.parquet", "a,b\n1,2\n", "Parquet file"),
        ("t.parquet", "", "Parquet file"),
    ],
)
def test_a_bad_table_is_one_clear_error(name: str, text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words) as error:
        read_table(write(tmp_path / name, text))
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_other_encodings_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="UTF-8"):
        read_table(write(tmp_path / "t.csv", "a,b\né,1\n", "latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        read_table(write(tmp_path / "u.csv", "é,b\n1,1\n", "latin-1"))
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "absent.csv")


def test_a_header_alone_is_a_table_whose_fault_is_to_have_no_rows(tmp_path: Path) -> None:
    frame = read_table(write(tmp_path / "t.csv", HEADER))
    faults = find_faults(frame, get_label_set("caer-s"))
    assert [fault.cause for fault in faults] == ["no_rows"]
