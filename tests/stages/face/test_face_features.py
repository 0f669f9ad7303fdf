"""What is told of faces to those who study them, and what is told of the voice."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from lipstream.events import FaceFeatures, SpeakingProbability
from lipstream.models.face.backend import BLENDSHAPES, LANDMARK_COUNT, FaceObservation
from lipstream.models.face.gaze import gaze, gaze_angles
from lipstream.models.face.pose import head_pose
from lipstream.models.speech.engine import Encoding
from lipstream.pipeline import Packet, micros
from lipstream.pipeline.testing import run_stage
from lipstream.stages.face.face import Face
from lipstream.stages.face.face_features import FeatureReport
from lipstream.stages.payloads import EncodedSpeech, FaceView, VideoFrame
from lipstream.stages.speech.speaking import SpeakingReport
from tests.models.face.synthetic_faces import ScriptedFaces, placed, silent_face, talking_face, unit_face
from tests.stages.emotion.emotion_fakes import view

PICTURE = VideoFrame(np.zeros((240, 320, 3), np.uint8), (640, 480))


def views(*script: Sequence[FaceObservation], step: float = 0.04) -> list[Packet[FaceView]]:
    """What the face stage gives of pictures with these faces."""
    pictures = [Packet(micros(step * at), PICTURE, micros(step)) for at in range(len(script))]
    emitted = run_stage(Face(ScriptedFaces(script), 0.5), pictures).emitted
    return [packet for port, packet in emitted if port == "views"]


def told(packets: list[Packet[FaceView]], rate: float = 120.0, landmarks: bool = False) -> list[FaceFeatures]:
    return [
        event for event in run_stage(FeatureReport(rate, landmarks), packets).events if isinstance(event, FaceFeatures)
    ]


def test_every_face_of_every_picture_is_told_of_with_what_tracking_knows():
    (packet,) = views([silent_face((100.0, 120.0)), silent_face((220.0, 120.0), 60.0)])
    first, second = told([packet])
    assert (first.face, second.face, first.speaker, second.speaker) == (1, 2, True, False)
    assert (first.time, first.confidence, first.talking) == (0.0, 1.0, False)
    assert all(0 < part < 1 for part in first.box) and first.box[2] < second.box[2]
    assert first.pose == pytest.approx((0, 0, 0), abs=0.01)
    assert first.aperture == packet.payload.apertures[1] == 0.0
    assert tuple(first.blendshapes) == BLENDSHAPES and first.landmarks == ()


def test_pose_and_gaze_are_those_of_the_face():
    turned = placed(unit_face(), yaw=20.0, pitch=-10.0)
    (event,) = told(views([FaceObservation(turned, np.zeros(52, np.float32), 0.75)]))
    pose = head_pose(turned)
    eyes = gaze(turned, pose)
    assert event.pose == pytest.approx(pose.angles, abs=0.006)
    assert np.array(event.gaze) == pytest.approx(eyes, abs=6e-5)
    assert event.gaze_angle == pytest.approx(gaze_angles(eyes), abs=6e-5)
    assert event.confidence == 0.75


def test_without_the_poses_of_tracking_they_are_found_again():
    event, _ = told([view(0.2, (1, 2))])
    landmarks = view(0.2).payload.faces[0].observation.landmarks
    assert event.pose == pytest.approx(head_pose(landmarks).angles, abs=0.006)


def test_landmarks_come_if_asked_for_in_parts_of_the_picture():
    face = silent_face()
    (event,) = told(views([face]), landmarks=True)
    assert len(event.landmarks) == LANDMARK_COUNT
    expected = face.landmarks / (320, 240, 320)
    assert np.array(event.landmarks) == pytest.approx(expected, abs=6e-6)
    assert json.loads(json.dumps(event.to_dict(), allow_nan=False))["landmarks"][4] == list(event.landmarks[4])


@pytest.mark.parametrize("rate", [25.0, 50.0])
def test_motion_does_not_depend_on_the_frame_rate(rate: float):
    """Four openings a second, each by 0.14 and back."""
    moving = told(views(*([talking_face(at / rate)] for at in range(int(rate))), step=1 / rate))
    assert moving[-1].motion == pytest.approx(4 * 2 * 0.14, rel=0.15)
    assert moving[0].motion == 0.0


def test_a_shut_mouth_has_no_motion_and_a_face_that_is_new_begins_anew():
    still = told(views(*([silent_face()] for _ in range(5))))
    assert [event.motion for event in still] == [0.0] * 5
    script = [[talking_face(at / 25)] for at in range(10)] + [[] for _ in range(20)] + [[silent_face()]]
    last = told(views(*script))[-1]
    assert (last.face, last.motion) == (2, 0.0)


def test_features_are_thinned_to_the_rate():
    assert len(told([view(at / 25) for at in range(50)], rate=10.0)) in (20, 21)


# The voice.


def segment(own: Sequence[float] | None, *, heard: float = 0.12, **fields: object) -> Packet[EncodedSpeech]:
    encoding = Encoding(np.zeros((6, 4), np.float32), 50.0, 1920)
    values = {"segment": 3, "start": micros(2.0), "speech_start": micros(2.0), "speech_end": micros(2.1), "last": True}
    values |= {"active_speaker": None if own is None else np.array(own, np.float32), "end": micros(2.0 + heard)}
    return Packet(
        micros(2.2), EncodedSpeech(encoding=encoding, samples=np.zeros(1920, np.float32), **{**values, **fields})
    )


def test_the_probability_of_a_finished_segment_is_told_moment_by_moment():
    (event,) = run_stage(SpeakingReport(), [segment([0.125, 0.25, np.nan, 0.5, 0.75, 1.0])]).events
    assert isinstance(event, SpeakingProbability) and event.segment == 3
    assert (event.start, event.step) == (2.01, 0.02)
    assert event.own_voice == (0.125, 0.25, None, 0.5, 0.75, 1.0)


def test_what_was_made_up_behind_the_end_of_the_sound_is_not_told():
    (event,) = run_stage(SpeakingReport(), [segment([0.5] * 6, heard=0.06)]).events
    assert len(event.own_voice) == 3


@pytest.mark.parametrize(
    "packet",
    [segment(None), segment([0.5] * 6, last=False), segment([0.5] * 6, failed=True)],
    ids=["not judged", "open", "failed"],
)
def test_of_what_was_not_judged_or_is_not_finished_nothing_is_told(packet: Packet[EncodedSpeech]):
    assert run_stage(SpeakingReport(), [packet]).events == []
