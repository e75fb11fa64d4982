"""The study directory: one dataset with its features, dictionaries, runs and analysis.

study.json  manifest.parquet  features/  dictionaries/  encoders/  runs/  analysis/
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccim_core.errors import InputError
from ccim_core.files import read_json, write_json
from ccim_core.labels import LabelSet

if TYPE_CHECKING:
    from ccim_core.manifest import Manifest
    from ccim_core.pictures import PictureReader

__all__ = ["Study"]

FORMAT = "ccim-study"
FORMAT_VERSION = 1
_EQUIVALENT = "equivalent_manifests"


class Study:
    """An opened study directory. Nothing heavy is read before it is asked for.

    Args:
        path: the directory; `Study.open` checks it.
        info: contents of `study.json`.
    """

    def __init__(self, path: Path, info: dict[str, Any]) -> None:
        self.path = path
        self.info = info
        self.labels = LabelSet.from_dict(info["label_set"])

    @classmethod
    def open(cls, path: Path | str) -> Study:
        """Open a study. Raises InputError when `path` is not one."""
        path = Path(path)
        if not (path / "study.json").is_file():
            raise InputError(
                f"Expected a study directory (one with a study.json) at {path}, got none; make one "
                "with `python -m ccim_core demo` or `prepare`."
            )
        info = read_json(path / "study.json")
        if not isinstance(info, dict) or info.get("format") != FORMAT or "label_set" not in info:
            raise InputError(f"Expected a CCIM Studio study in {path / 'study.json'}, got another.")
        if info.get("version") != FORMAT_VERSION:
            raise InputError(
                f"Expected study format {FORMAT_VERSION} in {path}, got {info.get('version')!r}; "
                "make the study again with this version."
            )
        return cls(path, info)

    @classmethod
    def create(
        cls,
        path: Path | str,
        *,
        name: str,
        kind: str,
        labels: LabelSet,
        manifest: Manifest | None = None,
        roots: dict[str, str] | None = None,
        settings: dict[str, Any] | None = None,
        features: str | None = None,
        into_existing: bool = False,
    ) -> Study:
        """Make a study directory; `study.json` is written last, so that half a study is none.

        Args:
            kind: what the data are ("controlled", "photographs", "emotic", …).
            roots: folders of pictures by name ("images", "subjects", "scenes").
            settings: what made the manifest, kept for the record.
            features: folder of feature stores shared with another study, relative to `path`.
            into_existing: the caller has begun to fill the directory itself.

        Raises:
            InputError: the directory holds something that is not a study.
        """
        path = Path(path)
        if not into_existing:
            cls.check_target(path)
        info = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "name": name,
            "kind": kind,
            "label_set": labels.to_dict(),
            "roots": roots or {},
            "settings": settings or {},
            **({} if features is None else {"features": features}),
        }
        path.mkdir(parents=True, exist_ok=True)
        if manifest is not None:
            manifest.save(path / "manifest.parquet")
        write_json(path / "study.json", info)
        return cls(path, info)

    @staticmethod
    def check_target(path: Path | str) -> None:
        """Raise InputError unless `path` is absent, an empty directory, or a study."""
        path = Path(path)
        if not path.exists() or (path / "study.json").is_file():
            return
        if not path.is_dir() or any(path.iterdir()):
            raise InputError(
                f"Expected an empty folder or a study at {path}, got something else; "
                "choose another folder."
            )

    @property
    def name(self) -> str:
        """Name shown to the user."""
        return str(self.info["name"])

    @property
    def kind(self) -> str:
        """What the data are."""
        return str(self.info["kind"])

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest, checked to carry the study's own label set."""
        from ccim_core.manifest import Manifest

        manifest = Manifest.load(self.path / "manifest.parquet")
        if manifest.labels.emotions != self.labels.emotions:
            raise InputError(
                f"Expected the manifest of {self.path} to have the study's label set "
                f"{self.labels.name!r}, got {manifest.labels.name!r}."
            )
        return manifest

    @cached_property
    def manifest_hash(self) -> str:
        """The manifest's content hash: what runs record of what they were trained on."""
        return self.manifest.content_hash()

    def same_manifest(self, recorded: str) -> bool:
        """Whether a hash that a run or a table recorded is of this study's manifest."""
        return recorded == self.manifest_hash or recorded in self.info.get(_EQUIVALENT, {})

    def accept_manifest(self, other: Manifest) -> None:
        """Take what was made on `other` as made on this study's manifest, from now on.

        For runs and tables of the same rows whose coordinates another processor, or an earlier
        version, rounded otherwise: they may differ by up to `COORDINATE_TOLERANCE` pixels, all
        else must be equal. Recorded in `study.json` with the largest difference.

        Raises:
            InputError: the two differ in more than that.
        """
        from ccim_core.manifest.content import coordinate_difference

        mine, recorded = self.manifest, other.content_hash()
        if mine.labels != other.labels:
            raise InputError(
                f"Expected the label set {mine.labels.name!r}, got {other.labels.name!r}."
            )
        largest = coordinate_difference(mine.frame, other.frame)
        if self.same_manifest(recorded):
            return
        known = {**self.info.get(_EQUIVALENT, {}), recorded: {"largest_difference_px": largest}}
        self.info[_EQUIVALENT] = known
        write_json(self.path / "study.json", self.info)

    @cached_property
    def roots(self) -> dict[str, Path]:
        """Folders of pictures by name; relative ones are relative to the study."""
        return {name: (self.path / root) for name, root in self.info.get("roots", {}).items()}

    @cached_property
    def reader(self) -> PictureReader:
        """Reads a manifest row's picture."""
        from ccim_core.pictures import PictureReader

        return PictureReader(self.roots)

    @property
    def features_root(self) -> Path:
        """Feature stores; those of the study that this one was derived from, if it was."""
        return self.path / str(self.info.get("features", "features"))

    @property
    def dictionaries_root(self) -> Path:
        """Confounder dictionaries."""
        return self.path / "dictionaries"

    @property
    def encoders_root(self) -> Path:
        """Encoders that belong to the study (fine-tuned ones)."""
        return self.path / "encoders"

    @property
    def runs_root(self) -> Path:
        """Run directories."""
        return self.path / "runs"

    @property
    def analysis_root(self) -> Path:
        """Tables and coordinates made by `evaluate` and `python -m analysis`."""
        return self.path / "analysis"

    def run_paths(self) -> list[Path]:
        """Finished runs (those with a `done` file), by name."""
        if not self.runs_root.is_dir():
            return []
        return sorted(path.parent for path in self.runs_root.glob("*/done"))

    def run_path(self, name: str) -> Path:
        """A finished run by name. Raises InputError listing what there is."""
        for path in self.run_paths():
            if path.name == name:
                return path
        raise InputError(
            f"Expected a finished run of {[path.name for path in self.run_paths()]}, got {name!r}."
        )
