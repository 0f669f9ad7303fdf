"""WebVTT subtitles (https://www.w3.org/TR/webvtt1/)."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from lipstream.events import EmotionUpdate, TranscriptFinal
from lipstream.pipeline.events import End, Event
from lipstream.stages.sinks.cues import Cue, split_cues
from lipstream.stages.sinks.emotion_spans import EmotionTrack
from lipstream.stages.sinks.text import timestamp
from lipstream.stages.sinks.writer import Writer

_LONGEST_WAIT = 30_000
"""Milliseconds of later cues after which a cue waits no longer for the emotion it was said with."""
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class VttWriter(Writer):
    """Cues with `HH:MM:SS.mmm` times, text escaped as the format asks."""

    in_language = True

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._end = 0

    def begin(self) -> None:
        """Write the signature."""
        self.put("WEBVTT\n\n")

    def write(self, event: Event) -> None:
        """Write the cues of a finished segment."""
        if not isinstance(event, TranscriptFinal):
            return
        for cue in split_cues(event, self._end):
            self._end = cue.end
            self.put_cue(cue)
            self.mark_content()

    def complete(self, end: End | None) -> None:
        """Write a note if the run has not come to its end."""
        if not self.whole(end):
            how = {"stopped": "was stopped", "failed": "failed"}.get(end.reason if end else "", "broke off")
            at = f" at {timestamp(round(end.duration * 1000))}" if end else ""
            self.put(f"NOTE Not whole: the run {how}{at}\n\n")

    def put_cue(self, cue: Cue, label: str | None = None) -> None:
        """Write a cue, all of it in a span of a class if there is a label (a word of letters)."""
        text = "\n".join(line.translate(_ESCAPES) for line in cue.lines)
        span = text if label is None else f"<c.{label}>{text}</c>"
        self.put(f"{timestamp(cue.start)} --> {timestamp(cue.end)}\n{span}\n\n")


class EmotionVttWriter(VttWriter):
    """The same, each cue in a span of the class of the emotion it was said with: `<c.happy>...</c>`.

    A player shows it if its style sheet does: `::cue(.happy)`. Cues wait until the emotions of their time are known, so
    those of the last seconds are not in the part file of a run that is killed.
    """

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._track = EmotionTrack()
        self._waiting: deque[Cue] = deque()

    def write(self, event: Event) -> None:
        """Take the cues of a finished segment, and write those whose emotion is known."""
        if isinstance(event, EmotionUpdate):
            self._track.add(event)
            self._release(round(event.start * 1000))
        elif isinstance(event, TranscriptFinal):
            for cue in split_cues(event, self._end):
                self._end = cue.end
                self._waiting.append(cue)
                self.mark_content()
            self._release(self._end - _LONGEST_WAIT)

    def complete(self, end: End | None) -> None:
        """Write the cues that still wait, and the note."""
        self._release(self._end)
        super().complete(end)

    def _release(self, until: int) -> None:
        while self._waiting and self._waiting[0].end <= until:
            cue = self._waiting.popleft()
            self.put_cue(cue, self._track.label(cue.start / 1000, cue.end / 1000))
