"""Two sources of sound in one run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lipstream.config import load_config
from lipstream.events import (
    SoundLevel,
    SpeakerChanged,
    SpeakerNamed,
    SpeechStarted,
    TranscriptCorrected,
    TranscriptFinal,
    TranscriptPartial,
    Word,
)
from lipstream.pipeline import Degraded, Graph, Source, UserError
from lipstream.stages import build
from lipstream.stages.both_sources import MICROPHONE, SYSTEM
from lipstream.stages.capture.microphone import Microphone
from lipstream.stages.capture.system_sound import SystemSound
from lipstream.stages.sound.echo import EchoCanceller
from lipstream.stages.speaker.naming import rename
from lipstream.stages.speaker.who import Who


@pytest.fixture(scope="module")
def both() -> Graph:
    graph = build.build(load_config("live", {"audio.source": "both", "video.enabled": False}))
    graph.check()
    return graph


def producers(graph: Graph, consumer: str) -> list[str]:
    return [edge.producer for edge in graph.edges if edge.consumer == consumer]


def test_each_source_has_a_branch_of_its_own_and_the_microphone_goes_through_the_canceller(both: Graph):
    assert isinstance(both.components["audio"], Microphone)
    assert isinstance(both.components["system_audio"], SystemSound)
    assert isinstance(both.components["echo"], EchoCanceller)
    assert producers(both, "vad") == ["echo"]
    assert sorted(producers(both, "echo")) == ["audio", "system_audio"]
    assert producers(both, "system_vad") == ["system_audio"]
    assert {"decode", "system_decode"} <= both.paced


def test_system_sound_alone_is_the_one_source():
    graph = build.build(load_config("live", {"audio.source": "system", "video.enabled": False}))
    assert isinstance(graph.components["audio"], SystemSound)
    assert "echo" not in graph.components and not graph.retold


def final(segment: int, **more: object) -> TranscriptFinal:
    return TranscriptFinal(segment=segment, start=0.0, end=1.0, text="Hello.", words=(), **more)


def test_segments_of_both_have_numbers_of_one_row_and_the_names_of_their_voices(both: Graph):
    microphone, system = both.retold["decode"], both.retold["system_decode"]
    partial = TranscriptPartial(segment=1, start=0.0, end=0.5, stable="He", unstable="l")
    told = [
        both.retold["vad"](SpeechStarted(segment=1, start=0.0)),
        system(partial),
        microphone(final(1)),
        system(final(1)),
    ]
    assert [event.segment for event in told] == [1, 2, 1, 2]
    assert [event.speaker_name for event in told[1:]] == [SYSTEM, MICROPHONE, SYSTEM]


def test_each_voice_is_a_speaker_and_whom_others_have_told_apart_is_another(both: Graph):
    microphone, system = both.retold["decode"], both.retold["system_decode"]
    words = (Word(word="Hello.", start=0.0, end=1.0, confidence=1.0, speaker=2),)
    here, there = microphone(final(20)), system(final(20))
    known, other = microphone(final(21, speaker=2)), system(final(21, speaker=2))
    assert len({event.speaker for event in (here, there, known, other)}) == 4
    assert (known.speaker_name, other.speaker_name) == (f"{MICROPHONE} 2", f"{SYSTEM} 2")
    assert microphone(final(22, speaker=3, speaker_name="Ada")).speaker_name == "Ada"
    spoken = microphone(replace(final(21, speaker=2), words=words))
    assert spoken.words[0].speaker == spoken.speaker == known.speaker
    assert microphone(SpeakerNamed(speaker=2, name="Ada")).speaker == known.speaker
    corrected = TranscriptCorrected(
        segment=21, start=0.0, end=1.0, previous="Hello.", text="Hallo.", words=words, speaker=2
    )
    read = system(corrected)
    assert (read.segment, read.speaker, read.speaker_name) == (other.segment, other.speaker, f"{SYSTEM} 2")
    assert [word.speaker for word in read.words] == [other.speaker]
    told = system(SpeakerChanged(segment=21, start=0.0, end=1.0, previous=None, speaker=2, words=(2, None)))
    assert (told.segment, told.previous, told.words) == (other.segment, there.speaker, (other.speaker, None))


def test_the_level_is_told_of_the_microphone_alone_and_troubles_of_both(both: Graph):
    level = SoundLevel(time=0.0, level=-20.0, speech=True)
    assert both.retold["system_vad"](level) is None
    assert both.retold["vad"](level) == level
    trouble = Degraded(modality="audio", stage="system_audio", reason="system sound 'x' is disconnected")
    assert both.retold["system_audio"](trouble) == trouble


def test_what_a_graph_keeps_back_nobody_hears_of():
    class Saying(Source):
        """Says two things and ends."""

        outputs = {}  # noqa: RUF012 - as declared for a component

        def produce(self) -> bool:
            self.publish(SpeechStarted(segment=1, start=0.0))
            self.publish(SoundLevel(time=0.0, level=-20.0, speech=False))
            return False

    from lipstream.pipeline.session import Session
    from lipstream.pipeline.testing import EventRecorder

    graph, events = Graph(), EventRecorder()
    graph.add("saying", Saying())
    graph.retold["saying"] = lambda event: None if isinstance(event, SoundLevel) else event
    session = Session(graph)
    session.add_sink("events", events)
    session.run()
    assert [type(event).__name__ for event in events.events] == ["SpeechStarted", "Stats", "End"]


def test_a_name_goes_to_whom_its_number_was_told_for(monkeypatch: pytest.MonkeyPatch):
    """Regression: of two sources only the microphone's speakers could be named, by numbers that nobody was told."""
    graph = build.build(load_config("live", {"audio.source": "both", "video.enabled": False}))
    microphone, system = graph.retold["decode"], graph.retold["system_decode"]
    unknown = microphone(final(1)).speaker
    number = system(final(1, speaker=1)).speaker
    microphone(final(2, speaker=1))
    given = []
    monkeypatch.setattr(Who, "rename", lambda *those: given.append(those))
    rename(graph, number, "Ann")
    assert given == [(graph.components["system_who"], 1, "Ann")]
    assert graph.retold["system_who"](SpeakerNamed(speaker=1, name="Ann")).speaker == number
    for nobody in (unknown, 99):
        with pytest.raises(UserError, match=f"no speaker {nobody}"):
            rename(graph, nobody, "Ann")
