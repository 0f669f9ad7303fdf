"""Speech that goes on across pauses, read while it is live: each segment behind what was said before it.

Voice activity cuts at pauses, and a pause is not the end of a sentence. What was said is published by then and stays;
so the recogniser is given its sound and its text, and goes on behind them. That is not to be had from the text alone,
nor from reading both freely, which gives other words for what stands (docs/experiments/live_text.md).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lipstream.models.speech.engine import SAMPLE_RATE, Float32, TimedWord, mean_log
from lipstream.models.speech.recogniser import Front, Transcript, Utterance
from lipstream.models.speech.spacing import SIGNS, space_of
from lipstream.models.speech.wording.punctuation import folded, marked
from lipstream.pipeline import seconds
from lipstream.stages.payloads import EncodedSpeech
from lipstream.stages.speaker.parted import in_whole
from lipstream.stages.speech.joined import LONGEST_PAUSE, divided, sound_of
from lipstream.stages.speech.on_camera import UNKNOWN, Speaker

MOST_IN_FRONT: Final = 8.0
"""Seconds of sound kept in front: what comes next is late by the time it takes to encode them again."""
MOST_TOGETHER: Final = 14.0
"""Seconds up to which a segment is read with speech in front, so that none is later than a long one by itself; a long
segment has enough of its own to be understood by."""
LEAST_IN_FRONT: Final = 2.0
"""Seconds in front of any segment: whether a sentence goes on does not take more."""
MOST_UNREAD: Final = 6.0
"""Seconds of speech without text that are read again with what comes next."""
SURE_OF_UNREAD: Final = 0.3
"""Mean confidence that words must have which are found late, in speech without text."""
_SIGNS: Final = re.compile(f"[{SIGNS}]+$")
_ELLIPSIS: Final = re.compile(r"(?:\.{2,}|…)$")
_NO_NAMES = (
    "a about after although an and are as at be because been but by can could did do does don't for from had has have "
    "he her his how if in into is isn't it it's its just like more most my not of on one or our out over she so some "
    "such than that that's the their them then there there's these they they're this those through to too under until "
    "up upon very was wasn't we we're were what when where which while who whose why will with without would you "
    "you're your"
)
_CONTINUING: Final = frozenset(_NO_NAMES.split())
"""English words that are no names, so that a capital tells no more than that the recogniser began with them."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was read of a segment.

    Attributes:
        read: its text; of its first part, where it is parted.
        earlier: texts of segments before it in which nothing could be read by themselves.
        others: the parts behind the first, where somebody else takes over, with their texts (`speaker.parted`). Times
            are from the first sample of each.
        first: the first part; None for the whole segment.
    """

    read: Transcript
    earlier: tuple[tuple[EncodedSpeech, Transcript], ...] = ()
    others: tuple[tuple[EncodedSpeech, Transcript], ...] = ()
    first: EncodedSpeech | None = None

    def of(self, parts: Sequence[EncodedSpeech]) -> Found:
        """The same texts of the same parts, as they are known now."""
        first, *others = parts
        texts = [read for _, read in self.others]
        return replace(self, first=first if others else None, others=tuple(zip(others, texts, strict=True)))

    def parts(self, whole: EncodedSpeech) -> list[tuple[EncodedSpeech, Transcript]]:
        """All parts of the segment in order, with their texts; the segment itself where it is read as one."""
        return [(self.first or whole, self.read), *self.others]

    def said(self, whole: EncodedSpeech) -> list[Transcript]:
        """The texts of all parts, with times from the first sample of the segment."""
        return [in_whole(read, part, whole) for part, read in self.parts(whole)]


@dataclass(frozen=True, slots=True)
class Before:
    """What comes before a segment in the same run of speech.

    Attributes:
        front: speech whose text is published.
        unread: segments behind that in which nothing could be read.
        left_open: the last final has no sign at its end, because what comes next decides it.
    """

    front: Front | None = None
    unread: tuple[EncodedSpeech, ...] = ()
    left_open: bool = False

    @property
    def ways(self) -> list[Before]:
        """What may be read with the segment, the best first; none if there is nothing."""
        ways = [self, replace(self, unread=())] if self.unread else [self]
        return [way for way in ways if way.front is not None or way.unread]

    def with_next(self, speech: EncodedSpeech) -> Utterance:
        """All that is to be read."""
        segments = (*self.unread, speech)
        encoding = None if self.unread else speech.encoding
        heard = sum(each.heard for each in segments)
        return Utterance(sound_of(segments), heard, encoding, front=self.front)

    def divided(self, read: Transcript, speech: EncodedSpeech) -> Found | None:
        """The words given to the segments they were spoken in; only the last one's end is that of the text.

        None if there are none for the last segment, or those of another are doubtful.
        """
        segments = (*self.unread, speech)
        *parts, last = (tuple(words) for words in divided(read.words, segments))
        if not last or any(words and _sure(words) < SURE_OF_UNREAD for words in parts):
            return None
        earlier = tuple(
            (each, replace(read, words=words, joint=read.joint if at == 0 else "", closing=1.0))
            for at, (each, words) in enumerate(zip(self.unread, parts, strict=True))
            if words
        )
        return Found(replace(read, words=last, joint="" if earlier else read.joint), earlier)


class SpeechSoFar:
    """The run of speech up to the newest final.

    Args:
        longest: seconds of sound that are kept in front of what comes next.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self.forget()

    def forget(self) -> None:
        """What comes next is read by itself."""
        self._words: list[TimedWord] = []
        self._sound: Float32 = np.zeros(0, np.float32)
        self._language: str | None = None
        self._unread: list[EncodedSpeech] = []
        self._end: int | None = None
        self._speaker = UNKNOWN

    def before(self, speech: EncodedSpeech, speaker: Speaker) -> Before:
        """What a segment goes on with: nothing after a long pause, or if somebody else speaks."""
        if self._end is None or not self._longest or not self._goes_on(speech, speaker):
            return Before()
        unread = tuple(self._unread)
        length = sum(len(each.samples) for each in (*unread, speech)) / SAMPLE_RATE
        most = min(self._longest, max(LEAST_IN_FRONT, MOST_TOGETHER - length))
        words, sound = _newest(self._words, self._sound, most)
        left_open = bool(self._words) and not _SIGNS.search(self._words[-1].text)
        if not words:
            return Before(None, unread, left_open)
        text = space_of(self._language).join(word.text for word in words)
        return Before(Front(sound, text, self._language), unread, left_open)

    def add(self, speech: EncodedSpeech, read: Transcript, speaker: Speaker) -> None:
        """Take a segment whose words, as they were read, are published."""
        words, language = read.words, read.language
        if not self._goes_on(speech, speaker) or language != self._language:
            self.forget()
        if self._words and read.joint:
            last = self._words[-1]
            self._words[-1] = replace(last, text=f"{_SIGNS.sub('', last.text)}{read.joint}")
        edge = len(self._sound) / SAMPLE_RATE
        self._words += [replace(word, start=word.start + edge, end=word.end + edge) for word in words]
        self._sound = np.concatenate([self._sound, speech.samples])
        self._language, self._end, self._speaker = language, speech.speech_end, speaker
        self._unread = []
        if len(self._sound) > self._longest * SAMPLE_RATE:
            self._words, self._sound = _newest(self._words, self._sound, self._longest)

    def wait(self, speech: EncodedSpeech, speaker: Speaker) -> None:
        """Take a segment in which nothing could be read."""
        if not self._goes_on(speech, speaker):
            self.forget()
        self._unread.append(speech)
        while sum(len(each.samples) for each in self._unread) > MOST_UNREAD * SAMPLE_RATE:
            del self._unread[0]
        self._end, self._speaker = speech.speech_end, speaker

    def _goes_on(self, speech: EncodedSpeech, speaker: Speaker) -> bool:
        if self._end is None or seconds(speech.speech_start - self._end) > LONGEST_PAUSE:
            return False
        return goes_on(self._speaker, speaker)


def goes_on(before: Speaker, after: Speaker) -> bool:
    """Whether the same person may go on, as far as it can be seen."""
    return before.off_camera == after.off_camera and len({before.face, after.face} - {None}) < 2


def _newest(words: Sequence[TimedWord], sound: Float32, most: float) -> tuple[list[TimedWord], Float32]:
    """The newest words that fit into so many seconds of their sound, and that; words are not cut."""
    cut = len(sound) / SAMPLE_RATE - most
    if cut <= 0:
        return list(words), sound
    first = next((at for at, word in enumerate(words) if word.start >= cut), len(words))
    kept = words[first:]
    if not kept:
        return [], sound[len(sound) :]
    if first:
        cut = max(cut, (words[first - 1].end + kept[0].start) / 2)
    cut = min(cut, kept[0].start)
    moved = [replace(word, start=word.start - cut, end=word.end - cut) for word in kept]
    return moved, sound[round(cut * SAMPLE_RATE) :]


def closed(read: Transcript, sure: float) -> Transcript:
    """A text, without the sign at its end if that is not sure: what comes next decides it.

    An ellipsis, with which recognisers write that somebody did not end, is no sign of the text.

    Args:
        read: the text.
        sure: see `Recogniser.sure_of_end`.
    """
    if not read.words or read.closing is None:
        return read
    *rest, last = read.words
    if _ELLIPSIS.search(last.text) or (read.closing < sure and _SIGNS.search(last.text)):
        return replace(read, words=(*rest, replace(last, text=_SIGNS.sub("", last.text) or last.text)))
    return read


def continued(words: Sequence[TimedWord], language: str | None) -> tuple[TimedWord, ...]:
    """The words of a text that was read by itself, and goes on in a sentence: it does not begin with a capital.

    Only English words that are surely no names are changed.
    """
    if not words or language != "en":
        return tuple(words)
    first, *rest = words
    parts = marked(first.text)
    if folded(parts.core) not in _CONTINUING:
        return tuple(words)
    return (replace(first, text=f"{parts.before}{parts.core[:1].lower()}{parts.core[1:]}{parts.after}"), *rest)


def _sure(words: Sequence[TimedWord]) -> float:
    return math.exp(mean_log([word.confidence for word in words]))
