"""The whole captions graph with the real networks on real media."""

from __future__ import annotations

import json
import re
import threading
from typing import ClassVar

import numpy as np
import pytest

from lipstream import Pipeline
from lipstream.config import Config, load_config
from lipstream.events import (
    FaceFound,
    FaceLost,
    LipActivity,
    SpeechEnded,
    SpeechStarted,
    TranscriptFinal,
    TranscriptPartial,
)
from lipstream.pipeline import Bounds, End, Graph, Packet, Port, Stats, micros
from lipstream.pipeline.testing import FakeSource
from lipstream.stages.build import add_speech_branch
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock

pytestmark = pytest.mark.media

QUIET = {"events.stats_interval": 0}


def captions(path, **overrides):
    return list(Pipeline(load_config("file", {"input": str(path), **QUIET, **overrides})).events())


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def text_of(events) -> str:
    return " ".join(event.text for event in of(TranscriptFinal, events))


def plain(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


@pytest.fixture(scope="module")
def demo_events(obama_speech):
    return captions(obama_speech)


def test_the_demo_clip_has_its_words_faces_and_lips(demo_events):
    words = plain(text_of(demo_events))
    for expected in ("today", "after", "two", "years", "negotiations", "united", "states", "international", "partners"):
        assert expected in words
    found, lost = of(FaceFound, demo_events), of(FaceLost, demo_events)
    assert len(found) == len(lost) == 2
    lips = of(LipActivity, demo_events)
    assert len(lips) > 150
    speakers = [event.face for event in lips]
    assert max(speakers.count(face) for face in set(speakers)) > 0.9 * len(speakers)
    assert isinstance(demo_events[-1], End) and demo_events[-1].reason == "finished"


def test_times_grow_and_words_lie_inside_their_segment(demo_events):
    started = {event.segment: event.start for event in of(SpeechStarted, demo_events)}
    ended = {event.segment: event.end for event in of(SpeechEnded, demo_events)}
    previous = 0.0
    for final in of(TranscriptFinal, demo_events):
        for word in final.words:
            assert previous <= word.start <= word.end
            assert 0 <= word.confidence <= 1
            previous = word.end
        # A segment's sound has a pre-roll before its first voiced moment and a hang-over after its last.
        assert started[final.segment] - 0.35 <= final.start <= final.end <= ended[final.segment] + 0.6
    emitted = [event.emitted for event in demo_events]
    assert emitted == sorted(emitted)


def test_the_same_file_gives_the_same_events_whatever_the_load(obama_speech, demo_events):
    stop = threading.Event()

    def burn():
        while not stop.is_set():
            np.linalg.svd(np.random.default_rng(0).random((60, 60)))

    load = [threading.Thread(target=burn) for _ in range(2)]
    for thread in load:
        thread.start()
    try:
        again = captions(obama_speech)
    finally:
        stop.set()
        for thread in load:
            thread.join()

    def lines(events):
        return [json.dumps(event.to_dict()) for event in events if not isinstance(event, Stats)]

    assert lines(again) == lines(demo_events)


def test_sound_is_transcribed_with_few_errors(two_cities):
    words = plain(text_of(captions(two_cities)))
    assert " ".join(words).startswith("it was the best of times it was the worst of times it was the age of wisdom")
    assert 105 <= len(words) <= 125


def from_blocks(audio: np.ndarray, sizes, config: Config):
    """Run the speech branch on sound in blocks of the given sizes."""

    def build(_: Config) -> Graph:
        packets, start = [], 0
        while start < len(audio):
            end = min(len(audio), start + next(sizes))
            length = micros(end / SAMPLE_RATE) - micros(start / SAMPLE_RATE)
            packets.append(Packet(micros(start / SAMPLE_RATE), AudioBlock(audio[start:end]), length))
            start = end

        class Blocks(FakeSource):
            outputs: ClassVar = {"audio": Port(AudioBlock)}

            def produce(self):
                packet = next(self._script, None)
                if packet is not None:
                    self.context.emit("audio", packet)
                return packet is not None

        graph = Graph()
        add_speech_branch(graph, config, Blocks(packets))
        return graph

    return list(Pipeline(config, build).events())


@pytest.fixture(scope="module")
def partials_config():
    return load_config("file", {"speech.partials": "on", **QUIET})


def test_the_text_does_not_depend_on_the_chunks_of_capture(obama_audio, partials_config):
    rng = np.random.default_rng(7)
    steady = from_blocks(obama_audio, iter(lambda: 320, None), partials_config)
    random = from_blocks(obama_audio, iter(lambda: int(rng.integers(1, 9000)), None), partials_config)

    def texts(events):
        kinds = (TranscriptPartial, TranscriptFinal)
        return [(type(e), e.segment, getattr(e, "stable", ""), e.text, e.start, e.end) for e in of(kinds, events)]

    assert texts(random) == texts(steady)
    assert len(of(TranscriptPartial, steady)) > 5


def test_stable_text_of_real_speech_is_never_retracted(two_cities_audio, partials_config):
    events = from_blocks(two_cities_audio[: 15 * SAMPLE_RATE], iter(lambda: 1600, None), partials_config)
    promised: dict[int, str] = {}
    for event in of((TranscriptPartial, TranscriptFinal), events):
        before = promised.get(event.segment, "")
        if isinstance(event, TranscriptPartial):
            assert event.stable.startswith(before)
            promised[event.segment] = event.stable
        else:
            # The final may correct words that stood, and then says so; signs and capitals go with what follows.
            stood = plain(before)
            assert bool(event.revised) != (plain(event.text)[: len(stood)] == stood)
    assert any(event.stable for event in of(TranscriptPartial, events))


def test_endless_speech_is_cut_and_goes_on(two_cities_audio, partials_config):
    # The pauses are shortened to 160 ms, too short to end a segment before it grows long.
    audio = two_cities_audio[: 26 * SAMPLE_RATE]
    hops = audio[: len(audio) // 160 * 160].reshape(-1, 160)
    loud = np.sqrt((hops**2).mean(axis=1)) > 0.01
    near = np.convolve(loud, np.ones(17), mode="same") > 0
    endless = hops[near].reshape(-1)
    events = from_blocks(endless, iter(lambda: 800, None), partials_config)
    starts = [event.start for event in of(SpeechStarted, events)]
    ends = [event.end for event in of(SpeechEnded, events)]
    assert len(starts) > 1
    assert all(end - start <= partials_config.vad.max_segment for start, end in zip(starts, ends, strict=True))
    words = plain(text_of(events))
    spoken = ("best", "worst", "wisdom", "foolishness", "belief", "incredulity", "season", "despair", "heaven")
    assert sum(word in words for word in spoken) >= len(spoken) - 2
    assert len(words) >= 68


def chords(seconds: float) -> np.ndarray:
    """A tune of three-note chords with attack and decay."""
    rng = np.random.default_rng(3)
    time = np.arange(int(0.5 * SAMPLE_RATE)) / SAMPLE_RATE
    bars = []
    for _ in range(int(seconds / 0.5)):
        root = 220 * 2 ** (rng.integers(0, 12) / 12)
        notes = sum(np.sin(2 * np.pi * root * ratio * time) / h for ratio in (1, 1.26, 1.5) for h in (1, 2, 3))
        bars.append(notes * np.exp(-3 * time) * np.minimum(1, time * 100))
    tune = np.concatenate(bars)
    return (0.3 * tune / np.abs(tune).max()).astype(np.float32)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(8 * SAMPLE_RATE, np.float32),
        np.random.default_rng(0).normal(0, 0.05, 8 * SAMPLE_RATE).astype(np.float32),
        chords(8.0),
        (0.2 * np.sign(np.sin(np.arange(8 * SAMPLE_RATE) * 0.05))).astype(np.float32),
    ],
    ids=["silence", "noise", "music", "buzz"],
)
def test_no_text_without_speech(sound, partials_config):
    events = from_blocks(sound, iter(lambda: 1600, None), partials_config)
    assert of((TranscriptPartial, TranscriptFinal), events) == []


def test_bounds_of_the_graph_hold(obama_speech, demo_events):
    graph = Pipeline(load_config("file", {"input": str(obama_speech), **QUIET})).graph
    bounds = {edge.name: edge.bounds for edge in graph.edges}
    stats = of(Stats, demo_events)[-1]
    assert stats.channels
    for name, figures in stats.channels.items():
        assert figures["peak_depth"] <= bounds.get(name, Bounds()).items
        assert figures["dropped"] == 0
