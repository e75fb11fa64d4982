"""Tiny instances of the public datasets in their real on-disk formats."""

from tests.ccim_core.datasets.builders.drawing import draw_picture, save_picture
from tests.ccim_core.datasets.builders.emotic_arrays import build_emotic_arrays
from tests.ccim_core.datasets.builders.emotic_faults import FaultyEmotic, build_faulty_emotic
from tests.ccim_core.datasets.builders.emotic_mat import (
    EMOTIONS,
    build_emotic,
    emotic_person,
    emotic_record,
    save_emotic_mat,
)
from tests.ccim_core.datasets.builders.folders_and_tables import (
    build_caer_s,
    build_groupwalk_table,
    build_table,
    table_rows,
)

__all__ = [
    "EMOTIONS",
    "FaultyEmotic",
    "build_caer_s",
    "build_emotic",
    "build_emotic_arrays",
    "build_faulty_emotic",
    "build_groupwalk_table",
    "build_table",
    "draw_picture",
    "emotic_person",
    "emotic_record",
    "save_emotic_mat",
    "save_picture",
    "table_rows",
]
