"""Output files: their formats, and that each is whole or not there at all."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from lipstream.events import LipActivity, SpeechStarted, TranscriptFinal, Word
from lipstream.pipeline import End, Error, Stats, UserError
from lipstream.stages.sinks import (
    EMOTION_FORMAT,
    FORMATS,
    EmotionVttWriter,
    JsonlWriter,
    SrtWriter,
    TsvWriter,
    TxtWriter,
    VttWriter,
    Writer,
    available,
    parse_formats,
)

TEXTS = [name for name in available() if name not in (EMOTION_FORMAT, "words.csv", "rttm")]
"""The formats that hold sentences."""
HOSTILE = 'a --> b\t<b>&</b>\r\n\n00:00:01 ---> x\x1b[31m\x00\u202e "=cmd|"'


def final(text: str, start: float = 0.0, end: float = 2.0, segment: int = 1) -> TranscriptFinal:
    words = text.split() or [""]
    step = (end - start) / len(words)
    timed = tuple(
        Word(word=word, start=start + i * step, end=start + (i + 1) * step, confidence=0.5)
        for i, word in enumerate(words)
    )
    return TranscriptFinal(segment=segment, start=start, end=end, text=text, words=timed)


def finished(reason: str = "finished", duration: float = 5.0) -> End:
    return End(reason=reason, duration=duration)


def write(writer: Writer, *events) -> str:
    for event in events:
        writer.handle(event)
    writer.close()
    return writer.path.read_bytes().decode("utf-8")


# Formats.


def test_srt_numbers_its_cues_and_separates_them_by_empty_lines(tmp_path: Path):
    text = write(
        SrtWriter(tmp_path / "a.srt"), final("One two."), final("Three.", 3661.5, 3663.25, segment=2), finished()
    )
    assert text == "1\n00:00:00,000 --> 00:00:02,000\nOne two.\n\n2\n01:01:01,500 --> 01:01:03,250\nThree.\n\n"


def test_vtt_has_its_signature_and_escapes_markup(tmp_path: Path):
    text = write(VttWriter(tmp_path / "a.vtt"), final("<i>R&D</i>"), finished())
    assert text == "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n&lt;i&gt;R&amp;D&lt;/i&gt;\n\n"


@pytest.mark.parametrize("writer", [VttWriter, EmotionVttWriter])
@pytest.mark.parametrize(
    ("end", "note"),
    [
        (End(reason="finished", duration=3.0), ""),
        (End(reason="stopped", duration=3.5), "NOTE Not whole: the run was stopped at 00:00:03.500\n\n"),
        (End(reason="failed", duration=3.5), "NOTE Not whole: the run failed at 00:00:03.500\n\n"),
        (None, "NOTE Not whole: the run broke off\n\n"),
    ],
)
def test_vtt_that_is_not_whole_says_so_in_a_note(tmp_path: Path, writer: type[VttWriter], end: End | None, note: str):
    text = write(writer(tmp_path / "a.vtt"), final("One."), *([end] if end else []))
    assert text == f"WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nOne.\n\n{note}"


def test_txt_is_one_segment_a_line(tmp_path: Path):
    assert write(TxtWriter(tmp_path / "a.txt"), final("One two."), final("Three."), finished()) == "One two.\nThree.\n"


def test_tsv_is_what_openai_whisper_writes(tmp_path: Path):
    text = write(TsvWriter(tmp_path / "a.tsv"), final("One\ttwo.", 0.1234, 1.9996), finished())
    assert text == "start\tend\ttext\n123\t2000\tOne two.\n"


def test_jsonl_is_every_event_as_its_dictionary(tmp_path: Path):
    events = [
        SpeechStarted(segment=1, start=0.5, emitted=0.6),
        LipActivity(face=1, time=0.6, aperture=0.25, motion=0.1, emitted=0.6),
        final("Grüße, 世界."),
        Stats(wall=1.0, stages={"a": {"packets_in": 1.0}}, channels={}, counters={}, emitted=2.0),
        finished(),
    ]
    lines = write(JsonlWriter(tmp_path / "a.jsonl"), *events).splitlines()
    assert [json.loads(line) for line in lines] == [json.loads(json.dumps(event.to_dict())) for event in events]
    assert "世界" in lines[2]


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_hostile_text_cannot_fake_a_cue(tmp_path: Path, name: str):
    text = write(FORMATS[name](tmp_path / f"a.{name}"), final(HOSTILE), final("Next.", 6, 7, segment=2), finished())
    arrows = [line for line in text.splitlines() if "-->" in line]
    assert len(arrows) == 2
    blocks = text.removeprefix("WEBVTT\n\n").rstrip("\n").split("\n\n")
    assert len(blocks) == 2
    assert all(ord(char) >= 32 or char == "\n" for char in text)
    assert "<b>" not in text or name == "srt"


@pytest.mark.parametrize("name", ["txt", "tsv"])
def test_hostile_text_stays_on_its_line(tmp_path: Path, name: str):
    text = write(FORMATS[name](tmp_path / f"a.{name}"), final(HOSTILE), finished())
    line = text.splitlines()[-1]
    assert len(text.splitlines()) == (2 if name == "tsv" else 1)
    assert line.count("\t") == (2 if name == "tsv" else 0)
    assert not any(char in text for char in "\x00\x1b\r\u202e\u2028")


def test_hostile_text_survives_in_jsonl(tmp_path: Path):
    (line, _) = write(JsonlWriter(tmp_path / "a.jsonl"), final(HOSTILE), finished()).splitlines()
    assert json.loads(line)["text"] == HOSTILE


@pytest.mark.parametrize("name", available())
def test_text_that_is_no_unicode_does_not_end_the_run(tmp_path: Path, name: str):
    write(FORMATS[name](tmp_path / f"a.{name}", "caf\udce9.mp4"), final("a \udcff b"), finished())


@pytest.mark.parametrize("name", available())
def test_a_run_without_speech_still_makes_every_file(tmp_path: Path, name: str):
    write(FORMATS[name](tmp_path / f"a.{name}"), finished())


# Whole or not at all.


@pytest.mark.parametrize("name", TEXTS)
def test_a_run_that_is_killed_leaves_whole_records_in_the_part_file(tmp_path: Path, name: str):
    writer = FORMATS[name](tmp_path / f"a.{name}")
    for number in range(1, 4):
        writer.handle(final(f"Sentence {number}.", number, number + 0.9, segment=number))
    # Nothing is closed: what is on disk now is what a kill would leave.
    text = writer.part.read_text(encoding="utf-8")
    assert all(f"Sentence {number}." in text for number in range(1, 4))
    if name not in ("json", "ttml"):
        assert text.endswith("\n")
    assert not writer.path.exists()
    writer.discard()


@pytest.mark.parametrize("name", TEXTS)
def test_the_file_of_an_earlier_run_stays_whole_until_the_new_one_is_complete(tmp_path: Path, name: str):
    path = tmp_path / f"a.{name}"
    path.write_text("earlier")
    writer = FORMATS[name](path)
    writer.handle(final("New."))
    assert path.read_text() == "earlier"
    writer.handle(finished())
    assert "New." in path.read_text()
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", TEXTS)
def test_what_was_finished_is_kept_when_the_run_breaks_off_without_an_end(tmp_path: Path, name: str):
    assert "One." in write(FORMATS[name](tmp_path / f"a.{name}"), final("One."))


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("reason", ["failed", "stopped"])
def test_what_was_finished_is_kept_when_the_run_is_cut_short(tmp_path: Path, name: str, reason: str):
    assert "One." in write(FORMATS[name](tmp_path / f"a.{name}"), final("One."), finished(reason))


@pytest.mark.parametrize("name", available())
def test_a_run_that_fails_before_there_is_anything_touches_nothing(tmp_path: Path, name: str):
    path = tmp_path / f"a.{name}"
    path.write_text("earlier")
    writer = FORMATS[name](path)
    writer.handle(Error(stage="audio", message="no such file", recoverable=False))
    writer.handle(Stats(wall=0.1, stages={}, channels={}, counters={}))
    writer.handle(finished("failed"))
    writer.close()
    assert path.read_text() == "earlier"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_folders_are_made(tmp_path: Path):
    writer = TxtWriter(tmp_path / "one" / "two" / "a.txt")
    writer.open()
    assert writer.part.exists()
    writer.discard()


# A place that cannot be written to.


def test_a_folder_that_is_a_file_is_found_out_before_the_run(tmp_path: Path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match=r"cannot write .*out.a\.txt.*is no folder; choose a folder"):
        TxtWriter(tmp_path / "out" / "a.txt").open()


def test_a_target_that_is_a_folder_is_found_out_before_the_run(tmp_path: Path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(UserError, match="there is a folder of that name"):
        TxtWriter(tmp_path / "a.txt").open()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_read_only_folder_is_found_out_before_the_run(tmp_path: Path, monkeypatch, number: int):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    # Not by the folder's mode: that does not stop root, who runs the tests in many containers.
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UserError, match=f"{os.strerror(number)}; choose another folder"):
        TxtWriter(tmp_path / "a.txt").open()


class _FullDisk:
    """A file on a disk with room for a few bytes only."""

    def __init__(self, file, room: int) -> None:
        self._file = file
        self._room = room

    def write(self, data: bytes) -> int:
        self._room -= len(data)
        if self._room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(data)

    def __getattr__(self, name: str):
        return getattr(self._file, name)


@pytest.mark.parametrize("name", TEXTS)
def test_a_full_disk_is_one_clear_error_and_does_not_replace_the_earlier_file(tmp_path: Path, name: str):
    path = tmp_path / f"a.{name}"
    path.write_text("earlier")
    writer = FORMATS[name](path)
    writer.open()
    writer._file = _FullDisk(writer._file, 600)
    writer.handle(final("It fits.", segment=1))
    with pytest.raises(UserError, match=r"cannot write .*No space left on device.*\.part"):
        for number in range(2, 60):
            writer.handle(final("It does not fit for ever.", number, number + 0.9, segment=number))
    writer.close()
    assert writer.wait(0)
    assert not writer.saved
    assert path.read_text() == "earlier"
    assert "It fits." in writer.part.read_text()


def test_a_disk_that_fills_up_while_the_file_is_completed_is_the_same_error(tmp_path: Path):
    writer = TxtWriter(tmp_path / "a.txt")
    writer.handle(final("One."))

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    writer._file.flush = full  # type: ignore[union-attr, method-assign, assignment]
    with pytest.raises(UserError, match="No space left on device"):
        writer.close()
    writer.close()
    assert not writer.saved
    assert writer.wait(0)


# The names of formats.


def test_formats_are_read_in_the_order_given_without_repeats():
    assert parse_formats(" srt, TXT,srt") == ["srt", "txt"]
    assert parse_formats("all") == available()
    assert parse_formats("srt,all") == ["srt", *(name for name in available() if name != "srt")]


@pytest.mark.parametrize("text", ["", ",", "srt,docx", "all,docx"])
def test_a_format_that_does_not_exist_is_an_error_that_lists_those_that_do(text: str):
    with pytest.raises(UserError, match="txt, srt, vtt, ass"):
        parse_formats(text)


def test_a_format_that_is_mistyped_is_suggested():
    with pytest.raises(UserError, match="there is no output format 'srtt', did you mean 'srt'"):
        parse_formats("txt,srtt")
    with pytest.raises(UserError, match=r"there is no output format 'docx' \(there are: txt, srt"):
        parse_formats("docx")
