"""Words of a segment, placed in the session."""

from __future__ import annotations

import math

import numpy as np

from lipstream.events import Word
from lipstream.models.speech.engine import TimedWord
from lipstream.pipeline import micros, seconds
from lipstream.stages.payloads import EncodedSpeech


def placed(word: TimedWord, speech: EncodedSpeech) -> Word:
    """Move a word's times from the segment to the session; it does not end after what was heard."""
    start, end = (min(speech.end, speech.start + micros(moment)) for moment in (word.start, word.end))
    return Word(
        word=word.text,
        start=seconds(start),
        end=seconds(end),
        confidence=round(word.confidence, 4),
        lip_gate=round(_gate(word, speech), 4),
    )


def _gate(word: TimedWord, speech: EncodedSpeech) -> float:
    """Mean gate of the frames that a word touches."""
    gate = speech.lip_gate
    if gate is None or not len(gate):
        return 0.0
    rate = speech.encoding.frame_rate
    first = min(int(word.start * rate), len(gate) - 1)
    return float(np.mean(gate[first : max(first + 1, math.ceil(word.end * rate))]))
