"""What docs/data.md shows does what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from lipstream.commands.main import build_parser
from lipstream.models.face.backend import BLENDSHAPES
from lipstream.stages.sinks import parse_formats, writer_class
from lipstream.stages.sinks.data.features_parquet import FeaturesParquetWriter
from tests.stages.sinks.data.runs import features, finished, write

TEXT = (Path(__file__).parents[4] / "docs" / "data.md").read_text(encoding="utf-8")


def run(name: str) -> dict[str, Any]:
    """The names that the one block of Python defines in which a name is."""
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if name in block]
    names: dict[str, Any] = {}
    exec(code, names)
    return names


def test_what_is_said_about_parquet_can_be_asked(tmp_path: Path):
    path = write(FeaturesParquetWriter(tmp_path / "a.features.parquet"), features(0.0), finished())
    complete, units = run("def about")["about"](path)
    assert complete is True
    assert (units["time"], units["Yaw"], units["gaze_angle_x"], units["jawOpen"]) == ("s", "degrees", "radians", "")


def test_the_hook_gets_features(capsys: pytest.CaptureFixture[str]):
    names = run("def look")
    assert names["live"].config.face.features_rate == 25
    assert {"face_features", "speaking"} <= set(names["live"].graph.components)
    names["look"](features(0.0))
    assert capsys.readouterr().out == "1 (0.21, 0.2) 0.44\n"


def test_every_command_is_one(tmp_path: Path):
    lines = [line for line in TEXT.splitlines() if line.startswith("python main.py ")]
    assert len(lines) >= 5
    for line in lines:
        arguments = build_parser().parse_args(shlex.split(line.partition("#")[0])[2:])
        for name in parse_formats(arguments.formats) if arguments.formats else []:
            assert writer_class(name)


def test_every_blendshape_is_named():
    listed = TEXT.split("The blendshapes: ", 1)[1].split(".\n", 1)[0]
    assert tuple(re.findall(r"`(\w+)`", listed)) == BLENDSHAPES
