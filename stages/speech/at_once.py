"""Two visible people who speak at once: who they may be, and what of the two readings is to be believed.

A mask that fails lets the other voice through, mostly the louder one, and then both readings have the same words. So
what both have is said by one of them, and a reading of which little is left, or which is doubtful, is none.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

import numpy as np

from lipstream.events import TranscriptFinal
from lipstream.models.speech.engine import TimedWord, mean_log
from lipstream.models.speech.fusion import VoicePart
from lipstream.models.speech.recogniser import Hints, Recogniser, Utterance
from lipstream.models.speech.spacing import plain, space_of
from lipstream.stages.payloads import AtOnce, Bool, EncodedSpeech, Float32, LipFrame, VoiceOf
from lipstream.stages.speech.live_text import LiveText
from lipstream.stages.speech.placing import placed
from lipstream.stages.speech.reading.texts import sure_enough
from lipstream.stages.speech.turns import most_of, spoken_by

TOGETHER: Final = 25
"""Lip frames, 25 a second, in which two mouths must move."""
SAME_TIME: Final = 0.6
"""Seconds by which the same word may be apart in two readings of the same sound."""
MINUTE: Final = 60.0
"""Seconds of sound over which it is counted how much of it was read twice."""
MOST_LIVE: Final = 18.0
"""Seconds of that, where somebody waits: to read all of it twice costs an eighth of a core (docs/speakers.md)."""
_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Trust:
    """What two readings need to be believed; chosen on recordings of other people than those judged.

    Attributes:
        words: least number of words of each where both speak.
        own: least probability that a mouth is a voice heard, of each.
        sure: least mean confidence (geometric) of the words of each.
        left: least share of the words of each that are not the other's.
    """

    words: int = 3
    own: float = 0.2
    sure: float = 0.5
    left: float = 0.5


USUAL: Final = Trust()


@dataclass(frozen=True, slots=True)
class BothRead:
    """What two people say at once.

    Attributes:
        words: those of the one and of the other, as `believed`; times from the first sample of the segment.
        languages: of the two texts.
    """

    words: tuple[list[TimedWord], list[TimedWord]]
    languages: tuple[str | None, str | None]


class ReadBoth:
    """Reads what two people say at once. What was read ahead of the end of a segment holds at it."""

    def __init__(self) -> None:
        self._ahead: tuple[int, BothRead | None] | None = None

    def read(self, speech: EncodedSpeech, at_once: AtOnce, reader: Recogniser, hints: Hints) -> BothRead | None:
        """Read a segment that ends; None where what was read cannot be believed.

        Args:
            speech: the segment.
            at_once: the two.
            reader: who reads finished speech.
            hints: what the reader is told.
        """
        known, self._ahead = self._ahead, None
        if known is not None and known[0] == speech.prediction:
            return known[1]
        if not both_speak(at_once):
            return None
        both = self._read(speech, at_once, reader, hints)
        if speech.prediction:
            self._ahead = speech.prediction, both
        return both

    @staticmethod
    def _read(speech: EncodedSpeech, at_once: AtOnce, reader: Recogniser, hints: Hints) -> BothRead | None:
        one, other = at_once.voices
        # Mostly it is the second one that cannot be read; then the first one need not be.
        theirs = reader.recognise(utterance_of(other, speech, reader), hints)
        if not may_be_believed(theirs.words, other.part, at_once):
            return None
        mine = reader.recognise(utterance_of(one, speech, reader), hints)
        words = believed((mine.words, theirs.words), at_once)
        return None if words is None else BothRead(words, (mine.language, theirs.language))


def two_mouths(frames: Sequence[LipFrame]) -> tuple[int, int] | None:
    """The faces whose mouths move at the same time for a second or more; None where there are no such two.

    The first is the one that was looked at for most of it, the second the one that moved for longest meanwhile.
    """
    if sum(bool(frame.other_lips) for frame in frames) < TOGETHER:
        return None
    first = _most(frame.lips.face for frame in frames if frame.lips is not None)
    if first is None:
        return None
    meanwhile = [frame for frame in frames if frame.of(first[0]) is not None]
    others = (lips.face for frame in meanwhile for lips in (frame.lips, *frame.other_lips) if lips is not None)
    second = _most(face for face in others if face != first[0])
    return None if second is None or second[1] < TOGETHER else (first[0], second[0])


def as_heard(speech: EncodedSpeech, voice: VoiceOf) -> EncodedSpeech:
    """A segment as it is heard of one voice."""
    part = voice.part
    return dataclasses.replace(speech, encoding=part.encoding, samples=part.sound, lip_gate=part.gate)


def utterance_of(voice: VoiceOf, speech: EncodedSpeech, reader: Recogniser) -> Utterance:
    """What there is to read of one voice, by itself.

    Though somebody is seen to speak, a text of which the reader is not sure is to be heard by another one too, as of
    speech in which nobody is seen: a second caption must not be made up. That one hears the sound of the voice.
    """
    return Utterance(voice.part.sound, speech.heard, voice.part.encoding if reader.reads_frames else None)


def believed(
    reads: tuple[Sequence[TimedWord], Sequence[TimedWord]], at_once: AtOnce, trust: Trust = USUAL
) -> tuple[list[TimedWord], list[TimedWord]] | None:
    """What each of two people says, of two readings of the same segment; None where that cannot be believed.

    Args:
        reads: the words of the one and of the other, in order.
        at_once: the two.
        trust: what is needed.

    Returns:
        The words of the first, and those of the second where both speak: all else is the first's.
    """
    parts = [voice.part for voice in at_once.voices]
    if not both_speak(at_once, trust):
        return None
    rate = parts[0].encoding.frame_rate
    worth = [sure_enough(words, part.encoding) for words, part in zip(reads, parts, strict=True)]
    mine, theirs = worth
    lost = _others(mine, theirs, parts[0].share, parts[1].share, rate)
    kept: list[list[TimedWord]] = []
    for words, gone in zip(worth, lost, strict=True):
        inside = [at for at, word in enumerate(words) if _mean(at_once.both, word, rate) > _HALF]
        own = [words[at] for at in inside if at not in gone]
        if len(own) < max(1, trust.words, trust.left * len(inside)):
            return None
        if math.exp(mean_log([word.confidence for word in own])) < trust.sure:
            return None
        kept.append(own)
    return [word for at, word in enumerate(mine) if at not in lost[0]], kept[1]


def may_be_believed(words: Sequence[TimedWord], part: VoicePart, at_once: AtOnce, trust: Trust = USUAL) -> bool:
    """Whether one of two readings may be believed, whatever the other one says: if the surest words are left."""
    rate = part.encoding.frame_rate
    inside = [word.confidence for word in sure_enough(words, part.encoding) if _mean(at_once.both, word, rate) > _HALF]
    least = math.ceil(max(1, trust.words, trust.left * len(inside)))
    if len(inside) < least:
        return False
    # In another order a sum is rounded in another way.
    return math.exp(mean_log(sorted(inside, reverse=True)[:least])) >= trust.sure * (1 - 1e-9)


def both_speak(at_once: AtOnce, trust: Trust = USUAL) -> bool:
    """Whether both mouths are voices that are heard; else nothing that is read of the two is believed."""
    return min(voice.part.own for voice in at_once.voices) >= trust.own


def final_of(
    speech: EncodedSpeech,
    at_once: AtOnce,
    voice: VoiceOf,
    timed: Sequence[TimedWord],
    language: str | None,
    text: LiveText | None = None,
) -> TranscriptFinal:
    """The final of one of two who speak at once.

    Args:
        speech: the segment.
        at_once: the two.
        voice: the one.
        timed: their words, at least one.
        language: of the text.
        text: what was shown of the segment, if this final is to say what it changes of that.
    """
    rate, heard = voice.part.encoding.frame_rate, as_heard(speech, voice)
    others = {each.speaker for each in at_once.voices if each is not voice} - {None}
    words = []
    for word in timed:
        said = spoken_by(placed(word, heard), speech.turns)
        # Whoever it is, it is not the other one.
        if _mean(at_once.both, word, rate) > _HALF and (voice.speaker is not None or said.speaker in others):
            said = dataclasses.replace(said, speaker=voice.speaker)
        words.append(said)
    speaker = most_of(words, [word.speaker for word in words])
    known = {turn.speaker: turn.name for turn in speech.turns} | {each.speaker: each.name for each in at_once.voices}
    return TranscriptFinal(
        segment=speech.segment,
        start=words[0].start,
        end=words[-1].end,
        text=space_of(language).join(word.word for word in words),
        words=tuple(words),
        lip_gate=float(np.mean(voice.part.gate)),
        face=voice.face,
        language=language,
        revised=() if text is None else text.revisions([word.word for word in words]),
        speaker=speaker,
        speaker_name=None if speaker is None else known.get(speaker),
        overlaps=True,
    )


def _others(
    mine: Sequence[TimedWord], theirs: Sequence[TimedWord], my_share: Float32, their_share: Float32, rate: float
) -> tuple[set[int], set[int]]:
    """Words, by their place, that both readings have at the same time: who has less of the sound there loses it."""
    lost: tuple[set[int], set[int]] = (set(), set())
    one, other = ([plain(word.text) for word in words] for words in (mine, theirs))
    for first, second, size in SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks():
        for at in range(size):
            here, there = mine[first + at], theirs[second + at]
            if abs(here.start + here.end - there.start - there.end) / 2 > SAME_TIME:
                continue
            if _mean(my_share, here, rate) >= _mean(their_share, there, rate):
                lost[1].add(second + at)
            else:
                lost[0].add(first + at)
    return lost


def _most(faces: Iterable[int]) -> tuple[int, int] | None:
    """The most frequent face and how often it is there; of equals the first number."""
    return min(Counter(faces).items(), key=lambda item: (-item[1], item[0]), default=None)


def _mean(values: Bool | Float32, word: TimedWord, rate: float) -> float:
    """Mean of (T,) values over the frames that a word touches."""
    first = min(int(word.start * rate), len(values) - 1)
    return float(np.mean(values[first : max(first + 1, math.ceil(word.end * rate))]))
