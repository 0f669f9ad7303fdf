"""The run looked back on: who said what, once more has been heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from lipstream.events import SpeakerChanged, TranscriptCorrected, TranscriptFinal
from lipstream.models.voice.diarization import Heard, speakers_of
from lipstream.models.voice.persons import renumbered
from lipstream.pipeline import Packet, Port, Stage
from lipstream.stages.corrected import corrected, key_of
from lipstream.stages.payloads import UNCLEAR
from lipstream.stages.speaker.payloads import SegmentHeard
from lipstream.stages.speaker.words import said_by
from lipstream.stages.speech.turns import most_of

STEADY: Final = 3
"""Segments in a row after which something else must be known of an earlier one before it is corrected."""


class Review(Stage):
    """At the end, clusters all voices of the run and publishes what that changes of the finals.

    Where somebody reads while it is spoken, a segment is corrected as soon as what is known of it has been another and
    the same at the end of `STEADY` later ones. Each is corrected once at most, so the end has no more say in those.

    A person keeps the number under which most of what they said was told.

    Finals whose text is corrected are told from here, so that what is said of their words is of the newest ones, in
    whatever order texts and speakers come to be known better.

    Args:
        count: how many people there are, if that is known.
        soon: whether somebody reads while it is spoken.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "heard": Port(SegmentHeard),
        "finals": Port(TranscriptFinal),
        "corrected": Port(TranscriptCorrected, optional=True),
    }

    def __init__(self, count: int | None = None, *, soon: bool = False) -> None:
        self._count = count
        self._soon = soon
        self._revised: dict[int, tuple[tuple[int, ...], int]] = {}
        self._settled: dict[int, tuple[int, ...]] = {}
        self._windows: list[Heard] = []
        self._told: list[int] = []
        self._apart: frozenset[frozenset[int]] = frozenset()
        self._finals: list[TranscriptFinal] = []
        self._places: dict[int, slice] = {}

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Keep it; correct what is steadily known otherwise."""
        if port == "corrected":
            self._tell_corrected(packet.payload)
            return
        if port == "finals":
            # What cannot be read has nobody's number.
            if packet.payload.text != UNCLEAR:
                self._finals.append(packet.payload)
            return
        heard: SegmentHeard = packet.payload
        self._places[heard.segment] = slice(len(self._windows), len(self._windows) + len(heard.windows))
        self._windows += heard.windows
        self._told += heard.speakers
        self._apart = heard.apart
        if self._soon and heard.windows:
            self._note(heard.revised)

    def finish(self) -> None:
        """Look back."""
        labels = speakers_of(self._windows, self._count, self._apart)
        # Somebody who was heard beside another only has a number that no window has.
        highest = max((word.speaker or 0 for final in self._finals for word in final.words), default=0)
        numbers = renumbered(labels.tolist(), self._told, [window.seconds for window in self._windows], highest)
        usual = _of_faces(self._windows, numbers)
        for final in self._finals:
            if final.segment not in self._settled:
                place = self._places.get(final.segment, slice(0))
                self._correct(final, list(zip(self._windows[place], numbers[place], strict=True)), usual)

    def _tell_corrected(self, told: TranscriptCorrected) -> None:
        """Publish another text of a final, with the speakers that are known by now."""
        place = next((at for at, final in enumerate(self._finals) if key_of(final) == key_of(told)), None)
        if place is not None:
            final = self._finals[place]
            numbers = self._settled.get(final.segment)
            if numbers is not None:
                heard = list(zip(self._windows[self._places[final.segment]], numbers, strict=True))
                words = tuple(replace(word, speaker=said_by(word, heard)) for word in told.words)
                speaker = most_of(words, [word.speaker for word in words])
                name = told.speaker_name if speaker == told.speaker else None
                told = replace(told, words=words, speaker=speaker, speaker_name=name)
            self._finals[place] = corrected(final, told)
        self.publish(told)

    def _note(self, revised: Mapping[int, tuple[int, ...]]) -> None:
        """Count for how long each segment has been known otherwise."""
        before, self._revised = self._revised, {}
        for segment, numbers in revised.items():
            if segment not in self._settled:
                known = before.get(segment, ((), 0))
                self._revised[segment] = numbers, known[1] + 1 if known[0] == numbers else 1
        steady = {each: numbers for each, (numbers, times) in self._revised.items() if times >= STEADY}
        for final in self._finals if steady else ():
            place = self._places.get(final.segment)
            if final.segment in steady and place is not None and not final.overlaps:
                numbers = steady[final.segment]
                if self._correct(final, list(zip(self._windows[place], numbers, strict=True)), {}):
                    self._told[place] = numbers
                    self._settled[final.segment] = numbers

    def _correct(self, final: TranscriptFinal, heard: Sequence[tuple[Heard, int]], usual: Mapping[int, int]) -> bool:
        """Publish who said a final, if that is not what was told; whether it was published."""
        if not heard:
            # Too short for a voice: a face may tell, else it stays as it is.
            known = usual.get(final.face) if final.face is not None else None
            words: tuple[int | None, ...] = tuple(known or word.speaker for word in final.words)
        else:
            words = tuple(said_by(word, heard) for word in final.words)
        words = _by_face(final, usual) if final.overlaps else words
        speaker = most_of(final.words, words)
        speaker = final.speaker if speaker is None else speaker
        if speaker == final.speaker and words == tuple(word.speaker for word in final.words):
            return False
        self.publish(
            SpeakerChanged(
                segment=final.segment,
                start=final.start,
                end=final.end,
                previous=final.speaker,
                speaker=speaker,
                words=words,
                speaker_name=final.speaker_name if speaker == final.speaker else None,
                face=final.face,
            )
        )
        return True


def _by_face(final: TranscriptFinal, usual: Mapping[int, int]) -> tuple[int | None, ...]:
    """Who says the words of one of two who speak at once: the face's person, whoever that turned out to be.

    The voices of that time are mixed.
    """
    known = usual.get(final.face) if final.face is not None else None
    return tuple(known if known and word.speaker == final.speaker else word.speaker for word in final.words)


def _of_faces(windows: Sequence[Heard], numbers: Sequence[int]) -> dict[int, int]:
    """Whose face each is."""
    held: dict[int, Counter[int]] = {}
    for window, number in zip(windows, numbers, strict=True):
        if window.face is not None:
            held.setdefault(window.face, Counter())[number] += 1
    return {face: counts.most_common(1)[0][0] for face, counts in held.items()}
