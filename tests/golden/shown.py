"""What a user sees of the project, as texts: the net under any change of its structure.

Everything comes from the shipped studies and from pictures drawn here, so a text may change only
where its meaning stays or gets better.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import io
import itertools
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ccim_core.demo import DEMO_STUDY

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "texts"
TARGETS = ("table1", "table2", "table3", "table4", "figure5", "figure6", "figure8")
PAGES = ("overview", "context_bias", "confounders", "embeddings", "predict", "experiments", "data")


def commands() -> str:
    """Every command with its options: spelling, what they take, and their defaults."""
    import analysis.cli
    import ccim_core.cli

    lines: list[str] = []
    for parser in (ccim_core.cli.build_parser(), analysis.cli.build_parser()):
        for name, command in _leaves(parser):
            lines.append(f"## {name}")
            lines += sorted(_option(action) for action in command._actions)
    return "\n".join(lines)


def _leaves(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    nested = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not nested:
        yield parser.prog, parser
    for action in nested:
        for child in action.choices.values():
            yield from _leaves(child)


def _option(action: argparse.Action) -> str:
    name = " ".join(action.option_strings) or action.dest
    taken = f" of {', '.join(map(str, action.choices))}" if action.choices else ""
    default = action.default
    if isinstance(default, Path):
        default = default.as_posix().replace(ROOT.as_posix(), "ROOT")
    return f"{name}{taken} = {default!r}"


def settings() -> str:
    """Every setting of a run, as `train --help` lists them."""
    from ccim_core.training.config import RunConfig, to_dict

    return json.dumps(to_dict(RunConfig()), indent=1)


def reproductions() -> str:
    """The paper's tables and figures beside the shipped runs."""
    return "\n\n".join(
        f"# {name}\n{_run('analysis', 'reproduce', name, '--markdown', '--quiet')}"
        for name in TARGETS
    )


def report() -> str:
    """The text of the shipped study's report."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        _run("analysis", "report", "--study", str(DEMO_STUDY), "--out", str(path), "--quiet")
        page = path.read_text(encoding="utf-8")
    page = re.sub(r"(?s)<(script|style|svg)\b.*?</\1>", " ", page)
    lines = html.unescape(re.sub(r"<[^>]+>", "\n", page)).splitlines()
    text = "\n".join(line.strip() for line in lines if line.strip() and "data:image" not in line)
    # What is of the machine and the day that make the page.
    text = re.sub(r"(?s)What made this page\n.*?(?=How the study was made)", "", text)
    text = re.sub(r"(?m)^CCIM Studio · .*\n?", "", text)
    text = re.sub(r"(?m)^.*20\d\d-\d\d-\d\d.*\n", "", text)
    return text.replace(ROOT.as_posix(), "ROOT").strip()


def faults() -> str:
    """What `prepare table` says of a table with many faults, each question and each answer."""
    said: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "p").mkdir()
        for number in range(6):
            Image.fromarray(np.full((30, 40, 3), 20 * number, np.uint8)).save(
                folder / "p" / f"{number}.png"
            )
        (folder / "p" / "broken.png").write_bytes(b"no picture")
        rows = [
            "image,split,x1,y1,x2,y2,labels,scene",
            "0.png,train,1,1,20,20,Happy,beach",
            "1.png,train,5,5,60,20,Sad,street",  # over the edge
            "2.png,training,1,1,20,20,Happy,beach",
            "3.png,test,20,20,10,10,Sad,street",  # no area
            "4.png,test,1,1,20,20,hapy,beach",
            "5.png,test,,1,20,20,Sad,street",
            "broken.png,val,1,1,20,20,Happy,beach",
            "4.png,train,1,1,20,20,Happy|Sad,beach",
            "0.png,test,1,1,20,20,Happy,beach",  # on both sides
        ]
        (folder / "t.csv").write_text("\n".join(rows), encoding="utf-8")
        table = ["prepare", "table", "--root", str(folder / "p"), "--quiet"]
        table += ["--table", str(folder / "t.csv"), "--out", str(folder / "study")]
        answers = ["--rename", "hapy=Happy", "--rename-split", "training=train", "--kind", "single"]
        policy = ["--policy", "file_in_two_splits=drop", "--policy", "several_labels=drop"]
        for options in ([], answers, [*answers, *policy]):
            said.append(f"# {' '.join(options)}")
            said.append(_run("ccim_core", *table, *options).replace(str(folder), "FOLDER"))
    return "\n".join(said)


def pages() -> str:
    """What each page of the app says of the shipped studies, before anything is chosen."""
    from streamlit.testing.v1 import AppTest

    said: list[str] = []
    for page in PAGES:
        test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120)
        test.run()
        if page != "overview":
            test.switch_page(f"app_pages/{page}.py").run()
        said.append(f"# {page}")
        said += _texts(test)
    return "\n".join(said)


def _texts(test: Any) -> list[str]:
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error")
    found = [f"{kind}: {element.value}" for kind in kinds for element in test.get(kind)]
    found += [f"metric: {one.label} {one.value} {one.delta}" for one in test.metric]
    found += [f"choice: {one.label} {list(one.options)}" for one in test.selectbox]
    found += [f"button: {one.label}" for one in test.button]
    return [line for line in found if "<style" not in line]


def pixels() -> str:
    """SHA-256 of the pictures of each scene, every emotion once."""
    from ccim_core.rendered.rendering import (
        EMOTIONS,
        SCENES,
        RenderSpec,
        render_picture,
    )

    digests = {scene: hashlib.sha256() for scene in SCENES}
    for number, (scene, emotion) in enumerate(itertools.product(SCENES, EMOTIONS)):
        spec = RenderSpec(
            scene=scene,
            emotion=emotion,
            cue=EMOTIONS[(number + 3) % len(EMOTIONS)],
            clarity=0.7,
            subject_seed=number,
            place_seed=500 + number,
            cue_seed=900 + number,
        )
        digests[scene].update(render_picture(spec.to_uri()).tobytes())
    return "\n".join(f"{scene} {digest.hexdigest()}" for scene, digest in digests.items())


SHOWN: dict[str, Callable[[], str]] = {
    "commands": commands,
    "settings": settings,
    "reproductions": reproductions,
    "report": report,
    "faults": faults,
    "pages": pages,
    "pixels": pixels,
}


def _run(package: str, *options: str) -> str:
    """What a command prints, on both streams."""
    import analysis.cli
    import ccim_core.cli

    main = {"analysis": analysis.cli.main, "ccim_core": ccim_core.cli.main}[package]
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        code = main(list(options))
    return f"{printed.getvalue().replace(ROOT.as_posix(), 'ROOT')}exit code {code}"
