"""What each stage leaves out when a live run cannot keep up, and what it never does."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.config import load_config
from lipstream.config.schema import VadConfig, VideoConfig
from lipstream.pipeline import Packet
from lipstream.pipeline.testing import ScriptedClock, run_source, run_stage
from lipstream.stages.build import build
from lipstream.stages.capture import camera
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock
from lipstream.stages.shedding import CORRECTIONS, EMOTION_RATE, FACE_RATE, FACE_SHARE, PARTIALS
from lipstream.stages.speech.decode import Decode
from lipstream.stages.speech.encode import Encode
from lipstream.stages.speech.voice_activity import VoiceActivity
from tests.stages.capture.test_camera import FakeCamera, Watched, film, opened
from tests.stages.fakes import CountingEngine, reading, spoken
from tests.stages.speech.fake_vad import LoudnessVad
from tests.stages.speech.test_speech_stages import chunks

WORDS = [1, 2, 3, 4, 5, 6, 7]


def names(config):
    return [shed.name for shed in build(config).sheds]


def test_a_live_run_leaves_out_corrections_then_faces_then_emotions_then_partials():
    fast = load_config("live", {"speech.quality": "fast"})
    assert names(fast) == [CORRECTIONS.name, FACE_RATE.name, EMOTION_RATE.name, PARTIALS.name]


def test_what_is_not_there_is_not_left_out():
    alone = {"video.enabled": False, "emotion.enabled": False, "speech.quality": "fast"}
    assert names(load_config("live", alone)) == [CORRECTIONS.name, PARTIALS.name]
    assert names(load_config("live", {**alone, "speech.corrections": "off"})) == [PARTIALS.name]
    assert names(
        load_config("live", {"emotion.enabled": False, "speech.partials": "off", "speech.quality": "fast"})
    ) == [FACE_RATE.name]


def test_only_the_path_of_the_sound_tells_the_load():
    graph = build(load_config("live", {"emotion.enabled": False}))
    assert graph.paced == {"vad", "encode", "decode"}
    one_input = {name for name in graph.paced if len(graph.components[name].inputs) == 1}
    assert all(graph.skew_limits[name] == 0 for name in graph.paced - one_input), "waiting for another is no delay"


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(camera, "POLL_SECONDS", 0.001)
    made = FakeCamera(ScriptedClock())
    yield made
    made.never.set()


def test_the_camera_decodes_fewer_frames_under_load_and_all_again_afterwards(fake):
    marks = []

    def script():
        yield from opened(fake)
        for shed in ((), (FACE_RATE.name,), ()):
            watched.context.shed = shed
            yield
            marks.append(fake.captures[-1].retrieved)
            yield from film(fake, range(100))
        marks.append(fake.captures[-1].retrieved)

    watched = Watched(VideoConfig(), fake, script, 25.0)
    run = run_source(watched, clock=fake.clock)
    before, under_load, after = np.diff(marks)
    assert before == 100 and after == pytest.approx(100, abs=2)
    assert under_load == pytest.approx(100 * FACE_SHARE, abs=2)
    assert run.events == []


def test_a_camera_opened_under_load_begins_with_fewer_frames(fake):
    def script():
        watched.context.shed = (FACE_RATE.name,)
        yield from opened(fake)
        yield from film(fake, range(10))
        fake.unplug()
        while len(fake.captures) < 2:
            fake.clock.advance(100_000)
            yield
        yield from opened(fake, 2)
        yield from film(fake, range(100))

    watched = Watched(VideoConfig(), fake, script, 25.0)
    run_source(watched, clock=fake.clock)
    assert fake.captures[1].retrieved == pytest.approx(100 * FACE_SHARE, abs=2)


@pytest.mark.parametrize(("shed", "updates"), [((), True), ((FACE_RATE.name,), True), ((PARTIALS.name,), False)])
def test_partials_go_under_load_and_the_final_stays(shed, updates):
    engine = CountingEngine()
    encoded = run_stage(Encode(engine, 0.4), chunks(spoken(WORDS), [512]), lossless=False, shed=shed)
    *partials, last = encoded.payloads
    assert bool(partials) is updates and last.last
    assert engine.encoded[-1] == len(spoken(WORDS))
    final = run_stage(Decode(reading(engine)), encoded).events[-1]
    assert final.text == "one two three four five six seven"


def test_sound_is_counted_apart_from_the_silence_in_place_of_lost_sound():
    blocks = [
        Packet(index * 20_000, AudioBlock(np.zeros(320, np.float32), filled), 20_000)
        for index, filled in enumerate([0, 320, 100, 0])
    ]
    run = run_stage(VoiceActivity(LoudnessVad(), VadConfig()), blocks).only("speech")
    assert run.counters["audio.captured_seconds"] == pytest.approx((4 * 320 - 420) / SAMPLE_RATE)


def test_recognised_sound_is_counted_at_the_end_of_a_segment_only():
    signal = spoken(WORDS)
    engine = CountingEngine()
    run = run_stage(Decode(reading(engine)), run_stage(Encode(engine, 0.4), chunks(signal, [512])))
    assert run.counters["audio.recognised_seconds"] == pytest.approx(len(signal) / SAMPLE_RATE)
