"""Finals of several tracks as one transcript."""

from __future__ import annotations

import dataclasses
from typing import Any

from lipstream.events import Remark, TranscriptFinal, TranscriptPartial
from lipstream.pipeline import Packet, micros
from lipstream.pipeline.testing import run_stage
from lipstream.stages.speaker.in_turn import InTurn, TrackNumbers
from tests.stages.sinks.subtitles.said import spoken


def said(text: str, start: float, known: float | None = None, **facts: object) -> Packet[TranscriptFinal]:
    """What takes a second a word, with the time at which it is known."""
    final = spoken(text, start, pace=1.0, **facts)
    return Packet(micros(final.end if known is None else known), final)


def told(*tracks: list[Packet[TranscriptFinal]], delay: float = 60.0, shown: bool = False) -> list[Any]:
    stage = InTurn.of_tracks(len(tracks), delay, shown=shown)
    return list(run_stage(stage, {f"track{number}": each for number, each in enumerate(tracks, 1)}).events)


def test_what_is_known_late_comes_in_its_place_all_the_same():
    finals = told([said("One.", 0.0, known=30.0), said("Three.", 4.0, known=30.0)], [said("Two.", 2.0, known=3.0)])
    assert [final.text for final in finals] == ["One.", "Two.", "Three."]


def test_a_final_is_held_back_no_longer_than_its_delay():
    packets = [said("One.", 0.0, known=1.0), said("Two.", 50.0, known=60.0)]
    stage = InTurn.of_tracks(1, 20.0)
    first = run_stage(stage, {"track1": packets}).events[0]
    assert first.text == "One." and first.emitted < 61


def test_what_nobody_could_read_comes_in_its_turn_and_is_no_word():
    finals = told([said("One.", 0.0, known=30.0)], [said("[unclear]", 2.0, known=3.0)])
    assert [final.text for final in finals] == ["One.", "[unclear]"]
    *_, remark = told([said("[unclear]", 2.0)])
    assert isinstance(remark, Remark) and remark.kind == "no_speech"


def test_a_final_is_parted_at_the_end_of_a_sentence_where_another_has_a_say():
    long = said("We all went home. It rained. Then it stopped.", 0.0, language="en")
    finals = told([long], [said("Yes.", 4.5)])
    assert [final.text for final in finals] == ["We all went home. It rained.", "Yes.", "Then it stopped."]
    assert [(final.start, round(final.end, 2)) for final in finals] == [(0.0, 5.95), (4.5, 5.45), (6.0, 8.95)]
    assert sum(len(final.words) for final in finals) == 10
    whole = told([long], [said("Yes.", 20.0)])
    assert whole[0].text == long.payload.text, "nobody had a say in it"


def test_numbers_of_segments_are_of_one_row_whatever_comes_first():
    numbers = TrackNumbers(2)
    row = [numbers.of(1, 1), numbers.of(2, 1), numbers.further(1), numbers.of(1, 2), numbers.of(2, 2)]
    assert row == [1, 2, 3, 4, 5]
    second = said("Y.", 3.5)
    others = [said("X.", 1.5), dataclasses.replace(second, payload=dataclasses.replace(second.payload, segment=2))]
    finals = told([said("A b. C d. E.", 0.0)], others)
    assert [final.text for final in finals] == ["A b.", "X.", "C d.", "Y.", "E."]
    assert len({final.segment for final in finals}) == 5


def test_what_was_shown_of_a_segment_that_is_parted_is_taken_back_before_its_first_part():
    tracks = [said("A b. C d. E.", 0.0)], [said("X.", 1.5), said("Z.", 20.0)]
    events = told(*tracks, shown=True)
    assert [event.text for event in events] == ["", "A b.", "X.", "C d. E.", "Z."]
    assert isinstance(events[0], TranscriptPartial) and events[0].segment == TrackNumbers(2).of(1, 1)
    assert not any(isinstance(event, TranscriptPartial) for event in told(*tracks))
