"""The JSON of a run, read again: the events that output formats are made of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from lipstream.events import EmotionUpdate, FaceFound, FaceLost, SoundEvent, SpeakerNamed, TranscriptFinal, Word
from lipstream.models.emotion.classes import EMOTIONS
from lipstream.pipeline.errors import UserError
from lipstream.pipeline.events import End, Event
from lipstream.stages.sinks.transcript.schema import (
    VERSION,
    EmotionRecord,
    SoundRecord,
    TranscriptRecord,
)

_NOWHERE = (0.0, 0.0, 0.0, 0.0)


def read_transcript(path: Path) -> TranscriptRecord:
    """Read a file that `-f json` has written.

    Raises:
        UserError: it cannot be read, or is something else; one line that says what.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise _no_transcript(path, "it is not UTF-8 text") from error
    try:
        return transcript_of(text)
    except ValueError as error:
        raise _no_transcript(path, str(error)) from error


def transcript_of(text: str) -> TranscriptRecord:
    """The same of text.

    Raises:
        ValueError: it is something else; one line that says what.
    """
    try:
        data = json.loads(text, parse_constant=_refuse)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"it is no whole JSON ({error})") from error
    return transcript_in(data)


def transcript_in(data: object) -> TranscriptRecord:
    """The same of what JSON says.

    Raises:
        ValueError: it is something else; one line that says what.
    """
    if not isinstance(data, dict):
        raise ValueError("it is no object")
    version = data.get("schema_version", VERSION)
    if isinstance(version, int) and version > VERSION:
        raise ValueError(f"it is of a newer Lipstream (schema {version}, this one reads {VERSION})")
    try:
        return TranscriptRecord.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"'{where}': {first['msg'][:1].lower()}{first['msg'][1:]}") from error


def events_of(transcript: TranscriptRecord) -> list[Event]:
    """The events from which the formats are made, in order; emotions once for each time that one lasts."""
    timed: list[tuple[float, int, Event]] = []
    for face in transcript.faces:
        found = FaceFound(face=face.id, time=face.start, box=_NOWHERE, emitted=face.start)
        lost = FaceLost(face=face.id, start=face.start, time=face.end, emitted=face.end)
        timed += [(face.start, 0, found), (face.end, 3, lost)]
    timed += [
        (0.0, -1, SpeakerNamed(speaker=each.id, name=each.name))
        for each in transcript.speakers
        if each.name is not None
    ]
    timed += [(0.0, -1, _sound(each)) for each in transcript.sounds]
    timed += [(each.end, 1, _update(each)) for each in transcript.emotions]
    reached = 0.0
    for final in _finals(transcript):
        # Of two who speak at once the second may end first; they keep their order.
        reached = max(reached, final.end)
        timed.append((reached, 2, final))
    events = [event for _, _, event in sorted(timed, key=lambda each: each[:2])]
    reason = "finished" if transcript.complete else "stopped"
    last = max((segment.end for segment in transcript.segments), default=0.0)
    return [*events, End(reason=reason, duration=transcript.duration or last)]


def _finals(transcript: TranscriptRecord) -> Iterator[TranscriptFinal]:
    segments = transcript.segments
    # Openai-whisper tells the language once for all segments.
    usual = None if any(segment.language for segment in segments) else transcript.language
    for number, segment in enumerate(segments, start=1):
        words = tuple(
            Word(
                word=word.word,
                start=word.start,
                end=max(word.start, word.end),
                confidence=word.confidence or 0.0,
                lip_gate=word.lip_gate or 0.0,
                speaker=word.speaker,
            )
            for word in segment.words
        )
        yield TranscriptFinal(
            segment=number,
            start=segment.start,
            end=max(segment.start, segment.end),
            text=segment.text,
            words=words,
            face=segment.face,
            off_camera=segment.off_camera,
            language=segment.language or usual,
            speaker=segment.speaker,
            speaker_name=segment.speaker_name,
            overlaps=segment.overlaps,
            emitted=segment.end,
        )


def _sound(record: SoundRecord) -> SoundEvent:
    end, confidence = max(record.start, record.end), record.confidence or 0.0
    return SoundEvent(label=record.label, start=record.start, end=end, confidence=confidence)


def _update(record: EmotionRecord) -> EmotionUpdate:
    return EmotionUpdate(
        face=record.face,
        start=record.start,
        end=record.end,
        label=record.label,
        probabilities={name: record.probabilities.get(name) or 0.0 for name in EMOTIONS},
        valence=record.valence or 0.0,
        arousal=record.arousal or 0.0,
        weights={name: record.weights.get(name) or 0.0 for name in ("face", "voice")},
        emitted=record.end,
        speaker=record.speaker,
    )


def _no_transcript(path: Path, why: str) -> UserError:
    return UserError(f"{path} is no transcript: {why}; expected what `lipstream file -f json` writes")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
