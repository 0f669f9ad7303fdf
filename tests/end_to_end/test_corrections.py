"""Finals that are read once more, with the real networks on real speech."""

from __future__ import annotations

import functools
from itertools import pairwise

import pytest

from lipstream import Pipeline
from lipstream.config import load_config
from lipstream.events import Event, SpeechEnded, TranscriptCorrected, TranscriptFinal
from lipstream.pipeline import End, Stats

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def read(two_cities):
    """A recording read as what is live is: each final by itself, and once more; results are the same in every run."""

    @functools.cache
    def run(corrections: bool) -> list[Event]:
        settings = {
            "input": str(two_cities),
            "speech.quality": "balanced",
            "speech.partials": "on",
            "speech.corrections": corrections,
            "speech.update_interval": 5,
            # Cut at every pause of a reader who makes many, inside sentences too.
            "vad.hang_over": 0.2,
        }
        return list(Pipeline(load_config("audio_only", {"mode": "file", **settings})).events())

    return run


def of(kind: type[Event], events: list[Event]) -> list:
    return [event for event in events if isinstance(event, kind)]


def test_finals_are_the_same_with_corrections_and_without(read):
    with_them, without = (of(TranscriptFinal, read(corrections)) for corrections in (True, False))
    assert [event.to_dict() for event in with_them] == [event.to_dict() for event in without]
    assert not of(TranscriptCorrected, read(False))


def test_each_correction_is_of_a_final_comes_once_and_changes_it(read):
    events = read(True)
    finals = {event.segment: event for event in of(TranscriptFinal, events)}
    corrected = of(TranscriptCorrected, events)
    assert len({event.segment for event in corrected}) == len(corrected) > 0
    spans = {event.segment: event for event in of(SpeechEnded, events)}
    for event in corrected:
        final = finals[event.segment]
        assert events.index(final) < events.index(event)
        assert event.previous == final.text != event.text == " ".join(word.word for word in event.words)
        assert (event.start, event.end) == (event.words[0].start, event.words[-1].end)
        edges = [edge for word in event.words for edge in (word.start, word.end)]
        assert edges == sorted(edges) and edges[-1] <= spans[event.segment].end + 1.0
    counters = of(Stats, events)[-1].counters
    assert counters["audio.finals_corrected"] == len(corrected) <= counters["audio.read_again"] * 2
    assert isinstance(events[-1], End)


def test_no_word_is_said_twice_at_a_seam_of_what_was_corrected(read):
    events = read(True)
    texts = {event.segment: event.text for event in of(TranscriptFinal, events) + of(TranscriptCorrected, events)}
    words = " ".join(texts[segment] for segment in sorted(texts)).lower().split()
    assert not [pair for pair in pairwise(words) if pair[0] == pair[1]]
    assert sum(word.strip(".,;") == "times" for word in words) == 2


def test_at_the_pace_of_the_sound_corrections_come_between_their_finals_and_the_end(beckett):
    settings = {"mode": "file", "input": str(beckett), "pace": "realtime", "speech.quality": "balanced"}
    events = list(Pipeline(load_config("audio_only", settings)).events())
    finals = [event.segment for event in of(TranscriptFinal, events)]
    assert finals and [event for event in of(TranscriptCorrected, events) if event.segment not in finals] == []
    assert isinstance(events[-1], End) and len(of(End, events)) == 1
