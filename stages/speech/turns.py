"""Who says each word, and most of them, from who speaks when."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypedDict, TypeVar

from lipstream.events import Word
from lipstream.pipeline import micros
from lipstream.stages.payloads import SpeakerTurn

T = TypeVar("T")


class WhoSpeaks(TypedDict):
    """Of a `TranscriptFinal`."""

    speaker: int | None
    speaker_name: str | None


def turn_at(turns: Sequence[SpeakerTurn], start: float, end: float) -> SpeakerTurn | None:
    """The turn in which something lies, by its middle; times in seconds; None where there are no turns."""
    middle = micros((start + end) / 2)
    return min(turns, key=lambda turn: max(turn.start - middle, middle - turn.end, 0), default=None)


def spoken_by(word: Word, turns: Sequence[SpeakerTurn]) -> Word:
    """A word with its speaker."""
    turn = turn_at(turns, word.start, word.end)
    return word if turn is None else dataclasses.replace(word, speaker=turn.speaker)


def who_speaks(words: Sequence[Word], turns: Sequence[SpeakerTurn]) -> WhoSpeaks:
    """Who says most of the words."""
    speaker = most_of(words, [word.speaker for word in words])
    name = next((turn.name for turn in turns if turn.speaker == speaker), None)
    return WhoSpeaks(speaker=speaker, speaker_name=name)


def most_of(words: Sequence[Word], told: Sequence[T | None]) -> T | None:
    """What is told of most words, such as who says them, by time; of equals the first; None if nothing is known."""
    spoken: dict[T, float] = {}
    for word, each in zip(words, told, strict=True):
        if each is not None:
            # A word without a length counts too.
            spoken[each] = spoken.get(each, 0.0) + word.end - word.start + 1e-3
    return max(spoken, key=lambda each: spoken[each]) if spoken else None
