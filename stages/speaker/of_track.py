"""Who speaks where each sound track of a recording is a speaker of its own."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from lipstream.events import SpeakerNamed
from lipstream.pipeline import Packet, Port, Stage, micros
from lipstream.stages.payloads import EncodedSpeech, Mouth, PeopleKnown, SpeakerTurn
from lipstream.stages.speech.on_camera import remember, speaker_of


class OfTrack(Stage):
    """Puts the speaker of a track to all of its speech, and tells whose face was seen to say it.

    Args:
        number: of the speaker, from 1.
        name: what to call them, if they have a name.
        history: seconds of mouths kept; at least the longest segment.

    Attributes:
        number: see there.
    """

    # At equal timestamps what speech is judged by comes before it.
    inputs: ClassVar[Mapping[str, Port]] = {"mouths": Port(Mouth, optional=True), "speech": Port(EncodedSpeech)}
    outputs: ClassVar[Mapping[str, Port]] = {"speech": Port(EncodedSpeech), "people": Port(PeopleKnown)}

    def __init__(self, number: int, name: str | None, history: float) -> None:
        self.number = number
        self._name: str | None = None
        self._history = micros(history)
        self._mouths: deque[Mouth] = deque()
        self._given: deque[str | None] = deque() if name is None else deque([name])
        self._lock = threading.Lock()

    def rename(self, name: str | None) -> None:
        """Give the speaker a name, or take it back; from any thread, before the run or during it."""
        with self._lock:
            self._given.append(name)

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Remember mouths; put the speaker to speech."""
        self._take_names()
        if port == "mouths":
            remember(self._mouths, packet, self._history)
            return
        speech: EncodedSpeech = packet.payload
        turn = SpeakerTurn(speech.start, max(speech.end, speech.start + 1), self.number, self._name)
        self.emit("speech", dataclasses.replace(speech, turns=(turn,)), packet.timestamp)
        if speech.last and not speech.failed and self.context.connected("people"):
            face = speaker_of(speech, self._mouths).face
            faces = {} if face is None else {face: self.number}
            self.emit("people", PeopleKnown(faces, self.number), packet.timestamp)

    def advance(self, frontier: int) -> None:
        """Tell of names that were given."""
        self._take_names()

    def finish(self) -> None:
        """Tell of names that were given last."""
        self._take_names()

    def _take_names(self) -> None:
        while True:
            with self._lock:
                if not self._given:
                    return
                self._name = self._given.popleft()
            self.publish(SpeakerNamed(speaker=self.number, name=self._name))


class PeopleOfTracks(Stage):
    """Joins what the tracks tell of faces: a face is of the track with which it was seen to speak most often."""

    outputs: ClassVar[Mapping[str, Port]] = {"people": Port(PeopleKnown)}

    def __init__(self) -> None:
        self._seen: dict[int, Counter[int]] = {}

    @classmethod
    def joining(cls, names: Sequence[str]) -> PeopleOfTracks:
        """One with an input for each of so many names."""
        return cls.with_inputs({name: Port(PeopleKnown) for name in names})()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Count, and tell what is known by now."""
        known: PeopleKnown = packet.payload
        for face, number in known.faces.items():
            self._seen.setdefault(face, Counter())[number] += 1
        faces = {face: min(counts, key=lambda number: (-counts[number], number)) for face, counts in self._seen.items()}
        self.emit("people", PeopleKnown(faces, known.voice), packet.timestamp)
