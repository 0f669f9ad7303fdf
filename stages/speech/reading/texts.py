"""Texts that were read, on their way to being shown."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from lipstream.models.speech.engine import Encoding, TimedWord
from lipstream.models.speech.recogniser import Transcript, Utterance
from lipstream.stages.payloads import EncodedSpeech
from lipstream.stages.speaker.parted import in_whole

_COMMAS: Final = re.compile(",{2,}")


def utterance_of_all(speech: EncodedSpeech, whole: bool = True) -> Utterance:
    """All of a segment, as a recogniser is given it.

    Args:
        speech: the segment.
        whole: whether it is finished.
    """
    return Utterance(speech.samples, speech.heard, speech.encoding, whole, speech.encoding.is_seen)


def as_read(speech: EncodedSpeech, *said: Transcript) -> EncodedSpeech:
    """The speech with the gate of lips that had a say in all that was read; without, where it was read past them."""
    return speech if all(read.fused for read in said) else dataclasses.replace(speech, lip_gate=None)


def by_language(said: Sequence[Transcript]) -> Iterator[tuple[str | None, list[TimedWord]]]:
    """The words of what was read, together as far as they are of one language."""
    for language, reads in groupby(said, key=lambda read: read.language):
        yield language, [word for read in reads for word in read.words]


def sure_enough(words: Sequence[TimedWord], encoding: Encoding) -> list[TimedWord]:
    """The words that fusion leaves in."""
    return [word for word in words if word.confidence >= encoding.asks(word.start, word.end)]


def worth(words: Sequence[TimedWord], speech: EncodedSpeech) -> list[TimedWord]:
    """The words that are shown, as they are shown."""
    return [_shown(word) for word in sure_enough(words, speech.encoding)]


def left_in(read: Transcript, part: EncodedSpeech, whole: EncodedSpeech) -> Transcript:
    """A text with the words that fusion leaves in the segment, as they are shown.

    Args:
        read: what was read of the part.
        part: the segment, or a part of it.
        whole: the segment.
    """
    asks = whole.encoding.asks
    places = in_whole(read, part, whole).words
    words = [
        _shown(word)
        for word, place in zip(read.words, places, strict=True)
        if word.confidence >= asks(place.start, place.end)
    ]
    return dataclasses.replace(read, words=tuple(words))


def _shown(word: TimedWord) -> TimedWord:
    return dataclasses.replace(word, text=_tidy(word.text))


def _tidy(word: str) -> str:
    """Moonshine sometimes says a comma twice ("In short,,")."""
    return _COMMAS.sub(",", word)
