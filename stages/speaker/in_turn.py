"""What several tracks say as one transcript, in order of time."""

from __future__ import annotations

import dataclasses
import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lipstream.events import Remark, TranscriptFinal, TranscriptPartial
from lipstream.models.speech.spacing import space_of
from lipstream.pipeline import Packet, Port, Stage, micros, seconds
from lipstream.stages.payloads import UNCLEAR

PAUSE = 0.5
"""Seconds between two words at which a final may be parted, as at the end of a sentence."""
_SENTENCE_ENDS = tuple(".?!…。？！؟۔।")


class TrackNumbers:
    """Numbers of one row for the segments of several tracks, the same in every run: it takes no order of threads.

    Args:
        count: how many tracks there are.
    """

    def __init__(self, count: int) -> None:
        self._step = count + 1

    def of(self, track: int, segment: int) -> int:
        """The number of a track's segment; both from 1."""
        return (segment - 1) * self._step + track

    def further(self, count: int) -> int:
        """The number of what stands for no segment of its own, from 1."""
        return count * self._step


@dataclass(frozen=True, slots=True, order=True)
class _Sentence:
    """A part of a final that is not parted: when it begins, and which of its words it has."""

    start: float
    track: int
    segment: int
    first: int
    last: int
    final: TranscriptFinal = dataclasses.field(compare=False)


class InTurn(Stage):
    """Publishes the finals of several tracks in order of time.

    Where another track has its say within a final, the final is parted there, at the end of a sentence or at a pause.
    Each part has a segment number of its own, since none is what `SpeechEnded` tells of; what was shown under that of
    the segment while it was spoken is taken back before the first.

    Args:
        numbers: gives segments their numbers.
        delay: seconds by which a final may be known later than it begins; the finals of all tracks are held back for
            so long.
        shown: whether text is shown while it is spoken.
    """

    def __init__(self, numbers: TrackNumbers, delay: float, *, shown: bool = False) -> None:
        self._numbers = numbers
        self._delay = micros(delay)
        self._shown = shown
        self._held: list[_Sentence] = []
        self._group: list[_Sentence] = []
        self._further = 0
        self._spoken = False

    @classmethod
    def of_tracks(cls, count: int, delay: float, *, shown: bool = False) -> InTurn:
        """One with inputs "track1", "track2" and so on."""
        ports = {f"track{number}": Port(TranscriptFinal) for number in range(1, count + 1)}
        return cls.with_inputs(ports)(TrackNumbers(count), delay, shown=shown)

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Hold a final until nothing earlier can come."""
        final: TranscriptFinal = packet.payload
        self._spoken |= final.text != UNCLEAR
        track = list(self.inputs).index(port) + 1
        for first, last in _sentences(final):
            start = final.words[first].start if final.words else final.start
            heapq.heappush(self._held, _Sentence(start, track, final.segment, first, last, final))

    def advance(self, frontier: int) -> None:
        """Publish what nothing can come before any more."""
        self._release(seconds(frontier - self._delay))

    def finish(self) -> None:
        """Publish all that is left, or that there was nothing."""
        self._release(math.inf)
        self._tell()
        if not self._spoken and not self.context.stopping.is_set():
            self.publish(Remark(modality="audio", kind="no_speech", text="no words were found on any of the tracks"))

    def _release(self, until: float) -> None:
        while self._held and self._held[0].start < until:
            sentence = heapq.heappop(self._held)
            if self._group and (self._group[-1].final is not sentence.final or self._group[-1].last != sentence.first):
                self._tell()
            self._group.append(sentence)
            if sentence.last >= len(sentence.final.words):
                self._tell()

    def _tell(self) -> None:
        group, self._group = self._group, []
        if group:
            self.publish(self._part(group[0], group[-1].last))

    def _part(self, begin: _Sentence, last: int) -> TranscriptFinal:
        final, first = begin.final, begin.first
        number = self._numbers.of(begin.track, final.segment)
        if first == 0 and last >= len(final.words):
            return dataclasses.replace(final, segment=number)
        if first == 0 and self._shown:
            nothing = TranscriptPartial(segment=number, start=final.start, end=final.end, stable="", unstable="")
            self.publish(dataclasses.replace(nothing, speaker=final.speaker, speaker_name=final.speaker_name))
        self._further += 1
        words = final.words[first:last]
        return dataclasses.replace(
            final,
            segment=self._numbers.further(self._further),
            start=words[0].start,
            end=words[-1].end,
            text=space_of(final.language).join(word.word for word in words),
            words=words,
            revised=(),
            joint="",
        )


def _sentences(final: TranscriptFinal) -> Iterator[tuple[int, int]]:
    """First and last word (exclusive) of each sentence, and of what pauses part."""
    words, first = final.words, 0
    for index in range(1, len(words)):
        before, after = words[index - 1], words[index]
        if before.word.endswith(_SENTENCE_ENDS) or after.start - before.end >= PAUSE:
            yield first, index
            first = index
    yield first, len(words)
