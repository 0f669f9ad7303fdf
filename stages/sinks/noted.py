"""Events kept on disk until a run is over, for formats that are made anew when what they told is corrected."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from lipstream.events import EmotionUpdate, SpeechEnded, TranscriptCorrected, TranscriptFinal, Word
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.text import json_text


class NotedEvents:
    """Finals and emotions in an unnamed temporary file, so that memory does not grow with a run.

    Args:
        folder: where there is room for it.
    """

    def __init__(self, folder: Path) -> None:
        self.count = 0
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`

    def add(self, event: Event) -> None:
        """Note an event."""
        self._file.write(f"{json_text(event.to_dict())}\n".encode("utf-8", "replace"))
        self.count += 1

    def __iter__(self) -> Iterator[Event]:
        self._file.seek(0)
        for line in self._file:
            yield event_of(json.loads(line))

    def close(self) -> None:
        """Drop the file."""
        self._file.close()


def event_of(record: Mapping[str, Any]) -> Event:
    """An event from what `Event.to_dict` gave: a final, its correction, an emotion or the end of speech.

    What a final changes of partials, and a correction of a final, is left out.
    """
    values = {key: value for key, value in record.items() if key != "event"}
    if record["event"] == EmotionUpdate.__name__:
        return EmotionUpdate(**values)
    if record["event"] == SpeechEnded.__name__:
        return SpeechEnded(**values)
    words = tuple(Word(**word) for word in values.pop("words"))
    values = {**values, "words": words, "revised": ()}
    if record["event"] == TranscriptCorrected.__name__:
        return TranscriptCorrected(**values)
    return TranscriptFinal(**values)
