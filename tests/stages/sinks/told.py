"""Finals and what is told of them later, as tests need them."""

from __future__ import annotations

from lipstream.events import SpeakerChanged, TranscriptCorrected, TranscriptFinal, Word


def words_of(start: float, *parts: tuple[int | None, str]) -> tuple[Word, ...]:
    """Words of half a second each."""
    words: list[Word] = []
    for speaker, text in parts:
        for word in text.split():
            at = start + 0.5 * len(words)
            words.append(Word(word=word, start=at, end=at + 0.4, confidence=0.9, speaker=speaker))
    return tuple(words)


def said(segment: int, start: float, *parts: tuple[int | None, str], **facts: object) -> TranscriptFinal:
    """A segment whose words take half a second each."""
    words = words_of(start, *parts)
    return TranscriptFinal(
        segment=segment,
        start=words[0].start,
        end=words[-1].end,
        text=" ".join(word.word for word in words),
        words=words,
        speaker=parts[0][0],
        emitted=words[-1].end,
        **facts,
    )


def corrected(final: TranscriptFinal, *parts: tuple[int | None, str], **facts: object) -> TranscriptCorrected:
    """What a final becomes by being read again; its words take half a second each."""
    words = words_of(final.start, *parts)
    return TranscriptCorrected(
        segment=final.segment,
        start=words[0].start,
        end=words[-1].end,
        previous=final.text,
        text=" ".join(word.word for word in words),
        words=words,
        speaker=parts[0][0],
        emitted=words[-1].end + 3.0,
        **{"face": final.face, "language": final.language, **facts},
    )


def changed(segment: int, *words: int | None, face: int | None = None) -> SpeakerChanged:
    """Who said a segment, corrected."""
    return SpeakerChanged(segment=segment, start=0.0, end=1.0, previous=1, speaker=words[0], words=words, face=face)
