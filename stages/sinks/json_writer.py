"""One JSON object for the whole run."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from pipeline.events import End, Event, FaceFound, FaceLost, LipActivity, Stats, TranscriptFinal
from stages.sinks.writer import Writer
from stages.version import version

LIPS_RATE = 25.0
"""Most lip records a second."""
_JITTER = 0.0005
"""Camera times are not exact: two records may be this much closer than the rate says, in seconds."""
_COPY = 1 << 16


class JsonWriter(Writer):
    """The segments with their words, the faces, the lips and the figures of a run; times in seconds.

    Segments go straight into the file, so that a crash loses none; lips wait in an unnamed temporary file beside it,
    because in the object they follow the last segment.
    """

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._lips: IO[bytes] | None = None
        self._lip_time = -LIPS_RATE
        self._segments = 0
        self._lip_records = 0
        self._duration_at = 0
        self._reached = 0.0
        self._open_faces: dict[int, float] = {}
        self._faces: list[tuple[int, float, float]] = []
        self._stats: Stats | None = None

    def begin(self) -> None:
        """Write what is known before the first segment, with room for the duration."""
        self._lips = tempfile.TemporaryFile(dir=self.path.parent)  # noqa: SIM115 - closed by `release`
        head = f'{{\n  "lipstream": {_json(version())},\n  "source": {_json(self.source)},\n'
        self.put(head)
        self._duration_at = len(head.encode("utf-8", "replace"))
        self.put(_duration(0.0) + '  "language": "en",\n  "segments": [')

    def write(self, event: Event) -> None:
        """Take what the object shows of the event."""
        match event:
            case TranscriptFinal():
                self._write_segment(event)
            case LipActivity():
                self._write_lips(event)
            case FaceFound():
                self._open_faces[event.face] = event.time
                self.mark_content()
            case FaceLost():
                self._open_faces.pop(event.face, None)
                self._faces.append((event.face, event.start, event.time))
            case Stats():
                self._stats = event
        self._reached = max(self._reached, event.emitted)

    def complete(self, end: End | None) -> None:
        """Write faces, lips and figures, and the duration into its place."""
        duration = end.duration if end else self._reached
        for face, start in self._open_faces.items():
            self._faces.append((face, start, max(start, duration)))
        self.put(f'{_close_list(self._segments)},\n  "faces": [', flush=False)
        for index, (face, start, last) in enumerate(sorted(self._faces)):
            self.put(_item(index, {"id": face, "start": round(start, 3), "end": round(last, 3)}), flush=False)
        self.put(f'{_close_list(len(self._faces))},\n  "lips": [', flush=False)
        self._copy_lips()
        self.put(f'{_close_list(self._lip_records)},\n  "stats": {_json(self._figures(duration))}\n}}\n')
        assert self._file is not None
        self._file.seek(self._duration_at)
        self.put(_duration(duration))

    def release(self) -> None:
        """Drop the temporary file."""
        if self._lips is not None:
            self._lips.close()

    def _write_segment(self, event: TranscriptFinal) -> None:
        words = [
            {
                "word": word.word,
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "confidence": round(word.confidence, 3),
            }
            for word in event.words
        ]
        segment = {"start": round(event.start, 3), "end": round(event.end, 3), "text": event.text, "words": words}
        self.put(_item(self._segments, segment))
        self._segments += 1
        self.mark_content()

    def _write_lips(self, event: LipActivity) -> None:
        if event.time - self._lip_time < 1 / LIPS_RATE - _JITTER:
            return
        assert self._lips is not None
        record = {"time": round(event.time, 3), "face": event.face, "aperture": round(event.aperture, 4)}
        self._lips.write(_item(self._lip_records, record).encode())
        self._lip_time = event.time
        self._lip_records += 1
        self.mark_content()

    def _copy_lips(self) -> None:
        assert self._lips is not None
        self._lips.seek(0)
        while piece := self._lips.read(_COPY):
            self.put(piece.decode(), flush=False)

    def _figures(self, duration: float) -> dict[str, object]:
        wall = self._stats.wall if self._stats else 0.0
        return {
            "rtf": round(wall / duration, 4) if duration > 0 else None,
            "wall_seconds": round(wall, 3),
            "stages": self._stats.stages if self._stats else {},
        }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _item(index: int, record: Mapping[str, object]) -> str:
    return f"{',' if index else ''}\n    {_json(record)}"


def _close_list(count: int) -> str:
    return "\n  ]" if count else "]"


def _duration(seconds: float) -> str:
    """The line of the duration, of the same length for every value that fits in ten digits."""
    return f'  "duration": {f"{seconds:.3f},":<14}\n'
