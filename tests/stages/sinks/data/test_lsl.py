"""Streams of the Lab Streaming Layer, heard by inlets in this process."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lipstream.pipeline import UserError
from lipstream.pipeline.testing import ScriptedClock
from lipstream.stages.sinks.data import lsl
from lipstream.stages.sinks.data.lsl import LslOutlets, SessionToLsl, library
from tests.stages.sinks.data.runs import emotion, features, final

WAIT = 20.0
"""Seconds after which what should come will not."""


def pylsl() -> Any:
    try:
        return library()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture
def outlets(monkeypatch: pytest.MonkeyPatch) -> Iterator[LslOutlets]:
    """Open, under names that no other run in this network has, at 100 s of the session."""
    module = pylsl()
    monkeypatch.setattr(lsl.platform, "node", lambda: f"test-{id(monkeypatch)}")
    sink = LslOutlets(module)
    sink.attach(SimpleNamespace(clock=ScriptedClock(100_000_000)))
    sink.open()
    yield sink
    sink.close()


def inlet(name: str) -> Any:
    module = pylsl()
    source = f"{name.lower().replace(' ', '-')}@{lsl.platform.node()}"
    found = module.resolve_byprop("source_id", source, timeout=WAIT)
    assert found, "the stream was not found"
    opened = module.StreamInlet(found[0])
    opened.open_stream(timeout=WAIT)
    return opened


def channels(stream: Any) -> list[str]:
    described = stream.info(timeout=WAIT).desc().child("channels").child("channel")
    labels = []
    while not described.empty():
        labels.append(described.child_value("label"))
        described = described.next_sibling()
    return labels


def test_features_arrive_by_the_names_of_the_table_at_the_time_of_the_picture(outlets: LslOutlets):
    listening = inlet(lsl.FEATURES)
    outlets.handle(features(98.5, 2))
    sample, stamp = listening.pull_sample(timeout=WAIT)
    named = dict(zip(channels(listening), sample, strict=True))
    assert (named["face"], named["speaker"], named["talking"]) == (2, 1, 0)
    assert [named["Yaw"], named["gaze_1_x"], named["mouth_aperture"]] == pytest.approx([20.25, 0.3, 0.125])
    assert named["noseSneerRight"] == pytest.approx(0.51) and "time" not in named
    # The scripted session stands at 100 s, whatever LSL's clock says now.
    assert stamp == pytest.approx(pylsl().local_clock() - 1.5, abs=WAIT)
    assert stamp < pylsl().local_clock() - 1.4


def test_emotions_arrive_with_their_probabilities(outlets: LslOutlets):
    listening = inlet(lsl.EMOTIONS)
    outlets.handle(emotion(100.0, "sad"))
    outlets.handle(emotion(100.0, face=None))
    sample, _ = listening.pull_sample(timeout=WAIT)
    named = dict(zip(channels(listening), sample, strict=True))
    assert [named["face"], named["sad"], named["arousal"], named["weight_voice"]] == pytest.approx([1, 0.7, -0.25, 0.4])
    assert listening.pull_sample(timeout=WAIT)[0][0] == 0


def test_words_arrive_as_markers_at_their_beginnings(outlets: LslOutlets):
    listening = inlet(lsl.WORDS)
    outlets.handle(final("Grüße, \x1bWelt.", 96.0, 98.0))
    (first, at), (second, later) = (listening.pull_sample(timeout=WAIT) for _ in range(2))
    assert (first, second) == (["Grüße,"], ["Welt."])
    assert later - at == pytest.approx(1.0, abs=0.01)


# The clock.


class Clocks:
    """A session clock and LSL's, which is 50 s ahead; each reading takes what the script says, in microseconds."""

    def __init__(self, *steps: int) -> None:
        self._steps = itertools.chain(steps, itertools.repeat(0))
        self._now = 1_000_000
        self.ahead = 50.0

    def now(self) -> int:
        self._now += next(self._steps)
        return self._now

    def local_clock(self) -> float:
        return self.now() / 1e6 + self.ahead


def mapped(clocks: Clocks) -> SessionToLsl:
    mapping = SessionToLsl(clocks)
    mapping.session = clocks
    return mapping


def test_session_time_is_told_on_lsls_clock():
    assert mapped(Clocks()).of(0.25) == pytest.approx(50.25)


def test_an_interruption_between_two_readings_does_not_move_the_time():
    mapping = mapped(Clocks(0, 0, 0, 0, 400_000, 0))
    assert mapping.of(2.0) == mapping.of(2.0) == pytest.approx(52.0)


def test_clocks_that_drift_are_followed():
    clocks = Clocks()
    mapping = mapped(clocks)
    assert mapping.of(0.0) == pytest.approx(50.0)
    clocks.ahead = 50.01
    assert mapping.of(0.0) == pytest.approx(50.01)


# Without the library.


def test_without_pylsl_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pylsl", None)
    with pytest.raises(UserError, match=r"needs pylsl.*pip install 'lipstream\[lsl\]'"):
        library()


def test_a_pylsl_without_liblsl_is_one_line(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> None:
        raise RuntimeError("LSL binary library file was not found.\nPlease make sure")

    monkeypatch.setattr(lsl, "import_module", missing)
    with pytest.raises(UserError, match=r"pylsl finds no liblsl \(LSL binary library file was not found\. Please"):
        library()


@pytest.mark.parametrize(("file", "told"), [(None, ["[log]\nlevel = -1\n"]), ("lsl_api.cfg", [])])
def test_notices_are_left_out_unless_somebody_has_configured_it(
    file: str | None, told: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    heard: list[str] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("LSLAPICFG", raising=False)
    monkeypatch.delitem(sys.modules, "pylsl", raising=False)
    monkeypatch.setattr(lsl, "import_module", lambda name: SimpleNamespace(set_config_content=heard.append))
    if file is not None:
        (tmp_path / file).touch()
    library()
    assert heard == told
