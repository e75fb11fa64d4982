"""What a manifest row's `image` means: a file under a root, or a URI that determines a picture.

Three forms: a plain path relative to the root `"images"`; `rendered:…`, drawn by the controlled
benchmark; `composite:…`, a subject cut into a scene from the roots `"subjects"` and `"scenes"`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import numpy as np

from ccim_core.errors import InputError
from ccim_core.files import resolve_inside, sha256_file
from ccim_core.images import Picture, decode_image

__all__ = ["COMPOSITE_SCHEME", "RENDERED_SCHEME", "PictureReader", "file_content_id"]

RENDERED_SCHEME = "rendered:"
COMPOSITE_SCHEME = "composite:"

# Every picture of the largest dataset in use (CAER-S, 70 thousand), at about 300 bytes each.
_REMEMBERED_HASHES = 80_000


class PictureReader:
    """Reads what manifests refer to, each picture by the one safe decode.

    `roots`: folders by name: `"images"` for plain paths, `"subjects"` and `"scenes"` for
    composites. A root is needed only once a picture that lies in it is asked for.
    """

    def __init__(self, roots: Mapping[str, Path | str]) -> None:
        self.roots = {name: Path(root) for name, root in roots.items()}

    def read(self, image: str) -> Picture:
        """The picture, (H, W, 3) uint8 RGB, upright.

        Raises InputError for a path that leads out of its root, a missing root, and a file that
        is missing or no picture.
        """
        if image.startswith(RENDERED_SCHEME):
            return _checked(_renderer().render_picture(image), image)
        if image.startswith(COMPOSITE_SCHEME):
            return _checked(_compositor().composite_picture(image, self.roots), image)
        return decode_image(self.path(image))

    def content_id(self, image: str) -> str:
        """Hex SHA-256 that changes when the picture does, found without decoding it.

        Of a file: the hash of its bytes. Of a URI: the hash of the URI, its generator's version
        and the files that it names. Raises InputError as `read` does, save for damaged files.
        """
        if image.startswith(RENDERED_SCHEME):
            return str(_renderer().content_id(image))
        if image.startswith(COMPOSITE_SCHEME):
            return str(_compositor().content_id(image, self.roots))
        return file_content_id(self.path(image))

    def require(self, image: str) -> None:
        """Check that the picture is there, without reading it. Raises InputError if it is not."""
        if image.startswith((RENDERED_SCHEME, COMPOSITE_SCHEME)):
            self.content_id(image)
        elif not self.path(image).is_file():
            raise _absent(self.path(image))

    def path(self, image: str) -> Path:
        """The file of a plain path. Raises InputError if the path leads out of its root."""
        if "://" in image:
            raise InputError(
                f"Expected a path under the image folder, got the address {image!r}; "
                "download the picture first."
            )
        if not image.strip() or "\0" in image:
            raise InputError(f"Expected a path under the image folder, got {image!r}.")
        if "images" not in self.roots:
            raise InputError(f"Expected the folder that {image!r} lies in, got none; name it.")
        return resolve_inside(self.roots["images"], image)


def file_content_id(path: Path | str) -> str:
    """Hex SHA-256 of a file's bytes, remembered until its size or modification time changes.

    Raises InputError if there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise _absent(path)
    state = path.stat()
    return _sha256_of_state(str(path.resolve()), state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=_REMEMBERED_HASHES)
def _sha256_of_state(path: str, size: int, mtime_ns: int) -> str:
    return sha256_file(path)


def _absent(path: Path) -> InputError:
    return InputError(f"Expected a picture at {path}, got no such file; check the image folder.")


def _checked(picture: np.ndarray, image: str) -> Picture:
    assert picture.shape[2:] == (3,), f"{image} drew {picture.shape}"
    assert picture.dtype == np.uint8, f"{image} drew {picture.dtype}"
    return picture


# Imported when the first such picture is asked for: a user of photographs never pays for the
# painters, and the painters may import this module.
def _renderer() -> ModuleType:
    return importlib.import_module("ccim_core.rendered.rendering")


def _compositor() -> ModuleType:
    return importlib.import_module("ccim_core.datasets.controlled.compositor")
