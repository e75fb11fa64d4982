"""A tiny instance of every public dataset, taken through the commands up to the dictionary.

Pictures come from `tests.ccim_core.datasets.builders` in each dataset's real on-disk format. The
encoder is a convolution of random weights in a local checkpoint, registered as one of `ENCODERS`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ccim_core.cli import main
from ccim_core.encoder_specs import EncoderSpec
from ccim_core.labels import get_label_set
from ccim_core.manifest import Manifest
from ccim_core.preprocessing import Preprocessing
from ccim_core.study import Study
from tests.ccim_core.datasets.builders import build_caer_s, build_emotic, build_groupwalk_table

__all__ = ["DATASETS", "ENCODER", "Instance", "make_instance", "run_command", "stub_encoder"]

ENCODER, WIDTH, SIDE = "stub", 16, 32
WEIGHTS = "encoders/stub.pth"
PROTOTYPES = 4
KINDS = {"landmarks": (68, 2), "keypoints": (17, 3), "depth": (20, 30)}


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A study that has been prepared, encoded and given a dictionary by the commands.

    known: folder with a sub-folder a kind of landmarks, keypoints and depth, a file a subject.
    """

    dataset: str
    study: Path
    known: Path

    @property
    def encoder_options(self) -> list[str]:
        """Of `train`: the stub for both sides, and the dictionary that was made."""
        options = []
        for side in ("subject", "context"):
            options += [f"--encoder.{side}", ENCODER, f"--encoder.{side}_size", str(SIDE)]
            options += [f"--encoder.{side}_weights", WEIGHTS]
        sizes = ["--dictionary.size", str(PROTOTYPES), "--dictionary.components", "8"]
        return [*options, *sizes]


def make_trunk() -> nn.Module:
    """(B, 3, 32, 32) to (B, 16, 2, 2)."""
    return nn.Sequential(
        nn.Conv2d(3, WIDTH, 5, stride=4, padding=2),
        nn.BatchNorm2d(WIDTH),
        nn.ReLU(),
        nn.Conv2d(WIDTH, WIDTH, 3, stride=4, padding=1),
        nn.ReLU(),
    )


def stub_encoder() -> EncoderSpec:
    """The stub as one of `ENCODERS`; it has no weights of its own, a checkpoint must be given."""
    preprocessing = Preprocessing(size=SIDE, mean=(0.5,) * 3, std=(0.25,) * 3)
    return EncoderSpec(make=make_trunk, width=WIDTH, preprocessing=preprocessing, head="fc.")


def run_command(*words: object) -> None:
    """A command as the user types it; it must succeed."""
    arguments = [str(word) for word in words]
    assert main(arguments) == 0, " ".join(arguments)


def write_face_list(root: Path) -> Path:
    """CAER-S's community list of faces: path, label, x1, y1, x2, y2."""
    path = root / "faces.txt"
    emotions = sorted(get_label_set("caer-s").emotions)
    with path.open("w", newline="") as stream:
        for picture in sorted(root.glob("*/*/*.png")):
            label = emotions.index(picture.parent.name)
            name = picture.relative_to(root).as_posix()
            csv.writer(stream).writerow([name, label, 20, 8, 40, 30])
    return path


def emotic(root: Path, study: Path) -> None:
    build_emotic(root, n_train=20)
    run_command("prepare", "emotic", "--root", root, "--out", study, "--quiet")


def caer_s(root: Path, study: Path) -> None:
    build_caer_s(root, n_train=6, n_test=2)
    faces = write_face_list(root)
    options = ["--faces", faces, "--val-share", "0.34", "--quiet"]
    run_command("prepare", "caer-s", "--root", root, "--out", study, *options)


def groupwalk(root: Path, study: Path) -> None:
    build_groupwalk_table(root, persons=24)
    options = ["--val-share", "0.25", "--test-share", "0.25", "--quiet"]
    run_command("prepare", "groupwalk", "--root", root, "--out", study, *options)


DATASETS: dict[str, Callable[[Path, Path], None]] = {
    "emotic": emotic,
    "caer-s": caer_s,
    "groupwalk": groupwalk,
}


def give_faces(study: Study) -> None:
    """Face boxes in the upper half of the subjects that have none."""
    frame = study.manifest.frame.copy()
    if "face_x1" in frame:
        frame["x1"], frame["x2"], frame["y1"] = 12.0, 48.0, 5.0
        Manifest(frame=frame, labels=study.labels).save(study.path / "manifest.parquet")
        return
    width, height = frame["x2"] - frame["x1"], frame["y2"] - frame["y1"]
    frame["face_x1"], frame["face_x2"] = frame["x1"] + width * 0.2, frame["x1"] + width * 0.8
    frame["face_y1"], frame["face_y2"] = frame["y1"] + 1, frame["y1"] + height * 0.5
    Manifest(frame=frame, labels=study.labels).save(study.path / "manifest.parquet")


def write_known(study: Study, folder: Path) -> None:
    """Landmarks, keypoints and a depth map of every subject, as files of the user's own."""
    generator = np.random.default_rng(0)
    for kind, shape in KINDS.items():
        (folder / kind).mkdir(parents=True)
        for name in study.manifest.frame["sample_id"]:
            values = generator.uniform(1, 30, shape)
            if kind == "keypoints":
                values[:, 2] = 2
            (folder / kind / f"{name}.npy").parent.mkdir(parents=True, exist_ok=True)
            np.save(folder / kind / f"{name}.npy", values)


def make_instance(folder: Path, dataset: str) -> Instance:
    """`prepare`, `auxiliary`, `features`, `dictionary` of one dataset."""
    path, known = folder / "study", folder / "known"
    DATASETS[dataset](folder / "raw", path)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        trunk = make_trunk()
    (path / "encoders").mkdir()
    torch.save(trunk.state_dict(), path / WEIGHTS)
    study = Study.open(path)
    give_faces(study)
    write_known(study, known)
    for kind in KINDS:
        files = ["--kind", kind, "--files", known / kind, "--quiet"]
        run_command("auxiliary", "--study", path, *files)
    encoder = ["--encoder", ENCODER, "--weights", path / WEIGHTS, "--size", SIDE, "--quiet"]
    views = ["--view", "masked", "subject"]
    run_command("features", "--study", path, *views, *encoder)
    run_command("features", "--study", path, "--stage", "map", *encoder)
    sizes = ["--prototypes", PROTOTYPES, "--components", 8]
    run_command("dictionary", "--study", path, *sizes, *encoder)
    return Instance(dataset=dataset, study=path, known=known)
