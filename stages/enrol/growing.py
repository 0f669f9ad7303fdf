"""Picks clean speech of the user out of a live run, for a profile to grow from."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Protocol

import numpy as np

from lipstream.models.av_speech.recording import LIP_RATE, LIP_SAMPLES, Recording
from lipstream.pipeline import Packet, Port, Sink, micros
from lipstream.stages.enrol.recordings import as_pcm, lip_track
from lipstream.stages.payloads import SAMPLE_RATE, EncodedSpeech, FaceFrame, LipFrame

LEAST_OWN: Final = 0.6
"""Mean probability that the visible mouth is the voice, over a segment."""
MOST_OTHERS: Final = 0.1
"""Greatest share of the loudness that may belong to others who speak meanwhile."""


class Learner(Protocol):
    """Who learns from clean speech."""

    @property
    def failure(self) -> str | None:
        """Why nothing more is learnt, in one line."""

    def start(self) -> None:
        """Begin."""

    def offer(self, recording: Recording) -> bool:
        """Take a recording; returns at once, and whether it was taken."""

    def finish(self) -> None:
        """End, when all that was taken is learnt."""


class Growing(Sink):
    """Hands over finished segments in which one face is seen and its mouth is the only voice.

    Args:
        learner: who takes them.
        history: seconds of lips that are kept; at least the longest segment and how late it may come.
        permitted: whether it may, asked at every packet; what is seen while it may not is not kept for a moment.
    """

    # What is seen first: at equal timestamps it is delivered before the speech it belongs to.
    inputs: ClassVar[Mapping[str, Port]] = {
        "lips": Port(LipFrame),
        "faces": Port(FaceFrame),
        "speech": Port(EncodedSpeech),
    }

    def __init__(self, learner: Learner, history: float, permitted: Callable[[], bool] = lambda: True) -> None:
        self._learner = learner
        self._permitted = permitted
        self._history = micros(history)
        self._lips: deque[Packet[LipFrame]] = deque()
        self._faces: deque[tuple[int, int]] = deque()
        self._barred = -1

    def open(self) -> None:
        """Have the learner begin."""
        self._learner.start()

    def close(self) -> None:
        """Wait until all that was taken is learnt: some seconds at most."""
        self._learner.finish()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Keep what is seen for a while; judge a segment that is finished."""
        if not self._permitted():
            self._barred = max(self._barred, packet.timestamp)
            self._lips.clear()
            self._faces.clear()
            return
        if port == "lips":
            self._lips.append(packet)
            self._forget(packet.timestamp)
        elif port == "faces":
            self._faces.append((packet.timestamp, len(packet.payload.faces)))
        elif packet.payload.last and not packet.payload.failed and self._is_clean(packet.payload):
            taken = self._learner.offer(self._recording(packet.payload))
            self.context.count("profile.offered" if taken else "profile.left_out", 1)
            if self._learner.failure is not None:
                self.degrade("video", f"the profile does not grow any more: {self._learner.failure}", "growth")

    def _forget(self, now: int) -> None:
        while self._lips and self._lips[0].timestamp < now - self._history:
            self._lips.popleft()
        while self._faces and self._faces[0][0] < now - self._history:
            self._faces.popleft()

    def _is_clean(self, speech: EncodedSpeech) -> bool:
        if speech.start <= self._barred:  # begun before it was permitted
            return False
        own, encoding = speech.active_speaker, speech.encoding
        if own is None or encoding.least_confidence is not None or (encoding.others or 0.0) > MOST_OTHERS:
            return False
        seen = own[~np.isnan(own)]
        if not len(seen) or float(seen.mean()) < LEAST_OWN:
            return False
        faces = [count for time, count in self._faces if speech.start <= time <= speech.end]
        if set(faces) != {1}:
            return False
        shown = [each.payload.lips.face for each in self._lips_of(speech) if each.payload.lips is not None]
        return bool(shown) and len(set(shown)) == 1

    def _lips_of(self, speech: EncodedSpeech) -> list[Packet[LipFrame]]:
        return [each for each in self._lips if speech.start <= each.timestamp <= speech.end]

    def _recording(self, speech: EncodedSpeech) -> Recording:
        period = micros(1 / LIP_RATE)
        first = -(-speech.start // period)  # a recording begins on a lip frame
        begin = round((first * period - speech.start) * SAMPLE_RATE / 1_000_000)
        # What is behind may be made up, where the end was foreseen.
        heard = speech.samples[begin : math.floor(speech.heard * SAMPLE_RATE)]
        return Recording(as_pcm(heard), lip_track(self._lips, first, -(-len(heard) // LIP_SAMPLES)))
