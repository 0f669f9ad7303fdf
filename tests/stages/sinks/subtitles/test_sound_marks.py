"""Sounds that are no words, between the cues of what is said and the lines of text."""

from __future__ import annotations

import random
from itertools import pairwise, permutations
from pathlib import Path

import pytest

from lipstream.config import Config, SubtitlesConfig
from lipstream.events import EmotionUpdate, SoundEvent, TranscriptFinal
from lipstream.pipeline import End, Event
from lipstream.stages.sinks import FORMATS, JsonWriter, SrtWriter, TxtWriter, VttWriter, Writer, available
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.stages.sinks.subtitles.cutter import cut
from lipstream.stages.sinks.subtitles.vtt import EmotionVttWriter
from lipstream.stages.sinks.subtitles.writer import CueWriter
from lipstream.stages.sinks.transcript.reading import events_of, read_transcript
from tests.stages.sinks.subtitles.said import spoken

TALK = [
    spoken("What we have seen so far was only the beginning.", 1.0),
    spoken("It goes on for a while.", 12.0),
    spoken("Good night.", 25.0),
]
RULES = SubtitlesConfig()


def heard(label: str, start: float, end: float | None) -> SoundEvent:
    return SoundEvent(label=label, start=start, end=end, confidence=0.8)


def marks(heard_sounds: list[SoundEvent], talk: list[TranscriptFinal] = TALK, **rules: object) -> list[Cue]:
    return [cue for cue in cut(talk, SubtitlesConfig(**rules), heard_sounds) if cue.sound]


def made(kind: type[Writer], path: Path, events: list[Event], **rules: object) -> str:
    writer = kind.configured(Config(subtitles=rules))(path)
    for event in (*events, End(reason="finished", duration=40.0)):
        writer.handle(event)
    return path.read_text(encoding="utf-8")


def test_a_sound_is_a_cue_of_its_own_for_as_long_as_it_lasts():
    (mark,) = marks([heard("applause", 6.5, 10.0)])
    assert (mark.lines, mark.start, mark.end) == (("[applause]",), 6500, 10_000)


def test_a_short_sound_stays_the_least_time_of_a_cue():
    (mark,) = marks([heard("doorbell", 6.5, 6.8)])
    assert mark.end - mark.start == 833


def test_a_long_sound_is_marked_once_where_there_is_first_room():
    (mark,) = marks([heard("music", 0.5, 39.0)])
    spoken_cues = cut(TALK, RULES)
    assert mark.start == spoken_cues[0].end + 83
    assert mark.end <= spoken_cues[1].start - 83


def test_a_sound_under_words_alone_is_left_out():
    assert marks([heard("dog", 1.2, 3.0)]) == []


def test_what_begins_under_words_is_marked_behind_them():
    (mark,) = marks([heard("laughter", 3.0, 9.0)])
    assert mark.start == cut(TALK, RULES)[0].end + 83


def test_marks_can_be_left_out():
    assert marks([heard("applause", 6.5, 10.0)], sounds=False) == []


@pytest.mark.parametrize("seed", range(40))
def test_marks_never_cover_words_and_keep_gap_and_least_time(seed: int):
    chance = random.Random(seed)
    talk, at = [], 0.0
    for _ in range(chance.randint(0, 8)):
        at += chance.choice([0.05, 0.6, 1.2, 4.0, 20.0])
        talk.append(spoken(" ".join(["word"] * chance.randint(1, 12)), at))
        at = talk[-1].end
    sounds = []
    for number in range(6):
        start = chance.uniform(0, at + 5)
        sounds.append(heard(f"sound {number}", start, start + chance.choice([0.3, 2.0, 15.0])))
    plain, cues = cut(talk, RULES), cut(talk, RULES, sounds)
    assert [cue for cue in cues if not cue.sound] == plain
    assert len({cue.lines for cue in cues if cue.sound}) == sum(cue.sound for cue in cues)
    for before, after in pairwise(cues):
        if before.sound or after.sound:
            assert after.start - before.end >= 83
    for cue in cues:
        if cue.sound:
            assert 833 <= cue.end - cue.start <= 7000


@pytest.mark.parametrize("kind", [SrtWriter, VttWriter, EmotionVttWriter, TxtWriter])
def test_the_file_is_the_same_whatever_came_first(tmp_path: Path, kind: type[Writer]):
    """Sounds and words take different ways, and which is told sooner depends on the machine."""
    over = heard("applause", 6.5, 10.0)
    wholes = {
        made(kind, tmp_path / f"{number}.txt", list(events))
        for number, events in enumerate(permutations([over, *TALK]))
        if [each for each in events if each is not over] == TALK
    }
    (text,) = wholes
    assert text.count("[applause]") == 1
    assert text.index("beginning") < text.index("[applause]") < text.index("It goes on")


def test_a_sound_that_goes_on_is_in_the_file_at_once_and_has_its_true_end_in_the_end(tmp_path: Path):
    writer = SrtWriter(tmp_path / "a.srt")
    writer.handle(TALK[0])
    writer.handle(heard("music", 7.0, None))
    assert "[music]" in writer.part.read_text(encoding="utf-8")
    for event in (heard("music", 7.0, 9.0), *TALK[1:], End(reason="finished", duration=40.0)):
        writer.handle(event)
    assert "00:00:07,000 --> 00:00:09,000\n[music]" in writer.path.read_text(encoding="utf-8")


def test_a_run_without_words_has_its_sounds(tmp_path: Path):
    sounds: list[Event] = [heard("music", 2.0, None), heard("music", 2.0, 5.0)]
    assert made(TxtWriter, tmp_path / "a.txt", sounds) == "[music]\n"
    assert made(SrtWriter, tmp_path / "a.srt", sounds) == "1\n00:00:02,000 --> 00:00:05,000\n[music]\n\n"


def test_a_sound_has_no_emotion(tmp_path: Path):
    felt = {"neutral": 0.0, "happy": 1.0, "sad": 0.0, "angry": 0.0, "fearful": 0.0, "disgusted": 0.0, "surprised": 0.0}
    update = EmotionUpdate(
        face=1,
        start=0.0,
        end=12.0,
        label="happy",
        probabilities=felt,
        valence=0.5,
        arousal=0.5,
        weights={"face": 1.0, "voice": 0.0},
    )
    text = made(EmotionVttWriter, tmp_path / "a.vtt", [heard("applause", 6.5, 10.0), update, *TALK])
    assert "<c.happy>What" in text
    assert "\n[applause]\n" in text


@pytest.mark.parametrize("name", ["txt", *(name for name in available() if issubclass(FORMATS[name], CueWriter))])
def test_convert_makes_the_same_marks_from_the_json(tmp_path: Path, name: str):
    events: list[Event] = [heard("applause", 6.5, None), *TALK[:2], heard("applause", 6.5, 10.0), TALK[2]]
    direct = made(FORMATS[name], tmp_path / f"a.{name}", events)
    made(JsonWriter, tmp_path / "a.json", events)
    again = [each for each in events_of(read_transcript(tmp_path / "a.json")) if not isinstance(each, End)]
    assert made(FORMATS[name], tmp_path / f"b.{name}", again) == direct
    assert "applause" in direct
