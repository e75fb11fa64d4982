"""A study's pictures as small strips, each with its text alternative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app import layout
from app.stored import version
from ccim_core.errors import InputError
from ccim_core.study import Study

__all__ = ["PictureOf", "show_pictures", "thumbnail"]

LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class PictureOf:
    """A picture of the study (`image` as in its manifest), what it shows, and a line under it."""

    image: str
    alternative: str
    caption: str = ""


def show_pictures(study: Study, pictures: Sequence[PictureOf], *, width: int = 112) -> None:
    """The pictures in a row that wraps. Those that cannot be read are counted, not shown."""
    missing = 0
    with st.container(horizontal=True, gap="small"):
        for picture in pictures:
            try:
                url = thumbnail(study, picture.image)
            except InputError:
                missing += 1
                continue
            st.image(
                url,
                width=width,
                alt=picture.alternative,
                caption=layout.plain(picture.caption) or None,
            )
    if missing:
        st.caption(f"{missing} of {len(pictures)} pictures are not where the study says.")


def thumbnail(study: Study, image: str) -> str:
    """A small copy as a data URL, made once. Raises InputError where it cannot be read."""
    return _thumbnail(str(study.path), image, version(study.path / "study.json"), study)


@st.cache_data(max_entries=1024, ttl="1h", show_spinner=False)
def _thumbnail(path: str, image: str, stamp: tuple[int, ...], _study: Study) -> str:
    return layout.data_url(_study.reader.read(image), LONGEST)[0]
