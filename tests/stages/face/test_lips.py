"""The lip stream: a regular grid with a mask from irregular frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.events import LipActivity
from lipstream.models.face.lip_features import LipFeatures
from lipstream.pipeline import Packet
from lipstream.pipeline.testing import run_stage
from lipstream.stages.face.lip_activity import LipReport
from lipstream.stages.face.lips import LipStream
from lipstream.stages.payloads import FaceFrame, LipFrame
from lipstream.stages.switches import LIPS, PICTURE
from tests.stages.test_switches import off


def features(value: float, face: int = 1) -> LipFeatures:
    return LipFeatures(
        face=face,
        crop=np.full((96, 96), int(value * 100) % 256, np.uint8),
        points=np.full((40, 2), value, np.float32),
        blendshapes=np.full(27, value, np.float32),
        aperture=value,
    )


def frame(time: float, lips: LipFeatures | None) -> Packet[FaceFrame]:
    return Packet(round(time * 1e6), FaceFrame((), lips.face if lips else None, 640, 360, lips))


def stream(frames):
    return run_stage(LipStream(25.0, 0.2), frames)


@given(gaps=st.lists(st.floats(0.005, 0.15), min_size=2, max_size=40))
def test_irregular_frames_become_a_regular_grid(gaps):
    times = np.cumsum(gaps)
    run = stream([frame(t, features(float(t))) for t in times])
    grid = [p.timestamp for p in run]
    assert grid == [grid[0] + 40_000 * i for i in range(len(grid))] if grid else True
    for packet in run:
        assert packet.payload.lips.aperture == pytest.approx(packet.timestamp / 1e6, abs=1e-4)


def test_thirty_frames_a_second_become_twenty_five():
    run = stream([frame(i / 30, features(0.1)) for i in range(91)])
    assert len(run) == 76 and all(p.payload.valid for p in run)


def test_lips_of_others_are_on_the_same_grid_and_are_found_by_their_face():
    def both(time: float, first: int, second: int) -> Packet[FaceFrame]:
        lips, other = features(time, first), features(10 * time, second)
        return Packet(round(time * 1e6), FaceFrame((), first, 640, 360, lips, other_lips=(other,)))

    run = stream([both(0.03, 1, 2), both(0.06, 1, 2), both(0.09, 2, 1)])
    assert [p.timestamp for p in run] == [40_000, 80_000]
    same, changed = (p.payload for p in run)
    assert same.of(1).aperture == pytest.approx(0.04) and same.of(2).aperture == pytest.approx(0.4)
    assert same.lips.face == 1 and same.of(3) is None
    # Where the speaker changes nobody's lips are the speaker's; each is still seen.
    assert changed.lips is None and {lips.face for lips in changed.other_lips} == {1, 2}


def test_the_crop_is_the_nearer_one_and_is_not_copied():
    first, second = features(0.1), features(0.9)
    run = stream([frame(0.03, first), frame(0.06, second)])
    assert [p.timestamp for p in run] == [40_000]
    assert run[0].payload.lips.crop is first.crop


def test_a_missing_face_is_masked_and_a_change_of_face_is_not_blended():
    run = stream(
        [
            frame(0.0, features(0.1)),
            frame(0.05, None),
            frame(0.10, None),
            frame(0.15, features(0.5, face=1)),
            frame(0.21, features(0.6, face=2)),
            frame(0.25, features(0.6, face=2)),
        ]
    )
    assert [p.payload.valid for p in run] == [True, False, False, False, False, False, True]


def test_a_long_gap_between_frames_is_masked():
    run = stream([frame(0.0, features(0.1)), frame(1.0, features(0.1)), frame(1.04, features(0.1))])
    valid = {p.timestamp: p.payload.valid for p in run}
    assert valid[0] and valid[1_000_000] and valid[1_040_000]
    assert not any(valid[t] for t in range(40_000, 1_000_000, 40_000))


def test_a_dead_camera_gives_a_mask_and_not_a_stall():
    stage = LipStream(25.0, 0.2)
    run = run_stage(stage, [frame(0.0, features(0.1))])
    before = len(run)
    stage.advance(1_000_000)
    masked = run[before:]
    assert len(masked) == 19 and not any(p.payload.valid for p in masked)
    assert stage.watermark(1_000_000) == 800_000


@pytest.mark.parametrize("name", [LIPS, PICTURE])
def test_live_speech_does_not_wait_for_lips_that_are_switched_off(name):
    switches, stage = off(name), LipStream(25.0, 0.2)
    shown = [frame(i * 0.04, features(0.1)) for i in range(10)]
    run = run_stage(stage, shown, lossless=False, switches=switches)
    assert stage.watermark(360_000) >= 660_000
    assert not any(packet.payload.valid for packet in run[1:])
    switches.turn(name, True)
    for index in range(10, 30):
        stage.process("faces", frame(index * 0.04, features(0.1)))
    assert [packet.timestamp for packet in run] == [40_000 * index for index in range(30)]
    assert all(packet.payload.valid for packet in run if packet.timestamp >= 680_000)


def lips_for(features_of, count: int, start: int = 0) -> list[Packet[LipFrame]]:
    return [Packet((start + i) * 40_000, LipFrame(features_of(i)), 40_000) for i in range(count)]


def test_lip_activity_reports_aperture_and_motion():
    still = lips_for(lambda i: features(0.1), 10)
    moving = lips_for(lambda i: features(0.1 * (i % 2)), 10, start=10)
    gone = lips_for(lambda i: None, 10, start=20)
    events = run_stage(LipReport(25.0, 25.0), still + moving + gone).events
    assert all(isinstance(event, LipActivity) and event.face == 1 for event in events)
    assert [event.time for event in events] == [i / 25 for i in range(20)]
    assert events[9].motion == 0 and events[9].aperture == 0.1
    assert events[-1].motion == pytest.approx(0.1)


def test_the_first_lip_frame_is_reported():
    assert len(run_stage(LipReport(25.0, 25.0), lips_for(lambda i: features(0.1), 1)).events) == 1


def test_lip_activity_is_thinned_to_the_report_rate():
    events = run_stage(LipReport(25.0, 12.5), lips_for(lambda i: features(0.1), 25)).events
    assert len(events) == 13
