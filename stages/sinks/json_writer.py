"""One JSON object for the whole run."""

from __future__ import annotations

import io
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, ClassVar, Self

from lipstream.config import Config
from lipstream.events import (
    EmotionUpdate,
    FaceFound,
    FaceLost,
    FacesLooked,
    LipActivity,
    Remark,
    SoundEvent,
    SpeakerChanged,
    SpeakerNamed,
    TranscriptCorrected,
    TranscriptFinal,
)
from lipstream.models.used import used
from lipstream.pipeline.events import End, Event, Stats
from lipstream.stages.sinks.emotion_spans import EmotionIntervals
from lipstream.stages.sinks.spoken import SpokenLanguage
from lipstream.stages.sinks.text import json_text
from lipstream.stages.sinks.transcript.amending import AmendedJson, SpeakerTotals, segment_of
from lipstream.stages.sinks.transcript.schema import VERSION, RatesRecord
from lipstream.stages.sinks.writer import Writer
from lipstream.version import version

LIPS_RATE = 25.0
"""Most lip records a second."""
_JITTER = 0.0005
"""Camera times are not exact: two records may be this much closer than the rate says, in seconds."""
_COPY = 1 << 16
_LANGUAGE = 12
"""Characters left for the language and the comma behind it."""


class _Later:
    """A list that stands further behind in the object: its records wait in an unnamed temporary file."""

    def __init__(self, folder: Path) -> None:
        self.count = 0
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`

    def add(self, record: Mapping[str, object]) -> None:
        self._file.write(_item(self.count, record).encode())
        self.count += 1

    def pieces(self) -> Iterator[str]:
        """The list but for its brackets, then the end of it."""
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, encoding="utf-8", newline="")
        while piece := text.read(_COPY):
            yield piece
        text.detach()
        yield _close_list(self.count)

    def close(self) -> None:
        self._file.close()


class JsonWriter(Writer):
    """The segments with their words, the faces, the lips, the emotions and the figures of a run; times in seconds.

    Segments go straight into the file, so that a crash loses none; lips and emotions wait in temporary files beside it,
    because in the object they follow the last segment. An emotion is an interval in which a face keeps its label, in
    the order in which they end, with the means of its updates.
    """

    needs_run = True
    config: ClassVar[Config | None] = None
    """That of the run, as far as it is known."""

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._lips: _Later | None = None
        self._emotions: _Later | None = None
        self._intervals = EmotionIntervals()
        self._lip_time = -LIPS_RATE
        self._segments = 0
        self._spoken = SpokenLanguage()
        self._state_at = 0
        self._reached = 0.0
        self._open_faces: dict[int, float] = {}
        self._faces: list[tuple[int, float, float]] = []
        self._stats: Stats | None = None
        self._remarks: list[Remark] = []
        self._noises: dict[tuple[str, float], SoundEvent] = {}
        self._speakers = SpeakerTotals()
        self._numbers = array("q")
        self._amend = False
        self._looks: list[FacesLooked] = []

    @classmethod
    def configured(cls, config: Config) -> type[Self]:
        """One that tells the configuration."""
        return type(cls.__name__, (cls,), {"__module__": cls.__module__, "__doc__": cls.__doc__, "config": config})

    def begin(self) -> None:
        """Write what is known before the first segment, with room for the duration and whether it is whole."""
        self._lips, self._emotions = _Later(self.path.parent), _Later(self.path.parent)
        head = f'{{\n  "lipstream": {json_text(version())},\n  "schema_version": {VERSION},\n'
        head += f'  "source": {json_text(self.source)},\n'
        self.put(head)
        self._state_at = len(head.encode("utf-8", "replace"))
        self.put(_state(0.0, False, None) + '  "segments": [')

    def write(self, event: Event) -> None:
        """Take what the object shows of the event."""
        match event:
            case TranscriptFinal():
                self._amend = self._amend or (event.joint != "" and self._segments > 0)
                self._write_segment(event)
            case LipActivity():
                self._write_lips(event)
            case EmotionUpdate():
                self._write_emotion(event)
            case TranscriptCorrected():
                self._spoken.take(event)
                self._amend = self._amend or self._segments > 0
            case SpeakerChanged() | SpeakerNamed():
                self._amend = self._amend or self._segments > 0
            case FaceFound():
                self._open_faces[event.face] = event.time
                self.mark_content()
            case FaceLost():
                self._open_faces.pop(event.face, None)
                self._faces.append((event.face, event.start, event.time))
            case FacesLooked():
                self._looks.append(event)
            case SoundEvent():
                self._noises[event.label, event.start] = event
                self.mark_content()
            case Remark():
                self._remarks.append(event)
            case Stats():
                self._stats = event
        self._reached = max(self._reached, event.emitted)

    def complete(self, end: End | None) -> None:
        """Write faces, lips, emotions and figures, and into their place the duration and whether the run was whole."""
        duration = end.duration if end else self._reached
        for face, start in self._open_faces.items():
            self._faces.append((face, start, max(start, duration)))
        self.put(f'{_close_list(self._segments)},\n  "faces": [', flush=False)
        for index, (face, start, last) in enumerate(sorted(self._faces)):
            self.put(_item(index, {"id": face, "start": round(start, 3), "end": round(last, 3)}), flush=False)
        self.put(f'{_close_list(len(self._faces))},\n  "speakers": [', flush=False)
        speakers = self._speakers.records(self.book)
        for index, record in enumerate(speakers):
            self.put(_item(index, record), flush=False)
        self.put(f'{_close_list(len(speakers))},\n  "lips": [', flush=False)
        assert self._lips is not None and self._emotions is not None and self._file is not None
        for record in self._intervals.finish():
            self._emotions.add(record)
        for piece in self._lips.pieces():
            self.put(piece, flush=False)
        self.put(',\n  "emotions": [', flush=False)
        for piece in self._emotions.pieces():
            self.put(piece, flush=False)
        looks = [
            {"start": round(each.start, 3), "end": round(each.end, 3), "rate": each.rate, "reason": each.reason}
            for each in self._looks
        ]
        for name, value in (
            ("sounds", self._heard(duration)),
            ("rates", self._rates()),
            ("looks", looks),
            ("settings", self._settings()),
            ("models", used()),
        ):
            self.put(f',\n  "{name}": {json_text(value)}', flush=False)
        remarks = [{"modality": each.modality, "kind": each.kind, "text": each.text} for each in self._remarks]
        self.put(f',\n  "remarks": {json_text(remarks)}')
        self.put(f',\n  "stats": {json_text(self._figures(duration))}\n}}\n')
        self._file.seek(self._state_at)
        self.put(_state(duration, self.whole(end), self._spoken.code))

    def convert(self) -> Path | None:
        """Put right texts, who speaks, and signs that were left open, where that was known after it was told."""
        if not self._amend:
            return None
        with self.part.open(encoding="utf-8", newline="") as lines, self.made_anew() as file:
            for line in AmendedJson(self.book, self._numbers).lines(lines):
                file.write(line.encode("utf-8", "replace"))
        return self.made

    def release(self) -> None:
        """Drop the temporary files."""
        for later in (self._lips, self._emotions):
            if later is not None:
                later.close()

    def _write_segment(self, event: TranscriptFinal) -> None:
        self._spoken.take(event)
        self._speakers.add(event)
        self._numbers.append(event.segment)
        self.put(_item(self._segments, segment_of(event)))
        self._segments += 1
        self.mark_content()

    def _write_lips(self, event: LipActivity) -> None:
        if event.time - self._lip_time < 1 / LIPS_RATE - _JITTER:
            return
        assert self._lips is not None
        record = {"time": round(event.time, 3), "face": event.face, "aperture": round(event.aperture, 4)}
        self._lips.add(record)
        self._lip_time = event.time
        self.mark_content()

    def _write_emotion(self, event: EmotionUpdate) -> None:
        assert self._emotions is not None
        for record in self._intervals.add(event):
            self._emotions.add(record)
        if any(event.weights.values()):
            self.mark_content()

    def _heard(self, duration: float) -> list[dict[str, object]]:
        """The sounds in order; what was never over lasts to the end of the run."""
        return [
            {
                "label": each.label,
                "start": round(each.start, 3),
                "end": round(max(each.start, duration) if each.end is None else each.end, 3),
                "confidence": round(each.confidence, 3),
            }
            for each in sorted(self._noises.values(), key=lambda each: (each.start, each.label))
        ]

    def _settings(self) -> dict[str, object] | None:
        return None if self.config is None else self.config.model_dump(mode="json")

    def _rates(self) -> dict[str, float | None]:
        config = self.config
        if config is None:
            return dict.fromkeys(RatesRecord.model_fields)
        picture, felt = config.video.enabled, config.emotion.enabled
        return {
            "faces": config.face.max_fps if picture else None,
            "lips": min(config.lips.report_rate, LIPS_RATE) if picture else None,
            "expressions": config.emotion.face_rate if picture and felt else None,
            "emotions": 1 / config.emotion.update_interval if felt else None,
        }

    def _figures(self, duration: float) -> dict[str, object]:
        wall = self._stats.wall if self._stats else None
        return {
            "rtf": None if wall is None or duration <= 0 else round(wall / duration, 4),
            "wall_seconds": None if wall is None else round(wall, 3),
            "stages": self._stats.stages if self._stats else {},
        }


def _item(index: int, record: Mapping[str, object]) -> str:
    return f"{',' if index else ''}\n    {json_text(record)}"


def _close_list(count: int) -> str:
    return "\n  ]" if count else "]"


def _state(duration: float, complete: bool, language: str | None) -> str:
    """The lines of what is known at the end, of the same length for every duration that fits in ten digits.

    The language is that of most words.
    """
    known = f'  "duration": {f"{duration:.3f},":<14}\n  "complete": {f"{json_text(complete)},":<6}\n'
    return f'{known}  "language": {f"{json_text(language)},":<{_LANGUAGE}}\n'
