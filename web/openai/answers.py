"""The answers to requests for a transcription, in OpenAI's forms."""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Iterable
from typing import Any

from lipstream.events import TranscriptFinal
from lipstream.models.speech.spacing import space_of
from lipstream.stages.sinks.text import clean
from lipstream.stages.sinks.transcript.schema import SegmentRecord, TranscriptRecord
from lipstream.web.openai.languages import name_of


class Text:
    """Text that grows by finished segments."""

    def __init__(self) -> None:
        self.text = ""

    def take(self, final: TranscriptFinal) -> str:
        """Add a segment; returns what it adds."""
        added = clean(final.text)
        if self.text and added:
            added = f"{final.joint}{space_of(final.language)}{added}"
        self.text += added
        return added


def text_of(segments: Iterable[SegmentRecord]) -> str:
    """The text of segments, in one line."""
    text = ""
    for segment in segments:
        added = clean(segment.text)
        text += f"{space_of(segment.language)}{added}" if text and added else added
    return text


def plain(record: TranscriptRecord) -> dict[str, Any]:
    """The answer in the form `json`."""
    return {"text": text_of(record.segments), "usage": _usage(record)}


def verbose(record: TranscriptRecord, granularities: Collection[str], task: str) -> dict[str, Any]:
    """The answer in the form `verbose_json`, with words, segments, or both, after a task: transcribe or translate.

    What Lipstream does not have is 0 or empty: tokens, temperature, the probability of no speech. Besides OpenAI's,
    words have `confidence` and `lip_gate`, segments `face`, `off_camera` and `language`.
    """
    told: dict[str, Any] = {
        "task": task,
        "language": name_of(record.language),
        "duration": record.duration,
        "text": text_of(record.segments),
        "usage": _usage(record),
    }
    if "segment" in granularities:
        told["segments"] = [_segment(number, each) for number, each in enumerate(record.segments)]
    if "word" in granularities:
        told["words"] = [
            {
                "word": word.word.strip(),
                "start": word.start,
                "end": word.end,
                "confidence": word.confidence,
                "lip_gate": word.lip_gate,
            }
            for segment in record.segments
            for word in segment.words
        ]
    return told


def _segment(number: int, segment: SegmentRecord) -> dict[str, Any]:
    text = segment.text.encode()
    sure = [max(word.confidence, 1e-6) for word in segment.words if word.confidence is not None]
    return {
        "id": number,
        "seek": round(segment.start * 100),
        "start": segment.start,
        "end": segment.end,
        "text": clean(segment.text),
        "tokens": [],
        "temperature": 0.0,
        # Of words, which is what there are probabilities of.
        "avg_logprob": round(sum(map(math.log, sure)) / len(sure), 4) if sure else 0.0,
        "compression_ratio": round(len(text) / len(zlib.compress(text)), 4),
        "no_speech_prob": 0.0,
        "face": segment.face,
        "off_camera": segment.off_camera,
        "language": segment.language,
    }


def _usage(record: TranscriptRecord) -> dict[str, Any]:
    return {"type": "duration", "seconds": math.ceil(record.duration)}
