"""Events for other programs."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from lipstream.events import SoundLevel, SpeechStarted, TranscriptFinal
from lipstream.pipeline import End, UserError
from lipstream.stages.sinks.event_pipe import EventPipe, FollowedJsonlWriter
from tests.full_disk import FullDisk
from tests.stages.sinks.sink_context import SinkContext

LEVEL = SoundLevel(time=0.1, level=-20.0, speech=False)


def test_every_event_can_be_read_at_once(tmp_path: Path):
    reading, writing = os.pipe()
    pipe = EventPipe(os.fdopen(writing, "wb"))
    with os.fdopen(reading, encoding="utf-8") as reader:
        for event in (SpeechStarted(segment=1, start=0.5), LEVEL, End(reason="finished", duration=1.0)):
            pipe.handle(event)
            assert json.loads(reader.readline()) == event.to_dict()
        pipe.close()
        assert reader.read() == ""


def test_a_reader_that_goes_away_is_told_once_and_harms_nothing():
    reading, writing = os.pipe()
    gone: list[bool] = []
    pipe = EventPipe(os.fdopen(writing, "wb"), lambda: gone.append(True))
    os.close(reading)
    for _ in range(3):
        pipe.handle(LEVEL)
    pipe.close()
    assert gone == [True]


def test_text_cannot_break_a_line_or_act_on_a_terminal():
    reading, writing = os.pipe()
    pipe = EventPipe(os.fdopen(writing, "wb"))
    text = "a\n\x1b[31m\u2028b\udce9"
    pipe.handle(TranscriptFinal(segment=1, start=0, end=1, text=text, words=()))
    pipe.close()
    with os.fdopen(reading, "rb") as reader:
        (line,) = reader.read().splitlines()
    assert b"\x1b" not in line and "\u2028".encode() not in line
    assert json.loads(line)["text"].startswith("a\n\x1b[31m\u2028b")


def test_a_file_can_be_followed_while_it_grows(tmp_path: Path):
    writer = FollowedJsonlWriter(tmp_path / "events.jsonl")
    writer.handle(LEVEL)
    assert json.loads(writer.part.read_text())["event"] == "SoundLevel"
    writer.handle(SpeechStarted(segment=1, start=0.5))
    writer.handle(End(reason="finished", duration=1.0))
    assert len(writer.path.read_text().splitlines()) == 3 and not writer.part.exists()


def full_pipe(lossless: bool) -> tuple[EventPipe, SinkContext]:
    file = FullDisk(io.BytesIO(), 100)
    pipe, context = EventPipe(file, name="--events -"), SinkContext(lossless=lossless)
    pipe.attach(context)
    return pipe, context


def test_events_that_do_not_fit_on_a_disk_are_an_error_of_a_recording():
    pipe, _ = full_pipe(lossless=True)
    with pytest.raises(UserError, match="--events -: cannot be written any more: No space left"):
        for _ in range(5):
            pipe.handle(LEVEL)
    pipe.handle(LEVEL)
    pipe.close()


def test_events_that_do_not_fit_on_a_disk_do_not_end_a_live_run():
    pipe, context = full_pipe(lossless=False)
    for _ in range(5):
        pipe.handle(LEVEL)
    assert [type(event).__name__ for event in context.events] == ["Error"]
    assert pipe.failure is not None and "No space left" in pipe.failure
