"""Clips laid out as the GRID corpus: spoken commands with the time of each word.

A folder holds `words.tsv` (a line of titles, then NAME <tab> word@start-end word@start-end ..., in seconds) and
`clips/NAME.mp4` or any other container. Grammar and corpus: Cooke et al., "An audio-visual corpus for speech
perception and automatic speech recognition", JASA 120, 2006.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from clips import read_audio

from lipstream.models.speech.tokenizer import Tokenizer

CHOSEN_ON = 200
"""The heads and constants of the aligner were chosen on this many clips at the start of the shuffled order."""
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPACE = "\u2581"
_FIRST_PIECE = 259
"""Ids below are control tokens and single bytes."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word and when it was said, in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Clip:
    """One command."""

    path: Path
    words: tuple[SpokenWord, ...]

    def audio(self) -> npt.NDArray[np.float32]:
        """(N,) samples at 16 kHz."""
        return read_audio(self.path)


def read_clips(folder: Path) -> list[Clip]:
    """All clips, in an order shuffled the same way each time."""
    media = {path.stem: path for path in (folder / "clips").iterdir()}
    lines = (folder / "words.tsv").read_text(encoding="utf-8").splitlines()[1:]
    random.Random(0).shuffle(lines)
    clips = []
    for line in lines:
        name, spans = line.split("\t")
        clips.append(Clip(media[name], tuple(map(_spoken_word, spans.split()))))
    return clips


def _spoken_word(span: str) -> SpokenWord:
    text, _, times = span.partition("@")
    start, _, end = times.partition("-")
    return SpokenWord(text, float(start), float(end))


class Speller:
    """Spells commands in tokens the way the recogniser writes them: "Place white at X5 soon."."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._ids: dict[str, int] = {}
        for token in range(_FIRST_PIECE, tokenizer.text_end):
            space, piece = (_SPACE if tokenizer.starts_word(token) else ""), tokenizer.text([token])
            # Twice in a row shows spaces at the end, which no command has.
            if tokenizer.text([token, token]) == (f"{piece} {piece}" if space else piece + piece):
                self._ids.setdefault(space + piece, token)

    def command(self, clip: Clip) -> tuple[list[int], list[int]]:
        """The tokens of a clip's words and a full stop, and for each word the index of its first token."""
        tokens: list[int] = []
        firsts = []
        for index, word in enumerate(clip.words):
            firsts.append(len(tokens))
            tokens += self._spell(self._written(word.text, first=index == 0))
        return [*tokens, self._ids["."]], firsts

    def _written(self, word: str, first: bool) -> str:
        if word in DIGITS:
            return str(DIGITS.index(word))
        if first:
            word = word.capitalize()
        return _SPACE + (word.upper() if len(word) == 1 else word)

    def _spell(self, text: str) -> list[int]:
        """Byte-pair encoding: join the pair that the vocabulary learnt first until none is left."""
        parts = list(text)
        while True:
            pairs = [(self._ids.get(a + b), at) for at, (a, b) in enumerate(pairwise(parts))]
            known = [(token, at) for token, at in pairs if token is not None]
            if not known:
                return [self._ids[part] for part in parts]
            at = min(known)[1]
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
