"""Who says a segment: its voices, the mouths that were seen, and the persons known so far, joined."""

from __future__ import annotations

import dataclasses
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from lipstream.events import SpeakerNamed
from lipstream.models.voice.diarization import Heard
from lipstream.models.voice.persons import Persons
from lipstream.pipeline import Packet, Port, Stage, micros, seconds
from lipstream.stages.face.mouth import MOUTH_DELAY
from lipstream.stages.payloads import AtOnce, EncodedSpeech, FaceFrame, Mouth, PeopleKnown, SpeakerTurn
from lipstream.stages.speaker.faces_seen import FacesSeen
from lipstream.stages.speaker.mouth_evidence import middle_of, seen_to_say
from lipstream.stages.speaker.payloads import SegmentHeard, VoicePrint
from lipstream.stages.speech.on_camera import remember, speaker_of

SAME_TURN = micros(1.5)
"""Speech that follows so soon is taken for that of the same speaker, until its voice can be told."""
_JUDGED = 0.8
"""Seconds in the middle of a window in which mouths are looked at."""


class Who(Stage):
    """Puts the turns of its speakers to every encoding of a segment.

    Nothing waits for voices or faces in a live run: what is known when speech comes is what counts, and the end of a
    segment settles it. In a file run all that belongs to a segment is there before it.

    Args:
        persons: those of the run.
        history: seconds of mouths kept; at least the longest segment.
    """

    # At equal timestamps what speech is judged by comes before it.
    inputs: ClassVar[Mapping[str, Port]] = {
        "faces": Port(FaceFrame, optional=True),
        "mouths": Port(Mouth, optional=True),
        "voices": Port(VoicePrint, optional=True),
        "speech": Port(EncodedSpeech),
    }
    outputs: ClassVar[Mapping[str, Port]] = {
        "speech": Port(EncodedSpeech),
        "heard": Port(SegmentHeard),
        "people": Port(PeopleKnown),
    }

    def __init__(self, persons: Persons, history: float) -> None:
        self._persons = persons
        self._history = micros(history)
        self._mouths: deque[Mouth] = deque()
        self._faces = FacesSeen(micros(history))
        self._prints: deque[VoicePrint] = deque()
        self._windows: dict[tuple[int, int], Heard] = {}
        self._segment = 0
        self._last: tuple[int, int] | None = None
        self._given: deque[tuple[int, str | None]] = deque()
        self._names: dict[int, str | None] = {}
        self._lock = threading.Lock()

    def rename(self, speaker: int, name: str | None) -> None:
        """Give a speaker a name, or take it back; from any thread, before the run or during it."""
        with self._lock:
            self._given.append((speaker, name))

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Remember what is seen and heard; put turns to speech."""
        if port == "faces":
            self._faces.see(packet.timestamp, [face.id for face in packet.payload.faces])
        elif port == "mouths":
            remember(self._mouths, packet, self._history)
        elif port == "voices":
            self._prints.append(packet.payload)
        else:
            self._take_names()
            self.emit("speech", self._told(packet.payload, packet.timestamp), packet.timestamp)

    def advance(self, frontier: int) -> None:
        """Tell of names that were given."""
        self._take_names()

    def finish(self) -> None:
        """Tell of names that were given last."""
        self._take_names()

    def _told(self, speech: EncodedSpeech, timestamp: int) -> EncodedSpeech:
        if speech.segment != self._segment:
            self._segment = speech.segment
            self._windows.clear()
            while self._prints and self._prints[0].segment < speech.segment:
                self._prints.popleft()
        windows = self._heard(speech)
        if not windows:
            numbers: list[int] = []
            turns = self._without_voice(speech)
        else:
            tell = self._persons.settled if speech.last else self._persons.so_far
            numbers = tell(windows, self._faces.together)
            self._tell_known()
            turns = self._turns(speech, windows, numbers)
        if speech.last:
            self._settle(speech, windows, numbers, turns, timestamp)
        at_once = speech.at_once
        if speech.last and at_once is not None:
            # Somebody new gets a number: not before it is told.
            at_once = self._whose(at_once)
        return dataclasses.replace(speech, turns=turns, at_once=at_once)

    def _whose(self, at_once: AtOnce) -> AtOnce:
        """Two who speak at once, as persons: their voices are mixed, their faces are not."""
        one, other = at_once.voices
        numbers = [self._persons.of_face(voice.face) for voice in (one, other)]
        if numbers[0] == numbers[1]:
            # One person, or nobody knows of either.
            return at_once
        mine, theirs = (
            dataclasses.replace(voice, speaker=number, name=None if number is None else self._names.get(number))
            for voice, number in zip((one, other), numbers, strict=True)
        )
        return dataclasses.replace(at_once, voices=(mine, theirs))

    def _settle(
        self,
        speech: EncodedSpeech,
        windows: Sequence[Heard],
        numbers: Sequence[int],
        turns: Sequence[SpeakerTurn],
        timestamp: int,
    ) -> None:
        if turns:
            self._last = turns[-1].speaker, speech.speech_end
        if self.context.connected("heard"):
            revised = dict(self._persons.revised) if windows else {}
            together = frozenset(self._faces.together)
            heard = SegmentHeard(speech.segment, tuple(windows), tuple(numbers), together, revised)
            self.emit("heard", heard, timestamp)
        if self.context.connected("people"):
            faces = {face: number for face in self._faces.ever if (number := self._persons.with_face(face)) is not None}
            of_voice = numbers[-1] if numbers and numbers[-1] not in faces.values() else None
            self.emit("people", PeopleKnown(faces, of_voice), timestamp)

    # What is heard and seen.

    def _heard(self, speech: EncodedSpeech) -> list[Heard]:
        prints = [each for each in self._prints if each.segment == speech.segment]
        full = [each for each in prints if each.end - each.start > micros(1.5)]
        return [self._window(speech, each) for each in full or prints]

    def _window(self, speech: EncodedSpeech, print_: VoicePrint) -> Heard:
        key = print_.start, print_.end
        if key not in self._windows:
            face, silent = self._seen(speech, print_)
            window = Heard(print_.segment, seconds(print_.start), seconds(print_.end), print_.voice, face, silent)
            if not self._is_seen(print_.end) and not speech.last:
                # The mouths of its end are still to come.
                return window
            self._windows[key] = window
        return self._windows[key]

    def _is_seen(self, time: int) -> bool:
        return not self._mouths or self._mouths[-1].time >= time - micros(MOUTH_DELAY)

    def _seen(self, speech: EncodedSpeech, print_: VoicePrint) -> tuple[int | None, frozenset[int]]:
        """The face that says a window, and the faces in view that do not."""
        if not self._mouths:
            return None, frozenset()
        start, end = middle_of(print_.start, print_.end, _JUDGED)
        seen = seen_to_say(speech, self._mouths, self._faces.between(start, end), start, end)
        return seen.face, seen.silent

    def _without_voice(self, speech: EncodedSpeech) -> tuple[SpeakerTurn, ...]:
        """Before a voice can be told: by the mouth that moves, else whoever has just spoken."""
        face = speaker_of(speech, self._mouths).face if self._mouths else None
        number = None if face is None else self._persons.with_face(face)
        if number is None and face is None and self._last is not None:
            number = self._last[0] if speech.speech_start - self._last[1] <= SAME_TURN else None
        if number is None:
            return ()
        return (SpeakerTurn(speech.start, max(speech.end, speech.start + 1), number, self._names.get(number)),)

    def _turns(
        self, speech: EncodedSpeech, windows: Sequence[Heard], numbers: Sequence[int]
    ) -> tuple[SpeakerTurn, ...]:
        """Turns that together cover the segment."""
        middles = [micros((window.start + window.end) / 2) for window in windows]
        cuts = [speech.start, *((one + other) // 2 for one, other in pairwise(middles))]
        ends = [*cuts[1:], max(speech.end, cuts[-1] + 1)]
        turns: list[SpeakerTurn] = []
        for start, end, number in zip(cuts, ends, numbers, strict=True):
            if turns and turns[-1].speaker == number:
                turns[-1] = dataclasses.replace(turns[-1], end=end)
            else:
                turns.append(SpeakerTurn(start, end, number, self._names.get(number)))
        return tuple(turns)

    # Names.

    def _tell_known(self) -> None:
        """Tell of persons who turn out to be people whom the user has added; a name given in the run stays."""
        for number, name in self._persons.newly_named():
            if number not in self._names:
                self._name(number, name)

    def _take_names(self) -> None:
        while True:
            with self._lock:
                if not self._given:
                    return
                speaker, name = self._given.popleft()
            self._name(speaker, name)

    def _name(self, speaker: int, name: str | None) -> None:
        self._names[speaker] = name
        self.publish(SpeakerNamed(speaker=speaker, name=name))
