"""Where a study keeps its confounder dictionaries: found again by what they were made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ccim_core.confounders import ConfounderDictionary
from ccim_core.errors import InputError

__all__ = ["dictionary_provenance", "find_dictionary", "new_dictionary_path"]


def dictionary_provenance(
    *,
    encoder: Mapping[str, Any],
    view: str,
    split: str,
    manifest: str,
    size: int,
    components: int,
    seed: int,
) -> dict[str, Any]:
    """What decides a K-Means dictionary's numbers; equal exactly if the dictionaries are.

    Args:
        encoder: its provenance, as `Provenance.to_dict` gives it.
        manifest: content hash of the manifest that the split's rows are from.
        size, components: prototypes N, and directions of the PCA.
    """
    return {
        "encoder": dict(encoder),
        "view": view,
        "split": split,
        "manifest": manifest,
        "size": size,
        "components": components,
        "seed": seed,
    }


def find_dictionary(
    root: Path, provenance: Mapping[str, Any]
) -> tuple[Path, ConfounderDictionary] | None:
    """The K-Means dictionary that was made from exactly this, under whatever name, or None."""
    for path in sorted(root.glob("[!.]*.safetensors")):
        try:
            dictionary = ConfounderDictionary.load(path)
        except InputError:
            continue  # damaged, or no dictionary: not the one that is looked for
        if dictionary.kind == "kmeans" and dictionary.provenance == provenance:
            return path, dictionary
    return None


def new_dictionary_path(root: Path, provenance: Mapping[str, Any], *, prefix: str = "") -> Path:
    """A readable name for a dictionary, with a hash where it is taken by another one."""
    stem = prefix + "-".join(
        str(part)
        for part in (
            provenance["encoder"]["name"],
            provenance["view"],
            provenance["split"],
            provenance["size"],
            f"seed{provenance['seed']}",
        )
    )
    path = root / f"{stem}.safetensors"
    if not _is_another(path, provenance):
        return path
    text = json.dumps(provenance, sort_keys=True)
    return root / f"{stem}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.safetensors"


def _is_another(path: Path, provenance: Mapping[str, Any]) -> bool:
    try:
        return ConfounderDictionary.load(path).provenance != provenance
    except InputError:  # absent, or damaged and to be made again
        return False
