"""The page on adding a stage of one's own does what it says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest

from lipstream.config import Config, load_config
from lipstream.pipeline import End, Graph, Packet, Port, Source
from lipstream.pipeline.testing import EventRecorder, run_stage
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock

PAGE = Path(__file__).parents[2] / "docs" / "own_stage.md"


class Sound(Source):
    """Half a second: quiet, loud, quiet."""

    outputs: ClassVar = {"audio": Port(AudioBlock)}

    def __init__(self) -> None:
        self.blocks = iter(enumerate([0.0, 0.0, 0.5, 0.5, 0.0]))

    def produce(self):
        index, amplitude = next(self.blocks, (None, 0.0))
        if index is None:
            return False
        samples = np.full(SAMPLE_RATE // 10, amplitude, dtype=np.float32)
        self.emit("audio", AudioBlock(samples), index * 100_000, 100_000)
        return True


@pytest.fixture
def built(monkeypatch) -> list[tuple[Config, Graph]]:
    """Puts a graph with the sound above in the place of the captions graph, and tells what was built."""
    made: list[tuple[Config, Graph]] = []

    def build(config: Config) -> Graph:
        graph = Graph()
        graph.add("audio", Sound())
        graph.add("recorder", EventRecorder())
        made.append((config, graph))
        return graph

    module = ModuleType("lipstream.stages.build")
    module.build = build
    monkeypatch.setitem(sys.modules, "lipstream.stages.build", module)
    return made


@pytest.fixture
def page(built, monkeypatch, capsys) -> dict[str, Any]:
    """What the code blocks of the page define, run in turn as one module, and what they "printed"."""
    module = ModuleType("own_stage")
    monkeypatch.setitem(sys.modules, "own_stage", module)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 3
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), vars(module))
    return vars(module) | {"printed": capsys.readouterr().out.splitlines()}


def test_the_examples_own_tests_pass(page):
    tests = [value for name, value in page.items() if name.startswith("test_")]
    assert len(tests) == 3
    for test in tests:
        test()


def test_the_example_runs_in_a_pipeline(page, built):
    [(config, graph)] = built
    assert config == load_config("live")
    assert set(graph.components) == {"audio", "meter", "bar"}
    recorder = graph.sinks["recorder"]
    changes = [(event.time, event.loud) for event in recorder.of(page["LoudnessChanged"])]
    assert changes == [(0.2, True), (0.4, False)]
    assert recorder.ended and recorder.events[-1].reason == "finished"
    assert [line for line in page["printed"] if ":" in line] == ["0.2 s: loud", "0.4 s: quiet"]
    assert any(set(line) <= {"#"} for line in page["printed"])


def test_the_examples_recoverable_error_skips_the_block_only(page):
    blocks = page["sound"](1.0, 1.0, block=1600)
    bad = Packet(blocks[0].timestamp, AudioBlock(np.full(1600, np.nan, dtype=np.float32)), 100_000)
    run = run_stage(page["LoudnessMeter"](), [bad, blocks[1]])
    assert [type(event).__name__ for event in run.events] == ["Degraded", "LoudnessChanged", "Recovered"]
    assert [packet.timestamp for packet in run] == [100_000]
    assert not any(isinstance(event, End) for event in run.events)


def test_the_ports_of_the_table_are_those_of_the_captions_graph():
    from lipstream.stages.build import build

    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| `(\w+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == 19
    components = build(load_config("live")).components
    for component, port, payload in rows:
        assert components[component].outputs[port].type.__name__ == payload
