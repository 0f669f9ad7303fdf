"""Finals and what corrects their text: whose a correction is, and what it makes of a final."""

from __future__ import annotations

import dataclasses

from lipstream.events import TranscriptCorrected, TranscriptFinal

Key = tuple[int, int | None]
"""Segment and face: two finals of a segment have two faces."""


def key_of(event: TranscriptFinal | TranscriptCorrected) -> Key:
    """What tells a final from all others, and a correction whose it is."""
    return event.segment, event.face


def corrected(final: TranscriptFinal, correction: TranscriptCorrected) -> TranscriptFinal:
    """A final with its corrected text."""
    return dataclasses.replace(
        final,
        start=correction.start,
        end=correction.end,
        text=correction.text,
        words=correction.words,
        speaker=correction.speaker,
        speaker_name=correction.speaker_name,
        language=correction.language,
    )
