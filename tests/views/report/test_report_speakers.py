"""How much each speaker says, as the report counts it."""

from __future__ import annotations

import pytest

from lipstream.events import SpeakerChanged, SpeakerNamed, TranscriptFinal, Word
from lipstream.pipeline.events import End
from lipstream.stages.sinks.speakers import SpeakerBook
from lipstream.views.recorded.record import Recorder
from lipstream.views.report.speakers import shares_of


def said(segment: int, *words: tuple[float, float, int | None]) -> TranscriptFinal:
    timed = tuple(Word(word="w", start=start, end=end, confidence=1.0, speaker=who) for start, end, who in words)
    text = " ".join("w" for _ in words)
    return TranscriptFinal(
        segment=segment, start=words[0][0], end=words[-1][1], text=text, words=timed, speaker=words[0][2]
    )


def test_turns_go_on_over_short_pauses_and_end_where_somebody_else_speaks():
    finals = [
        said(1, (0.0, 0.5, 1), (0.5, 1.0, 1), (1.2, 2.0, 2)),
        said(2, (2.5, 3.0, 2)),
        said(3, (3.5, 4.0, 1)),
        said(4, (6.0, 7.0, 1)),
    ]
    one, two = shares_of(finals, SpeakerBook())
    assert one.turns == [(0.0, 1.0), (3.5, 4.0), (6.0, 7.0)] and one.words == 4 and one.seconds == pytest.approx(2.5)
    assert two.turns == [(1.2, 3.0)] and two.name == "Speaker 2"


def test_who_begins_while_another_speaks_and_goes_on_longer_interrupts():
    one, two = shares_of([said(1, (0.0, 2.0, 1)), said(2, (1.5, 3.0, 2))], SpeakerBook())
    assert (one.interruptions, two.interruptions) == (0, 1)
    assert one.overlap == two.overlap == pytest.approx(0.5)


def test_speech_of_nobody_known_is_nobodys():
    assert shares_of([said(1, (0.0, 1.0, None))], SpeakerBook()) == []


def test_the_record_of_a_run_has_names_and_corrections():
    record = Recorder()
    for event in (
        said(1, (0.0, 1.0, 1)),
        SpeakerNamed(speaker=2, name="Bo"),
        SpeakerChanged(segment=1, start=0.0, end=1.0, previous=1, speaker=2, words=(2,)),
        End(reason="finished", duration=2.0),
    ):
        record.handle(event)
    (share,) = shares_of(record.finals, record.speakers)
    assert (share.speaker, share.name) == (2, "Bo")
