"""What stages do while a part of the run is switched off."""

from __future__ import annotations

import numpy as np

from lipstream.config import VadConfig
from lipstream.events import EmotionChanged, EmotionUpdate, FaceLost, SoundLevel
from lipstream.models.face.backend import FaceObservation
from lipstream.pipeline import Packet, Switches
from lipstream.pipeline.testing import run_stage
from lipstream.stages.emotion.emotion import Emotion
from lipstream.stages.emotion.expression import Expression
from lipstream.stages.emotion.voice import Voice
from lipstream.stages.face.face import Face
from lipstream.stages.payloads import AudioBlock, LipFrame, VideoFrame
from lipstream.stages.speech.encode import Encode
from lipstream.stages.speech.fuse import Fuse
from lipstream.stages.speech.voice_activity import VoiceActivity
from lipstream.stages.switches import EMOTION, LIPS, PICTURE, SOUND
from tests.stages.emotion.emotion_fakes import CountingFusion, seen, view
from tests.stages.emotion.test_voice_stage import Listener, speech
from tests.stages.fakes import CountingEngine
from tests.stages.speech.fake_vad import LoudnessVad
from tests.stages.speech.test_speech_stages import RecordingFusion, chunks, spoken


def off(*names: str) -> Switches:
    switches = Switches((SOUND, PICTURE, LIPS, EMOTION))
    for name in names:
        switches.turn(name, False)
    return switches


def test_a_muted_microphone_is_silent_and_its_time_goes_on():
    blocks = [Packet(i * 20_000, AudioBlock(np.full(320, 0.5, np.float32)), 20_000) for i in range(100)]
    heard = run_stage(VoiceActivity(LoudnessVad(), VadConfig(), report_rate=10), blocks).only("speech")
    muted = run_stage(VoiceActivity(LoudnessVad(), VadConfig(), report_rate=10), blocks, switches=off(SOUND)).only(
        "speech"
    )
    assert len(heard) and not len(muted)
    levels = [[(e.time, e.level) for e in run.events if isinstance(e, SoundLevel)] for run in (heard, muted)]
    assert [time for time, _ in levels[0]] == [time for time, _ in levels[1]]
    assert {level for _, level in levels[1]} == {-100.0}
    assert all(level > -7 for _, level in levels[0])
    assert blocks[0].payload.samples.all()


class OneFace:
    """Sees the same face in every picture; turns the picture off at one of them."""

    def __init__(self, switches: Switches, at: int) -> None:
        self.looks = 0
        self._switches = switches
        self._at = at

    def load(self) -> None: ...

    def close(self) -> None: ...

    def detect(self, image, timestamp):
        self.looks += 1
        if self.looks == self._at:
            self._switches.turn(PICTURE, False)
        points = np.random.default_rng(0).uniform(20, 80, (478, 3)).astype(np.float32)
        return (FaceObservation(points, np.zeros(52, np.float32), 0.9),)


def test_with_the_picture_switched_off_nobody_is_looked_at_and_the_face_is_lost():
    switches = off()
    networks = OneFace(switches, at=3)
    picture = VideoFrame(np.zeros((100, 100, 3), np.uint8), (100, 100))
    run = run_stage(Face(networks, max_gap=0.2), [Packet(i * 40_000, picture) for i in range(20)], switches=switches)
    assert networks.looks == 3
    assert [event.time for event in run.events if isinstance(event, FaceLost)] == [0.08]


def test_with_lips_switched_off_fusion_sees_none():
    fusion = RecordingFusion()
    encoded = run_stage(Encode(CountingEngine(), None), chunks(spoken([1], 0.4, 0.0), [512]))
    lips = [Packet(i * 40_000, LipFrame(None)) for i in range(20)]
    run_stage(Fuse(fusion, 10.0), {"lips": lips, "speech": encoded}, switches=off(LIPS))
    assert fusion.seen == [[]]


def test_with_emotion_switched_off_nothing_is_judged_and_none_of_it_is_made_up_for_later():
    class Looks:
        def predict_all(self, faces):
            raise AssertionError("a face was judged")

        def load(self) -> None: ...

    assert not len(run_stage(Expression(Looks(), 10.0), [view(i / 10) for i in range(10)], switches=off(EMOTION)))


def test_emotion_switched_off_for_a_while_leaves_a_gap_and_goes_on_behind_it():
    switches = off()

    class Turned(Emotion):
        def process(self, port, packet):
            switches.turn(EMOTION, not 1_000_000 < packet.timestamp < 2_000_000)
            super().process(port, packet)

    frames = [seen(i / 10, {1: "happy"}) for i in range(31)]
    run = run_stage(Turned(CountingFusion(), 0.5, 0.0), {"expressions": frames}, switches=switches)
    updates = [(event.start, event.end) for event in run.events if isinstance(event, EmotionUpdate)]
    assert updates[:2] == [(0.0, 0.5), (0.5, 1.0)]
    assert all(start >= 1.9 for start, _ in updates[2:]) and updates[-1][1] == 3.0


def changes(run) -> list[tuple[int | None, float, str, str]]:
    return [(e.face, e.time, e.previous, e.label) for e in run.events if isinstance(e, EmotionChanged)]


def test_emotion_switched_off_takes_back_what_was_told_and_begins_from_unknown_again():
    switches = off()

    class Turned(Emotion):
        def process(self, port, packet):
            switches.turn(EMOTION, not 2_000_000 < packet.timestamp < 3_000_000)
            super().process(port, packet)

    frames = [seen(i / 10, {1: "happy", 2: "sad"} if i < 25 else {1: "angry", 2: "sad"}) for i in range(61)]
    run = run_stage(Turned(CountingFusion(), 0.5, 0.0), {"expressions": frames}, switches=switches)
    chains: dict[int | None, list[str]] = {}
    for face, _, previous, label in changes(run):
        chain = chains.setdefault(face, ["unknown"])
        assert previous == chain[-1]
        chain.append(label)
    assert chains == {1: ["unknown", "happy", "unknown", "angry"], 2: ["unknown", "sad", "unknown", "sad"]}
    taken_back = [(face, time) for face, time, _, label in changes(run) if label == "unknown"]
    assert taken_back == [(1, 2.1), (2, 2.1)]


def test_emotion_that_stays_off_takes_back_only_once_and_nothing_that_was_not_told():
    switches = off()

    class Turned(Emotion):
        def process(self, port, packet):
            switches.turn(EMOTION, packet.timestamp < 2_000_000)
            super().process(port, packet)

    frames = [seen(i / 10, {1: "happy"} if i > 5 else {}) for i in range(61)]
    run = run_stage(Turned(CountingFusion(), 0.5, 0.0), {"expressions": frames}, switches=switches)
    assert [(face, before, label) for face, _, before, label in changes(run)] == [
        (1, "unknown", "happy"),
        (1, "happy", "unknown"),
    ]


def test_a_voice_that_spoke_while_emotion_was_off_is_not_judged_afterwards():
    switches, listener = off(), Listener()

    class Turned(Voice):
        def process(self, port, packet):
            switches.turn(EMOTION, not 4_000_000 < packet.timestamp < 6_000_000)
            super().process(port, packet)

    # The segment begins at 2 s; its encodings grow by half a second.
    grown = [speech(length / 2, last=False, voiced=length / 2) for length in range(2, 12)]
    run = run_stage(Turned(listener), grown, switches=switches)
    judged = [round(packet.payload.end / 1e6, 2) for packet in run]
    assert judged and not [end for end in judged if 3.9 < end < 5.7]
    assert max(judged) > 7
