"""Making a study of folders and tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.data.mapping import guess_columns
from ccim_core.cli import main
from ccim_core.jobs import JobSpec
from ccim_core.study import Study
from tests.app.data.acts import choose, press, words
from tests.app.fakes import jpeg
from tests.ccim_core.datasets.builders import save_picture
from tests.ccim_core.datasets.test_own_pictures import make_folders, write_table
from tests.ccim_core.datasets.test_vocabulary import messy_table

RunPage = Callable[..., AppTest]


def test_a_study_of_folders_is_checked_and_made(
    root: Path, run_page: RunPage, started: list[JobSpec]
) -> None:
    make_folders(root / "my pictures")
    test = run_page("data", do="make")
    test = test.text_input(key="make_root").set_value("my pictures").run()
    test.radio(key="make_boxes").set_value("picture").run()
    test = press(test, "Check")
    assert not test.error
    counts = test.dataframe[0].value
    assert counts.columns.tolist() == ["train", "val", "test"]
    assert counts.to_numpy().tolist() == [[3, 1, 1], [3, 1, 1]]
    assert test.text_input(key="make_name").value == "my-pictures"
    test = press(test, "Make the study")
    assert not test.error
    (spec,) = started
    out = root / "studies" / "my-pictures"
    assert spec.subject == str(out)
    assert spec.steps[0].arguments[:8] == (
        *("prepare", "folders", "--root", str(root / "my pictures")),
        *("--out", str(out), "--name", "my-pictures"),
    )
    assert "--boxes picture" in spec.steps[0].command
    trained = [step.command for step in spec.steps if " train " in step.command]
    assert len(trained) == 2
    assert all("--dictionary.masked false" in command for command in trained)
    # What was typed is there when one comes back to the page.
    test.switch_page("app_pages/overview.py").run()
    test.switch_page("app_pages/data.py").run()
    assert test.text_input(key="make_root").value == "my pictures"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("..", "leads out of it"), ("nothing", "Expected a folder of pictures by emotion")],
)
def test_a_folder_that_is_none_is_one_sentence(
    root: Path, run_page: RunPage, text: str, sentence: str
) -> None:
    test = run_page("data", do="make")
    test = test.text_input(key="make_root").set_value(text).run()
    if not test.error:
        test = press(test, "Check")
    (error,) = test.error
    assert sentence in error.value


def test_a_name_that_is_taken_is_one_sentence(
    root: Path, run_page: RunPage, started: list[JobSpec]
) -> None:
    make_folders(root / "mine")
    (root / "studies" / "mine").mkdir(parents=True)
    test = run_page("data", do="make")
    test = test.text_input(key="make_root").set_value("mine").run()
    test = press(press(test, "Check"), "Make the study")
    assert "take another" in test.error[0].value
    test = test.text_input(key="make_name").set_value("../mine").run()
    test = press(test, "Make the study")
    assert "letters, digits" in test.error[0].value
    assert started == []


def uploaded(test: AppTest, table: Path) -> AppTest:
    test = test.text_input(key="make_root").set_value("mine").run()
    test.file_uploader(key="make_upload").upload("my data.csv", table.read_bytes(), "text/csv")
    return test.run()


def test_a_tables_columns_are_mapped_and_its_faults_listed_by_row(
    root: Path, run_page: RunPage, started: list[JobSpec]
) -> None:
    write_table(root / "mine", n=40, feeling=["calm", ""] + ["calm", "tense"] * 19)
    (root / "mine" / "6.png").unlink()
    test = uploaded(run_page("data", do="make", form="table"), root / "mine" / "data.csv")
    assert not test.error
    chosen = {box.label: box.value for box in test.selectbox}
    assert chosen["Picture file"] == "file"
    assert chosen["Emotions"] == "feeling"
    assert chosen["Person or video (optional)"] == "—"
    test = choose(test, "Person or video (optional)", "who")
    test = choose(test, "Where is the person?", "picture")
    test = press(test, "Check")
    assert not test.error
    faults = test.dataframe[-1].value
    assert faults["record"].str.endswith(("row 2", "row 7")).all()
    assert faults["cause"].tolist() == ["no_labels", "picture_missing"]
    assert "Correct these" in test.warning[0].value
    assert not [button for button in test.button if button.label == "Make the study"]
    test.radio(key="policy_no_labels").set_value("drop").run()
    test = press(test, "Make the study")
    assert not test.error
    command = started[0].steps[0].command
    assert "--policy no_labels=drop" in command
    assert "--column=labels=feeling --column=source_id=who" in command
    assert "picture_missing" not in command  # left out by default
    kept = Path(started[0].steps[0].arguments[started[0].steps[0].arguments.index("--table") + 1])
    assert kept.parent == root / "studies" / ".tables"
    assert kept.read_bytes() == (root / "mine" / "data.csv").read_bytes()


def test_a_table_whose_pictures_are_missing_is_one_sentence(root: Path, run_page: RunPage) -> None:
    write_table(root / "mine")
    for path in (root / "mine").glob("*.png"):
        path.unlink()
    test = uploaded(run_page("data", do="make", form="table"), root / "mine" / "data.csv")
    test = choose(test, "Where is the person?", "picture")
    (error,) = press(test, "Check").error
    assert "of 12 missing" in error.value or "missing (such as" in error.value


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a,a\n1,2\n", b"a;b\n1;2\n", jpeg()])
def test_what_is_no_table_is_one_sentence(root: Path, run_page: RunPage, content: bytes) -> None:
    (root / "mine").mkdir()
    (root / "bad.csv").write_bytes(content)
    test = uploaded(run_page("data", do="make", form="table"), root / "bad.csv")
    assert not test.exception
    (error,) = test.error
    assert error.value.startswith("Expected")


def test_names_that_may_be_one_are_asked_before_a_study_is_made(
    root: Path, run_page: RunPage, started: list[JobSpec]
) -> None:
    messy_table(root / "mine")
    test = uploaded(run_page("data", do="make", form="table"), root / "mine" / "data.csv")
    (splits,) = [box for box in test.selectbox if box.label == "Splits"]
    assert splits.value == "column"  # the table has one
    assert splits.options[0] == "the table's own, column split"
    test = press(test, "Check")
    assert not test.error
    questions = {radio.key: radio for radio in test.radio if radio.key.startswith("question_")}
    assert {key: radio.options[0] for key, radio in questions.items()} == {
        "question_emotion_hapiness": "it is happiness (suggested)",
        "question_emotion_Happiness": "it is happiness (suggested)",
        "question_split_training": "it is train (suggested)",
        "question_kind_happiness|anger": "several: a study with several labels a person",
    }
    assert all(radio.value is None for radio in questions.values())
    assert "1 row" in questions["question_emotion_hapiness"].label
    for key, answer in (
        ("question_emotion_hapiness", "happiness"),
        ("question_emotion_Happiness", ""),  # kept apart
        ("question_split_training", "train"),
    ):
        test.radio(key=key).set_value(answer)
    test = press(test, "Answer, and check again")
    assert "Answer each" in test.warning[0].value
    assert not [button for button in test.button if button.label == "Make the study"]
    test.radio(key="question_kind_happiness|anger").set_value("single")
    test = press(test, "Answer, and check again")
    assert not [radio for radio in test.radio if radio.key.startswith("question_")]
    counts = test.dataframe[1].value
    assert counts.columns.tolist() == ["train", "test", "shift"]
    assert set(counts.index) == {"Happiness", "anger", "happiness", "happiness|anger"}
    assert test.radio(key="policy_several_labels").value == "drop"
    assert "“hapiness” is “happiness”" in words(test)
    test = press(test, "Make the study")
    assert not test.error
    command = started[0].steps[0].command
    for option in (
        *("--split column", "--kind single", "--rename=hapiness=happiness"),
        *("--rename-split=training=train", "--keep-apart=Happiness"),
        "--policy several_labels=drop",
    ):
        assert option in command
    # The command of the job makes what the page showed.
    assert main(list(started[0].steps[0].arguments)) == 0
    study = Study.open(root / "studies" / "mine")
    assert study.labels.emotions == ("Happiness", "anger", "happiness")
    assert set(study.manifest.frame["split"]) == {"train", "shift", "test"}


def test_answers_can_be_given_anew(root: Path, run_page: RunPage) -> None:
    make_folders(root / "mine")
    (root / "mine" / "tense").rename(root / "mine" / "Calm2")
    for k in range(3):
        save_picture(root / "mine" / "CALM" / f"{k}.png", 50 + k)
    test = run_page("data", do="make")
    test = press(test.text_input(key="make_root").set_value("mine").run(), "Check")
    test.radio(key="question_emotion_CALM").set_value("")
    test = press(test, "Answer, and check again")
    assert test.dataframe[0].value.index.tolist() == ["CALM", "Calm2", "calm"]
    test = press(test, "Answer anew")
    assert test.radio(key="question_emotion_CALM").value is None
    test.radio(key="question_emotion_CALM").set_value("calm")
    test = press(test, "Answer, and check again")
    assert test.dataframe[0].value.index.tolist() == ["Calm2", "calm"]


def test_a_tables_own_splits_are_discarded_by_choice_only_and_that_is_said(
    root: Path, run_page: RunPage
) -> None:
    write_table(root / "mine", n=40, subset=["train", "shift"] * 20)
    test = uploaded(run_page("data", do="make", form="table"), root / "mine" / "data.csv")
    test = choose(test, "Where is the person?", "picture")
    test = press(test, "Check")
    assert test.dataframe[1].value.columns.tolist() == ["train", "shift"]
    test = choose(test, "Splits", "deal")
    test = press(test, "Check")
    assert test.dataframe[1].value.columns.tolist() == ["train", "val", "test"]
    assert "own splits were discarded: train 20, shift 20." in words(test)


def test_columns_are_guessed_by_name() -> None:
    assert guess_columns(["Path", "Emotion", "xmin", "y1", "note"]) == {
        "image": "Path",
        "labels": "Emotion",
        "x1": "xmin",
        "y1": "y1",
    }
    assert guess_columns(["image", "file"])["image"] == "image"
