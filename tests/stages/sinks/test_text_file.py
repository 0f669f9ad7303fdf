"""The newest captions in a text file."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from lipstream.events import SoundEvent, SpeechUnclear, TranscriptCorrected, TranscriptFinal, TranscriptPartial, Word
from lipstream.pipeline import End, Event
from lipstream.stages.sinks.text_file import TextFile


class Clock:
    """A sink's surroundings, in which time moves when it is told to."""

    name = "text file"

    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        self.time += 1_000_000
        return self.time


def partial(segment: int, text: str) -> TranscriptPartial:
    return TranscriptPartial(segment=segment, start=0.0, end=1.0, stable=text, unstable="")


def final(segment: int, text: str) -> TranscriptFinal:
    return TranscriptFinal(segment=segment, start=0.0, end=1.0, text=text, words=())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "captions.txt"


@pytest.fixture
def sink(path: Path) -> TextFile:
    found = TextFile(path)
    found.attach(Clock())
    found.open()
    return found


def after(sink: TextFile, *events: Event) -> str:
    for event in events:
        sink.handle(event)
    return sink.path.read_text(encoding="utf-8")


def test_it_has_what_was_said_last_and_what_is_forming(sink: TextFile):
    assert sink.path.read_text() == ""
    assert after(sink, partial(1, "Good")) == "Good\n"
    assert after(sink, partial(1, "Good morning")) == "Good morning\n"
    assert after(sink, final(1, "Good morning.")) == "Good morning.\n"
    assert after(sink, partial(2, "And")) == "Good morning.\nAnd\n"
    assert after(sink, final(2, "And you?"), partial(3, "Yes")) == "And you?\nYes\n"


def test_a_sound_is_there_when_it_begins(sink: TextFile):
    music = SoundEvent(label="music", start=2.0, end=None, confidence=0.5)
    assert after(sink, final(1, "Good morning."), music) == "Good morning.\n[music]\n"
    assert after(sink, replace(music, end=4.0)) == "Good morning.\n[music]\n"


def test_what_came_to_nothing_goes_and_at_the_end_it_is_empty(sink: TextFile):
    assert after(sink, final(1, "One."), partial(2, "uh"), SpeechUnclear(segment=2, start=1.0, end=2.0)) == "One.\n"
    assert after(sink, partial(3, "uh"), partial(3, "")) == "One.\n"
    assert after(sink, End(reason="stopped", duration=3.0)) == ""


def test_a_reader_finds_a_whole_text_at_every_moment(sink: TextFile):
    """Sentences of one letter each: a mixture of two would be seen."""
    stop, wrong = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            for line in sink.path.read_text(encoding="utf-8").splitlines():
                if len(set(line)) != 1 or len(line) != 4000:
                    wrong.append(line[:20])

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(300):
        sink.handle(final(number + 1, "abcdefghij"[number % 10] * 4000))
    stop.set()
    reader.join()
    assert wrong == []
    assert os.listdir(sink.path.parent) == ["captions.txt"]


def test_a_folder_that_is_gone_does_not_end_the_run_and_is_tried_again(sink: TextFile, tmp_path: Path):
    moved = tmp_path.with_name("moved")
    tmp_path.rename(moved)
    sink.handle(final(1, "One."))
    assert sink.failure is not None and "cannot be written" in sink.failure
    moved.rename(tmp_path)
    assert after(sink, final(2, "Two.")) == "One.\nTwo.\n" and sink.failure is None
    sink.close()


def test_text_that_is_taken_back_goes_at_once(path: Path):
    """Regression: it stayed for as long as nobody spoke."""
    clock, sink = Clock(), TextFile(path)
    clock.now = lambda: clock.time  # type: ignore[method-assign]
    sink.attach(clock)
    sink.open()
    assert after(sink, partial(1, "uh")) == "uh\n"
    clock.time = 100_000
    assert after(sink, partial(1, "")) == ""


def test_a_sign_that_comes_with_the_next_sentence_is_put_where_it_belongs(sink: TextFile):
    said = replace(final(1, "We went home"), words=(Word(word="home", start=0.0, end=1.0, confidence=1.0),))
    assert after(sink, said, replace(final(2, "Then we ate."), joint=".")) == "We went home.\nThen we ate.\n"


def test_partials_are_written_at_most_five_times_a_second(path: Path):
    clock, sink = Clock(), TextFile(path)
    clock.now = lambda: clock.time  # type: ignore[method-assign]
    sink.attach(clock)
    sink.open()
    sink.handle(partial(1, "One"))
    clock.time = 100_000
    assert after(sink, partial(1, "One two")) == "One\n"
    clock.time = 250_000
    assert after(sink, partial(1, "One two three")) == "One two three\n"


def corrected(segment: int, text: str) -> TranscriptCorrected:
    return TranscriptCorrected(segment=segment, start=0.0, end=1.0, previous="", text=text, words=())


def test_a_sentence_that_is_corrected_is_put_right_as_long_as_it_is_there(sink: TextFile):
    assert after(sink, final(1, "Good mourning."), final(2, "And you")) == "Good mourning.\nAnd you\n"
    assert after(sink, corrected(1, "Good morning.")) == "Good morning.\nAnd you\n"
    assert after(sink, partial(3, "Yes")) == "And you\nYes\n"
    assert after(sink, corrected(1, "Never mind.")) == "And you\nYes\n"
    assert after(sink, corrected(2, "And yours?"), final(3, "Yes.")) == "And yours?\nYes.\n"
