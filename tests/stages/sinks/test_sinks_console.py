"""Captions on a terminal, and without one."""

from __future__ import annotations

import errno
import io
import os
import re

import pytest
from rich.cells import cell_len

from lipstream.events import Recording, Remark, SpeechStarted, TranscriptFinal, TranscriptPartial
from lipstream.pipeline import Degraded, End, Error, Recovered, UserError
from lipstream.stages.sinks import ConsoleSink
from lipstream.stages.sinks.console import caption_rows, time_range
from lipstream.stages.sinks.forming import MOST_ROWS
from lipstream.stages.sinks.media_progress import clock
from tests.stages.sinks.sink_context import SinkContext

WIDTH = 40


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class GoneReader(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.fixture(autouse=True)
def _terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def partial(stable: str, unstable: str = "", segment: int = 1) -> TranscriptPartial:
    return TranscriptPartial(segment=segment, start=65.44, end=66.0, stable=stable, unstable=unstable, emitted=66.0)


def final(text: str, segment: int = 1, start: float = 65.44) -> TranscriptFinal:
    return TranscriptFinal(segment=segment, start=start, end=start + 2, text=text, words=(), emitted=start + 2)


def rows(output: str) -> list[str]:
    """What each rewriting of the live row showed, without colours."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-LN-Za-ln-z]", "\r", re.sub(r"\x1b\[[0-9;]*m", "", output))
    return [row for row in re.split(r"[\r\n]+", plain) if row]


# Not a terminal.


def test_without_a_terminal_only_finals_are_captions_and_notes_go_elsewhere():
    out, err = io.StringIO(), io.StringIO()
    sink = ConsoleSink(out, err, duration=10.0)
    for event in (
        Degraded(modality="video", stage="camera", reason="the camera is frozen"),
        partial("Hello", " wor"),
        final("Hello world."),
        Recovered(modality="video", stage="camera"),
        Error(stage="hook f", message="the hook is too slow", recoverable=True),
        End(reason="finished", duration=70.0),
    ):
        sink.handle(event)
    sink.close()
    assert out.getvalue() == "[01:05.4] Hello world.\n"
    assert err.getvalue().splitlines() == [
        "lipstream: picture: the camera is frozen",
        "lipstream: picture: back again",
        "lipstream: hook f: the hook is too slow",
    ]


def test_recordings_show_the_range_as_whisper_does():
    out = io.StringIO()
    sink = ConsoleSink(out, io.StringIO(), stamp=time_range)
    sink.handle(final("One.", start=0.0))
    sink.handle(final("Two.", start=3600.5))
    assert out.getvalue() == "[00:00.000 --> 00:02.000] One.\n[01:00:00.500 --> 01:00:02.500] Two.\n"


def test_control_characters_of_a_caption_are_not_obeyed():
    out = io.StringIO()
    ConsoleSink(out, io.StringIO()).handle(final("a\x1b[2Jb\x07\rc\u202ed\nINJECTED"))
    assert out.getvalue() == "[01:05.4] a[2Jb cd INJECTED\n"


def test_a_caption_is_not_read_as_markup():
    out = Terminal()
    sink = ConsoleSink(out, io.StringIO())
    sink.handle(final("[red]text[/] :smile: 42"))
    sink.close()
    assert "[red]text[/] :smile: 42" in re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())


def test_a_reader_that_goes_away_does_not_end_the_run():
    sink = ConsoleSink(GoneReader(), io.StringIO())
    sink.handle(final("One."))
    sink.handle(final("Two.", segment=2))
    sink.handle(End(reason="finished", duration=1.0))


class FullFile(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class GoneTerminal(FullFile):
    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_captions_that_do_not_fit_on_a_disk_are_an_error_of_a_recording():
    sink = ConsoleSink(FullFile(), io.StringIO())
    sink.attach(SinkContext(lossless=True))
    with pytest.raises(UserError, match="standard output any more: No space left"):
        sink.handle(final("One."))
    sink.handle(End(reason="failed", duration=1.0))


def test_captions_that_do_not_fit_on_a_disk_are_told_once_of_a_live_run():
    err = io.StringIO()
    sink = ConsoleSink(FullFile(), err)
    sink.attach(SinkContext(lossless=False))
    for segment in (1, 2):
        sink.handle(final("One.", segment=segment))
    assert err.getvalue().count("No space left") == 1 and "No space left" in (sink.failure or "")


def test_a_terminal_that_has_gone_does_not_end_the_run(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    sink = ConsoleSink(GoneTerminal(), io.StringIO())
    sink.attach(SinkContext(lossless=True))
    sink.handle(final("One."))
    assert sink.failure is None


def test_what_is_good_to_know_is_a_note():
    err = io.StringIO()
    ConsoleSink(io.StringIO(), err).handle(Remark(modality="audio", kind="silence", text="the sound is silent"))
    assert err.getvalue() == "lipstream: sound: the sound is silent\n"


# A terminal.


def test_the_forming_text_is_rewritten_in_place_and_the_final_scrolls_up():
    out = Terminal()
    sink = ConsoleSink(out, io.StringIO())
    for event in (
        partial("", "Hel"),
        partial("Hello", " wor"),
        final("Hello world."),
        End(reason="stopped", duration=9),
    ):
        sink.handle(event)
    shown = rows(out.getvalue())
    assert shown == ["[01:05.4] Hel", "[01:05.4] Hello wor", "[01:05.4] Hello world."]
    # One line break for the final one; the row itself is only ever erased.
    assert out.getvalue().count("Hello world.\n") == 1
    assert "\x1b[2m" in out.getvalue()


def test_the_cursor_is_back_when_the_sink_is_closed():
    out = Terminal()
    sink = ConsoleSink(out, io.StringIO())
    sink.handle(partial("Hello"))
    assert out.getvalue().count("\x1b[?25l") == 1
    sink.close()
    sink.close()
    assert out.getvalue().count("\x1b[?25h") == 1


def test_an_empty_partial_takes_the_row_away():
    out = Terminal()
    sink = ConsoleSink(out)
    sink.handle(partial("Not from", " here"))
    sink.handle(partial(""))
    taken_back = out.getvalue()
    sink.handle(partial("I am"))
    assert taken_back.count("here") == 1 and "\x1b[2K" in taken_back.partition("here")[2]
    assert "I am" in rows(out.getvalue())[-1]


def test_text_of_a_segment_that_came_to_nothing_does_not_stay():
    out = Terminal()
    sink = ConsoleSink(out, io.StringIO())
    sink.handle(partial("", "uh"))
    sink.handle(SpeechStarted(segment=2, start=70.0))
    sink.handle(partial("", "Next", segment=2))
    sink.close()
    assert rows(out.getvalue())[-1].endswith("Next")


def forming(stable: str, unstable: str = "", width: int = WIDTH) -> list[str]:
    return [row.plain for row in caption_rows(partial(stable, unstable), width)]


@pytest.mark.parametrize("text", ["word " * 60, "音声認識の字幕" * 20, "x" * 400])
def test_rows_never_exceed_the_terminal_and_show_the_end_of_the_text(text: str):
    shown = forming(text, " end")
    assert len(shown) == MOST_ROWS
    assert max(map(cell_len, shown)) <= WIDTH
    assert shown[0].startswith("[01:05.4]…")
    assert shown[-1].endswith("end")


def test_long_text_is_broken_at_its_words():
    shown = forming("It was the best of times, it was", " the worst of times")
    assert shown == ["[01:05.4] It was the best of times, it", "          was the worst of times"]


@pytest.mark.parametrize("text", ["It was the best of times, it was the worst of times, " * 6, "音声認識の字幕" * 20])
def test_no_word_moves_within_a_row_while_text_is_added(text: str):
    """Rows are only filled up and moved up whole: text that crawls cannot be read."""
    before = forming("")
    for length in range(1, len(text) + 1):
        after = forming(text[:length])
        settled, now = [row[10:] for row in before[:-1]], [row[10:] for row in after]
        # As they were, or one row further up.
        assert now[: len(settled)] == settled or now[: len(settled) - 1] == settled[1:]
        before = after


def test_rows_in_a_terminal_of_a_few_columns_still_fit():
    for width in range(1, 15):
        assert max(map(cell_len, forming("some stable text", " and more", width))) <= width


def test_only_the_unstable_end_is_dim():
    (row,) = caption_rows(partial("It is", " not yet sure"), WIDTH)
    dim = [row.plain[span.start : span.end] for span in row.spans if span.style == "dim"]
    assert "".join(dim).strip() == "not yet sure"
    assert row.plain == "[01:05.4] It is not yet sure"


def test_as_long_as_it_is_recorded_a_row_says_so():
    out = Terminal()
    sink = ConsoleSink(out, io.StringIO())
    sink.handle(Recording(on=True, file="talk.mkv"))
    assert rows(out.getvalue())[-1] == "● recording into talk.mkv"
    sink.handle(partial("Hello"))
    assert rows(out.getvalue())[-2:] == ["[01:05.4] Hello", "● recording into talk.mkv"]
    before = len(out.getvalue())
    sink.handle(Recording(on=False, file="talk.mkv"))
    assert "recording" not in out.getvalue()[before:]
    sink.close()


def test_without_a_terminal_a_note_says_that_it_is_recorded():
    err = io.StringIO()
    sink = ConsoleSink(io.StringIO(), err)
    sink.handle(Recording(on=True, file="talk.mkv"))
    assert err.getvalue() == "lipstream: recording into talk.mkv\n"


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()
    sink = ConsoleSink(out, io.StringIO())
    sink.handle(partial("Hel"))
    sink.handle(final("Hello."))
    assert out.getvalue() == "[01:05.4] Hello.\n"


# Progress.


def test_progress_is_on_the_terminal_that_is_left_when_captions_go_into_a_pipe():
    out, err = io.StringIO(), Terminal()
    sink = ConsoleSink(out, err, duration=100.0)
    sink.handle(final("Hello."))
    sink.handle(End(reason="finished", duration=100.0))
    assert out.getvalue() == "[01:05.4] Hello.\n"
    assert "1:07 / 1:40" in err.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.9, "1:05"), (3725, "1:02:05")])
def test_media_time(seconds: float, text: str):
    assert clock(seconds) == text
