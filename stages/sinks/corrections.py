"""Texts of finals that were corrected after they were told, kept until they are asked for."""

from __future__ import annotations

import json
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import IO, Protocol

from lipstream.events import TranscriptCorrected, TranscriptFinal
from lipstream.stages.corrected import Key, key_of
from lipstream.stages.sinks.noted import event_of
from lipstream.stages.sinks.text import json_text


class Corrections(Protocol):
    """Where corrected texts are kept."""

    def add(self, event: TranscriptCorrected) -> None:
        """Keep one."""

    def of(self, final: TranscriptFinal) -> TranscriptCorrected | None:
        """That of a final; None if it was not corrected."""


class CorrectionsInMemory:
    """For those who keep the finals in memory too.

    Args:
        most: how many are kept, the newest; None for all.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._events: OrderedDict[Key, TranscriptCorrected] = OrderedDict()

    def add(self, event: TranscriptCorrected) -> None:
        """Keep one."""
        self._events[key_of(event)] = event
        while self._most is not None and len(self._events) > self._most:
            self._events.popitem(last=False)

    def of(self, final: TranscriptFinal) -> TranscriptCorrected | None:
        """That of a final; None if it was not corrected, or that was long ago."""
        return self._events.get(key_of(final))


class CorrectionsOnDisk:
    """In an unnamed temporary file, so that memory does not grow with a run. There is none as long as none has come.

    Args:
        folder: where there is room for it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._places: dict[Key, int] = {}

    def add(self, event: TranscriptCorrected) -> None:
        """Keep one."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by `close`
        place = self._file.seek(0, 2)
        self._file.write(f"{json_text(event.to_dict())}\n".encode("utf-8", "replace"))
        self._places[key_of(event)] = place

    def of(self, final: TranscriptFinal) -> TranscriptCorrected | None:
        """That of a final; None if it was not corrected."""
        place = self._places.get(key_of(final))
        if place is None or self._file is None:
            return None
        self._file.seek(place)
        event = event_of(json.loads(self._file.readline()))
        assert isinstance(event, TranscriptCorrected)
        return event

    def close(self) -> None:
        """Drop the file."""
        file, self._file = self._file, None
        self._places.clear()
        if file is not None:
            file.close()
