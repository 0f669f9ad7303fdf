"""Segments for the tests of subtitles."""

from __future__ import annotations

from lipstream.config import SubtitlesConfig
from lipstream.events import TranscriptFinal, Word
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.stages.sinks.subtitles.cutter import cut


def spoken(text: str, start: float = 0.0, pace: float = 0.3, gap: float = 0.05, **facts: object) -> TranscriptFinal:
    """A segment whose words take `pace` seconds each, `gap` seconds of silence between them."""
    words = []
    for word in text.split():
        words.append(Word(word=word, start=start, end=start + pace - gap, confidence=0.9))
        start += pace
    return TranscriptFinal(segment=1, start=words[0].start, end=words[-1].end, text=text, words=tuple(words), **facts)


def unspaced(text: str, start: float = 0.0, pace: float = 0.15, language: str = "ja") -> TranscriptFinal:
    """A segment of a script without spaces, each character a word."""
    words = tuple(
        Word(word=char, start=start + index * pace, end=start + (index + 1) * pace, confidence=0.9)
        for index, char in enumerate(text)
    )
    return TranscriptFinal(
        segment=1, start=start, end=start + len(text) * pace, text=text, words=words, language=language
    )


def cues_of(*finals: TranscriptFinal, **rules: object) -> list[Cue]:
    return cut(finals, SubtitlesConfig(**rules))


def lines_of(*finals: TranscriptFinal, **rules: object) -> list[tuple[str, ...]]:
    return [cue.lines for cue in cues_of(*finals, **rules)]
