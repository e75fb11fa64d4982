"""A dictionary is found by what it was made from, and never replaces another."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

from ccim_core.cli import main
from ccim_core.confounders import ConfounderDictionary
from ccim_core.dictionary_files import (
    dictionary_provenance,
    find_dictionary,
    new_dictionary_path,
)
from ccim_core.study import Study
from tests.ccim_core.training.test_train import make_study

SIZES = {"size": 3, "components": 2, "seed": 0}


def provenance(**changes: object) -> dict[str, object]:
    values: dict[str, object] = {"view": "masked", "split": "train", "manifest": "m", **SIZES}
    return dictionary_provenance(encoder={"name": "toy"}, **{**values, **changes})  # type: ignore[arg-type]


def save(path: Path, made_of: dict[str, object], *, random: bool = False) -> ConfounderDictionary:
    features = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    dictionary = ConfounderDictionary(3, n_components=2).fit(features)
    if random:
        dictionary = ConfounderDictionary.random(features, 3)
    dictionary.save(path, provenance=made_of)
    return dictionary


def test_it_is_found_under_any_name_by_what_it_was_made_from(tmp_path: Path) -> None:
    assert find_dictionary(tmp_path / "none", provenance()) is None
    save(tmp_path / "a-control.safetensors", provenance(), random=True)
    save(tmp_path / "b-other.safetensors", provenance(components=1))
    (tmp_path / "c-broken.safetensors").write_bytes(b"no dictionary")
    assert find_dictionary(tmp_path, provenance()) is None
    saved = save(tmp_path / "mine.safetensors", provenance())
    found = find_dictionary(tmp_path, provenance())
    assert found is not None
    assert found[0].name == "mine.safetensors"
    np.testing.assert_array_equal(found[1].centers_, saved.centers_)


def test_a_name_that_another_has_is_not_taken(tmp_path: Path) -> None:
    plain = new_dictionary_path(tmp_path, provenance())
    assert plain.name == "toy-masked-train-3-seed0.safetensors"
    save(plain, provenance())
    assert new_dictionary_path(tmp_path, provenance()) == plain
    other = new_dictionary_path(tmp_path, provenance(components=1))
    assert other.name.startswith("toy-masked-train-3-seed0-")
    assert not other.exists()


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return make_study(tmp_path / "study")


def next_command(out: str) -> list[str]:
    (line,) = [line for line in out.splitlines() if line.startswith("next: ")]
    words = shlex.split(line.removeprefix("next: "))
    assert words[:3] == ["python", "-m", "ccim_core"]
    return words[3:]


def test_train_takes_the_dictionary_that_the_command_before_it_made(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["dictionary", "--study", str(study.path), "--size", "32", "--quiet"]
    command += ["--prototypes", "3", "--components", "4", "--seed", "1", "--name", "mine"]
    assert main(command) == 0
    train = next_command(capsys.readouterr().out)
    assert train[0] == "train"
    small = ["--train.epochs", "1", "--encoder.subject_size", "32", "--quiet", "--device", "cpu"]
    stamp = (study.dictionaries_root / "mine.safetensors").stat().st_mtime_ns
    assert main([*train, *small]) == 0
    (path,) = study.dictionaries_root.iterdir()
    assert (path.stem, path.stat().st_mtime_ns) == ("mine", stamp)
    assert main(command) == 0  # again: nothing to do
    assert path.stat().st_mtime_ns == stamp


def test_what_no_run_can_see_is_not_offered_to_train(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["dictionary", "--study", str(study.path), "--size", "32", "--quiet", "--grey"]
    assert main([*command, "--prototypes", "3"]) == 0
    assert "next: python -m analysis clusters --study" in capsys.readouterr().out
