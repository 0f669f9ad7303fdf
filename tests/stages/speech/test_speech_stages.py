"""Encode, fuse and decode with a scripted recogniser."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.events import SpeechUnclear, TranscriptFinal, TranscriptPartial
from lipstream.models.speech.fusion import AudioOnlyFusion, FusedSpeech, Fusion
from lipstream.pipeline import Degraded, Packet, Recovered, micros
from lipstream.pipeline.testing import StageRun, run_stage
from lipstream.stages.payloads import SAMPLE_RATE, LipFrame, Mouth, MouthState, SpeechChunk
from lipstream.stages.speech.decode import Decode
from lipstream.stages.speech.encode import Encode
from lipstream.stages.speech.fuse import Fuse
from tests.stages.fakes import VOCABULARY, CountingEngine, reading, spoken

START = 1_000_000


def chunks(signal: np.ndarray, sizes: list[int], segment: int = 1, start: int = START) -> list[Packet[SpeechChunk]]:
    edges = [0]
    while edges[-1] < len(signal):
        edges.append(min(len(signal), edges[-1] + sizes[len(edges) % len(sizes)]))
    packets = []
    for a, b in pairwise(edges):
        chunk = SpeechChunk(
            segment=segment,
            samples=signal[a:b],
            first=a == 0,
            last=b == len(signal),
            speech_start=start,
            speech_end=start + micros(b / SAMPLE_RATE),
        )
        packets.append(Packet(start + micros(a / SAMPLE_RATE), chunk, micros((b - a) / SAMPLE_RATE)))
    return packets


def transcribe(packets: list[Packet[SpeechChunk]], engine: CountingEngine | None = None, interval: float | None = 0.4):
    engine = engine or CountingEngine()
    encoded = run_stage(Encode(engine, interval), packets)
    fused = run_stage(Fuse(AudioOnlyFusion(), 30.0), {"speech": encoded})
    return run_stage(Decode(reading(engine)), fused).events


def test_partials_grow_and_the_final_has_every_word():
    events = transcribe(chunks(spoken([1, 2, 3, 4, 5, 6]), [512]))
    *partials, final = events
    assert final.text == "one two three four five six"
    assert [w.word for w in final.words] == final.text.split()
    assert partials[0].stable == "" and partials[0].text
    assert any(p.stable for p in partials)
    assert all(p.end > p.start for p in partials)


words_strategy = st.lists(st.integers(1, 9), min_size=1, max_size=12).map(
    lambda words: [w for i, w in enumerate(words) if i == 0 or w != words[i - 1]]
)


@given(words=words_strategy, interval=st.sampled_from([0.2, 0.4, 0.7]))
def test_stable_text_is_never_retracted(words, interval):
    events = transcribe(chunks(spoken(words), [512]), interval=interval)
    promised = ""
    for event in events:
        text = event.stable if isinstance(event, TranscriptPartial) else event.text
        assert text.startswith(promised)
        promised = text
    assert events[-1].text == " ".join(VOCABULARY[w] for w in words)


@given(words=words_strategy)
def test_word_times_lie_inside_the_segment_and_grow(words):
    signal = spoken(words)
    final = transcribe(chunks(signal, [512]))[-1]
    times = [t for word in final.words for t in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= START / 1e6 and times[-1] <= START / 1e6 + len(signal) / SAMPLE_RATE + 1e-6
    assert (final.start, final.end) == (times[0], times[-1])


def test_updates_come_at_the_interval_and_the_previous_text_is_the_draft():
    engine = CountingEngine()
    signal = spoken([1, 2, 3, 4], seconds_each=0.4, tail=0.4)
    encoded = run_stage(Encode(engine, 0.4), chunks(signal, [512]))
    run_stage(Decode(reading(engine)), encoded)
    assert engine.encoded[-1] == len(signal)
    steps = np.diff([packet.timestamp for packet in encoded if not packet.payload.tentative][:-1])
    assert all(400_000 <= step <= 432_000 for step in steps)
    assert engine.drafts[0] == () and engine.drafts[3]


def test_between_the_first_two_updates_there_is_an_early_look_that_promises_nothing():
    words = spoken([1, 2, 3, 4], seconds_each=0.25)
    encoded = run_stage(Encode(CountingEngine(), 0.4), chunks(words, [512]))
    looks = [(round(packet.timestamp / 1e6 - START / 1e6, 1), packet.payload.tentative) for packet in encoded]
    assert looks[:3] == [(0.4, False), (0.6, True), (0.8, False)]


def test_without_partials_each_segment_is_encoded_once():
    engine = CountingEngine()
    events = transcribe(chunks(spoken([1, 2, 3]), [512]), engine, interval=None)
    assert [type(e) for e in events] == [TranscriptFinal]
    assert len(engine.encoded) == 1


def test_live_updates_are_left_out_while_sound_waits_but_the_end_is_not():
    engine = CountingEngine()
    stage = Encode(engine, 0.4)
    packets = chunks(spoken([1, 2, 3, 4]), [512])

    class Busy(Encode):
        @property
        def context(self):
            real = super().context
            busy = {
                "lossless": False,
                "backlog": lambda s, port: 10_000_000,
                "sheds": lambda s, name: False,
                "emit": real.emit,
            }
            return type("Context", (), busy)()

    stage.__class__ = Busy
    run = run_stage(stage, packets, lossless=False)
    assert [p.payload.last for p in run] == [True]


def test_segments_do_not_leak_into_each_other():
    first = chunks(spoken([1, 2, 3, 4]), [512])
    second = chunks(spoken([5, 6, 7]), [512], segment=2, start=9_000_000)
    finals = [e for e in transcribe(first + second) if isinstance(e, TranscriptFinal)]
    assert [f.text for f in finals] == ["one two three four", "five six seven"]
    assert finals[1].start >= 9.0


def test_a_device_whose_clock_is_slower_than_the_session_does_not_end_the_run():
    """Regression: a segment was stamped by its samples, and so before what the sound had promised."""
    sound = [
        dataclasses.replace(each, timestamp=START + round((each.timestamp - START) * 1.005))
        for each in chunks(spoken([1, 2, 3, 4, 5, 6] * 6), [512])
    ]
    encoded = run_stage(Encode(CountingEngine(), 0.4), sound)
    assert encoded[-1].payload.last and encoded[-1].timestamp == sound[-1].end


def test_speech_in_which_nothing_can_be_read_is_told():
    """It was left out in silence."""
    (event,) = transcribe(chunks(np.zeros(16_000, np.float32), [512]))
    assert isinstance(event, SpeechUnclear) and (event.segment, event.start, event.end) == (1, 1.0, 2.0)
    assert transcribe(chunks(np.zeros(8_000, np.float32), [512])) == []


def test_speech_in_which_nothing_can_be_read_is_in_the_outputs_if_that_is_wanted():
    encoded = run_stage(Encode(CountingEngine(), None), chunks(np.zeros(16_000, np.float32), [512]))
    wanted = dataclasses.replace(reading(CountingEngine()), mark_unclear=True)
    run = run_stage(Decode(wanted), encoded)
    _, final = run.events
    assert (final.text, final.start, final.end, len(final.words)) == ("[unclear]", 1.0, 2.0, 1)
    assert [packet.payload.text for packet in run.on("finals")] == [final.text], "it goes the way of all finals"


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        ([1], [Degraded, Recovered, TranscriptFinal, TranscriptFinal]),
        ([1, 2], [Degraded, TranscriptFinal, Recovered]),
    ],
    ids=["once", "twice"],
)
def test_a_decoder_that_fails_is_tried_again_reported_and_goes_on(failures, expected):
    first = chunks(spoken([1, 2]), [512])
    second = chunks(spoken([5, 6]), [512], segment=2, start=9_000_000)
    events = transcribe(first + second, CountingEngine(fail_on=failures), interval=None)
    assert [type(e) for e in events] == expected
    assert "scripted failure" in events[0].reason and events[0].modality == "audio"


class FailingEncoder(CountingEngine):
    """Fails on everything longer than so many seconds."""

    def __init__(self, longest: float) -> None:
        super().__init__()
        self._longest = longest

    def encode(self, audio):
        if len(audio) > self._longest * SAMPLE_RATE:
            raise RuntimeError("scripted failure")
        return super().encode(audio)


def test_a_segment_whose_end_cannot_be_encoded_is_final_at_its_end_and_not_with_the_next_speech():
    """Its text once stayed open until somebody spoke again, for minutes."""
    encoded = run_stage(Encode(FailingEncoder(1.5), 0.4), chunks(spoken([1, 2, 3, 4, 5, 6]), [512]))
    assert [packet.payload.failed for packet in encoded][-2:] == [False, True] and encoded[-1].payload.last
    assert encoded.counters["speech.failed_segments"] == 1
    fused = run_stage(Fuse(AudioOnlyFusion(), 30.0), {"speech": encoded})
    much_later = Packet(60_000_000, Mouth(60_000_000, None, 0.0, MouthState.UNSEEN))
    run = run_stage(Decode(reading(CountingEngine())), {"speech": list(fused), "mouths": [much_later]})
    final = next(event for event in run.events if isinstance(event, TranscriptFinal))
    shown = [event for event in run.events if isinstance(event, TranscriptPartial)][-1].text
    assert shown and final.text.startswith(shown)
    assert final.emitted == encoded[-1].timestamp / 1e6


def test_a_segment_of_which_nothing_could_be_encoded_has_no_text_and_the_next_one_has():
    first = chunks(spoken([1, 2, 3, 4, 5, 6]), [512])
    second = chunks(spoken([5]), [512], segment=2, start=9_000_000)
    events = transcribe(first + second, FailingEncoder(1.5), interval=None)
    assert [event.text for event in events if isinstance(event, TranscriptFinal)] == ["five"]


class RecordingFusion(Fusion):
    """Doubles the frames and keeps what lips it saw."""

    uses_lips = True

    def __init__(self) -> None:
        self.seen: list[list[float]] = []

    def load(self) -> None: ...

    def fuse(self, encoding, sound, lips):
        self.seen.append([round(sample.time, 3) for sample in lips])
        gate = np.full(len(encoding.features), 0.25, np.float32)
        return FusedSpeech(dataclasses.replace(encoding, features=encoding.features * 2), gate)


def test_fusion_sees_the_lips_of_the_time_it_refines():
    fusion = RecordingFusion()
    encoded = run_stage(Encode(CountingEngine(), None), chunks(spoken([1], 0.4, 0.0), [512]))
    lips = [Packet(i * 40_000, LipFrame(None)) for i in range(100)]
    (fused,) = run_stage(Fuse(fusion, 10.0), {"lips": lips, "speech": encoded})
    assert (fused.payload.lip_gate == 0.25).all()
    assert fusion.seen[0][0] == pytest.approx(-0.2)
    assert fusion.seen[0][-1] == pytest.approx(0.4)


def test_without_lips_the_frames_pass_unchanged_and_the_gate_is_zero():
    encoded = run_stage(Encode(CountingEngine(), None), chunks(spoken([1, 2]), [512]))
    fused = run_stage(Fuse(AudioOnlyFusion(), 10.0), {"speech": encoded})
    assert fused[0].payload.encoding is encoded[0].payload.encoding
    assert fused[0].payload.lip_gate is None


def test_a_fusion_that_fails_lets_the_sound_through():
    class Broken(RecordingFusion):
        def fuse(self, encoding, sound, lips):
            raise RuntimeError("scripted failure")

    encoded = run_stage(Encode(CountingEngine(), None), chunks(spoken([1, 2]), [512]))
    fused = run_stage(Fuse(Broken(), 10.0), {"speech": encoded})
    assert [(each.timestamp, each.payload.segment) for each in fused] == [(each.timestamp, 1) for each in encoded]
    assert all(one.payload.encoding is other.payload.encoding for one, other in zip(fused, encoded, strict=True))
    assert [(event.modality, event.reason) for event in fused.events] == [("video", "fusion failed: scripted failure")]


class Unsure(CountingEngine):
    """Is as sure of a word as the test says, given the word and the number of the decoding."""

    def __init__(self, sure) -> None:
        super().__init__()
        self.sure = sure

    def decode(self, encoding, prefix=(), draft=()):
        heard = super().decode(encoding, prefix, draft)
        return dataclasses.replace(heard, probabilities=tuple(self.sure(t, self.decoded) for t in heard.tokens))

    def align(self, encoding, hypothesis):
        timed = super().align(encoding, hypothesis)
        return [
            dataclasses.replace(word, confidence=each)
            for word, each in zip(timed, hypothesis.probabilities, strict=True)
        ]


def asking(encoding, confidence):
    return dataclasses.replace(encoding, least_confidence=np.full(len(encoding.features), confidence, np.float32))


def decode_beside_others(engine: Unsure, words: list[int], asks) -> StageRun:
    """Run `Decode`; `asks` gives the confidence that fusion asks for in each update."""
    encoded = run_stage(Encode(engine, 0.4), chunks(spoken(words), [512]))
    asked = [
        dataclasses.replace(packet, payload=dataclasses.replace(packet.payload, encoding=encoding))
        for at, packet in enumerate(encoded)
        for encoding in [asking(packet.payload.encoding, asks(at))]
    ]
    return run_stage(Decode(reading(engine)), asked)


def test_words_under_the_confidence_that_fusion_asks_for_are_left_out():
    engine = Unsure(lambda token, _: 0.2 if token in (2, 5) else 0.9)
    run = decode_beside_others(engine, [1, 2, 3, 4, 5, 6], lambda _: 0.3)
    *partials, final = run.events
    assert final.text == "one three four six"
    assert [word.word for word in final.words] == final.text.split()
    assert run.counters["audio.words_left_out"] == 2
    assert any(partial.stable.startswith("one three") for partial in partials)
    assert not any("two" in partial.stable + partial.unstable for partial in partials)


def test_a_doubtful_word_is_left_out_only_where_fusion_asks():
    engine = Unsure(lambda token, _: 0.2 if token in (2, 5) else 0.9)
    encoded = run_stage(Encode(engine, None), chunks(spoken([1, 2, 3, 4, 5, 6]), [512]))
    (packet,) = encoded
    encoding = packet.payload.encoding
    asked = np.zeros(len(encoding.features), np.float32)
    asked[len(asked) // 2 :] = 0.3
    speech = dataclasses.replace(packet.payload, encoding=dataclasses.replace(encoding, least_confidence=asked))
    run = run_stage(Decode(reading(engine)), [dataclasses.replace(packet, payload=speech)])
    assert run.events[-1].text == "one two three four six"
    assert run.counters["audio.words_left_out"] == 1


@given(
    words=words_strategy,
    doubts=st.lists(st.floats(0.4, 1.0), min_size=1, max_size=8),
    asked=st.lists(st.sampled_from([0.0, 0.5, 0.8]), min_size=1, max_size=5),
)
def test_stable_text_is_never_retracted_however_the_confidence_changes(words, doubts, asked):
    engine = Unsure(lambda token, decoding: doubts[(token + decoding) % len(doubts)])
    promised = ""
    found = decode_beside_others(engine, words, lambda at: asked[at % len(asked)]).events
    events = [event for event in found if not isinstance(event, SpeechUnclear)]
    if events and not events[-1].text:
        events.pop()  # No word is left: all is taken back.
    for event in events:
        if isinstance(event, TranscriptPartial):
            assert event.stable.startswith(promised)
            promised = event.stable
        else:
            # The final is read freely, and says so where it is not what stood.
            assert bool(event.revised) != event.text.startswith(promised)


def test_what_was_shown_is_taken_back_if_every_word_turns_out_doubtful():
    engine = Unsure(lambda _, decoding: 0.9 if decoding == 1 else 0.4)
    events = decode_beside_others(engine, [1], lambda _: 0.5).events
    assert [event.text for event in events] == ["one", ""]
