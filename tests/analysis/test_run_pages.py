"""What the Experiments page shows of runs: their table, curves, commands, and two compared."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.figures_runs import class_dumbbells, curves_figure
from analysis.run_comparison import Answer, Comparison, compare_answers, metrics_for
from analysis.run_records import RunRecord, read_runs, split_rows
from analysis.run_table import made_by, run_curves, run_settings, run_table, train_again
from analysis.run_text import comparison_sentences, describe_classes, describe_curves
from ccim_core.errors import InputError
from ccim_core.evaluation.intervals import pairwise_difference
from ccim_core.files import read_json, write_json
from ccim_core.study import Study
from ccim_core.training.config import parse_config, to_dict
from tests.analysis.table_study import make_table_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_table_study(tmp_path_factory.mktemp("runs") / "study", seeds=(0, 1))


@pytest.fixture
def runs(study: Study) -> dict[str, RunRecord]:
    return {run.name: run for run in read_runs(study)}


def write_curves(run: RunRecord, values: list[float]) -> None:
    lines = [
        json.dumps({"epoch": k, "train_loss": 1 / (k + 1), "val_headline": value})
        for k, value in enumerate(values)
    ]
    (run.path / "metrics.jsonl").write_text("\n".join(lines) + "\n")


def answer(runs: dict[str, RunRecord], name: str, estimator: str, seeds=(0,)) -> Answer:
    mine = tuple(runs[f"emot_net-{name}-seed{seed}"] for seed in seeds)
    return Answer(runs=mine, estimator=estimator)


def compare(study: Study, runs: dict[str, RunRecord], seeds=(0,), **more) -> Comparison:
    before = answer(runs, "none", "likelihood", seeds)
    after = answer(runs, "ccim", "ccim", seeds)
    options = {"metric": "accuracy", "n_resamples": 200, **more}
    return compare_answers(split_rows(study, "test"), before, after, **options)


def test_a_row_a_run_with_its_results(study: Study, runs: dict[str, RunRecord]) -> None:
    run = runs["emot_net-ccim-seed1"]
    write_curves(run, [0.2, 0.6, 0.4])
    table = run_table(list(runs.values())).set_index("run")
    row = table.loc[run.name]
    assert (row["variant"], row["seed"], row["validation"]) == ("emot_net-ccim", 1, 0.6)
    metrics = run.metrics("test")
    assert metrics is not None
    assert row["test"] == metrics["headline"]
    assert math.isnan(row["shift"])
    assert math.isnan(table.loc["emot_net-none-seed0", "validation"])
    assert run_curves(run)["epoch"].tolist() == [1, 2, 3]
    # Chosen by another criterion, the kept epoch need not be the headline's best.
    chosen = [
        {"epoch": k, "train_loss": 1.0, "val_headline": 0.5 + k / 10, "val_reweighted": value}
        for k, value in enumerate((0.1, 0.3, 0.2))
    ]
    lines = "\n".join(json.dumps(line) for line in chosen)
    (run.path / "metrics.jsonl").write_text(lines + "\n")
    assert run_table([run])["validation"].tolist() == [0.6]
    figure = curves_figure({run.name: run_curves(run)}, chosen=run.name, metric="accuracy")
    (ring,) = (trace for trace in figure.data if trace.mode == "markers")
    assert list(ring.x) == [2]
    (run.path / "metrics.jsonl").write_text("no lines of JSON\n")
    with pytest.raises(InputError, match="Expected a line of JSON an epoch"):
        run_curves(run)
    (run.path / "metrics.jsonl").unlink()
    assert run_curves(run).empty


def test_commands_make_the_run_again(runs: dict[str, RunRecord]) -> None:
    for run in runs.values():
        words = train_again(run).split()
        assert words[:4] == ["python", "-m", "ccim_core", "train"]
        config = to_dict(parse_config(words[6:]))
        assert config["intervention"] == run.config["intervention"]
        assert config["train"]["seed"] == run.seed
    run = next(iter(runs.values()))
    assert made_by(run) == ""
    for words, command in (
        (["__main__.py", "demo", "--out", "a b"], "python -m ccim_core demo --out 'a b'"),
        (["script.py", "--fast"], "script.py --fast"),
    ):
        run.environment["command"] = words
        assert made_by(run) == command


def test_settings_say_what_differs(runs: dict[str, RunRecord]) -> None:
    settings = run_settings(runs["emot_net-ccim-seed1"]).set_index("setting")
    differing = settings[settings["differs"]]
    assert differing.loc["intervention.name", ["value", "default"]].tolist() == ["ccim", "none"]
    assert not settings.loc["model.name", "differs"]
    assert settings.loc["train.compile", "value"] == "false"


def test_two_runs_are_compared_on_the_same_subjects(
    study: Study, runs: dict[str, RunRecord]
) -> None:
    found = compare(study, runs)
    rows = split_rows(study, "test")
    truth = rows.targets.argmax(1)
    right = []
    for name, estimator in (("none", "likelihood"), ("ccim", "ccim")):
        outputs = runs[f"emot_net-{name}-seed0"].outputs(rows, estimator)
        right.append(outputs.argmax(1) == truth)
    assert (found.before, found.after) == tuple(pytest.approx(one.mean()) for one in right)
    assert found.test.estimate == pytest.approx(found.after - found.before)
    assert found.test.low < found.test.estimate < found.test.high
    assert found.mcnemar is not None
    assert found.mcnemar.only_first == (right[0] & ~right[1]).sum()
    assert found.mcnemar.only_second == (right[1] & ~right[0]).sum()
    moved = found.moves.to_numpy()
    assert moved.sum() == found.n == 90
    assert found.changed == pytest.approx(1 - np.trace(moved) / found.n)
    classes = found.classes.set_index("emotion")
    assert classes["positives"].sum() == found.n
    weighted = (classes["before"] * classes["positives"]).sum() / found.n
    assert weighted == pytest.approx(found.before)  # recalls by class make the accuracy
    assert (classes["change"] == classes["after"] - classes["before"]).all()


def test_sentences_say_on_which_side_of_the_noise(study: Study, runs: dict[str, RunRecord]) -> None:
    told = comparison_sentences(compare(study, runs), "test")
    assert len(told) == 3
    assert "One seed: its noise is not known." in told[0]  # however far its interval is from 0
    assert "the noise**" not in told[0]
    assert "accuracy on `test`" in told[0]
    same = answer(runs, "none", "likelihood", (0, 1))
    found = compare_answers(
        split_rows(study, "test"), same, same, metric="balanced_accuracy", n_resamples=50
    )
    told = comparison_sentences(found, "test")
    assert "+0.0 points" in told[0]
    assert "within the noise" in told[0]
    assert "By seed: +0.0, +0.0." in told[0]
    assert "changes for 0.0%" in told[1]
    assert "Anger:" in describe_classes(found)


def test_variants_are_compared_over_all_their_seeds(
    study: Study, runs: dict[str, RunRecord]
) -> None:
    """A seed that goes the other way widens the interval, whatever each alone would say."""
    both = compare(study, runs, seeds=(0, 1))
    alone = [compare(study, runs, seeds=(seed,)) for seed in (0, 1)]
    assert both.by_seed == tuple(pytest.approx(one.test.estimate) for one in alone)
    assert both.test.estimate == pytest.approx(np.mean(both.by_seed))
    assert both.test.n_seeds == 2
    assert both.mcnemar is None
    assert both.moves.to_numpy().sum() == 2 * both.n
    # The study's table has the same interval.
    pair = [("emot_net-none", "likelihood"), ("emot_net-ccim", "ccim")]
    for path in study.run_paths():  # drawn outputs have no network, and no widths of one
        info = read_json(path / "config.json")
        write_json(path / "config.json", {**info, "widths": {}})
    theirs = pairwise_difference(study, first=pair[0], second=pair[1], split="test", n=200)
    assert (theirs.low, theirs.high) == pytest.approx((both.test.low, both.test.high))
    swapped = Answer(runs=(runs["emot_net-ccim-seed1"],), estimator="ccim")
    with pytest.raises(InputError, match="Expected a training seed that both have"):
        compare_answers(
            split_rows(study, "test"),
            answer(runs, "none", "likelihood"),
            swapped,
            metric="accuracy",
        )


def test_what_cannot_be_compared_is_refused(study: Study, runs: dict[str, RunRecord]) -> None:
    assert metrics_for("multi") == ("map",)
    with pytest.raises(InputError, match="Expected a metric of"):
        compare(study, runs, metric="recall")
    one = split_rows(study, "test")
    alone = type(one)(
        split="test",
        sample_ids=one.sample_ids[:1],
        targets=one.targets[:1],
        images=one.images[:1],
        sources=one.sources[:1],
    )
    same = answer(runs, "none", "likelihood")
    with pytest.raises(InputError, match="two images or more"):
        compare_answers(alone, same, same, metric="accuracy")
    with pytest.raises(InputError, match="evaluate"):
        compare_answers(one, same, answer(runs, "none", "backdoor"), metric="accuracy")


def test_without_an_evaluation_emotions_have_no_number(tmp_path: Path) -> None:
    study = make_table_study(tmp_path / "study", seeds=(0,), n=20)
    (run, *_) = read_runs(study)
    write_json(run.path / "evaluation.json", {"rows": [], "controls": {}})
    (run, *_) = read_runs(study)
    mine = Answer(runs=(run,), estimator=run.estimator)
    rows = split_rows(study, "test")
    found = compare_answers(rows, mine, mine, metric="accuracy", n_resamples=20)
    assert found.classes[["before", "after", "change"]].isna().all(axis=None)
    assert describe_classes(found).endswith("Not evaluated.")
    figure = class_dumbbells(found.classes, metric="recall, %")
    assert list(figure.layout.yaxis.ticktext) == list(study.labels.emotions)


def test_figures_draw_what_the_frames_hold(study: Study, runs: dict[str, RunRecord]) -> None:
    found = compare(study, runs)
    figure = class_dumbbells(found.classes, metric="recall, %")
    marks = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    for side in ("before", "after"):
        assert np.allclose(marks[side].x, found.classes[side] * 100)
    whiskers = [trace for trace in figure.data if trace.mode == "lines"][1:]
    assert np.allclose(
        whiskers[0].x[:2], found.classes[["before_low", "before_high"]].iloc[0] * 100
    )
    low, high = figure.layout.xaxis.range
    assert low < np.nanmin(marks["before"].x)
    assert high > np.nanmax(marks["after"].x)

    curves = {
        "a-seed0": pd.DataFrame(
            {"epoch": [1, 2], "train_loss": [2, 1], "val_headline": [0.5, 0.4]}
        ),
        "a-seed1": pd.DataFrame({"epoch": [1], "train_loss": [3.0]}),
    }
    figure = curves_figure(curves, chosen="a-seed0", metric="accuracy")
    assert [trace.name for trace in figure.data if trace.mode == "lines"] == [
        *("a-seed1",),
        *("a-seed0", "a-seed0"),
    ]
    (ring,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert (ring.x[0], ring.y[0]) == (1, 0.5)
    assert "best validation 50.0%" in describe_curves("a", 2, 0.5)
    assert "best" not in describe_curves("a", 2, math.nan)
