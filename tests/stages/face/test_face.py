"""The face stage: pictures to packets and events."""

from __future__ import annotations

import numpy as np

from lipstream.events import Degraded, FaceFound, FaceLost, Recovered
from lipstream.models.errors import ModelError
from lipstream.pipeline import Packet
from lipstream.pipeline.testing import StageRun, run_stage
from lipstream.stages.face.face import Face
from lipstream.stages.payloads import FaceFrame, VideoFrame
from tests.models.face.synthetic_faces import ScriptedFaces, silent_face

STEP = 40_000
PICTURE = VideoFrame(np.zeros((240, 320, 3), np.uint8), (640, 480))


def run(script, *times: int) -> StageRun:
    return run_stage(Face(ScriptedFaces(script), 0.1), [Packet(time, PICTURE, STEP) for time in times])


def faces(found: StageRun) -> list[Packet[FaceFrame]]:
    return [packet for port, packet in found.emitted if port == "faces"]


def lost(found: StageRun) -> list[tuple[int, float, float]]:
    return [(event.face, event.start, event.time) for event in found.events if isinstance(event, FaceLost)]


def test_every_picture_becomes_a_packet_and_faces_that_come_and_go_events():
    times = (0, STEP, 2 * STEP, 5 * STEP)
    found = run([[silent_face()], [silent_face()], [], []], *times)
    assert [(packet.timestamp, packet.duration) for packet in faces(found)] == [(time, STEP) for time in times]
    assert [packet.payload.speaker for packet in faces(found)] == [1, 1, 1, None]
    assert [packet.payload.lips is not None for packet in faces(found)] == [True, True, False, False]
    assert (faces(found)[0].payload.width, faces(found)[0].payload.height) == (320, 240)
    come = found.events[0]
    assert isinstance(come, FaceFound) and (come.face, come.time) == (1, 0.0)
    assert all(0 < part < 1 and part == round(part, 4) for part in come.box)
    assert lost(found) == [(1, 0.0, 0.04)]


def test_those_who_look_at_more_than_lips_get_the_very_picture():
    found = run([[silent_face()]], 0)
    ((port, packet),) = [each for each in found.emitted if each[0] != "faces"]
    assert port == "views" and packet.payload.image is PICTURE.image
    assert packet.payload.faces == faces(found)[0].payload.faces


def test_faces_in_view_at_the_end_are_lost_there():
    assert lost(run([[silent_face()]] * 2, 0, STEP)) == [(1, 0.0, 0.04)]


def test_a_picture_that_is_not_later_is_left_out():
    assert [packet.timestamp for packet in faces(run([[silent_face()]], STEP, STEP))] == [STEP]


def test_a_network_that_fails_on_a_picture_goes_on_with_the_next():
    found = run([[silent_face()], ModelError("out of order"), [silent_face()]], 0, STEP, 2 * STEP)
    assert [packet.timestamp for packet in faces(found)] == [0, 2 * STEP]
    (degraded,) = [event for event in found.events if isinstance(event, Degraded)]
    assert (degraded.modality, degraded.reason) == ("video", "the face network failed: out of order")
    assert [event.modality for event in found.events if isinstance(event, Recovered)] == ["video"]
