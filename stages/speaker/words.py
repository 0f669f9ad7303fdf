"""Who says each word, from who speaks when."""

from __future__ import annotations

from collections.abc import Sequence

from lipstream.events import Word
from lipstream.models.voice.diarization import Heard


def said_by(word: Word, heard: Sequence[tuple[Heard, int]]) -> int:
    """The speaker of the window whose middle is nearest to that of a word."""
    middle = (word.start + word.end) / 2
    return min(heard, key=lambda each: abs((each[0].start + each[0].end) / 2 - middle))[1]
