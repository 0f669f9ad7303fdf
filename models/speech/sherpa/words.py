"""From what sherpa-onnx gives, a text and its pieces, to words with their times.

What the pieces are differs: parts of words with a space before the first, single letters, signs of a script without
spaces, bytes of a letter ("<0xE4>"), Paraformer's "hel@@", which the next one goes on with. The text is right in all of
them, so the words are the text's, and the pieces are asked for nothing but where its letters were heard.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from lipstream.models.speech.alignment import frame_levels
from lipstream.models.speech.engine import SAMPLE_RATE, Float32, Hypothesis, TimedWord, WordSpan
from lipstream.models.speech.word_times import timed_words

SECONDS_A_LETTER: Final = 0.08
"""How long a letter of a piece takes at most, where only its start is known: slow speech has 12 in a second."""
SHORTEST_PIECE: Final = 0.2
"""Seconds that a piece may last, however few its letters are."""

LATEST: Final = 0.3
"""Seconds after the end of the sound at which a network may still write what it heard in it."""

LEVEL_RATE: Final = 50.0
"""Frames a second in which voiced sound is looked for."""
SMOOTHED: Final = 3
"""Frames over which their power is averaged."""
VOICED: Final = 0.4
"""How far above the quiet frames, toward the loud ones, a frame counts as voiced."""
LONGEST_STOP: Final = 8
"""Frames without voice that there may be in a word, as in the stop of a "t"."""

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_UNSPACED: Final = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "MYANMAR", "KHMER")
"""Scripts without spaces between words, as Unicode names their letters; each letter counts as a word."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the library heard. Lists that it does not give are empty, the others as long as `tokens`.

    Attributes:
        text: the whole text, as the library writes it.
        tokens: its pieces.
        starts: seconds at which they were heard.
        durations: seconds that they lasted.
        log_probabilities: their natural logarithms.
    """

    text: str
    tokens: Sequence[str] = ()
    starts: Sequence[float] = ()
    durations: Sequence[float] = ()
    log_probabilities: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class _Slot:
    """Room for letters: a letter of a piece, or a frame of a voiced stretch; times in seconds."""

    start: float
    end: float
    piece: int
    log_probability: float


def words_of(heard: Heard, sound: Float32) -> tuple[TimedWord, ...]:
    """The words of a text, in order, not overlapping, inside the sound.

    Their letters are laid along the letters of the pieces. Where the pieces do not spell the text (numbers that were
    put in figures) they are stretched to fit. Where the pieces have no times, the letters are laid along the voiced
    sound, all of them equally long, and where they have no probabilities, these are 1. A word that was heard only after
    the end of the sound, in what was put there, is left out.

    Args:
        heard: what was recognised.
        sound: (N,) float32 at 16 kHz in [-1, 1].
    """
    words = split(heard.text)
    if not len(sound) or not any(map(str.isalnum, heard.text)):
        return ()
    timed = list(_letters(heard))
    slots = timed or list(_voiced(sound))
    before = [0]
    for word in words:
        before.append(before[-1] + len(word))
    duration = len(sound) / SAMPLE_RATE
    kept: list[WordSpan] = []
    times, probabilities = [], []
    for at, word in enumerate(words):
        first = before[at] * len(slots) // before[-1]
        last = max(first + 1, -(-before[at + 1] * len(slots) // before[-1]))
        mine = slots[first:last] if timed else _longest_stretch(slots[first:last])
        if mine[0].start >= duration + LATEST:
            continue
        kept.append(WordSpan(word, len(kept), len(kept) + 1))
        times.append((mine[0].start, mine[-1].end))
        logs = {slot.piece: slot.log_probability for slot in mine}
        probabilities.append(math.exp(math.fsum(logs.values()) / len(logs)))
    hypothesis = Hypothesis(tuple(range(len(kept))), tuple(probabilities), heard.text)
    return tuple(timed_words(kept, np.array(times, np.float32).reshape(-1, 2), hypothesis, duration))


def split(text: str) -> list[str]:
    """The words of a text; in a script without spaces each letter is one, with the signs behind it."""
    words: list[str] = []
    apart = True
    for sign in text.replace("▁", " "):
        if sign.isspace():
            apart = True
            continue
        unspaced = _is_unspaced(sign)
        if apart or (sign.isalnum() and (unspaced or _is_unspaced(words[-1][0]))):
            words.append(sign)
        else:
            words[-1] += sign
        apart = False
    return words


def _is_unspaced(sign: str) -> bool:
    return unicodedata.name(sign, "").startswith(_UNSPACED)


def _letters(heard: Heard) -> Iterator[_Slot]:
    """The letters of the pieces, with the times of these; none where the library gives no times."""
    count = len(heard.tokens)
    if len(heard.starts) != count or not all(map(math.isfinite, heard.starts)):
        return
    logs = heard.log_probabilities if len(heard.log_probabilities) == count else [0.0] * count
    ends = _ends(heard)
    for at, token in enumerate(heard.tokens):
        letters = _length(token)
        start, length = heard.starts[at], ends[at] - heard.starts[at]
        for letter in range(letters):
            low, high = letter / letters, (letter + 1) / letters
            yield _Slot(start + length * low, start + length * high, at, min(0.0, logs[at]))


def _length(token: str) -> int:
    """Letters of a piece, without spaces and signs of the vocabulary; the first byte of a letter stands for it."""
    byte = _BYTE.fullmatch(token.strip())
    if byte is not None:
        return 0 if 0x80 <= int(byte[1], 16) < 0xC0 else 1
    return len("".join(token.replace("▁", " ").removesuffix("@@").split()))


def _ends(heard: Heard) -> list[float]:
    """When pieces end: as the library says, else with the next one, and no later than they can last."""
    told = heard.durations if len(heard.durations) == len(heard.tokens) else [0.0] * len(heard.tokens)
    ends = []
    for at, (token, start) in enumerate(zip(heard.tokens, heard.starts, strict=True)):
        most = max(SHORTEST_PIECE, SECONDS_A_LETTER * _length(token))
        end = start + (told[at] if told[at] > 0 else most)
        after = heard.starts[at + 1] if at + 1 < len(heard.starts) else math.inf
        ends.append(max(start, min(end, after)))
    return ends


def _voiced(sound: Float32) -> Iterator[_Slot]:
    """The frames of the sound that are loud enough for speech, beside its quiet and loud ones."""
    duration = len(sound) / SAMPLE_RATE
    levels = frame_levels(sound, max(1, int(duration * LEVEL_RATE)), LEVEL_RATE)
    power = np.convolve(10 ** (levels / 10), np.full(SMOOTHED, 1 / SMOOTHED))[SMOOTHED // 2 :][: len(levels)]
    quiet, loud = np.percentile(10 * np.log10(power), [10, 90])
    # Even sound is voiced everywhere, whatever the rounding.
    least = 10 ** ((quiet + VOICED * (loud - quiet)) / 10) * (1 - 1e-6)
    last, stretch = 0, 0
    for frame in map(int, np.flatnonzero(power >= least)):
        stretch += frame - last > LONGEST_STOP
        last = frame
        yield _Slot(frame / LEVEL_RATE, min(duration, (frame + 1) / LEVEL_RATE), stretch, 0.0)


def _longest_stretch(slots: Sequence[_Slot]) -> list[_Slot]:
    """Of the voiced frames for a word those without a pause in between: nobody pauses in a word."""
    stretches = [list(stretch) for _, stretch in groupby(slots, key=lambda slot: slot.piece)]
    return max(stretches, key=len)
