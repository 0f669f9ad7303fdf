"""At which pictures of a recording faces are looked at."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lipstream.config import FaceConfig
from lipstream.events import FacesLooked
from lipstream.pipeline import Packet
from lipstream.pipeline.testing import StageRun, run_stage
from lipstream.stages.face.face import Face
from lipstream.stages.face.looking import AHEAD, BEHIND, Looking, LookRates
from lipstream.stages.face.voices_ahead import VoicesAhead
from lipstream.stages.payloads import AudioBlock, VideoFrame, VoiceHeard
from lipstream.stages.speech.speech_probability import SpeechProbability
from tests.models.face.synthetic_faces import ScriptedFaces, silent_face, talking_face
from tests.stages.speech.fake_vad import LoudnessVad

STEP = 40_000
SECOND = 1_000_000
RATES = LookRates(25.0, 12.5, 6.25)
ONE, BOTH = frozenset({1}), frozenset({1, 2})
NONE: frozenset[int] = frozenset()


def looks(
    seen: tuple[frozenset[int], frozenset[int]], voices: list[tuple[int, bool]], until: int, step: int = STEP
) -> tuple[list[int], list[FacesLooked]]:
    """Times of the looks, and what is told of them, where every picture shows the same; the voice is known early."""
    looking, times, told = Looking(RATES), [], []
    for at in range(0, until, step):
        while voices and voices[0][0] - AHEAD <= at:
            looking.hear(*voices.pop(0))
        if looking.wants(at, step):
            times.append(at)
            looking.saw(at, *seen)
        told += looking.told()
    looking.finish(until)
    return times, told + looking.told()


def spans(told: list[FacesLooked]) -> list[tuple[float, float, float, str]]:
    return [(each.start, each.end, each.rate, each.reason) for each in told]


def test_where_nobody_speaks_or_is_seen_a_few_looks_do():
    times, told = looks((ONE, NONE), [], 2 * SECOND)
    assert times == list(range(0, 2 * SECOND, 160_000))
    assert spans(told) == [(0.0, 0.04, 6.25, "nobody"), (0.04, 2.0, 6.25, "quiet")]
    assert spans(looks((NONE, NONE), [(0, True)], SECOND)[1]) == [(0.0, 1.0, 6.25, "nobody")]


def test_a_voice_is_looked_at_from_before_it_to_behind_it():
    begin, end = 3 * SECOND, 4 * SECOND
    _, told = looks((ONE, ONE), [(begin, True), (end, False)], 6 * SECOND)
    assert [each.reason for each in told] == ["nobody", "quiet", "speech", "quiet"]
    assert told[2].start == pytest.approx((begin - AHEAD) / SECOND, abs=0.04)
    assert told[2].end == pytest.approx((end + BEHIND) / SECOND, abs=0.041)


def test_a_pause_between_words_changes_nothing():
    voices = [(SECOND, True), (2 * SECOND, False), (2 * SECOND + BEHIND, True), (4 * SECOND, False)]
    _, told = looks((ONE, ONE), voices, 6 * SECOND)
    assert [each.reason for each in told] == ["nobody", "quiet", "speech", "quiet"]


def test_every_picture_is_looked_at_while_it_is_not_clear_whose_a_voice_is():
    times, told = looks((ONE, NONE), [(3 * SECOND, True)], 6 * SECOND)
    doubt = next(each for each in told if each.reason == "doubt")
    assert doubt.rate == 25.0 and doubt.end == pytest.approx(4.0, abs=0.05)
    between = [time for time in times if 2.6 * SECOND <= time < 3.9 * SECOND]
    assert set(np.diff(between)) == {STEP}
    # A voice that goes on beside a mouth that stays shut.
    assert told[-1].reason == "speech"


def test_every_picture_is_looked_at_while_several_mouths_move():
    assert looks((BOTH, BOTH), [(0, True)], 3 * SECOND)[1][-1].reason == "several"
    assert looks((BOTH, ONE), [(0, True)], 3 * SECOND)[1][-1].reason == "speech"


@pytest.mark.parametrize("fps", [60, 30, 29.97, 25, 24, 15, 10, 5, 1])
def test_looks_are_never_further_apart_than_their_rate_says_unless_pictures_are(fps: float):
    step = round(SECOND / fps)
    times, _ = looks((ONE, NONE), [], 20 * SECOND, step)
    assert max(np.diff(times)) <= max(160_000, step) + 1_000
    assert max(np.diff(times)) > min(160_000 - step, step) - 1


def test_stretches_follow_each_other_from_the_first_picture_to_the_end():
    _, told = looks((ONE, ONE), [(SECOND, True), (2 * SECOND, False)], 5 * SECOND)
    assert told[0].start == 0.0 and told[-1].end == 5.0
    assert all(one.end == other.start for one, other in pairwise(told))


def test_no_rate_is_lower_than_reports_of_faces_ask_for():
    assert LookRates.of(FaceConfig()) == RATES
    assert LookRates.of(FaceConfig(report_rate=10)) == LookRates(25, 12.5, 10)
    assert LookRates.of(FaceConfig(features_rate=120)) == LookRates(25, 25, 25)
    assert LookRates.of(FaceConfig(max_fps=5)) == LookRates(5, 5, 5)
    assert LookRates.of(FaceConfig(speech_rate=4, quiet_rate=8)) == LookRates(25, 8, 8)


# The stages.


def face(script, pictures: list[Packet], voices: list[Packet]) -> StageRun:
    return run_stage(Face(ScriptedFaces(script), 0.5, Looking(RATES)), {"video": pictures, "voices": voices})


def test_what_is_not_looked_at_is_never_made_a_picture_of_and_says_nothing():
    made: list[int] = []

    def picture(at: int) -> VideoFrame:
        def make() -> np.ndarray:
            made.append(at)
            return np.zeros((240, 320, 3), np.uint8)

        return VideoFrame(make, (640, 480))

    frames = [Packet(at, picture(at), STEP) for at in range(0, SECOND, STEP)]
    found = face([[silent_face()]] * len(frames), frames, [])
    assert made == [packet.timestamp for packet in found.on("faces")] == list(range(0, SECOND, 160_000))
    told = [event for event in found.events if isinstance(event, FacesLooked)]
    assert [each.reason for each in told] == ["nobody", "quiet"] and told[-1].end == 1.0


def test_the_face_stage_looks_more_often_where_it_is_told_of_a_voice():
    picture = VideoFrame(np.zeros((240, 320, 3), np.uint8), (640, 480))
    pictures = [Packet(at, picture, STEP) for at in range(0, 2 * SECOND, STEP)]
    voice = Packet(SECOND, VoiceHeard(SECOND + AHEAD, True))
    found = face([[talking_face(at * 0.04)] for at in range(50)], pictures, [voice])
    times = [packet.timestamp for packet in found.on("faces")]
    assert sum(time < SECOND for time in times) == 7
    assert sum(time >= SECOND for time in times) == 12


def blocks(loud: list[tuple[float, float]], seconds: float) -> list[Packet[AudioBlock]]:
    samples = np.zeros(round(seconds * 16_000), np.float32)
    for start, end in loud:
        samples[round(start * 16_000) : round(end * 16_000)] = 0.5
    return [
        Packet(round(at / 16_000 * SECOND), AudioBlock(samples[at : at + 1000]), 62_500)
        for at in range(0, len(samples), 1000)
    ]


def test_voices_are_told_ahead_of_their_time_and_in_order():
    heard = run_stage(SpeechProbability(LoudnessVad()), blocks([(0.1, 0.3), (2.0, 2.5)], 4.0))
    found = run_stage(VoicesAhead(0.35, AHEAD), list(heard))
    told = [(packet.timestamp, packet.payload.time, packet.payload.voiced) for packet in found]
    assert [voiced for _, _, voiced in told] == [True, False, True, False]
    assert [time for _, time, _ in told] == pytest.approx([96_000, 320_000, 1_984_000, 2_528_000], abs=32_000)
    assert [stamp for stamp, _, _ in told] == [max(0, time - AHEAD) for _, time, _ in told]


def test_of_several_streams_any_may_have_the_voice():
    one, other = (
        list(run_stage(SpeechProbability(LoudnessVad()), blocks([span], 4.0))) for span in ((1.0, 2.0), (1.5, 3.0))
    )
    found = run_stage(VoicesAhead.of_streams(2)(0.35, AHEAD), {"audio": one, "audio2": other})
    assert [packet.payload.voiced for packet in found] == [True, False]
    assert [packet.payload.time / SECOND for packet in found] == pytest.approx([1.0, 3.0], abs=0.05)


def test_a_stream_that_ends_in_the_middle_of_a_voice_does_not_speak_for_ever():
    short = list(run_stage(SpeechProbability(LoudnessVad()), blocks([(0.5, 1.0)], 1.0)))
    assert (short[-1].payload.speech or 0.0) > 0.35, "it ends on a voice"
    long = list(run_stage(SpeechProbability(LoudnessVad()), blocks([(4.0, 5.0)], 8.0)))
    found = run_stage(VoicesAhead.of_streams(2)(0.35, AHEAD), {"audio": short, "audio2": long})
    assert [packet.payload.voiced for packet in found] == [True, False, True, False]
    assert [packet.payload.time / SECOND for packet in found] == pytest.approx([0.5, 2.0, 4.0, 5.0], abs=0.1)
