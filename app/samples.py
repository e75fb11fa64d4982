"""Pictures to try the app with: a photograph that comes with scikit-learn, and rendered ones."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from app import study_cache
from app.layout import data_url
from app.uploads import LoadedPicture
from ccim_core.images import crop_box, decode_image
from ccim_core.study import Study

__all__ = ["RENDERED_KIND", "Sample", "list_samples", "thumbnail"]

RENDERED_KIND = "controlled"
MAX_RENDERED = 5
THUMBNAIL_PIXELS = 268


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A picture on offer. `version` changes when what it is drawn from changes."""

    key: str
    title: str
    load: Callable[[], LoadedPicture] = field(repr=False)
    version: int = 0


def list_samples() -> list[Sample]:
    """What is on offer here: rendered pictures where the demo study is, then photographs."""
    return [*_rendered_samples(), *_photographs()]


def thumbnail(sample: Sample) -> str:
    """A small square copy, the picture's middle, as a data URL; made once."""
    return _thumbnail(sample.key, sample.version, sample)


@st.cache_data(max_entries=32, ttl="1h", show_spinner=False)
def _thumbnail(key: str, version: int, _sample: Sample) -> str:
    picture = _sample.load()
    side = min(picture.width, picture.height)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    middle = crop_box(picture.pixels, (left, top, left + side, top + side))
    return data_url(middle, THUMBNAIL_PIXELS)[0]


def _photographs() -> list[Sample]:
    # Looked up without an import: scikit-learn takes seconds to load.
    spec = importlib.util.find_spec("sklearn")
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0]) / "datasets" / "images" / "china.jpg" if folders else None
    if path is None or not path.is_file():
        return []
    return [Sample(key="china", title="No one in front", load=partial(_china, path))]


def _china(path: Path) -> LoadedPicture:
    content = path.read_bytes()
    return LoadedPicture(
        name=path.name,
        key=hashlib.sha256(content).hexdigest(),
        pixels=decode_image(content, name=path.name),
        credit="Photograph: danielbuechele, CC BY 2.0, as shipped with scikit-learn.",
    )


def _rendered_samples() -> list[Sample]:
    """Clear faces of distinct emotions, each in a place that its emotion does not favour."""
    entry = study_cache.available_studies().get("demo")
    if entry is None:
        return []
    study = study_cache.load_study(entry.path)
    table = study_cache.load_table(entry.path / "manifest.parquet")
    if table is None or study.kind != RENDERED_KIND:
        return []
    rows = table[(table["split"] == "shift") & ~table["favoured"].astype(bool)]
    rows = rows.sort_values("clarity", ascending=False, kind="stable")
    rows = rows.drop_duplicates("labels").drop_duplicates("scene").head(MAX_RENDERED)
    version = (entry.path / "manifest.parquet").stat().st_mtime_ns
    return [
        Sample(
            key=f"rendered-{row['sample_id']}",
            title=f"{row['labels']} · {str(row['scene']).replace('_', ' ')}",
            load=partial(_rendered, study, row),
            version=version,
        )
        for row in rows.to_dict("records")
    ]


def _rendered(study: Study, row: Mapping[Hashable, Any]) -> LoadedPicture:
    image = str(row["image"])
    x1, y1, x2, y2 = (float(row[name]) for name in ("x1", "y1", "x2", "y2"))
    return LoadedPicture(
        name=str(row["sample_id"]),
        key=study.reader.content_id(image),
        pixels=study.reader.read(image),
        box=(x1, y1, x2, y2),
        rendered=True,
        address=image,
        credit=f"Rendered: {row['labels']} drawn into "
        f"{str(row['scene']).replace('_', ' ')}. Judged by the demo study's models only.",
    )
