"""The captions graph as a configuration asks for it."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lipstream.stages.branches as branches
import lipstream.stages.build as build
from lipstream import Pipeline
from lipstream.config import Config, load_config
from lipstream.events import FaceFeatures, LipActivity
from lipstream.models.face import backend
from lipstream.models.speech import recognisers
from lipstream.models.speech.fusion import AudioOnlyFusion
from lipstream.models.speech.split import SplitRecogniser
from lipstream.pipeline import Degraded, Packet, Port, Source, UserError
from lipstream.stages.face.face import Face
from lipstream.stages.payloads import AudioBlock, VideoFrame
from lipstream.stages.speech.at_once import MOST_LIVE
from lipstream.stages.speech.corrections.correct import Correct
from lipstream.stages.speech.corrections.precedence import FirstReader
from lipstream.stages.speech.decode import Decode
from lipstream.stages.speech.fuse import Fuse
from lipstream.stages.speech.readers import expect
from tests.hostile.fake_networks import FaceInTheMiddle, HostileEngine
from tests.stages.speech.fake_vad import LoudnessVad
from tests.stages.speech.test_speech_stages import RecordingFusion

SECONDS = 3


@pytest.fixture
def fusion(monkeypatch: pytest.MonkeyPatch) -> RecordingFusion:
    """Keeps what lips it is given; every other network is a fake."""
    recording = RecordingFusion()
    monkeypatch.setattr(build, "make_fusion", lambda config, engine: recording)
    monkeypatch.setattr(recognisers, "listener", lambda threads: HostileEngine())
    monkeypatch.setattr(recognisers, "create", lambda *_: SplitRecogniser(HostileEngine(), is_listener=True))
    monkeypatch.setattr(build, "SileroVad", LoudnessVad)
    monkeypatch.setattr(backend, "create", lambda *_: FaceInTheMiddle(1, 0.5))
    return recording


def sound() -> list[Packet[AudioBlock]]:
    """A second of silence, a second of noise, a second of silence."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 16_000).astype(np.float32)
    samples = np.concatenate([np.zeros(16_000, np.float32), noise, np.zeros(16_000, np.float32)])
    return [Packet(i * 32_000, AudioBlock(samples[i * 512 : i * 512 + 512]), 32_000) for i in range(93)]


def pictures() -> list[Packet[VideoFrame]]:
    moving = np.random.default_rng(1).integers(0, 256, (30 * SECONDS, 90, 120, 3), dtype=np.uint8)
    return [Packet(i * 33_333, VideoFrame(image, (120, 90))) for i, image in enumerate(moving)]


class Played(Source):
    """Plays packets on the port of a microphone or a camera."""

    def __init__(self, port: str, packets: list[Packet]) -> None:
        self.outputs = {port: Port(type(packets[0].payload))}
        self._packets = iter(packets)

    def produce(self) -> bool:
        if (packet := next(self._packets, None)) is None:
            return False
        (port,) = self.outputs
        self.context.emit(port, packet)
        return True


def sheds_of(config: Config, audio: bool, video: bool) -> list[tuple[str, str]]:
    graph = build.connect(
        config, Played("audio", sound()) if audio else None, Played("video", pictures()) if video else None
    )
    return [(shed.name, shed.modality) for shed in graph.sheds]


def test_what_is_left_out_under_load_is_said_of_what_the_run_has(fusion: RecordingFusion):
    config = load_config("live")
    names = [("face rate", "video"), ("emotion rate", "video"), ("partial updates", "audio")]
    first = ("corrections", "audio")
    assert sheds_of(config, audio=True, video=True) == [first, *names]
    heard = [first, ("emotion rate", "audio"), ("partial updates", "audio")]
    assert sheds_of(config, audio=True, video=False) == heard
    assert sheds_of(config, audio=False, video=True) == names[:2]
    quiet = load_config("live", {"emotion.enabled": False})
    assert sheds_of(quiet, audio=True, video=False) == [first, ("partial updates", "audio")]
    balanced = load_config("live", {"speech.quality": "balanced"})
    more = [first, ("second pass", "audio")]
    assert sheds_of(balanced, audio=True, video=True) == [*more, *names]
    once = load_config("live", {"speech.quality": "balanced", "speech.corrections": False})
    assert sheds_of(once, audio=True, video=True) == [*more[1:], *names]


def run(**settings: object) -> list[LipActivity]:
    config = load_config("file", {"emotion.enabled": False, "lips.report_rate": 25, **settings})

    def graph(given: Config):
        return build.connect(given, Played("audio", sound()), Played("video", pictures()))

    return [event for event in Pipeline(config, graph).events() if isinstance(event, LipActivity)]


@pytest.mark.parametrize(("rate", "reports"), [(5, 15), (10, 30), (25, 75), (29.97, 90), (60, 90)])
def test_fusion_has_lips_at_the_rate_its_networks_know_whatever_the_lip_rate_is(
    fusion: RecordingFusion, rate: float, reports: int
):
    activity = run(**{"lips.rate": rate})
    assert fusion.seen
    for times in fusion.seen:
        assert len(times) > 30
        assert np.diff(times) == pytest.approx(0.04, abs=0.0011)
    assert len(activity) == pytest.approx(reports, abs=4)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"video.enabled": False}, "the picture is switched off"),
        ({"speech.task": "translate"}, "a profile translates nothing"),
        ({"speech.language": "de"}, "a profile reads English only (speech.language is de)"),
    ],
)
def test_a_profile_that_cannot_help_is_said_to_be_of_no_use(
    fusion: RecordingFusion, settings: dict[str, object], why: str
):
    config = load_config("live", {"fusion.profile": "ann", "emotion.enabled": False, **settings})
    pipeline = Pipeline(config, lambda given: build.connect(given, Played("audio", sound()), None))
    reasons = [event.reason for event in pipeline.events() if isinstance(event, Degraded)]
    assert f"{why}, so the lips of profile 'ann' cannot help" in reasons


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({}, True),
        ({"speakers.overlaps": False}, False),
        ({"speakers.enabled": False}, False),
        ({"pace": "realtime"}, True),
        ({"face.max_faces": 1}, False),
        ({"fusion.general": False}, False),
    ],
)
def test_two_who_speak_at_once_are_told_apart_and_looked_at(
    fusion: RecordingFusion, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], parts: bool
):
    looked: list[bool] = []
    monkeypatch.setattr(branches, "Face", lambda *_, others: looked.append(others) or Face(*_, others=others))
    config = load_config("file", {"emotion.enabled": False, **settings})
    graph = build.connect(config, Played("audio", sound()), Played("video", pictures()))
    fuse = graph.components["fuse"]
    assert isinstance(fuse, Fuse) and fuse.parts is parts and looked == [parts]
    assert fuse._most == (MOST_LIVE if "pace" in settings else math.inf)


FOR_FEATURES = {"face_features", "speaking"}


def components(**settings: object) -> set[str]:
    config = load_config("file", {"emotion.enabled": False, **settings})
    return set(build.connect(config, Played("audio", sound()), Played("video", pictures())).components)


def test_nothing_is_computed_for_features_that_nobody_asked_for(fusion: RecordingFusion):
    assert not FOR_FEATURES & components()
    assert components(**{"face.features_rate": 25}) >= FOR_FEATURES
    assert components(**{"face.features_rate": 25}) - components() == FOR_FEATURES


def test_voices_are_listened_for_where_the_rate_of_looking_depends_on_them(fusion: RecordingFusion):
    assert "voices_ahead" in components()
    for settings in ({"face.looks": "every"}, {"pace": "realtime"}, {"mode": "live"}):
        assert "voices_ahead" not in components(**settings)
    monologue = load_config("file", {"emotion.enabled": False})
    assert "voices_ahead" not in build.connect(monologue, None, Played("video", pictures())).components


def test_features_come_for_every_frame_that_is_looked_at(fusion: RecordingFusion):
    config = load_config("file", {"emotion.enabled": False, "face.features_rate": 120, "face.landmarks": True})
    played = Played("video", pictures())
    pipeline = Pipeline(config, lambda given: build.connect(given, Played("audio", sound()), played))
    events = [event for event in pipeline.events(FaceFeatures) if isinstance(event, FaceFeatures)]
    assert [event.time for event in events] == pytest.approx([at * 0.033333 for at in range(30 * SECONDS)])
    assert all(len(event.landmarks) == 478 for event in events)


def test_a_stream_of_what_is_over_is_refused(fusion: RecordingFusion):
    with pytest.raises(UserError, match=r"events.lsl .* live run, or pace=realtime"):
        components(**{"events.lsl": True})
    config = load_config("file", {"emotion.enabled": False, "events.lsl": True, "pace": "realtime"})
    assert "lsl" in build.connect(config, Played("audio", sound()), None).sinks


@pytest.mark.parametrize(
    ("mode", "settings", "there"),
    [
        ("live", {}, True),
        ("file", {"pace": "realtime"}, True),
        ("file", {}, False),
        # As measured: results do not depend on the clock.
        ("file", {"speech.partials": "on"}, False),
        ("file", {"speech.partials": "on", "speech.corrections": "on"}, True),
        ("file", {"speech.corrections": "on"}, False),
        ("live", {"speech.corrections": "off"}, False),
        ("live", {"speech.partials": "off"}, False),
        ("live", {"speech.quality": "fast"}, True),
        # What is translated does not go on.
        ("live", {"speech.task": "translate"}, False),
        ("live", {"speech.join": 0}, False),
        ("live", {"fusion.profile": "ann"}, False),
    ],
)
def test_finals_are_read_once_more_where_somebody_waits_and_their_recogniser_gains_by_it(
    monkeypatch: pytest.MonkeyPatch, mode: str, settings: dict[str, object], there: bool
):
    monkeypatch.setattr(build, "make_fusion", lambda *_: AudioOnlyFusion())
    config = load_config(mode, {"speech.quality": "balanced", "emotion.enabled": False, **settings})
    graph = build.connect(config, Played("audio", sound()), None)
    graph.check()
    assert ("correct" in graph.components) is there
    decode = graph.components["decode"]
    assert isinstance(decode, Decode)
    # Only where they may be in each other's way.
    gives_way = there and config.real_time
    assert isinstance(decode._reading.final, FirstReader) is gives_way
    if there:
        correct = graph.components["correct"]
        assert isinstance(correct, Correct) and correct._reading.final is not decode._reading.final


def test_what_reads_finals_once_more_expects_the_same_words():
    config = load_config("live", {"speech.quality": "balanced", "speech.terms": ["Ada"], "emotion.enabled": False})
    graph = build.connect(config, Played("audio", sound()), None)
    correct = graph.components["correct"]
    assert isinstance(correct, Correct) and correct.terms.phrases == ("Ada",)
    expect(graph, ["Babbage"])
    assert correct.terms.phrases == ("Babbage",)
