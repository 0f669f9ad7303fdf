"""Events of made-up runs for the writers of tables and annotations."""

from __future__ import annotations

from pathlib import Path

from lipstream.events import EmotionUpdate, FaceFeatures, SpeakingProbability, TranscriptFinal, Word
from lipstream.models.face.backend import BLENDSHAPES
from lipstream.pipeline import End
from lipstream.pipeline.events import Event
from lipstream.stages.sinks import Writer
from lipstream.stages.sinks.data.columns import EMOTIONS


def final(text: str, start: float = 0.0, end: float = 2.0, segment: int = 1, **fields: object) -> TranscriptFinal:
    words = text.split()
    step = (end - start) / max(1, len(words))
    timed = tuple(
        Word(word=word, start=start + at * step, end=start + (at + 1) * step, confidence=0.5 + 0.1 * at)
        for at, word in enumerate(words)
    )
    fields = {"face": 1, "language": "en", **fields}
    return TranscriptFinal(segment=segment, start=start, end=end, text=text, words=timed, **fields)


def emotion(end: float, label: str = "happy", face: int | None = 1, voice: float = 0.4) -> EmotionUpdate:
    rest = 0.3 / (len(EMOTIONS) - 1)
    return EmotionUpdate(
        face=face,
        start=end - 0.5,
        end=end,
        label=label,
        probabilities={name: 0.7 if name == label else rest for name in EMOTIONS},
        valence=0.5,
        arousal=-0.25,
        weights={"face": 1 - voice if voice >= 0 else 0.0, "voice": max(0.0, voice)},
    )


def unjudged(end: float, face: int | None = 1) -> EmotionUpdate:
    """An update without evidence."""
    return emotion(end, "unknown", face, voice=-1.0)


def features(time: float, face: int = 1, *, speaker: bool = True, landmarks: bool = False) -> FaceFeatures:
    points = tuple((point / 1000, point / 2000, -point / 4000) for point in range(478)) if landmarks else ()
    return FaceFeatures(
        face=face,
        time=time,
        box=(0.1, 0.2, 0.3, 0.4),
        confidence=0.9,
        speaker=speaker,
        talking=False,
        pose=(-1.5, 20.25, 3.0),
        gaze=((0.1, 0.2, -0.97), (0.3, 0.2, -0.93)),
        gaze_angle=(0.21, 0.2),
        aperture=0.125,
        motion=0.5,
        blendshapes={name: at / 100 for at, name in enumerate(BLENDSHAPES)},
        landmarks=points,
    )


def speaking(start: float, *own_voice: float | None, segment: int = 1) -> SpeakingProbability:
    return SpeakingProbability(segment=segment, start=start, step=0.024, own_voice=own_voice)


def finished(reason: str = "finished", duration: float = 5.0) -> End:
    return End(reason=reason, duration=duration)


def write(writer: Writer, *events: Event) -> Path:
    for event in events:
        writer.handle(event)
    writer.close()
    return writer.path
