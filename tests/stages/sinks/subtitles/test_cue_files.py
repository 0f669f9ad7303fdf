"""The files of subtitles: whole at any moment, in their formats' own words."""

from __future__ import annotations

import importlib.util
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pysubs2
import pytest

from lipstream.config import Config
from lipstream.events import TranscriptFinal, Word
from lipstream.pipeline import End, UserError
from lipstream.stages.sinks import (
    FORMATS,
    AssWriter,
    SrtWriter,
    VttWriter,
    Writer,
    available,
    parse_formats,
    writer_class,
)
from lipstream.stages.sinks.subtitles.writer import CueWriter
from tests.stages.sinks.subtitles.said import spoken

CUE_FORMATS = [name for name in available() if issubclass(FORMATS[name], CueWriter)]
TALK = [
    spoken("So.", 0.5),
    spoken("What we have seen so far was only the beginning of the story.", 1.2),
    spoken("It goes on", 5.4),
    spoken("for a while, and then it ends as all of them do.", 6.5),
    spoken("Good night.", 14.0),
]


def made(kind: type[Writer], path: Path, *finals: TranscriptFinal, **rules: object) -> str:
    writer = kind.configured(Config(subtitles=rules))(path)
    for final in finals:
        writer.handle(final)
    writer.handle(End(reason="finished", duration=20.0))
    return path.read_bytes().decode()


@pytest.mark.parametrize("name", CUE_FORMATS)
def test_what_is_in_the_part_file_is_whole_after_every_segment(tmp_path: Path, name: str):
    """A kill leaves a file that can be read, with every word that was said."""
    writer = FORMATS[name](tmp_path / f"a.{name}")
    said = ""
    for number, final in enumerate(TALK):
        writer.handle(final)
        said += final.text
        part = tmp_path / f"copy{number}.{name}"
        part.write_bytes(writer.part.read_bytes())
        whole = tmp_path / f"whole{number}.{name}"
        made(FORMATS[name], whole, *TALK[: number + 1])
        assert part.read_bytes() == whole.read_bytes()
    writer.handle(End(reason="finished", duration=20.0))
    assert writer.path.read_bytes() == whole.read_bytes()


def test_a_word_that_joins_a_cue_that_was_written_is_there_once(tmp_path: Path):
    text = made(SrtWriter, tmp_path / "a.srt", *TALK)
    assert text.startswith("1\n00:00:00,500 --> ")
    assert text.count("So.") == text.count("Good night.") == 1
    numbers = [int(block.split("\n")[0]) for block in text.strip().split("\n\n")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_players_read_the_same_cues_from_srt_and_ass(tmp_path: Path):
    made(SrtWriter, tmp_path / "a.srt", *TALK)
    made(AssWriter, tmp_path / "a.ass", *TALK)
    srt, ass = pysubs2.load(str(tmp_path / "a.srt")), pysubs2.load(str(tmp_path / "a.ass"))
    assert [each.plaintext for each in srt] == [each.plaintext for each in ass]
    # The format has hundredths of a second.
    assert all(
        abs(one.start - two.start) <= 5 and abs(one.end - two.end) <= 5 for one, two in zip(srt, ass, strict=True)
    )


def test_ass_has_a_style_of_the_size_asked_for_and_the_speaker(tmp_path: Path):
    made(AssWriter, tmp_path / "a.ass", spoken("Hello there.", face=2), size=10.0, font="Noto Sans")
    script = pysubs2.load(str(tmp_path / "a.ass"))
    style = script.styles["Default"]
    assert (style.fontname, style.fontsize, int(style.alignment)) == ("Noto Sans", 108, 2)
    assert script.info["PlayResY"] == "1080"
    assert [event.name for event in script] == ["Face 2"]


def test_text_cannot_style_an_ass_line_or_break_it(tmp_path: Path):
    text = made(AssWriter, tmp_path / "a.ass", spoken(r"{\b1}bold \Nbroken, \hhard {comment} a\\N"))
    (line,) = [line for line in text.splitlines() if line.startswith("Dialogue:")]
    shown = pysubs2.load(str(tmp_path / "a.ass"))[0]
    assert shown.plaintext.replace("\u2060", "") == r"(\b1)bold \Nbroken, \hhard (comment) a\\N"
    assert not re.search(r"[{}]|\\[Nnh]", line)


def test_hours_beyond_what_ass_can_tell_do_not_end_the_run(tmp_path: Path):
    with pytest.warns(RuntimeWarning):
        made(AssWriter, tmp_path / "a.ass", spoken("Late.", start=36_001.0))


# Words as they are said.


def test_highlighted_words_have_timestamps_in_vtt_that_grow_within_the_cue(tmp_path: Path):
    text = made(
        VttWriter,
        tmp_path / "a.vtt",
        spoken("Ask not what your country can do for you, my friend."),
        highlight_words=True,
    )
    (times, *lines) = text.removeprefix("WEBVTT\n\n").strip().split("\n")
    stamps = re.findall(r"<(\d\d:\d\d:\d\d\.\d{3})>", "\n".join(lines))
    begin, end = times.split(" --> ")
    assert len(stamps) == 10
    assert all(one < other for one, other in pairwise([begin, *stamps, end]))
    assert re.sub(r"<[^>]*>", "", "\n".join(lines)) == "Ask not what your country can do\nfor you, my friend."
    assert lines[0].startswith("Ask <00:00:00.300>not <00:00:00.600>what")


def test_words_that_begin_at_once_get_no_timestamp_that_does_not_grow(tmp_path: Path):
    words = tuple(Word(word=word, start=1.0, end=2.0, confidence=1.0) for word in ("one", "two", "three"))
    said = TranscriptFinal(segment=1, start=1.0, end=2.0, text="one two three", words=words)
    assert "\none two three\n" in made(VttWriter, tmp_path / "a.vtt", said, highlight_words=True)


def test_highlighted_words_light_up_in_their_time_in_ass(tmp_path: Path):
    text = made(AssWriter, tmp_path / "a.ass", spoken("One two three.", start=1.0), highlight_words=True)
    assert r"{\k25}One{\k5}{\k25} two{\k5}{\k25} three." in text


def test_srt_stays_plain_whatever_is_highlighted(tmp_path: Path):
    talk = spoken("One two three.", face=1)
    plain = made(SrtWriter, tmp_path / "a.srt", talk)
    assert made(SrtWriter, tmp_path / "b.srt", talk, highlight_words=True) == plain
    assert "<" not in plain


# Who speaks.


def test_voices_are_spans_in_vtt_also_of_two_in_a_cue(tmp_path: Path):
    talk = [spoken("Is R&D so?", face=1), spoken("Yes.", start=1.1, off_camera=True)]
    assert "<v Face 1>-Is R&amp;D so?</v>\n<v Off camera>-Yes.</v>\n" in made(VttWriter, tmp_path / "a.vtt", *talk)
    assert "<v" not in made(VttWriter, tmp_path / "b.vtt", *talk, speakers="none")


def test_one_voice_over_two_lines_is_one_span(tmp_path: Path):
    said = spoken("Ask not what your country can do for you, my friend.", face=1)
    text = made(VttWriter, tmp_path / "a.vtt", said)
    assert "<v Face 1>Ask not what your country can do\nfor you, my friend.</v>\n" in text


# Other times.


def test_a_shift_moves_cues_and_the_times_of_words(tmp_path: Path):
    rules = {"shift": 2.5, "highlight_words": True}
    text = made(VttWriter, tmp_path / "a.vtt", spoken("One two."), **rules)
    assert text == "WEBVTT\n\n00:00:02.500 --> 00:00:03.333\nOne <00:00:02.800>two.\n\n"


def test_cues_that_a_shift_moves_before_the_beginning_are_left_out_and_counted(tmp_path: Path):
    writer = SrtWriter.configured(Config(subtitles={"shift": -14.2}))(tmp_path / "a.srt")
    for final in TALK:
        writer.handle(final)
    writer.handle(End(reason="finished", duration=20.0))
    assert writer.path.read_text().startswith("1\n00:00:00,000 --> 00:00:00,")
    assert writer.path.read_text().count("-->") == 1
    assert re.fullmatch(r"\d cues would come before the beginning and were left out", writer.remark)


def test_what_cannot_be_met_is_told_of_the_file(tmp_path: Path):
    writer = SrtWriter.configured(Config(subtitles={"max_cps": 5}))(tmp_path / "a.srt")
    writer.handle(TALK[1])
    writer.handle(TALK[2])
    writer.handle(End(reason="finished", duration=20.0))
    assert re.match(r"of \d cues \d over 5 characters a second \(up to \d+\): as it was said", writer.remark)


# What has to be installed besides.


def test_a_format_that_lacks_its_library_says_what_to_install_and_is_not_in_all(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "ttml" not in parse_formats("all")
    with pytest.raises(UserError, match=r"ttml needs ttconv, which is not installed: pip install 'lipstream\[ttml\]'"):
        writer_class("ttml")


def test_ttml_is_read_by_others_and_tells_its_profile_and_language(tmp_path: Path):
    pytest.importorskip("ttconv")
    from ttconv.imsc import reader

    config = Config(subtitles={"size": 8}, speech={"language": "en"})
    writer = FORMATS["ttml"].configured(config)(tmp_path / "a.ttml")
    for final in [*TALK, spoken("A <b>bold</b> & \uffff claim.", 18.0)]:
        writer.handle(final)
    writer.handle(End(reason="finished", duration=20.0))
    document = reader.to_model(ElementTree.parse(writer.path))
    assert document.get_lang() == "en"
    assert document.get_content_profiles() == {"http://www.w3.org/ns/ttml/profile/imsc1.1/text"}
    (div,) = document.get_body()
    made(SrtWriter, tmp_path / "a.srt", *TALK)
    cues = pysubs2.load(str(tmp_path / "a.srt"))
    paragraphs = list(div)
    assert [round(1000 * each.get_begin()) for each in paragraphs[:-1]] == [cue.start for cue in cues]
    assert (
        "".join(ElementTree.parse(writer.path).getroot().itertext()).strip().endswith("A <b>bold</b> & \ufffd claim.")
    )
