"""Fine-tuning on a handful of drawn portraits: split, learning, resuming, reporting."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from ccim_core.backbones import load_encoder, save_encoder
from ccim_core.datasets.controlled.portraits import Portrait, find_portraits
from ccim_core.datasets.labelled_files import list_labelled_files
from ccim_core.errors import InputError
from ccim_core.training import finetune_encoder as module
from ccim_core.training.augmentation import AugmentationConfig
from ccim_core.training.finetune_config import FinetuneConfig
from ccim_core.training.finetune_encoder import finetune_encoder
from ccim_core.training.portrait_crops import cut_face, load_grey_faces
from ccim_core.training.portrait_report import evaluate_portraits, recall_report
from ccim_core.training.portrait_split import files_of_pool, split_portraits

EMOTIONS = ("Anger", "Disgust", "Happy", "Neutral", "Sad", "Surprise")

TESTED = 20  # portraits an emotion, so that what is asked for is not met or missed by luck


def draw_portrait(path, emotion, seed):
    """Stripes whose direction and width are the emotion's: learnable from few."""
    rng = np.random.default_rng([emotion, seed])
    y, x = np.mgrid[0:40, 0:40]
    along = (x, y, x + y, x - y, x, y)[emotion]
    wave = np.sin(along * (0.5 if emotion < 4 else 1.6) + rng.uniform(0, 6))
    pixels = 128 + 80 * wave + rng.normal(0, 15, (40, 40))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).convert("RGB").save(path)


class Study:
    def __init__(self, root):
        for k, emotion in enumerate(EMOTIONS):
            for i in range(9 + TESTED):
                draw_portrait(root / emotion / f"{i}.png", k, i)
        self.files = list_labelled_files(root, what="emotion", wanted=EMOTIONS)
        names = list(self.files.labels)
        self.portraits, _ = find_portraits(
            root, names, find_face=lambda picture: (4.0, 4.0, 36.0, 36.0), quiet=True
        )
        numbers = {name: int(name.rpartition("/")[2].removesuffix(".png")) for name in names}
        self.pools = {
            name: "train" if number < 8 else "val" if number == 8 else "test"
            for name, number in numbers.items()
        }


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Study(tmp_path_factory.mktemp("portraits"))


def make_config(**change):
    small = {"size": 32, "epochs": 3, "draws": 96, "batch_size": 24, "average_decay": 0.5}
    return FinetuneConfig(**{**small, "mixup": 0.1, **change})


@pytest.fixture(scope="module")
def tuned(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    config = make_config()
    result = finetune_encoder(
        config, study.files, study.portraits, study.pools, work_dir=folder, quiet=True
    )
    return result, folder


def report_of(result, study, pool):
    names, targets = files_of_pool(study.files, study.portraits, study.pools, pool, EMOTIONS)
    return evaluate_portraits(
        result.encoder,
        result.head,
        study.files.root,
        names,
        targets,
        study.portraits,
        grow=1.3,
        emotions=EMOTIONS,
    )


def test_it_learns_what_it_has_not_seen(tuned, study):
    report = report_of(tuned[0], study, "test")
    assert report["counts"] == dict.fromkeys(EMOTIONS, TESTED)
    assert report["balanced_accuracy"] > 0.3  # chance is 0.17, five standard errors below


def test_frozen_blocks_keep_their_weights_and_statistics(tuned, study):
    from ccim_core.backbones import build_encoder

    before = build_encoder("efficientnet-lite0").state_dict()
    after = tuned[0].encoder.state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    frozen = ("trunk._conv_stem", "trunk._bn0", *(f"trunk._blocks.{k}." for k in range(3)))
    assert not [name for name in changed if name.startswith(frozen)]
    assert any(name.startswith("trunk._blocks.3.") for name in changed)
    assert "trunk._conv_head.weight" in changed


def test_an_interrupted_run_goes_on_to_the_same_result(tuned, study, tmp_path, monkeypatch):
    calls = []

    def stop_at_the_second(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return evaluate_portraits(*arguments, **options)

    run = (make_config(), study.files, study.portraits, study.pools)
    monkeypatch.setattr(module, "evaluate_portraits", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        finetune_encoder(*run, work_dir=tmp_path, quiet=True)
    assert len((tmp_path / "finetune.jsonl").read_text().splitlines()) == 1
    resumed = finetune_encoder(*run, work_dir=tmp_path, quiet=True)
    for name, value in tuned[0].encoder.state_dict().items():
        torch.testing.assert_close(resumed.encoder.state_dict()[name], value, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(resumed.head.weight, tuned[0].head.weight, atol=1e-5, rtol=1e-4)
    log = [json.loads(line) for line in (tmp_path / "finetune.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in log] == [0, 1, 2]


def test_a_finished_run_is_not_trained_again(tuned, study, monkeypatch):
    monkeypatch.setattr(module, "load_grey_faces", None)  # would fail if it were called
    result, folder = tuned
    again = finetune_encoder(
        make_config(), study.files, study.portraits, study.pools, work_dir=folder, quiet=True
    )
    assert again.encoder.fingerprint() == result.encoder.fingerprint()


def test_a_folder_of_other_settings_is_refused(tuned, study):
    with pytest.raises(InputError, match="other settings"):
        finetune_encoder(
            make_config(learning_rate=1e-4),
            study.files,
            study.portraits,
            study.pools,
            work_dir=tuned[1],
            quiet=True,
        )


def test_the_encoder_travels_in_half_precision_with_its_origin(tuned, study, tmp_path):
    encoder = tuned[0].encoder
    assert "fine-tuned on 48 portraits" in encoder.provenance.source
    assert encoder.preprocessing.grey
    save_encoder(encoder, tmp_path / "encoder.safetensors", half=True)
    loaded = load_encoder(tmp_path / "encoder.safetensors")
    faces = [cut_face(study.files.root, "Sad/9.png", study.portraits["Sad/9.png"], grow=1.3)]
    with torch.inference_mode():
        one, two = (e.pool(e(e.preprocessing(faces))) for e in (encoder, loaded))
    assert float((one - two).norm() / one.norm()) < 0.01


def test_the_split_is_by_file_within_classes_with_twins_together(study):
    twin = study.files.root / "Sad" / "0.png"
    names = [f"Sad/{k}.png" for k in range(10)]
    original = {name: (study.files.root / name).read_bytes() for name in names[:2]}
    try:
        (study.files.root / "Sad" / "1.png").write_bytes(twin.read_bytes())
        splits = [
            split_portraits(
                make_config(duplicate_threshold=0.999, seed=seed, share_val=0.3, share_test=0.3),
                study.files,
                study.portraits,
                quiet=True,
            )
            for seed in range(4)
        ]
    finally:
        (study.files.root / "Sad" / "1.png").write_bytes(original["Sad/1.png"])
    for pools in splits:
        assert set(pools) == set(study.files.labels)
        assert pools["Sad/0.png"] == pools["Sad/1.png"]
        assert sorted({pools[f"Happy/{k}.png"] for k in range(9 + TESTED)}) == [
            "test",
            "train",
            "val",
        ]
    assert splits[0] != splits[1]


def test_faces_are_cut_as_the_face_view_cuts_them(tmp_path):
    pixels = np.arange(40 * 40, dtype=np.uint8).reshape(40, 40)
    Image.fromarray(np.stack([pixels] * 3, 2)).save(tmp_path / "a.png")
    boxed = Portrait(size=(40, 40), face=(10.0, 10.0, 30.0, 30.0))
    cut = cut_face(tmp_path, "a.png", boxed, grow=1.3)
    assert np.array_equal(cut[:, :, 0], pixels[7:33, 7:33])
    whole = cut_face(tmp_path, "a.png", Portrait(size=(40, 40), face=None), grow=1.3)
    assert whole.shape == (40, 40, 3)
    grey = load_grey_faces(tmp_path, ["a.png"], {"a.png": boxed}, grow=1.3, side=26, quiet=True)
    assert np.array_equal(grey[0], pixels[7:33, 7:33])


def test_recall_is_by_class_with_its_error_and_undefined_without_portraits():
    targets = np.array([0] * 8 + [1] * 2)
    predicted = np.array([0] * 6 + [1] * 2 + [1, 0])
    report = recall_report(predicted, targets, ("A", "B"))
    assert report["recall"] == {"A": 0.75, "B": 0.5}
    assert report["balanced_accuracy"] == pytest.approx(0.625)
    expected = (0.75 * 0.25 / 8 + 0.5 * 0.5 / 2) ** 0.5 / 2
    assert report["standard_error"] == pytest.approx(expected)
    assert report["accuracy"] == pytest.approx(0.7)
    partial = recall_report(predicted, targets, ("A", "B", "C"))
    assert partial["recall"]["C"] is None
    assert partial["balanced_accuracy"] is None


@pytest.mark.parametrize(
    "bad",
    [
        {"encoder": "resnet18"},
        {"precision": "fp8"},
        {"draws": 10},
        {"epochs": 0},
        {"share_val": 0.0},
        {"balance": 2.0},
        {"frozen_blocks": 17},
    ],
)
def test_impossible_settings_are_refused(bad):
    with pytest.raises(InputError, match="Expected"):
        make_config(**bad)


def test_settings_are_json(study):
    config = make_config(augmentation=AugmentationConfig(erase=0.1))
    assert json.loads(json.dumps(config.to_dict()))["augmentation"]["erase"] == 0.1
