from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ccim_core.files import write_json
from ccim_core.study import Study
from ccim_core.sweeps.grid import Grid, grid_configs
from ccim_core.sweeps.plan import MARK, plan_runs
from ccim_core.training.config import RunConfig, replace_field
from ccim_core.training.train import train_run


def configs(base: RunConfig, **axes: list[object]) -> list[RunConfig]:
    grid = tuple((path.replace("__", "."), tuple(values)) for path, values in axes.items())
    return grid_configs([Grid(base=base, axes=grid)])


def test_the_same_content_is_planned_once(study: Study, base: RunConfig) -> None:
    wanted = configs(
        base, intervention__name=["none", "ccim"], intervention__attention=["dot", "additive"]
    )
    assert [run.name for run in plan_runs(study, [*wanted, *wanted])] == [
        "emot_net-none-seed0",
        "emot_net-ccim-attention-dot-seed0",
        "emot_net-ccim-attention-additive-seed0",
    ]


def test_a_finished_run_stands_for_its_settings_whatever_it_is_called(
    study: Study, base: RunConfig
) -> None:
    train_run(study, replace(base, name="mine"), device="cpu", quiet=True)
    plan = plan_runs(study, configs(base, intervention__name=["none", "ccim"], train__seed=[0, 1]))
    assert [(run.name, run.present) for run in plan] == [
        ("mine-seed0", True),
        ("mine-seed1", False),  # named as the seed that is there
        ("emot_net-ccim-seed0", False),
        ("emot_net-ccim-seed1", False),
    ]
    assert plan[0].config.run_name == "mine-seed0"
    # The same settings on other rows are another run, and the name is taken.
    frame = study.manifest.frame.iloc[:-1]
    replace(study.manifest, frame=frame).save(study.path / "manifest.parquet")
    again = plan_runs(Study.open(study.path), [replace(base, name="mine")])
    assert not again[0].present
    assert again[0].name.startswith("mine-")
    assert again[0].name != "mine-seed0"


def test_a_name_that_others_have_gets_digits_on_all_seeds(
    study: Study, base: RunConfig, tmp_path: Path
) -> None:
    # A sweep of other settings has begun seed 1.
    write_json(study.runs_root / "emot_net-none-seed1" / MARK, {"content": "another"})
    wanted = configs(base, intervention__name=["none"], train__seed=[0, 1])
    first = plan_runs(study, wanted)
    assert len({run.config.name for run in first}) == 1
    assert first[0].config.name.startswith("emot_net-none-")
    assert plan_runs(study, wanted) == first
    # Begun by this very sweep it is its own.
    for run in first:
        write_json(run.path / MARK, {"content": run.content})
    assert plan_runs(study, wanted) == first


def test_two_settings_of_one_name_are_told_apart(study: Study, base: RunConfig) -> None:
    both = [replace(base, name="x"), replace_field(replace(base, name="x"), "optim.lr", 0.2)]
    plan = plan_runs(study, both)
    assert plan[0].name == "x-seed0"
    assert plan[1].name.startswith("x-")
    assert plan[1].name != "x-seed0"
