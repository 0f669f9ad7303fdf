"""Neighbouring finals that wait to be read once more, and what of another reading is to be believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from lipstream.models.speech.engine import SAMPLE_RATE, TimedWord, mean_log
from lipstream.models.speech.recogniser import Transcript
from lipstream.pipeline import seconds
from lipstream.stages.payloads import EncodedSpeech
from lipstream.stages.speaker.parted import same_speaker
from lipstream.stages.speech.corrections.payloads import Finished
from lipstream.stages.speech.corrections.seams import apart, as_before
from lipstream.stages.speech.joined import LONGEST_PAUSE
from lipstream.stages.speech.onward import goes_on

LONGEST: Final = 20.0
"""Seconds of sound that are read once more at once: what begins to be read is not late by more than that costs."""
AS_SURE: Final = 0.8
"""Mean confidence that another reading must have, in parts of the first one's."""
AS_MANY: Final = 0.5
"""Words it must have, in parts of those of the first one."""


@dataclass(slots=True, eq=False)
class Held:
    """A final that may still be corrected.

    Attributes:
        finished: the segment.
        read: its text as it stands.
        joint: the sign behind it that the next final told.
        again: its text by the newest reading; None where there was none, or it has to be read again.
    """

    finished: Finished
    read: Transcript
    joint: str = ""
    again: Transcript | None = None

    @property
    def speech(self) -> EncodedSpeech:
        """The segment."""
        return self.finished.speech


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """A final whose text will not change any more.

    Attributes:
        held: the final.
        corrected: its text by another reading; None where it stays as it was.
        heard_next: that reading knows what comes after it, and so the sign at its end.
    """

    held: Held
    corrected: Transcript | None
    heard_next: bool = True


class Window:
    """The newest finals of one run of speech."""

    def __init__(self) -> None:
        self._held: list[Held] = []

    @property
    def held(self) -> Sequence[Held]:
        """Those that may still be corrected, in order."""
        return self._held

    @property
    def last(self) -> EncodedSpeech | None:
        """The newest segment."""
        return self._held[-1].speech if self._held else None

    def continues(self, finished: Finished, read: Transcript) -> bool:
        """Whether a segment goes on with what is held: speech of the same person, in the same language.

        Args:
            finished: the segment.
            read: its text.
        """
        if not self._held:
            return False
        last = self._held[-1]
        pause = seconds(finished.speech.speech_start - last.speech.speech_end)
        return (
            pause <= LONGEST_PAUSE
            and read.language == last.read.language
            and same_speaker(last.speech, finished.speech)
            and goes_on(last.finished.speaker, finished.speaker)
        )

    def fits(self, finished: Finished) -> bool:
        """Whether all that is held can be read at once with a segment."""
        return sum(map(_length, (*(each.speech for each in self._held), finished.speech))) <= LONGEST

    def goes_on(self, joint: str) -> None:
        """Take the sign behind the newest segment that the next one tells."""
        if self._held:
            self._held[-1].joint = joint

    def add(self, finished: Finished, read: Transcript) -> None:
        """Take a segment with its text."""
        self._held.append(Held(finished, read))

    def read_again(self, texts: Sequence[Transcript]) -> list[Settled]:
        """Take what another reading of all that is held has found, in each; give those that will not be read again.

        The last one will be, with what comes after it, and so will those that hang together with it.
        """
        words = as_before([held.read.words for held in self._held], [text.words for text in texts])
        for held, text, own in zip(self._held, texts, words, strict=True):
            held.again = replace(text, words=tuple(own))
        groups = self._groups()
        return self._settle(groups[:-1])

    def end(self) -> list[Settled]:
        """Let go of all: nothing goes on with them."""
        if not self._held:
            return []
        known = all(held.again is not None for held in self._held)
        *others, last = self._settle(self._groups() if known else [range(len(self._held))])
        return [*others, replace(last, heard_next=False)]

    def _groups(self) -> list[range]:
        old = [[word.text for word in held.read.words] for held in self._held]
        new = [[word.text for word in held.again.words] if held.again else [] for held in self._held]
        return apart(old, new)

    def _settle(self, groups: Sequence[range]) -> list[Settled]:
        settled = []
        for group in groups:
            together = [self._held[at] for at in group]
            taken = all(is_believed(held.read, held.again) for held in together)
            settled += [Settled(held, held.again if taken else None) for held in together]
        del self._held[: len(settled)]
        return settled


def is_believed(old: Transcript, new: Transcript | None) -> bool:
    """Whether another reading may take the place of a text: it is as sure, and no part of the text is lost."""
    if new is None or not new.words or new.language != old.language:
        return False
    many = len(new.words) >= AS_MANY * len(old.words)
    return many and _sure(new.words) >= AS_SURE * _sure(old.words)


def with_joint(words: Sequence[TimedWord], sign: str) -> tuple[TimedWord, ...]:
    """Words with the sign behind the last one that was left open."""
    *rest, last = words
    return (*rest, replace(last, text=f"{last.text}{sign}"))


def _sure(words: Sequence[TimedWord]) -> float:
    return math.exp(mean_log([word.confidence for word in words]))


def _length(speech: EncodedSpeech) -> float:
    return len(speech.samples) / SAMPLE_RATE
