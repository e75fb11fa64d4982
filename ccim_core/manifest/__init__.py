"""The manifest: one table for every dataset, a row per annotated subject, validated whole.

schema.py columns and causes of faults; checks.py every fault by row; build.py policies and their
account; table.py the validated manifest; reading.py tables on disk; content.py identity.
"""

from ccim_core.manifest.build import CLEANING_POLICY, Action, Summary, build_manifest
from ccim_core.manifest.checks import CheckPictures, find_faults
from ccim_core.manifest.content import hash_table
from ccim_core.manifest.reading import read_table
from ccim_core.manifest.schema import (
    BOX_COLUMNS,
    CAUSES,
    FACE_COLUMNS,
    REQUIRED_COLUMNS,
    TEXT_COLUMNS,
    VAD_COLUMNS,
    Fault,
)
from ccim_core.manifest.table import Manifest

__all__ = [
    "BOX_COLUMNS",
    "CAUSES",
    "CLEANING_POLICY",
    "FACE_COLUMNS",
    "REQUIRED_COLUMNS",
    "TEXT_COLUMNS",
    "VAD_COLUMNS",
    "Action",
    "CheckPictures",
    "Fault",
    "Manifest",
    "Summary",
    "build_manifest",
    "find_faults",
    "hash_table",
    "read_table",
]
