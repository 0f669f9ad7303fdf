"""The whole run looked back on: who said what, once every voice has been heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from lipstream.events import SpeakerChanged, TranscriptFinal
from lipstream.models.voice.diarization import Heard, speakers_of
from lipstream.models.voice.persons import renumbered
from lipstream.pipeline import Packet, Port, Stage
from lipstream.stages.speaker.payloads import SegmentHeard
from lipstream.stages.speaker.words import said_by
from lipstream.stages.speech.turns import most_of


class Review(Stage):
    """At the end, clusters all voices of the run and publishes what that changes of the finals.

    A person keeps the number under which most of what they said was told.

    Args:
        count: how many people there are, if that is known.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "heard": Port(SegmentHeard),
        "finals": Port(TranscriptFinal),
    }

    def __init__(self, count: int | None = None) -> None:
        self._count = count
        self._windows: list[Heard] = []
        self._told: list[int] = []
        self._apart: frozenset[frozenset[int]] = frozenset()
        self._finals: list[TranscriptFinal] = []

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Keep it."""
        if port == "finals":
            self._finals.append(packet.payload)
            return
        heard: SegmentHeard = packet.payload
        self._windows += heard.windows
        self._told += heard.speakers
        self._apart = heard.apart

    def finish(self) -> None:
        """Look back."""
        labels = speakers_of(self._windows, self._count, self._apart)
        # Somebody who was heard beside another only has a number that no window has.
        highest = max((word.speaker or 0 for final in self._finals for word in final.words), default=0)
        numbers = renumbered(labels.tolist(), self._told, [window.seconds for window in self._windows], highest)
        by_segment: dict[int, list[tuple[Heard, int]]] = {}
        for window, number in zip(self._windows, numbers, strict=True):
            by_segment.setdefault(window.segment, []).append((window, number))
        usual = _of_faces(self._windows, numbers)
        for final in self._finals:
            self._correct(final, by_segment.get(final.segment, []), usual)

    def _correct(self, final: TranscriptFinal, heard: Sequence[tuple[Heard, int]], usual: Mapping[int, int]) -> None:
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
            return
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
