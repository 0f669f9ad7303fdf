"""Scripted emotion networks and what flows between the emotion stages."""

from __future__ import annotations

import numpy as np

from lipstream.models.emotion.branches import Evidence
from lipstream.models.emotion.classes import EMOTIONS, affect
from lipstream.models.emotion.fusion import EmotionResult
from lipstream.models.face.backend import BLENDSHAPES, LANDMARK_COUNT, FaceObservation
from lipstream.models.face.tracking import TrackedFace
from lipstream.pipeline import Packet, micros
from lipstream.stages.emotion.payloads import Expressions, VoiceWindow
from lipstream.stages.payloads import FaceView


def leaning(emotion: str, probability: float = 0.9) -> np.ndarray:
    """(7,) probabilities, most of them one emotion's."""
    rest = (1 - probability) / (len(EMOTIONS) - 1)
    return np.array([probability if name == emotion else rest for name in EMOTIONS], np.float32)


def evidence(emotion: str) -> Evidence:
    return Evidence(np.log(leaning(emotion)), np.zeros(4, np.float32), np.zeros(3, np.float32))


def seen(time: float, faces: dict[int, str], talker: int | None = None) -> Packet[Expressions]:
    shown = {face: evidence(emotion) for face, emotion in faces.items()}
    return Packet(micros(time), Expressions(shown, talker), 0)


def heard(start: float, end: float, emotion: str, at: float | None = None) -> Packet[VoiceWindow]:
    """A window; its packet comes `at` a time, by default at its end."""
    return Packet(micros(end if at is None else at), VoiceWindow(evidence(emotion), micros(start), micros(end)))


class CountingFusion:
    """Averages whatever it is given; each piece of evidence has the same weight. Keeps what it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, list[float], list[float]]] = []

    def load(self) -> None: ...

    def predict(self, faces, voices, now):
        self.calls.append((now, [each.time for each in faces], [each.time for each in voices]))
        everything = [*faces, *voices]
        if not everything:
            return None
        mean = np.mean([np.exp(each.evidence.log_probabilities) for each in everything], axis=0).astype(np.float32)
        share = len(faces) / len(everything)
        return EmotionResult(mean, *affect(mean), share, 1 - share, np.zeros(4, np.float32))


def view(time: float, faces: tuple[int, ...] = (1,), talking: tuple[int, ...] = ()) -> Packet[FaceView]:
    """A picture with faces in it."""
    landmarks = np.random.default_rng(0).uniform(100, 200, (LANDMARK_COUNT, 3)).astype(np.float32)
    observation = FaceObservation(landmarks, np.zeros(len(BLENDSHAPES), np.float32), 0.9)
    tracked = tuple(TrackedFace(face, observation, (100.0, 100.0, 200.0, 200.0), 0) for face in faces)
    speaker = faces[0] if faces else None
    return Packet(micros(time), FaceView(np.zeros((300, 300, 3), np.uint8), tracked, speaker, frozenset(talking)), 0)
