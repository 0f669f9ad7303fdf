"""Scenes to draw."""

from __future__ import annotations

import numpy as np

from lipstream.models.emotion.classes import EMOTIONS
from lipstream.views.drawing.scene import CaptionLine, EmotionMark, FaceMark, Scene, SoundMark

SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080), (480, 848))


def lips(x: float = 0.5, y: float = 0.6) -> tuple[tuple[float, float], ...]:
    angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    return tuple((x + 0.05 * float(np.cos(a)), y + 0.02 * float(np.sin(a))) for a in angles)


def emotion(label: str = "happy", face: float = 0.7, voice: float = 0.3) -> EmotionMark:
    return EmotionMark(1, label, dict.fromkeys(EMOTIONS, 1 / 7), face, voice)


SPEAKER = FaceMark(1, (0.35, 0.2, 0.65, 0.75), lips(), speaker=True, talking=True)

FULL = Scene(
    captions=(CaptionLine("the quick brown fox jumped,"), CaptionLine("Straße, café", ", und noch etwas")),
    faces=(SPEAKER,),
    emotion=emotion(),
    sound=SoundMark(-20.0, True),
    warnings=(
        "camera 0 is frozen, trying again; going on with sound only",
        "the processor cannot keep up, so text is shown when a sentence is finished; no sound is lost",
    ),
    figures=(("frames", "25 / s"), ("latency", "0.4 s")),
    switched_off=("paused", "muted", "lips off", "emotion off"),
    notes=("saved a/rather/long/path/to/lipstream-20260101-120000.png",),
)
