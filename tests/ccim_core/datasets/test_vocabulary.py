"""Names that may mean the same are asked about: neither merged silently nor let through."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccim_core.cli import main
from ccim_core.datasets.folders import FoldersConfig, read_folders
from ccim_core.datasets.table import TableConfig, read_table_source
from ccim_core.datasets.vocabulary import (
    KNOWN_SPLITS,
    Answers,
    UnansweredError,
    settle_names,
    spelled_as,
    vocabulary_questions,
)
from ccim_core.errors import InputError
from ccim_core.labels import LABEL_SETS
from ccim_core.rendered.bias import SPLITS
from ccim_core.study import Study
from tests.ccim_core.datasets.builders import build_table, save_picture, table_rows


def asked(emotions=None, splits=None, keep_apart=()):
    """What is asked about → the suggestion, None without one."""
    questions = vocabulary_questions(
        emotions=emotions or {}, splits=splits or {}, keep_apart=keep_apart
    )
    return {
        question.name: question.into[0] if question.suggested else None for question in questions
    }


@pytest.mark.parametrize(
    ("emotions", "expected"),
    [
        (
            {"happiness": 40, "hapiness": 1, "Happiness": 3},
            dict.fromkeys(("hapiness", "Happiness"), "happiness"),
        ),
        ({"hapiness": 40, "happiness": 1}, {"hapiness": "happiness"}),  # the right word, if rarer
        ({"Anger": 5, "Angry": 6}, {"Anger": "Angry"}),
        ({"Happy": 9, "Happiness": 3, "Joy": 1}, {"Happiness": "Happy", "Joy": "Happy"}),
        ({"Sad": 9, "Sadness": 3}, {"Sadness": "Sad"}),
        ({"Fearful": 9, "Fear": 3}, {"Fear": "Fearful"}),
        ({"Surprised": 9, "Surprise": 3}, {"Surprise": "Surprised"}),
        ({"Disgusted": 9, "Disgust": 3}, {"Disgust": "Disgusted"}),
        ({"Sadness": 9, "Madness": 3}, {"Madness": "Sadness"}),
        ({"very_happy": 9, "Very happy": 3}, {"Very happy": "very_happy"}),
        ({"calm": 9, "clam": 1}, {"clam": "calm"}),  # two neighbours swapped
        ({"calm": 9, "tense": 9, "bored": 2}, {}),
        ({"sad": 9, "mad": 9}, {}),  # too short to tell a slip from a word
        ({"happiness": 9, "unhappiness": 9}, {}),
        ({"group 1": 9, "group 2": 9, "class10": 1, "class11": 1}, {}),
        ({"Pleasure": 9, "Peace": 9, "Pain": 9}, {}),
    ],
)
def test_emotions_that_may_be_one_are_asked_about(emotions, expected):
    assert asked(emotions) == expected
    assert asked(dict(reversed(emotions.items()))) == expected
    assert asked(emotions, keep_apart=tuple(expected)) == {}


@pytest.mark.parametrize("labels", LABEL_SETS.values(), ids=str)
def test_no_known_label_set_asks_anything(labels):
    assert asked(dict.fromkeys(labels.emotions, 1)) == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("training", "train"),
        ("Train", "train"),
        ("TRAINING", "train"),
        ("validation", "val"),
        ("dev", "val"),
        ("testing", "test"),
        ("Oracle-Train", "oracle_train"),
        ("shfit", "shift"),
        ("fold3", None),
    ],
)
def test_unknown_splits_are_asked_about(name, expected):
    assert asked(splits={"train": 9, name: 2}) == {name: expected}
    assert asked(splits={name: 2}, keep_apart=[name]) == {}


def test_our_own_splits_are_not():
    assert set(KNOWN_SPLITS) == set(SPLITS)
    assert asked(splits=dict.fromkeys(SPLITS, 1)) == {}


def test_forms_of_a_word_are_one_emotion_and_near_synonyms_are_not():
    emotions = LABEL_SETS["caer-s"].emotions
    assert [spelled_as(name, emotions) for name in ("ANGRY", " happiness ", "afraid")] == [
        *("Anger", "Happy", "Fear")
    ]
    assert spelled_as("Anger", LABEL_SETS["groupwalk"].emotions) == "Angry"
    assert spelled_as("joy", emotions) is spelled_as("contempt", emotions) is None


WORDS = st.sampled_from(["Happy", "happy", "joy", "hapyp", "calm", "calmly", "tense", "Tense "])


@given(st.lists(st.lists(WORDS, max_size=3).map("|".join), min_size=1), st.randoms())
def test_taking_every_suggestion_leaves_nothing_to_ask_and_every_row(texts, random):
    frame = pd.DataFrame({"labels": texts, "split": random.choices(["train", "Dev"], k=len(texts))})
    answers = Answers()
    for _ in range(3):
        try:
            settled, _ = settle_names(frame, answers, kind="multi")
            break
        except UnansweredError as error:
            renames = {q.about: {} for q in error.questions}
            for question in error.questions:
                renames[question.about][question.name] = question.into[0]
            answers = Answers(
                rename={**answers.rename, **renames.get("emotion", {})},
                rename_splits={**answers.rename_splits, **renames.get("split", {})},
            )
    assert len(settled) == len(texts)
    assert set(settled["split"]) <= {"train", "val"}
    for text, new in zip(texts, settled["labels"], strict=True):
        names = list(dict.fromkeys(part.strip() for part in text.split("|") if part.strip()))
        renamed = dict.fromkeys(answers.rename.get(name, name) for name in names)
        assert new == "|".join(renamed)


def test_answers_are_held_to_what_occurs():
    frame = pd.DataFrame({"labels": ["a", "b"], "split": ["train", "test"]})
    with pytest.raises(InputError, match=r"emotion that occurs \(a, b\).*got 'c'"):
        settle_names(frame, Answers(rename={"c": "a"}))
    with pytest.raises(InputError, match="Expected an emotion or split that occurs"):
        settle_names(frame, Answers(keep_apart=("c",)))
    captions = pd.DataFrame({"labels": [f"a caption {chr(k)}" for k in range(500, 701)]})
    with pytest.raises(InputError, match="at most 200 emotions, got 201"):
        settle_names(captions, Answers())
    folds = pd.DataFrame({"labels": "calm", "split": range(21)})
    with pytest.raises(InputError, match="at most 20 splits, got 21"):
        settle_names(folds, Answers())
    with pytest.raises(InputError, match="one name to rename to"):
        Answers(rename={"a": "b|c"})


# ---------------------------------------------------------------- rows with several emotions


@pytest.mark.parametrize(
    ("several", "config", "kind"),
    [
        (1, {}, None),  # 1 of 40
        (2, {}, "multi"),  # 5%
        (0, {}, "single"),
        (1, {"kind": "multi"}, "multi"),
        (1, {"kind": "single"}, "single"),
    ],
)
def test_few_rows_with_several_emotions_are_a_question(tmp_path, several, config, kind):
    texts = ["calm|tense"] * several + ["calm", "tense"] * 20
    root = build_table(tmp_path, table_rows(texts[:40]))
    if kind is None:
        with pytest.raises(UnansweredError, match=r"1 of 40 rows \(2.5%\).*'calm\|tense'.*--kind"):
            read_table_source(root, TableConfig(**config))
        return
    source = read_table_source(root, TableConfig(**config))
    assert source.labels.kind == kind
    told = [note for note in source.notes if "have several emotions" in note]
    assert bool(told) == (kind == "multi")


def test_an_emotion_twice_in_a_row_is_one(tmp_path):
    root = build_table(tmp_path, table_rows(["calm|Calm", "calm", "tense"] * 3))
    source = read_table_source(root, TableConfig(answers=Answers(rename={"Calm": "calm"})))
    assert source.labels.kind == "single"
    assert source.frame["labels"][:2].tolist() == ["calm", "calm"]


def test_rows_at_fault_are_no_obstacle_to_dealing(tmp_path):
    root = build_table(tmp_path, table_rows(["calm|tense", *["calm", "tense"] * 20]))
    source = read_table_source(root, TableConfig(split="deal", kind="single"))
    assert set(source.frame["split"]) == {"train", "val", "test"}


# ---------------------------------------------------------------- on the command line


def messy_table(root: Path) -> Path:
    """40 rows with a misspelt emotion, one in another case, a row of two, and another split."""
    texts = ["happiness", "anger"] * 20
    texts[2], texts[4], texts[6] = "hapiness", "Happiness", "happiness|anger"
    rows = table_rows(texts)
    for k, row in enumerate(rows):
        row["split"] = ("train", "shift")[k % 2]
    rows[10]["split"], rows[11]["split"] = "training", "test"
    return build_table(root, rows)


def test_the_command_names_what_is_to_be_settled_and_takes_the_answers(tmp_path, capsys):
    root, out = messy_table(tmp_path / "raw"), tmp_path / "study"
    command = ["prepare", "table", "--root", str(root), "--out", str(out), "--quiet"]
    assert main(command) == 2
    told = capsys.readouterr().err
    assert "4 open questions" in told
    assert "'hapiness' (1 row) is spelled nearly as 'happiness' (18 rows): are they one?" in told
    assert "'Happiness' (1 row) is, but for case and separators, 'happiness' (18 rows)" in told
    assert "'training' (1 row) may be meant as 'train' (19 rows)" in told
    assert "1 of 40 rows (2.5%) have several emotions" in told
    assert not out.exists()
    first = re.findall(r"\?(?:\s)((?:--\S+ ?[^,\n]*?)), or", told)  # each question's first option
    assert first == [
        "--rename Happiness=happiness",
        "--rename hapiness=happiness",
        "--rename-split training=train",
        "--kind multi",
    ]
    answers = [word for option in first[:3] for word in option.split()]
    answers += ["--kind", "single", "--policy", "several_labels=drop"]
    assert main([*command, *answers]) == 0
    told = capsys.readouterr().out
    assert "Renamed: 'Happiness' to 'happiness', 'hapiness' to 'happiness', split 'tr" in told
    study = Study.open(out)
    assert (study.labels.emotions, study.labels.kind) == (("anger", "happiness"), "single")
    frame = study.manifest.frame
    assert frame["split"].value_counts().to_dict() == {"train": 19, "shift": 19, "test": 1}
    record = json.loads((out / "study.json").read_text())["settings"]["prepare"]
    assert record["rename"] == {"hapiness": "happiness", "Happiness": "happiness"}
    assert record["rename_splits"] == {"training": "train"}
    assert record["kind"] == "single"
    assert record["actions"]["several_labels"] == "drop"


def test_the_command_keeps_apart_and_says_what_dealing_discards(tmp_path, capsys):
    root, out = messy_table(tmp_path / "raw"), tmp_path / "m.parquet"
    command = ["prepare", "table", "--root", str(root), "--out", str(out), "--quiet", "--json"]
    command += ["--rename=hapiness=happiness", "--kind", "multi", "--keep-apart", "Happiness"]
    assert main([*command, "--keep-apart", "training"]) == 0
    summary = json.loads(capsys.readouterr().out)["summary"]
    assert set(summary["splits"]) == {"train", "shift", "training", "test"}
    assert set(summary["splits"]["train"]["prevalence"]) == {"Happiness", "anger", "happiness"}
    assert main([*command, "--split", "deal"]) == 0
    summary = json.loads(capsys.readouterr().out)["summary"]
    assert set(summary["splits"]) == {"train", "val", "test"}
    assert summary["notes"][0] == (
        "The table's own splits were discarded: train 19, shift 19, training 1, test 1."
    )


def test_a_given_vocabulary_makes_other_names_faults_of_their_rows(tmp_path, capsys):
    root = build_table(tmp_path / "raw", table_rows(["Happy", "Sad", "happy", "Sadness"] * 3))
    command = ["prepare", "table", "--root", str(root), "--out", str(tmp_path / "s"), "--quiet"]
    assert main([*command, "--label-set", "caer-s"]) == 2
    assert "unknown_emotion: 'happy' not in 'caer-s'" in capsys.readouterr().err
    assert main([*command, "--emotions", "Happy,Sad,happy,Sadness"]) == 0
    answered = ["--label-set", "caer-s", "--rename", "happy=Happy", "--rename", "Sadness=Sad"]
    assert main([*command, *answered]) == 0


# ---------------------------------------------------------------- folders


def fill(root: Path, *folders: str, n: int = 3) -> Path:
    for j, folder in enumerate(folders):
        for k in range(n):
            save_picture(root / folder / f"{k}.png", 100 * j + k)
    return root


def test_folders_named_nearly_as_splits_are_asked_about(tmp_path):
    folders = ("training/calm", "training/tense", "Test/calm", "Test/tense", "raw/calm")
    root = fill(tmp_path, *folders)
    with pytest.raises(UnansweredError) as caught:  # once, they were emotions
        read_folders(root)
    assert {(q.name, q.rows, q.into[0]) for q in caught.value.questions} == {
        ("training", 6, "train"),
        ("Test", 6, "test"),
    }
    answers = Answers(rename_splits={"training": "train", "Test": "test"})
    source = read_folders(root, FoldersConfig(answers=answers))
    assert source.labels.emotions == ("calm", "tense")
    assert source.frame["split"].value_counts().to_dict() == {"test": 6, "train": 4, "val": 2}
    assert "Folders beside the splits were passed over: raw." in source.notes
    assert source.notes[0] == "Renamed, of the splits: 'Test' to 'test', 'training' to 'train'."


def test_folders_of_one_emotion_are_asked_about_and_merged_on_disk_nowhere(tmp_path, capsys):
    root, out = fill(tmp_path / "raw", "Happy", "happiness", "Sad"), tmp_path / "study"
    command = ["prepare", "folders", "--root", str(root), "--out", str(out), "--quiet"]
    command += ["--boxes", "picture"]
    assert main(command) == 2
    assert "--rename happiness=Happy, or --keep-apart happiness" in capsys.readouterr().err
    assert main([*command, "--rename", "happiness=Happy"]) == 0
    frame = Study.open(out).manifest.frame
    assert frame["labels"].value_counts().to_dict() == {"Happy": 6, "Sad": 3}
    assert frame["image"].str.startswith("happiness/").sum() == 3
    assert main([*command, "--keep-apart", "happiness"]) == 0
    assert Study.open(out).labels.emotions == ("Happy", "Sad", "happiness")
