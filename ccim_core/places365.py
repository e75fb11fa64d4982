"""Names of the 365 scene categories of Places365, and which are indoors.

Source: Zhou et al., "Places: A 10 million Image Database for Scene Recognition" (2017); the two
files are published beside the weights at https://github.com/CSAILVision/places365.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ccim_core.errors import InputError

__all__ = ["N_SCENES", "read_indoor", "read_scene_names"]

N_SCENES = 365
_N_INDOOR = 160


def read_scene_names(path: Path | str) -> tuple[str, ...]:
    """Scene names in the order of the network's outputs, such as `"apartment_building/outdoor"`.

    Reads `categories_places365.txt`: lines such as `/a/airfield 0`.
    Raises InputError when it is not that file, whole.
    """
    table = _read_table(path)
    if [number for _, number in table] != list(range(N_SCENES)):
        raise InputError(
            f"Expected {N_SCENES} categories numbered from 0 in {path}, got {len(table)} lines "
            "numbered otherwise; the file is `categories_places365.txt`."
        )
    return tuple(name for name, _ in table)


def read_indoor(path: Path | str) -> np.ndarray:
    """Which scenes are indoors, (365,) bool, in the order of the network's outputs.

    Reads `IO_places365.txt`: lines such as `/a/airfield 2`, 1 for indoors, 2 for outdoors.
    Raises InputError when it is not that file, whole.
    """
    table = _read_table(path)
    sides = np.array([number for _, number in table])
    if len(sides) != N_SCENES or set(sides) != {1, 2} or (sides == 1).sum() != _N_INDOOR:
        raise InputError(
            f"Expected {_N_INDOOR} categories marked 1 (indoors) and {N_SCENES - _N_INDOOR} marked "
            f"2 (outdoors) in {path}, got something else; the file is `IO_places365.txt`."
        )
    return sides == 1


def _read_table(path: Path | str) -> list[tuple[str, int]]:
    """Lines `/a/name number`; the leading letter is only the publisher's folder."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError(f"Expected the scene categories at {path}, got no such file.") from None
    except UnicodeDecodeError:
        raise InputError(f"Expected the scene categories in {path}, got no text.") from None
    table = []
    for line in lines:
        name, _, number = line.strip().rpartition(" ")
        if not (len(name) > 3 and name[0] == name[2] == "/" and number.isdigit()):
            raise InputError(f"Expected lines such as `/a/airfield 0` in {path}, got {line!r}.")
        table.append((name[3:], int(number)))
    return table
