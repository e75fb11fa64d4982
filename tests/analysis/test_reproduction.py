"""Tables from run directories: the numbers, the comparisons, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.benchmark_tables import add_run
from analysis.published import published_results
from analysis.reproduction import TARGETS, Options, reproduce
from analysis.table_settings import SIZES
from ccim_core.errors import InputError
from ccim_core.files import read_json, write_json
from ccim_core.manifest import Manifest
from ccim_core.metrics.comparison import compare_outputs
from ccim_core.metrics.consistency import top_change_rate
from ccim_core.study import Study
from tests.analysis.table_study import make_table_study


@pytest.fixture(scope="module")
def caer_s(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Two models, plain, with CCIM and two controls, two seeds."""
    return make_table_study(
        tmp_path_factory.mktemp("tables") / "study",
        models=("emot_net", "emoticon"),
        settings=("none", "ccim", "random_z", "constant_g"),
    )


def evaluation(study: Study, run: str, split: str = "test") -> dict:
    rows = read_json(study.runs_root / run / "evaluation.json")["rows"]
    return next(row for row in rows if row["split"] == split)


def outputs(study: Study, run: str, split: str = "test") -> np.ndarray:
    frame = pd.read_parquet(study.runs_root / run / "predictions.parquet")
    emotions = list(study.labels.emotions)
    return frame.loc[frame["split"] == split, emotions].to_numpy(float)


def test_ours_is_the_mean_over_seeds_beside_what_the_paper_prints(caer_s: Study) -> None:
    table = reproduce("table3", [caer_s.path]).table
    row = table[(table["title"] == "EMOT-Net + CCIM") & (table["split"] == "test")].iloc[0]
    values = [evaluation(caer_s, f"emot_net-ccim-seed{seed}")["accuracy"] * 100 for seed in (0, 1)]
    assert row["ours"] == pytest.approx(np.mean(values))
    assert row["sd"] == pytest.approx(np.std(values, ddof=1))
    assert (row["seeds"], row["published"]) == (2, 75.82)
    assert row["difference"] == pytest.approx(np.mean(values) - 75.82)
    assert row["exceeds"] == (not row["low"] <= 75.82 <= row["high"])


def test_models_of_other_authors_are_shown_by_their_own_reports_alone(caer_s: Study) -> None:
    table = reproduce("table3", [caer_s.path]).table
    vrd = table[table["model"] == "VRD"].iloc[0]
    assert (vrd["published"], vrd["seeds"]) == (90.49, 0)
    assert np.isnan(vrd["ours"])
    assert "own authors" in vrd["reason"]


def test_a_gain_is_that_of_runs_of_the_same_seed_with_a_paired_interval(caer_s: Study) -> None:
    frame = reproduce("table3", [caer_s.path]).part("gains").frame
    row = frame[(frame["name"] == "EMOT-Net") & (frame["split"] == "test")].iloc[0]
    part = caer_s.manifest.split("test")
    compared = [
        compare_outputs(
            part.targets(),
            outputs(caer_s, f"emot_net-none-seed{seed}"),
            outputs(caer_s, f"emot_net-ccim-seed{seed}"),
            metric="accuracy",
            clusters=part.frame["image"].to_numpy(str),
        )
        for seed in (0, 1)
    ]
    gains = [100 * one.difference for one in compared]
    assert row["ours"] == pytest.approx(np.mean(gains))
    assert row["published"] == pytest.approx(75.82 - 74.51)
    seed_half = 12.706 * np.std(gains, ddof=1) / np.sqrt(2)
    image_half = np.sqrt(max((row["high"] - row["ours"]) ** 2 - seed_half**2, 0))
    # Of a mean of two runs: no wider than of either.
    widest = max(100 * (one.high - one.low) / 2 for one in compared)
    assert 0.4 * widest < image_half < 1.15 * widest


def test_averages_of_section_4_4_stand_beside_ours(caer_s: Study) -> None:
    frame = reproduce("table3", [caer_s.path]).part("gains").frame
    test = frame[frame["split"] == "test"].set_index(["scope", "name"])
    whole = test.loc[("dataset average", "CAER-S")]
    each = test.loc["model"]["ours"].dropna()
    assert whole["published"] == 1.66
    assert whole["over"] == "EMOT-Net, EmotiCon"
    assert whole["ours"] == pytest.approx(each.mean())
    # Two models on the same images: narrower than the wider one, not as if they were twins.
    widths = (test.loc["model"]["high"] - test.loc["model"]["low"]).dropna()
    assert whole["high"] - whole["low"] < widths.max()
    assert test.loc[("model average", "EmotiCon"), "published"] == 3.37


def test_controls_stand_beside_every_ccim_row(caer_s: Study) -> None:
    for target in ("table3", "figure5", "table4", "figure6", "figure8"):
        frame = reproduce(target, [caer_s.path]).part("controls").frame
        rows = frame[(frame["model"] == "EMOT-Net") & (frame["split"] == "test")]
        rows = rows.set_index("control")
        for control in ("random_z", "constant_g", "headline_g_mean", "causal_share"):
            assert np.isfinite(rows.loc[control, "ours"]), (target, control)
        assert "not kept" in rows.loc["headline_shuffled_prior", "reason"]
        assert rows.loc["shuffled_prior", "reason"] == "there are no runs"
        assert np.isfinite(rows.loc["random_z", "change_low"])
        pairs = [
            top_change_rate(
                outputs(caer_s, f"emot_net-none-seed{seed}"),
                outputs(caer_s, f"emot_net-ccim-seed{seed}"),
            )
            for seed in (0, 1)
        ]
        assert rows.loc["top_change", "ours"] == pytest.approx(100 * np.mean(pairs))
        between = top_change_rate(
            outputs(caer_s, "emot_net-none-seed0"), outputs(caer_s, "emot_net-none-seed1")
        )
        assert rows.loc["seed_change", "ours"] == pytest.approx(100 * between)


def test_missing_runs_are_commands_and_a_missing_evaluation_is_one_too(caer_s: Study) -> None:
    missing = reproduce("table3", [caer_s.path]).missing
    emot = missing[missing["model"] == "EMOT-Net"]
    assert set(emot["seed"]) == {2}
    assert len(missing[missing["model"] == "CAER-Net"]) == 4 * 3
    assert missing["command"].str.startswith("python -m ccim_core train").all()
    one = reproduce("table3", [caer_s.path], options=Options(seeds=(0,))).missing
    assert "EMOT-Net" not in set(one["model"])


def test_a_run_that_was_not_evaluated_says_so(tmp_path: Path) -> None:
    study = make_table_study(tmp_path / "study", seeds=(0,))
    path = study.runs_root / "emot_net-ccim-seed0"
    (path / "evaluation.json").unlink()
    found = reproduce("table3", [study.path], options=Options(seeds=(0,)))
    row = found.table[found.table["title"] == "EMOT-Net + CCIM"].iloc[0]
    assert np.isnan(row["ours"])
    command = f"python -m ccim_core evaluate --study {study.path} --run emot_net-ccim-seed0"
    assert command in row["reason"]
    assert command in set(found.missing["command"])


def test_one_seed_has_no_deviation_and_every_place_says_why(tmp_path: Path) -> None:
    study = make_table_study(tmp_path / "study", seeds=(0,))
    found = reproduce("table3", [study.path])
    row = found.table[found.table["title"] == "EMOT-Net"].iloc[0]
    assert np.isnan(row["sd"])
    assert np.isfinite(row["low"])
    assert "one seed" in row["reason"]
    assert any("one seed only of none, ccim" in note for note in found.notes)


def test_a_class_without_positives_is_nan_with_its_reason(tmp_path: Path) -> None:
    study = make_table_study(tmp_path / "study", "groupwalk", settings=(), n=60)
    frame = study.manifest.frame.copy()
    mine = (frame["split"] == "test") & (frame["labels"] == "Sad")
    frame.loc[mine, "labels"] = "Happy"
    Manifest(frame=frame, labels=study.labels).save(study.path / "manifest.parquet")
    study = Study.open(study.path)
    for setting in ("none", "ccim"):
        add_run(study, "emot_net", setting, 0)
    found = reproduce("table2", [study.path])
    rows = found.part("categories_test").frame
    sad = rows[(rows["category"] == "Sad") & (rows["title"] == "EMOT-Net")].iloc[0]
    assert np.isnan(sad["ours"])
    assert sad["reason"] == "the class has no positive"
    assert (sad["positives"], sad["published"]) == (0, 61.24)
    assert np.isfinite(found.table["ours"].iloc[0])
    assert any("no positives of Sad (test)" in note for note in found.notes)


def test_the_average_precision_is_named_and_all_three_are_reported(tmp_path: Path) -> None:
    study = make_table_study(tmp_path / "study", "groupwalk", seeds=(0,))
    found = reproduce("table2", [study.path], options=Options(ap="eleven_point"))
    row = found.table[found.table["title"] == "EMOT-Net"].iloc[0]
    record = evaluation(study, "emot_net-none-seed0")
    assert row["metric"] == "mAP (11-point AP), %"
    assert row["ours"] == pytest.approx(100 * record["map_eleven_point"])
    assert row["chance"] == pytest.approx(100 * record["map_chance_eleven_point"])
    assert np.isnan(row["low"])
    three = found.part("three_aps").frame
    mine = three[(three["title"] == "EMOT-Net") & (three["split"] == "test")]
    expected = [100 * record[f"map_{kind}"] for kind in ("step", "interpolated", "eleven_point")]
    assert list(mine["ours"]) == pytest.approx(expected)


def test_ablations_change_from_the_full_module_and_absent_datasets_say_so(tmp_path: Path) -> None:
    settings = ("none", "ccim", "additive", "without_lambda")
    study = make_table_study(tmp_path / "study", settings=settings)
    table = reproduce("table4", [study.path]).table
    rows = table[(table["dataset"] == "CAER-S") & (table["split"] == "test")]
    full, additive = (
        rows[(rows["setting"] == name) & (rows["model"] == "EMOT-Net")].iloc[0]
        for name in ("ccim", "additive")
    )
    assert additive["change"] == pytest.approx(additive["ours"] - full["ours"])
    assert additive["change_low"] < additive["change"] < additive["change_high"]
    assert (additive["published"], additive["published_change"]) == (75.64, -0.18)
    assert (additive["id"], full["id"]) == (11, 1)
    emotic = table[table["dataset"] == "EMOTIC"]
    assert set(emotic["reason"]) == {"no study of EMOTIC was given"}
    assert emotic["published"].notna().all()
    assert emotic["ours"].isna().all()


def test_sizes_include_the_default_and_name_it(tmp_path: Path) -> None:
    study = make_table_study(tmp_path / "study", settings=("none", "ccim", "size_64"))
    frame = reproduce("figure6", [study.path]).table
    mine = frame[(frame["model"] == "EMOT-Net") & (frame["split"] == "test")].set_index("size")
    assert list(mine.index) == list(SIZES)
    assert list(mine.index[mine["default"]]) == [128]
    assert mine["ours"].notna().tolist() == [True, True, False, False, False]
    assert mine.loc[64, "change"] == pytest.approx(mine.loc[64, "ours"] - mine.loc[128, "ours"])


def test_figure8_chooses_by_its_rule_and_counts_both_ways(caer_s: Study) -> None:
    found = reproduce("figure8", [caer_s.path])
    examples, counts = found.table, found.part("counts").frame
    assert list(examples.groupby("example").size()) == [7, 7]
    truth = caer_s.manifest.split("test").targets().argmax(1)
    before, after = (
        outputs(caer_s, f"emot_net-{name}-seed0").argmax(1) == truth for name in ("none", "ccim")
    )
    row = counts[counts["seed"] == 0].iloc[0]
    assert row["better"] == (after & ~before).sum()
    assert row["worse"] == (before & ~after).sum()
    for _, part in examples.groupby("example"):
        rows = part.set_index("emotion")
        label = part["labels"].iloc[0]
        assert rows["after"].astype(float).idxmax() == label
        assert rows["before"].astype(float).idxmax() != label
    assert examples["labels"].nunique() == 2


def test_other_data_stand_in_for_a_dataset_without_published_numbers(tmp_path: Path) -> None:
    study = make_table_study(tmp_path / "study", "controlled", splits=("test", "shift"))
    found = reproduce("table1", [study.path])
    assert found.table["published"].isna().all()
    assert set(found.table["split"]) == {"test", "shift"}
    assert any("no numbers of Rendered benchmark" in note for note in found.notes)
    assert set(reproduce("table4", [study.path]).table["dataset"]) == {"Rendered benchmark"}


def test_studies_of_several_datasets_give_averages_by_model(tmp_path: Path) -> None:
    paths = [
        make_table_study(tmp_path / name, name, seeds=(0, 1)).path
        for name in ("caer-s", "groupwalk")
    ]
    frame = reproduce("table2", paths).part("gains").frame
    row = frame[(frame["scope"] == "model average") & (frame["name"] == "EMOT-Net")].iloc[0]
    single = frame[(frame["scope"] == "model") & (frame["name"] == "EMOT-Net")]
    test = single[single["split"] == "test"]
    assert row["over"] == "CAER-S, GroupWalk"
    assert row["ours"] == pytest.approx(test["ours"].mean())
    assert row["published"] == 2.22


# What is refused, each in one sentence.


def test_another_dataset_of_the_paper_is_refused(caer_s: Study) -> None:
    with pytest.raises(InputError, match="Expected a study of EMOTIC for table1"):
        reproduce("table1", [caer_s.path])


def test_runs_of_another_label_set_are_refused(tmp_path: Path) -> None:
    study = make_table_study(tmp_path / "study", seeds=(0,))
    path = study.runs_root / "emot_net-ccim-seed0" / "config.json"
    info = read_json(path)
    other = make_table_study(tmp_path / "other", "groupwalk", settings=())
    write_json(path, {**info, "label_set": other.labels.to_dict()})
    with pytest.raises(InputError, match="Expected runs of the label set 'caer-s'"):
        reproduce("table3", [study.path])


def test_runs_of_another_manifest_are_refused_by_name(tmp_path: Path) -> None:
    study = make_table_study(tmp_path / "study", seeds=(0,))
    path = study.runs_root / "emot_net-none-seed0" / "environment.json"
    write_json(path, {"manifest": "0" * 64})
    with pytest.raises(InputError, match="emot_net-none-seed0, trained on another"):
        reproduce("table3", [study.path])


def test_studies_with_other_subjects_do_not_share_a_table(tmp_path: Path) -> None:
    paths = [make_table_study(tmp_path / str(n), seeds=(0,), n=n).path for n in (40, 50)]
    with pytest.raises(InputError, match="Expected studies of one manifest in a table"):
        reproduce("table3", paths)


def test_predictions_with_missing_subjects_are_refused_with_the_command(tmp_path: Path) -> None:
    study = make_table_study(tmp_path / "study", seeds=(0,))
    path = study.runs_root / "emot_net-ccim-seed0" / "predictions.parquet"
    frame = pd.read_parquet(path)
    for changed, got in (
        (frame.iloc[:-1], "got 89 rows of 89"),
        (pd.concat([frame, frame.iloc[-1:]]), "got 91 rows of 90"),
        (frame.drop(columns="Fear"), "got another table"),
    ):
        changed.to_parquet(path, index=False)
        with pytest.raises(InputError, match=got) as error:
            reproduce("table3", [study.path])
        assert "python -m ccim_core evaluate" in str(error.value)


def test_splits_that_are_not_there_and_unknown_targets_are_refused(caer_s: Study) -> None:
    with pytest.raises(InputError, match="Expected splits of"):
        reproduce("table3", [caer_s.path], options=Options(splits=("shift",)))
    with pytest.raises(InputError, match="Expected a target of"):
        reproduce("table9", [caer_s.path])


def test_every_target_is_made_without_opening_a_network_or_a_picture(caer_s: Study) -> None:
    """The pictures are nowhere, and torch is never imported."""
    code = (
        "import sys\n"
        "from analysis.reproduction import reproduce\n"
        f"for target in {[t for t in TARGETS if t not in ('table1', 'table2')]}:\n"
        f"    reproduce(target, [{str(caer_s.path)!r}])\n"
        "assert not {'torch', 'plotly'} & set(sys.modules), 'opened'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_published_tables_name_the_models_that_the_project_has() -> None:
    titles = set(published_results().query("source == 'reimplemented'")["model"])
    assert titles == {"EMOT-Net", "GCN-CNN", "CAER-Net", "EmotiCon"}
