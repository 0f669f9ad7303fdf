"""What is said in the quiet recordings of a user, where no transcript tells.

Recordings that follow each other are read as one (WhisperX's cut and merge, Bain et al. 2023, arXiv 2303.00747): from
the others a recogniser learns what is talked about. Of short commands, which nobody expects, it then gets half as many
words wrong or fewer (docs/experiments/speech_fusion.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lipstream.models.av_speech.enrolment.neighbours import TOGETHER, Neighbours
from lipstream.models.av_speech.recording import SAMPLE_RATE, Float32
from lipstream.models.profile_files import LANGUAGE
from lipstream.models.speech.alignment import frame_levels
from lipstream.models.speech.engine import TimedWord, mean_log
from lipstream.models.speech.moonshine import FRAME_RATE
from lipstream.models.speech.recogniser import Hints, Recogniser, Utterance
from lipstream.models.speech.spacing import plain
from lipstream.models.training.progress import ProgressReport

LOUD: Final = 0.7
"""Where a voice is, in parts of the way in decibels from the quiet frames to the loud ones; breath is below."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was read in a recording.

    Attributes:
        text: the words; empty where none could be read.
        words: the same, with seconds from the start of the recording.
        confidence: in [0, 1], the geometric mean of those of the words; 0 without words.
    """

    text: str
    words: tuple[TimedWord, ...]
    confidence: float


def read_quietly(sounds: Sequence[Float32], recogniser: Recogniser, report: ProgressReport) -> list[Heard]:
    """Read recordings of one person.

    Args:
        sounds: (N,) float32 at 16 kHz each, in the order in which they were spoken, as far as they have one.
        recogniser: who reads; loaded.
        report: progress.
    """
    found: list[Heard] = []
    for batch in _together(sounds, min(TOGETHER, recogniser.longest)):
        for sound, words in zip(batch, _read_as_one(batch, recogniser), strict=True):
            # What is passed over among others may be read by itself.
            found.append(_heard(words or (_read(sound, recogniser) if len(batch) > 1 else ())))
        report("listening", len(found), len(sounds), "")
    return found


def voiced_part(sound: Float32) -> tuple[float, float]:
    """Seconds from the first to the last loud frame of (N,) sound at 16 kHz in which somebody speaks."""
    levels = frame_levels(sound, max(1, int(len(sound) / SAMPLE_RATE * FRAME_RATE)), FRAME_RATE)
    low, high = np.percentile(levels, [5, 90])
    loud = np.flatnonzero(levels >= low + LOUD * (high - low))
    return float(loud[0]) / FRAME_RATE, float(loud[-1] + 1) / FRAME_RATE


def _together(sounds: Sequence[Float32], longest: float) -> Iterator[list[Float32]]:
    """Neighbours that last `longest` seconds together at most; by itself what is longer."""
    neighbours = Neighbours[Float32](longest)
    for sound in sounds:
        if full := neighbours.add(sound, len(sound)):
            yield full
    if rest := neighbours.take():
        yield rest


def _read_as_one(sounds: Sequence[Float32], recogniser: Recogniser) -> list[list[TimedWord]]:
    """The words of each sound, with times from its start."""
    lengths = [len(sound) / SAMPLE_RATE for sound in sounds]
    edges = np.cumsum([0.0, *lengths]).tolist()
    spans = [(edge + start, edge + end) for edge, (start, end) in zip(edges, map(voiced_part, sounds), strict=False)]
    found: list[list[TimedWord]] = [[] for _ in sounds]
    place = 0
    for word in _read(np.concatenate(sounds), recogniser):
        place = max(place, _place(word, spans))  # words keep their order
        start, end = (min(max(0.0, at - edges[place]), lengths[place]) for at in (word.start, word.end))
        found[place].append(replace(word, start=start, end=end))
    return [_once(words, end - edge) for words, (_, end), edge in zip(found, spans, edges, strict=False)]


def _once(words: list[TimedWord], voiced: float) -> list[TimedWord]:
    """Words without what was read twice: behind the voice, which ends after `voiced` seconds, Whisper may go on."""
    half, odd = divmod(len(words), 2)
    once, again = ([plain(word.text) for word in part] for part in (words[:half], words[half:]))
    return words[:half] if half and not odd and once == again and words[half].end > voiced else words


def _place(word: TimedWord, spans: Sequence[tuple[float, float]]) -> int:
    """In which of some stretches with a voice, in seconds, most of a word is; in silence it is of the one before it."""
    shared = [min(word.end, end) - max(word.start, start) for start, end in spans]
    if max(shared) > 0:
        return shared.index(max(shared))
    return max(0, sum(start <= word.start for start, _ in spans) - 1)


def _read(sound: Float32, recogniser: Recogniser) -> Sequence[TimedWord]:
    return recogniser.recognise(Utterance(sound, len(sound) / SAMPLE_RATE), Hints(LANGUAGE)).words


def _heard(words: Sequence[TimedWord]) -> Heard:
    if not words:
        return Heard("", (), 0.0)
    confidence = math.exp(mean_log([word.confidence for word in words]))
    return Heard(" ".join(word.text for word in words), tuple(words), confidence)
