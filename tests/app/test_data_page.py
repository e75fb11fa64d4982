"""Data: opening by path, making from folders and tables, training, and jobs on the page."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import study_cache, workspace
from app.data.jobs import progress_text
from app.data.mapping import guess_columns
from app.data.steps import INTERVENTIONS, TrainChoice, default_prototypes, train_steps
from ccim_core.errors import InputError
from ccim_core.jobs import JobProgress, Jobs, JobSpec, Step
from ccim_core.jobs.records import write_spec, write_state
from ccim_core.training.config import InterventionName, parse_config
from tests.app.fakes import jpeg, make_photo_study
from tests.ccim_core.datasets.test_own_pictures import make_folders, write_table

RunPage = Callable[..., AppTest]


@pytest.fixture
def root(assets: Path) -> Path:
    """The workspace."""
    return workspace.root()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[JobSpec]:
    """Jobs that the page starts, without their processes."""
    specs: list[JobSpec] = []

    def start(self: Jobs, spec: JobSpec) -> str:
        specs.append(spec)
        return "name"

    monkeypatch.setattr(Jobs, "start", start)
    return specs


def words(test: AppTest) -> str:
    return "\n".join(element.value for element in (*test.markdown, *test.caption, *test.subheader))


def press(test: AppTest, label: str) -> AppTest:
    (button,) = [button for button in test.button if button.label == label]
    return button.click().run()


def choose(test: AppTest, label: str, value: str) -> AppTest:
    (box,) = [box for box in test.selectbox if box.label == label]
    return box.set_value(value).run()


# ---------------------------------------------------------------- open


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Expected the path of a study inside"),
        ("nothing", "Expected a study directory"),
        ("..", "leads out of it"),
        ("../assets/photo_model", "leads out of it"),
        ("/etc", "leads out of it"),
        ("link", "leads out of it"),
        ("plain", "Expected a study directory"),
        ("broken", "Expected a CCIM Studio study"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(
    root: Path, run_page: RunPage, text: str, sentence: str
) -> None:
    make_photo_study(study_cache.ASSETS / "photo_model")
    (root / "link").symlink_to(study_cache.ASSETS / "photo_model")
    (root / "plain").mkdir()
    (root / "broken").mkdir()
    (root / "broken" / "study.json").write_text("{}")
    test = run_page("data")
    test.text_input(key="open_path").set_value(text)
    test = press(test, "Open")
    assert not test.exception
    (error,) = test.error
    assert sentence in error.value
    assert test.selectbox(key="study").options == ["Photograph model"]


def test_a_study_opened_by_path_stays_on_offer(root: Path, run_page: RunPage) -> None:
    make_photo_study(study_cache.ASSETS / "photo_model")
    make_photo_study(root / "elsewhere" / "mine")
    test = run_page("data")
    test.text_input(key="open_path").set_value(str(root / "elsewhere" / "mine"))
    test = press(test, "Open")
    assert not test.error
    assert test.selectbox(key="study").value == "mine"
    assert test.query_params["study"] == "mine"
    table = test.dataframe[0].value
    assert table.loc[table["loaded"], "where"].tolist() == ["elsewhere/mine"]
    # Another visitor, or the same one after a restart, opens the link.
    st.cache_resource.clear()
    assert run_page("overview", study="mine").selectbox(key="study").value == "mine"
    # One that was moved away, or is no study any more, is not on offer.
    (root / "elsewhere" / "mine" / "study.json").write_text("{}")
    assert run_page("overview").selectbox(key="study").options == ["Photograph model"]


def test_studies_of_one_folder_name_have_keys_of_their_own(root: Path) -> None:
    make_photo_study(study_cache.ASSETS / "photo_model")
    make_photo_study(root / "studies" / "photographs")
    shipped, own = study_cache.available_studies().items()
    assert shipped[0] == "photographs"
    assert own[0].startswith("photographs-")
    assert study_cache.key_of(root / "studies" / "photographs") == own[0]
    assert study_cache.is_shipped(shipped[1].path)
    assert not study_cache.is_shipped(own[1].path)
    with pytest.raises(InputError, match="open it first"):
        study_cache.key_of(root)


def test_nothing_here_yet_says_what_to_do(root: Path, run_page: RunPage) -> None:
    assert "python -m ccim_core demo --out studies/demo" in run_page("data").info[0].value
    assert "open or make one first" in run_page("data", do="train").info[0].value


# ---------------------------------------------------------------- make


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


def test_columns_are_guessed_by_name() -> None:
    assert guess_columns(["Path", "Emotion", "xmin", "y1", "note"]) == {
        "image": "Path",
        "labels": "Emotion",
        "x1": "xmin",
        "y1": "y1",
    }
    assert guess_columns(["image", "file"])["image"] == "image"


# ---------------------------------------------------------------- train


def test_training_choices_become_commands_that_parse(tmp_path: Path) -> None:
    assert tuple(INTERVENTIONS) == get_args(InterventionName)
    choice = TrainChoice(
        study=tmp_path, interventions=tuple(INTERVENTIONS), prototypes=8, masked=False, seed=3
    )
    steps = train_steps(choice)
    assert [step.arguments[0] for step in steps] == [
        *("features", "dictionary"),
        *["train"] * 6,
        *("evaluate", "store"),
    ]
    for step in steps[2:8]:
        config = parse_config(list(step.arguments[3:]))
        assert (config.dictionary.size, config.dictionary.masked, config.train.seed) == (
            8,
            False,
            3,
        )
        assert step.title.endswith(INTERVENTIONS[config.intervention.name])
        assert config.run_name == f"emot_net-{config.intervention.name}-n8-e15-whole-seed3"
    with pytest.raises(InputError, match="one model or more"):
        TrainChoice(study=tmp_path, interventions=(), prototypes=8)
    assert [default_prototypes(n) for n in (6, 100, 5000)] == [2, 10, 64]


def test_a_shipped_study_is_left_alone_and_an_own_one_trained(
    root: Path, demo: Any, run_page: RunPage, started: list[JobSpec]
) -> None:
    assert "ships with the app" in run_page("data", do="train").info[0].value
    os.rename(demo.path, root / "mine")
    workspace.remember_study(root / "mine")
    test = run_page("data", do="train", study="mine")
    assert not test.error
    assert {metric.label: metric.value for metric in test.metric}["Trained runs"] == "1"
    test.multiselect(key="train_interventions").set_value([]).run()
    assert "one model or more" in test.error[0].value
    test.multiselect(key="train_interventions").set_value(["group_dro"]).run()
    test = press(test, "Train")
    assert not test.error
    assert started[0].subject == str(root / "mine")
    assert "--intervention.name group_dro" in started[0].steps[2].command
    assert "--dictionary.size 2" in started[0].steps[2].command  # 7 training subjects


# ---------------------------------------------------------------- jobs


def make_job(root: Path, name: str, state: str, message: str = "") -> None:
    path = root / "studies" / ".jobs" / name
    path.mkdir(parents=True)
    step = Step(title="Encode *all*", module="ccim_core", arguments=("features",))
    write_spec(path, JobSpec(title=f"Job {name}", subject=str(root / name), steps=(step, step)))
    write_state(path, state=state, step=1, message=message)
    (path / "log.txt").write_text("what it said")


def test_jobs_show_where_they_stand(
    root: Path, run_page: RunPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_job(root, "b", "failed", "Expected *pictures*, got none.")
    make_job(root, "c", "running")  # but no process holds its lock: it was killed
    make_job(root, "a", "done")
    make_photo_study(root / "a")
    workspace.remember_study(root / "a")
    test = run_page("data")
    assert not test.exception
    told = words(test)
    assert told.index("Job c") < told.index("Job b") < told.index("Job a")
    assert told.count("Step 2 of 2: Encode \\*all\\*") == 2
    assert test.error[0].value == "Expected \\*pictures\\*, got none."
    labels = {button.key: button.label for button in test.button if button.key}
    assert {key for key in labels if key.startswith("resume_")} == {"resume_b", "resume_c"}
    assert {key for key in labels if key.startswith("stop_")} == set()
    assert "what it said" in [code.value for code in test.code]
    resumed: list[str] = []
    monkeypatch.setattr(Jobs, "resume", lambda self, name: resumed.append(name))
    test.button(key="resume_c").click().run()
    assert resumed == ["c"]
    test.button(key="show_a").click().run()
    assert test.selectbox(key="study").value == "a"
    test.button(key="forget_b").click().run()
    assert "Job b" not in words(test)

    def refuse(self: Jobs, name: str) -> None:
        raise InputError("Expected fewer than 2 jobs at work, got 2.")

    monkeypatch.setattr(Jobs, "resume", refuse)
    test.button(key="resume_c").click().run()
    assert "fewer than 2 jobs" in test.error[0].value


def test_progress_is_told_with_its_rate_and_the_time_left() -> None:
    bar = {"description": "encode", "unit": "features", "done": 1200, "total": 6000}
    assert progress_text(JobProgress(**bar, rate=40.0)) == (
        "encode: 1,200 of 6,000 features, 40 a second, 2 min left"
    )
    assert progress_text(JobProgress(**bar, rate=0.5)).endswith("0.5 a second, 2.7 h left")
    assert progress_text(JobProgress(**bar, rate=None)) == "encode: 1,200 of 6,000 features"


def test_a_damaged_job_is_passed_over(root: Path, run_page: RunPage) -> None:
    make_job(root, "a", "done")
    make_job(root, "b", "done")
    (root / "studies" / ".jobs" / "b" / "job.json").write_text(json.dumps({"format": "x"}))
    told = words(run_page("data"))
    assert "Job a" in told
    assert "Job b" not in told


def test_manifest_with_missing_splits_says_so(root: Path, demo: Any, run_page: RunPage) -> None:
    frame = demo.manifest.frame
    kept = frame[frame["split"] != "val"].reset_index(drop=True)
    type(demo.manifest)(frame=kept, labels=demo.labels).save(demo.path / "manifest.parquet")
    assert "val" not in pd.read_parquet(demo.path / "manifest.parquet")["split"].unique()
    os.rename(demo.path, root / "mine")
    workspace.remember_study(root / "mine")
    assert "no rows of split val" in run_page("data", do="train", study="mine").info[0].value
