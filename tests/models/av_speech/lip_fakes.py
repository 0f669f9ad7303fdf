"""A recogniser and a fusion that do what they are told, for evaluation."""

from __future__ import annotations

import dataclasses

import numpy as np

from lipstream.models.av_speech.recording import LipTrack, Recording
from lipstream.models.speech.engine import Encoding, Hypothesis, TimedWord
from lipstream.models.speech.fusion import FusedSpeech

SAID = "bin blue at f two now"


def recording(speaker=1, frames=50, sound=0.1):
    lips = LipTrack.unseen(frames)
    lips.mask[:] = True
    lips.points[:] = speaker
    return Recording(np.full(frames * 640, int(sound * 32767), np.int16), lips)


class Hearing:
    """Says what the first value of the frames stands for; words last half a second each."""

    texts = ("bin blue", SAID, "lay red", "")

    def encode(self, sound):
        return Encoding(np.zeros((10, 2), np.float32), 25.0, len(sound))

    def decode(self, encoding, prefix=(), draft=()):
        return Hypothesis((), (), self.texts[int(encoding.features[0, 0])])

    def align(self, encoding, hypothesis):
        return [TimedWord(word, at / 2 + 0.02, at / 2 + 0.6, 1.0) for at, word in enumerate(hypothesis.text.split())]


class Lips:
    """Knows the lips of speaker 1; those of others mislead it."""

    uses_lips = True

    def load(self): ...

    def fuse(self, encoding, sound, lips):
        text = 1 if lips[0].points[0, 0] == 1 else 2
        return FusedSpeech(dataclasses.replace(encoding, features=np.full((10, 2), text, np.float32)))
