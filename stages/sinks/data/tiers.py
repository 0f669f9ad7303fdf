"""What is annotated of a run: intervals in tiers, none of which overlap within a tier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lipstream.events import EmotionUpdate, TranscriptFinal
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.emotion_spans import UNKNOWN, EmotionIntervals
from lipstream.stages.sinks.speakers import called, parts_of
from lipstream.stages.sinks.text import clean

WORDS, SEGMENTS, SPEAKER, EMOTION, FACE = "words", "segments", "speaker", "emotion", "face"
OFF_CAMERA = "off camera"
VOICE = "voice"
"""Whose emotion it is if it is no face's in view."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An annotation.

    Attributes:
        start: milliseconds.
        end: milliseconds, > start.
        text: one printable line.
    """

    start: int
    end: int
    text: str


@dataclass(slots=True)
class _Lane:
    """Emotions one after the other; a face keeps its lane."""

    face: int | None
    end: int
    emotions: list[Interval] = field(default_factory=list)
    faces: list[Interval] = field(default_factory=list)

    def add(self, face: int | None, interval: Interval) -> None:
        name = who(face) or VOICE
        if self.faces and self.faces[-1].text == name and self.faces[-1].end == interval.start:
            self.faces[-1] = Interval(self.faces[-1].start, interval.end, name)
        else:
            self.faces.append(Interval(interval.start, interval.end, name))
        self.emotions.append(interval)
        self.face, self.end = face, interval.end


@dataclass(slots=True)
class _Speech:
    """What is said, one after the other."""

    words: list[Interval] = field(default_factory=list)
    segments: list[Interval] = field(default_factory=list)
    speakers: list[Interval] = field(default_factory=list)

    def add(self, final: TranscriptFinal, turns: Iterable[Interval]) -> None:
        self.words += [_interval(word.start, word.end, word.word) for word in final.words]
        self.segments.append(_interval(final.start, final.end, final.text))
        self.speakers += turns

    def tiers(self, suffix: str) -> dict[str, list[Interval]]:
        named = {WORDS: self.words, SEGMENTS: self.segments, SPEAKER: self.speakers}
        return {name + suffix: tidy(intervals) for name, intervals in named.items()}


class Tiers:
    """Collects the annotations of a run, event by event.

    Args:
        names: of speakers.
    """

    def __init__(self, names: Mapping[int, str] | None = None) -> None:
        self._names = names or {}
        self._speech, self._beside = _Speech(), _Speech()
        self._said = 0.0
        self._intervals = EmotionIntervals()
        self._emotions: list[Mapping[str, Any]] = []

    def add(self, event: Event) -> None:
        """Take an event; others than finals and emotions are of no interest."""
        if isinstance(event, EmotionUpdate):
            self._emotions.extend(self._intervals.add(event))
        elif isinstance(event, TranscriptFinal):
            beside = event.overlaps and event.start < self._said
            (self._beside if beside else self._speech).add(event, self._turns(event))
            self._said = self._said if beside else event.end

    def _turns(self, final: TranscriptFinal) -> list[Interval]:
        """Who speaks: persons where they are told apart, else faces."""
        if final.speaker is None:
            speaker = OFF_CAMERA if final.off_camera else who(final.face)
            return [_interval(final.start, final.end, speaker)]
        return [
            _interval(said.start, said.end, called(said.speaker, self._names.get(said.speaker)))
            for said in parts_of(final)
            if said.speaker is not None
        ]

    def finish(self) -> dict[str, list[Interval]]:
        """The tiers by name: words, segments, speaker; then emotion and face, the second pair as "emotion 2", "face 2".

        What somebody says while another speaks stands in tiers of its own, "words 2" and so on, which are there where
        that happens. The emotions of two faces at a time stand in two tiers; the tier of faces beside each says whose
        they are.
        """
        self._emotions.extend(self._intervals.finish())
        tiers = self._speech.tiers("") | (self._beside.tiers(" 2") if self._beside.segments else {})
        for number, lane in enumerate(self._lanes() or [_Lane(None, 0)], 1):
            suffix = "" if number == 1 else f" {number}"
            tiers[EMOTION + suffix], tiers[FACE + suffix] = tidy(lane.emotions), tidy(lane.faces)
        return tiers

    def _lanes(self) -> list[_Lane]:
        lanes: list[_Lane] = []
        known = [each for each in self._emotions if each["label"] != UNKNOWN]
        for each in sorted(known, key=lambda emotion: (emotion["start"], emotion["face"] or 0)):
            interval = _interval(each["start"], each["end"], each["label"])
            free = [lane for lane in lanes if lane.end <= interval.start]
            lane = next((lane for lane in free if lane.face == each["face"]), free[0] if free else None)
            if lane is None:
                lane = _Lane(each["face"], 0)
                lanes.append(lane)
            lane.add(each["face"], interval)
        return lanes


def who(face: int | None) -> str:
    """A face by its name; empty for none."""
    return "" if face is None else f"face {face}"


def tidy(intervals: Iterable[Interval]) -> list[Interval]:
    """Those with a text, in order, each cut where the next begins; of none is nothing left, but for a millisecond.

    Words of neighbouring segments may overlap by some hundredths of a second, and some have no length.
    """
    tidied: list[Interval] = []
    for each in sorted(intervals, key=lambda interval: interval.start):
        if not each.text:
            continue
        start = each.start
        if tidied and tidied[-1].end > start:
            before = tidied.pop()
            start = max(start, before.start + 1)
            tidied.append(Interval(before.start, start, before.text))
        tidied.append(Interval(start, max(each.end, start + 1), each.text))
    return tidied


def _interval(start: float, end: float, text: str) -> Interval:
    return Interval(max(0, round(start * 1000)), max(0, round(end * 1000)), clean(text))
