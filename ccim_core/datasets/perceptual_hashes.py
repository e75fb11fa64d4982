"""Near-duplicates by perceptual hash: frames of one clip that lie in two splits.

The hash is `imagehash.phash` (64 bits of the low frequencies of a 32 × 32 grey picture): it stays
nearly the same under scaling, compression and small changes of light. It is a count of suspects
and no proof: plain or dark pictures share hashes without being copies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from ccim_core.errors import InputError
from ccim_core.images import Picture

__all__ = ["HASH_BITS", "NearDuplicates", "find_near_duplicates", "hash_picture"]

HASH_BITS = 64
_ROWS_AT_ONCE = 256
_COLUMNS = ("split", "image", "other_split", "other_image", "distance")


def hash_picture(picture: Picture) -> int:
    """Perceptual hash of an (H, W, 3) uint8 picture, 64 bits."""
    import imagehash  # brings SciPy's and PyWavelets' transforms

    bits = imagehash.phash(Image.fromarray(picture)).hash
    return int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big")


@dataclass(frozen=True, kw_only=True)
class NearDuplicates:
    """Pictures that have a near-duplicate in another split.

    `matches`: a row for each picture with one, and its nearest in the other split: `split, image,
    other_split, other_image, distance` (differing bits of 64). `sizes`: pictures a split.
    """

    max_distance: int
    sizes: dict[str, int]
    matches: pd.DataFrame

    def counts(self) -> list[dict[str, Any]]:
        """For each ordered pair of splits: pictures with a match, identical hashes, of how many."""
        rows = []
        for (split, other), found in self.matches.groupby(["split", "other_split"], sort=False):
            rows.append(
                {
                    "split": str(split),
                    "other_split": str(other),
                    "pictures": self.sizes[str(split)],
                    "with_near_duplicate": len(found),
                    "with_identical_hash": int((found["distance"] == 0).sum()),
                }
            )
        return rows

    def to_dict(self) -> dict[str, Any]:
        """JSON form: counts, and the twenty closest matches as examples."""
        closest = self.matches.sort_values("distance", kind="stable").head(20)
        return {
            "hash": "imagehash.phash",
            "bits": HASH_BITS,
            "max_distance": self.max_distance,
            "counts": self.counts(),
            "examples": closest.to_dict("records"),
        }

    def __str__(self) -> str:
        counts = self.counts()
        if not counts:
            return f"No near-duplicates across splits within {self.max_distance} of 64 bits."
        lines = [f"Near-duplicates across splits (perceptual hash, ≤ {self.max_distance} bits):"]
        for row in counts:
            share = row["with_near_duplicate"] / row["pictures"]
            lines.append(
                f"  {row['with_near_duplicate']:,} of {row['pictures']:,} {row['split']} pictures "
                f"({share:.1%}) have one in {row['other_split']}, "
                f"{row['with_identical_hash']:,} with the identical hash"
            )
        return "\n".join(lines)


def find_near_duplicates(
    images: Sequence[str],
    splits: Sequence[str],
    hashes: Mapping[str, int],
    *,
    max_distance: int = 4,
) -> NearDuplicates:
    """Each picture's nearest in every other split, where it differs by at most `max_distance` bits.

    Compares all pairs across splits: 50,000 × 20,000 pictures take about ten seconds and 50 MB.
    Raises InputError for a distance outside 0 to 63.
    """
    if not 0 <= max_distance < HASH_BITS:
        raise InputError(f"Expected a distance of 0 to {HASH_BITS - 1} bits, got {max_distance}.")
    frame = pd.DataFrame({"image": list(images), "split": list(splits)}).drop_duplicates()
    frame = frame[frame["image"].isin(hashes)]
    codes = frame["image"].map(lambda image: hashes[image]).to_numpy(np.uint64)
    names = frame["image"].to_numpy(object)
    of_row = frame["split"].to_numpy(object)
    members = {str(split): np.flatnonzero(of_row == split) for split in dict.fromkeys(of_row)}
    rows: list[tuple[str, str, str, str, int]] = []
    for split, other in combinations(members, 2):
        for one, two in ((split, other), (other, split)):
            near, distance = _nearest(codes[members[one]], codes[members[two]])
            for k in np.flatnonzero(distance <= max_distance):
                match = str(names[members[two][near[k]]])
                rows.append((one, str(names[members[one][k]]), two, match, int(distance[k])))
    return NearDuplicates(
        max_distance=max_distance,
        sizes={split: len(rows) for split, rows in members.items()},
        matches=pd.DataFrame(rows, columns=list(_COLUMNS)),
    )


def _nearest(codes: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position in `others` (m,) of each code's nearest, (n,), and the differing bits, (n,)."""
    nearest = np.zeros(len(codes), np.int64)
    distances = np.zeros(len(codes), np.uint8)
    for start in range(0, len(codes), _ROWS_AT_ONCE):
        part = codes[start : start + _ROWS_AT_ONCE]
        bits = np.bitwise_count(part[:, None] ^ others[None, :])
        found = bits.argmin(axis=1)
        nearest[start : start + len(part)] = found
        distances[start : start + len(part)] = bits[np.arange(len(part)), found]
    return nearest, distances
