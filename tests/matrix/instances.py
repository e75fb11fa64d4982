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
from ccim_core.files import write_json
from ccim_core.labels import get_label_set
from ccim_core.persons.networks import NetworkSpec
from ccim_core.preprocessing import Preprocessing
from ccim_core.study import Study
from tests.ccim_core.datasets.builders import build_caer_s, build_emotic, build_groupwalk_table
from tests.ccim_core.persons.tiny import rcnn_network

__all__ = [
    "DATASETS",
    "DETECTOR",
    "ENCODER",
    "KINDS",
    "Instance",
    "make_instance",
    "run_command",
    "stub_detector",
    "stub_encoder",
]

DETECTOR = "stub-rcnn"
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


def stub_detector() -> NetworkSpec:
    """A small Faster R-CNN as one of `NETWORKS`, with a checkpoint given likewise."""
    return NetworkSpec(make=rcnn_network, weights="fasterrcnn-mobilenet-coco")


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


def sure_detector() -> nn.Module:
    """A Faster R-CNN for which whatever its first stage proposes is a person."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = rcnn_network()
    predictor = network.roi_heads.box_predictor
    for parameter in predictor.parameters():
        nn.init.zeros_(parameter)
    with torch.no_grad():
        predictor.cls_score.bias[1] = 8.0  # category 1 of COCO is the person
    return network


def write_faces(study: Study, path: Path) -> Path:
    """COCO's JSON with a face in the upper half of each subject, by the subject's name."""
    frame = study.manifest.frame
    images = {name: k for k, name in enumerate(frame["image"].unique())}
    annotations = []
    for k, row in enumerate(frame.to_dict("records")):
        width, height = row["x2"] - row["x1"], row["y2"] - row["y1"]
        box = [row["x1"] + 0.2 * width, row["y1"] + 1, 0.6 * width, 0.4 * height]
        annotation = {"id": k, "image_id": images[row["image"]], "category_id": 2, "bbox": box}
        annotations.append(annotation | {"sample_id": row["sample_id"]})
    content = {
        "images": [
            {"id": k, "file_name": name, "width": 60, "height": 40} for name, k in images.items()
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "face"}],
        "annotations": annotations,
    }
    write_json(path, content)
    return path


def detect(dataset: str, study: Study, folder: Path) -> None:
    """CAER-S has faces and no bodies, which Faster R-CNN finds; the others' bodies want faces."""
    if dataset == "caer-s":
        weights = folder / "detector.pth"
        torch.save(sure_detector().state_dict(), weights)
        options = ["--persons", DETECTOR, "--weights", weights, "--device", "cpu"]
    else:
        options = ["--import-coco", write_faces(study, folder / "faces.json")]
    run_command("detect", "--study", study.path, *options, "--quiet")


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
    """`prepare`, `detect`, `auxiliary`, `features`, `dictionary` of one dataset."""
    path, known = folder / "study", folder / "known"
    DATASETS[dataset](folder / "raw", path)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        trunk = make_trunk()
    (path / "encoders").mkdir()
    torch.save(trunk.state_dict(), path / WEIGHTS)
    detect(dataset, Study.open(path), folder)
    write_known(Study.open(path), known)
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
