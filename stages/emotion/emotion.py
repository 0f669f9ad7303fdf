"""Emotion: what faces and voices together show, on a regular grid of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from lipstream.events import EmotionChanged, EmotionUpdate
from lipstream.models.emotion.classes import EMOTIONS, UNKNOWN, affect
from lipstream.models.emotion.fusion import EmotionResult, TimedEvidence
from lipstream.models.emotion.smoothing import EmotionSmoother, Smoothed
from lipstream.models.emotion.usual import Usual
from lipstream.pipeline import Packet, Port, Stage, micros, seconds
from lipstream.stages.emotion.payloads import Expressions, VoiceWindow
from lipstream.stages.emotion.witnesses import Witnesses
from lipstream.stages.failures import while_loading, while_running
from lipstream.stages.payloads import Float32, PeopleKnown
from lipstream.stages.shedding import EMOTION_RATE, EMOTION_SHARE
from lipstream.stages.switches import EMOTION

_LONGEST_CATCH_UP = micros(5.0)
"""Live, updates that are overdue by more than this are left out: the machine slept, or a source stood still."""
_MOST_KNOWN = 64
"""What is usual for a face is kept while it is away, of so many faces at most."""
_NOTHING: Float32 = np.full(len(EMOTIONS), 1 / len(EMOTIONS), np.float32)


class FusionNetwork(Protocol):
    """Weighs face and voice: `lipstream.models.emotion.fusion.EmotionFusion`."""

    def load(self) -> None:
        """Load the network."""

    def predict(
        self, faces: Sequence[TimedEvidence], voices: Sequence[TimedEvidence], now: float
    ) -> EmotionResult | None:
        """Fuse the evidence up to `now`."""


def windows_port(number: int) -> str:
    """The port for windows of one of several voices, from 1."""
    return "windows" if number == 1 else f"windows{number}"


class Emotion(Stage):
    """Publishes, at every multiple of `update_interval`, an `EmotionUpdate` for each face in view.

    A voice that is no face's in view gets an update of its own, without a face; so does a moment without any evidence,
    which is `unknown`. `EmotionChanged` follows when a smoothed label changes; to `unknown` also when a face has gone,
    or emotion is switched off. After some seconds each person is judged against what is usual for them.

    An update is made once its inputs have come to `look_ahead` after it, from what they have brought until then. With a
    `look_ahead` no evidence can be later than, as in a file run at full speed, nothing is missed; a shorter one is kept
    whatever comes late, and late evidence counts for the updates that are still to be made.

    Args:
        network: the fusion.
        update_interval: seconds; under load it is longer.
        look_ahead: seconds.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "expressions": Port(Expressions, optional=True),
        "windows": Port(VoiceWindow, optional=True),
        "people": Port(PeopleKnown, optional=True),
    }

    def __init__(self, network: FusionNetwork, update_interval: float, look_ahead: float) -> None:
        self.update_interval = update_interval
        self._network = network
        self._look_ahead = micros(look_ahead)
        self._witnesses = Witnesses()
        self._smoothers: dict[int | None, EmotionSmoother] = {}
        self._people = PeopleKnown({}, None)
        self._usual: dict[int | None, Usual] = {}
        self._done = 0
        self._reached = 0

    @classmethod
    def of_streams(cls, count: int) -> type[Emotion]:
        """One that takes windows of so many voices, by ports as `windows_port` names them."""
        if count == 1:
            return cls
        more = {windows_port(number): Port(VoiceWindow, optional=True) for number in range(2, count + 1)}
        return cls.with_inputs({**cls.inputs, **more})

    def open(self) -> None:
        """Load the network."""
        with while_loading():
            self._network.load()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Make the updates that are due before this packet, then keep it."""
        self._reach(packet.timestamp)
        if port == "people":
            self._people = packet.payload
        elif port == "expressions":
            self._witnesses.see(packet.timestamp, packet.payload, packet.duration)
        else:
            self._witnesses.hear(packet.payload)

    def advance(self, frontier: int) -> None:
        """Make the updates that are due."""
        self._reach(frontier)

    def finish(self) -> None:
        """Make those that are left, and one for the rest if it is long enough to matter."""
        self._update_to(self._reached)
        if self._reached - self._done >= self._interval() // 2:
            self._update(self._done, self._reached)

    # When.

    def _interval(self) -> int:
        share = EMOTION_SHARE if self.context.sheds(EMOTION_RATE.name) else 1.0
        return micros(self.update_interval / share)

    def _reach(self, time: int) -> None:
        """Note that what comes from now on is not earlier than `time`; live, where streams are not merged, about so."""
        self._reached = max(self._reached, time)
        self._update_to(self._reached - self._look_ahead)

    def _update_to(self, time: int) -> None:
        if self.context.switched_off(EMOTION):
            self._done = max(self._done, time)
            self._witnesses = Witnesses()
            self._usual.clear()
            for face in list(self._smoothers):
                self._leave(face, self._done)
            return
        if not self.context.lossless and time - self._done > _LONGEST_CATCH_UP:
            self._done = time - _LONGEST_CATCH_UP
        while (end := self._next()) <= time:
            self._update(self._done, end)

    def _next(self) -> int:
        interval = self._interval()
        return (self._done // interval + 1) * interval

    # What.

    def _update(self, start: int, end: int) -> None:
        self._done = end
        self._witnesses.forget(end)
        faces, voices = self._witnesses.faces(end), self._witnesses.voices(end, self._people.faces)
        alone = [heard for owner, each in voices.items() if owner not in faces for heard in each]
        for gone in [face for face in self._smoothers if face is not None and face not in faces]:
            self._leave(gone, end)
        if faces and not alone:
            self._leave(None, end)
        for face, seen in faces.items():
            self._judge(face, seen, voices.get(face, []), start, end)
        if alone or not faces:
            self._judge(None, [], alone, start, end)

    def _judge(
        self, face: int | None, seen: Sequence[TimedEvidence], heard: Sequence[TimedEvidence], start: int, end: int
    ) -> None:
        with while_running("video" if seen else "audio", "emotion fusion"):
            result = self._network.predict(seen, heard, seconds(end))
        smoother = self._smoothers.setdefault(face, EmotionSmoother())
        before = smoother.label
        own = self._own(face, result, end - start) if result else None
        smoothed = smoother.update(seconds(end), own)
        update = _event(face, self._speaker(face, heard), result, smoothed, start, end)
        self.publish(update)
        if smoothed.changed:
            self._publish_change(update, before)

    def _own(self, face: int | None, result: EmotionResult, duration: int) -> Float32:
        """Probabilities as they are for this person; of somebody unknown as they are."""
        usual = self._usual.pop(face, None) or Usual()
        while len(self._usual) >= _MOST_KNOWN:
            del self._usual[next(iter(self._usual))]
        # Behind all others: who has been away for longest is the first to be forgotten.
        self._usual[face] = usual
        return usual.corrected(result.probabilities, seconds(duration), face=result.weight_face > 0)

    def _publish_change(self, update: EmotionUpdate, before: str) -> None:
        self.publish(
            EmotionChanged(
                face=update.face,
                time=update.end,
                previous=before,
                label=update.label,
                probabilities=update.probabilities,
                valence=update.valence,
                arousal=update.arousal,
                weights=update.weights,
                speaker=update.speaker,
            )
        )

    def _speaker(self, face: int | None, heard: Sequence[TimedEvidence]) -> int | None:
        """Whose face or voice it is, as far as is known by now."""
        if face is None:
            return (self._witnesses.unseen or self._people.voice) if heard else None
        return self._people.faces.get(face)

    def _leave(self, face: int | None, time: int) -> None:
        """Forget a face that is gone, or the voice without a face once it has one."""
        smoother = self._smoothers.pop(face, None)
        if face is None:
            # The next voice without a face may be another one.
            self._usual.pop(None, None)
        if smoother is not None and smoother.label != UNKNOWN:
            gone = _event(face, self._speaker(face, ()), None, Smoothed(UNKNOWN, _NOTHING, True), time, time)
            self._publish_change(gone, smoother.label)


def _event(
    face: int | None,
    speaker: int | None,
    result: EmotionResult | None,
    smoothed: Smoothed,
    start: int,
    end: int,
) -> EmotionUpdate:
    """The update: label and probabilities from the same average, so that neither contradicts the other."""
    probabilities = smoothed.probabilities
    valence, arousal = (0.0, 0.0) if smoothed.label == UNKNOWN else affect(probabilities)
    return EmotionUpdate(
        face=face,
        start=seconds(start),
        end=seconds(end),
        label=smoothed.label,
        probabilities={name: round(float(p), 4) for name, p in zip(EMOTIONS, probabilities, strict=True)},
        valence=round(valence, 4),
        arousal=round(arousal, 4),
        weights={
            "face": round(result.weight_face, 4) if result else 0.0,
            "voice": round(result.weight_voice, 4) if result else 0.0,
        },
        speaker=speaker,
    )
