"""`eval emotion` without its command line: the shipped networks on folders of data."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lipstream.models.emotion.branches import FaceExpression, VoiceEmotion
from lipstream.models.emotion.evaluation.metrics import summary
from lipstream.models.emotion.face_crop import face_crop
from lipstream.models.emotion.face_shape import geometry
from lipstream.models.emotion.fusion import EmotionFusion, TimedEvidence
from lipstream.models.emotion.looks import Look
from lipstream.models.emotion.training.corpora import LAYOUTS, Clip, FaceSet, find_clips, find_faces
from lipstream.models.emotion.training.still_faces import StillFaces
from lipstream.models.emotion.training.voice import HOP, WINDOW, speech_windows
from lipstream.models.emotion.training.voice_data import STEP_RATE, EncodeSound, features_of
from lipstream.models.emotion.training.votes import majority
from lipstream.models.emotion.voice_steps import STEP
from lipstream.models.errors import ModelError
from lipstream.models.face.backend import FaceBackend
from lipstream.models.training.media import has_pictures, has_sound, read_pictures, read_sound
from lipstream.models.training.progress import ProgressReport

Float32 = npt.NDArray[np.float32]

FACE_RATE = 10.0
"""Faces judged a second."""
SILENCE = 1e-4
"""Sound that stays below this (-80 dBFS) holds no voice."""


@dataclass(frozen=True, slots=True)
class Networks:
    """What is evaluated, all of it loaded."""

    face: FaceExpression
    voice: VoiceEmotion
    fusion: EmotionFusion


def load_networks(folder: Path) -> Networks:
    """Load the three networks of a folder of weights.

    Raises:
        ModelError: some are missing or unusable.
    """
    networks = Networks(FaceExpression(folder), VoiceEmotion(folder), EmotionFusion(folder))
    networks.face.load()
    networks.voice.load()
    networks.fusion.load()
    return networks


def evaluate(
    data: Path,
    networks: Networks,
    encode: Callable[[], EncodeSound],
    track: Callable[[], FaceBackend],
    report: ProgressReport,
) -> dict[str, Any]:
    """Evaluate on everything in a folder.

    Args:
        data: a folder laid out as one of `LAYOUTS`.
        networks: what is evaluated.
        encode: gives the speech encoder; called only where there are clips.
        track: gives a loaded face backend; called only where there are videos.
        report: progress.

    Returns:
        Figures by set: "face: FILE", and "face: FILE, by votes" of those on which more than half of all votes agree;
        "voice", and for clips with pictures "videos, face", "videos, voice" and "videos, both", of the same clips, with
        the numbers of those that show no face and of those that are silent. A clip without evidence counts as a guess
        at all classes alike.

    Raises:
        ModelError: nothing usable is there, or a file cannot be read.
    """
    sets = find_faces(data, "valid", "test") or find_faces(data, "train")
    clips = find_clips(data)
    if not sets and not clips:
        raise ModelError(f"{data}: nothing to evaluate; {LAYOUTS}")
    figures: dict[str, Any] = {}
    for faces in sets:
        figures |= _evaluate_faces(faces, networks, report)
    videos = [clip for clip in clips if has_pictures(clip.path)]
    pictured = set(videos)
    sounds = [clip for clip in clips if clip not in pictured]
    if sounds:
        figures["voice"] = _evaluate_sounds(sounds, networks, encode(), report)
    if videos:
        with closing(track()) as tracker:
            figures |= _evaluate_videos(videos, networks, encode(), tracker, report)
    return figures


def _evaluate_faces(faces: FaceSet, networks: Networks, report: ProgressReport) -> dict[str, Any]:
    looked = []
    finder = StillFaces()
    finder.load()
    for index, image in enumerate(faces.images):
        # The mirror image is a second look at the same face.
        mirrored = np.ascontiguousarray(image[:, ::-1])
        looks = [TimedEvidence(0, networks.face.predict(each, finder.shape(each))) for each in (image, mirrored)]
        looked.append(_fused(networks, looks, [], 0))
        report(f"faces of {Path(faces.name).name}", index + 1, len(faces.images), "")
    name, probabilities = f"face: {Path(faces.name).name}", np.stack(looked)
    figures = {name: summary(probabilities, faces.labels)}
    if faces.votes is not None and (agreed := majority(faces.votes) >= 0).any():
        figures[f"{name}, by votes"] = summary(probabilities[agreed], majority(faces.votes)[agreed])
    return figures


def _evaluate_sounds(
    clips: Sequence[Clip], networks: Networks, encode: EncodeSound, report: ProgressReport
) -> dict[str, Any]:
    probabilities = []
    silent = 0
    for index, clip in enumerate(clips):
        voices, _ = _voice_evidence(clip, networks, encode)
        silent += not voices
        probabilities.append(_over_clip(networks, [], voices))
        report("voices", index + 1, len(clips), "")
    labels = np.array([clip.label for clip in clips], dtype=np.int64)
    return summary(np.stack(probabilities), labels) | {
        "actors": len({clip.actor for clip in clips}),
        "silent": silent,
    }


def _evaluate_videos(
    clips: Sequence[Clip], networks: Networks, encode: EncodeSound, tracker: FaceBackend, report: ProgressReport
) -> dict[str, Any]:
    rows: dict[str, list[Float32]] = {"face": [], "voice": [], "both": []}
    faceless = silent = 0
    for index, clip in enumerate(clips):
        voices, speech = _voice_evidence(clip, networks, encode)
        faces = _face_evidence(clip, networks, tracker, speech)
        faceless += not faces
        silent += not voices
        rows["voice"].append(_over_clip(networks, [], voices))
        rows["face"].append(_over_clip(networks, faces, []))
        rows["both"].append(_over_clip(networks, faces, voices))
        report("videos", index + 1, len(clips), "")
    labels = np.array([clip.label for clip in clips], dtype=np.int64)
    figures: dict[str, Any] = {
        f"videos, {name}": summary(np.stack(probabilities), labels) for name, probabilities in rows.items()
    }
    return figures | {"videos without a face": faceless, "videos without a voice": silent}


def _voice_evidence(
    clip: Clip, networks: Networks, encode: EncodeSound
) -> tuple[list[TimedEvidence], tuple[float, float]]:
    """Evidence of the live windows over the speech of a clip, and where the speech is, in seconds.

    A clip that is mute or silent gives no evidence.
    """
    sound = read_sound(clip.path) if has_sound(clip.path) else np.zeros(1, np.float32)
    if float(np.abs(sound).max()) < SILENCE:
        return [], (math.inf, -math.inf)
    features = features_of(sound, encode)
    evidence = [
        TimedEvidence(
            end / STEP_RATE,
            networks.voice.predict_steps(
                features.encoded[start:end].astype(np.float32),
                features.sound[STEP * start : STEP * end].astype(np.float32),
            ),
        )
        for _, start, end in speech_windows(features)
    ]
    return evidence, (features.start / STEP_RATE, features.end / STEP_RATE)


def _face_evidence(
    clip: Clip, networks: Networks, tracker: FaceBackend, speech: tuple[float, float]
) -> list[TimedEvidence]:
    """Evidence of the largest face of a video, its mouth counting half while there is speech."""
    tracker.reset()
    evidence: list[TimedEvidence] = []
    for seconds, frame in read_pictures(clip.path, FACE_RATE):
        faces = tracker.detect(frame, round(seconds * 1_000_000))
        if not faces:
            continue
        face = max(faces, key=lambda each: float(np.ptp(each.landmarks[:, 0])))
        look = Look.of(speech[0] <= seconds <= speech[1], len(evidence))
        shape = geometry(face.landmarks, face.blendshapes)
        judged = networks.face.predict(face_crop(frame, face.landmarks), shape, look)
        evidence.append(TimedEvidence(seconds, judged))
    return evidence


def _over_clip(networks: Networks, faces: Sequence[TimedEvidence], voices: Sequence[TimedEvidence]) -> Float32:
    """Mean probabilities of the updates over a clip, one at the end of every window or every half second of face."""
    moments = [each.time for each in voices]
    if not moments and faces:
        first, last = faces[0].time, faces[-1].time
        moments = [*np.arange(min(first + WINDOW / STEP_RATE / 2, last), last, HOP / STEP_RATE), last]
    rows = [_fused(networks, faces, voices, float(moment)) for moment in moments]
    uniform = np.full(7, 1 / 7, np.float32)
    mean: Float32 = np.mean(rows, axis=0, dtype=np.float32) if rows else uniform
    return mean


def _fused(networks: Networks, faces: Sequence[TimedEvidence], voices: Sequence[TimedEvidence], now: float) -> Float32:
    result = networks.fusion.predict(faces, voices, now)
    return np.full(7, 1 / 7, np.float32) if result is None else result.probabilities
