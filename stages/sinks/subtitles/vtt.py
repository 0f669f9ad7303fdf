"""WebVTT subtitles (https://www.w3.org/TR/webvtt1/)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from lipstream.events import EmotionUpdate, TranscriptFinal
from lipstream.pipeline.events import End, Event
from lipstream.stages.sinks.emotion_spans import EmotionTrack
from lipstream.stages.sinks.subtitles.cue import Cue, Spoken
from lipstream.stages.sinks.subtitles.writer import CueWriter
from lipstream.stages.sinks.text import timestamp

_LONGEST_WAIT = 30_000
"""Milliseconds of later cues after which a cue waits no longer for the emotion it was said with."""
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class VttWriter(CueWriter):
    """Cues with `HH:MM:SS.mmm` times, text escaped as the format asks.

    Who speaks is in a voice span where it is known, `<v Speaker 1>...</v>`, unless marks of speakers are switched off.
    """

    def begin(self) -> None:
        """Write the signature."""
        self.put("WEBVTT\n\n")

    def complete(self, end: End | None) -> None:
        """Write what is open, and a note if the run has not come to its end."""
        super().complete(end)
        if not self.whole(end):
            how = {"stopped": "was stopped", "failed": "failed"}.get(end.reason if end else "", "broke off")
            at = f" at {timestamp(round(end.duration * 1000))}" if end else ""
            self.put(f"NOTE Not whole: the run {how}{at}\n\n")

    def record(self, cue: Cue, number: int) -> str:
        """Times and lines."""
        return self.labelled(cue, None)

    def labelled(self, cue: Cue, label: str | None) -> str:
        """The record of a cue, all of its text in a span of a class if there is a label (a word of letters)."""
        text = self._text(cue)
        span = text if label is None else f"<c.{label}>{text}</c>"
        return f"{timestamp(cue.start)} --> {timestamp(cue.end)}\n{span}\n\n"

    def _text(self, cue: Cue) -> str:
        if self.rules.highlight_words and cue.words:
            lines = _timed_lines(cue)
        else:
            lines = [line.translate(_ESCAPES) for line in cue.lines]
        if not cue.voices or self.rules.speakers == "none":
            return "\n".join(lines)
        return _with_voices(lines, cue.voices)


class EmotionVttWriter(VttWriter):
    """The same, each cue in a span of the class of the emotion it was said with: `<c.happy>...</c>`.

    A player shows it if its style sheet does: `::cue(.happy)`. Cues stand in the file without until the
    emotions of their time are known.
    """

    noted = (TranscriptFinal, EmotionUpdate)

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._track = EmotionTrack()
        self._waiting: deque[Cue] = deque()
        self._known = 0

    def write(self, event: Event) -> None:
        """Take the cues of a finished segment, and write those whose emotion is known."""
        if isinstance(event, EmotionUpdate):
            self._track.add(event)
            before, self._known = self._known, round(event.start * 1000)
            if any(before < cue.end <= self._known for cue in self.unsettled()):
                self.put_cues(self._released(self._known))
        elif isinstance(event, TranscriptFinal):
            self._cutter.know(self.book.names)
            self._waiting += self._cutter.add(event)
            reached = self._waiting[-1].end if self._waiting else 0
            self.put_cues(self._released(max(self._known, reached - _LONGEST_WAIT)))
        else:
            super().write(event)

    def complete(self, end: End | None) -> None:
        """Write the cues that still wait, and the note."""
        self._waiting += self._cutter.finish()
        self.put_cues(self._released(self._waiting[-1].end if self._waiting else 0))
        super().complete(end)

    def unsettled(self) -> list[Cue]:
        """Those that wait, and the open one."""
        return [*self._waiting, *super().unsettled()]

    def record(self, cue: Cue, number: int) -> str:
        """Times and lines, with the emotion as far as it is known; a sound has none."""
        if cue.sound:
            return self.labelled(cue, None)
        start, end = ((time - self._shift) / 1000 for time in (cue.start, cue.end))
        return self.labelled(cue, self._track.label(start, end))

    def _released(self, until: int) -> list[Cue]:
        released = []
        while self._waiting and self._waiting[0].end <= until:
            released.append(self._waiting.popleft())
        return released


def _timed_lines(cue: Cue) -> list[str]:
    """The lines with a timestamp before each word but the first: players tell by them what has been said."""
    reached, lines = cue.start, []
    for row in cue.words:
        text = ""
        for word in row:
            stamp = ""
            if reached < word.start < cue.end:
                reached, stamp = word.start, f"<{timestamp(word.start)}>"
            text += _before(word) + stamp + word.text.lstrip(" ").translate(_ESCAPES)
        lines.append(text)
    return lines


def _before(word: Spoken) -> str:
    return word.text[: len(word.text) - len(word.text.lstrip(" "))]


def _with_voices(lines: Sequence[str], voices: Sequence[str | None]) -> str:
    """Lines of one voice after the other in one span each (WebVTT, 4.2.2: WebVTT cue voice span)."""
    text, current = "", None
    for line, voice in zip(lines, voices, strict=True):
        if voice != current:
            text += "</v>" if current is not None else ""
        text += "\n" if text else ""
        if voice != current and voice is not None:
            text += f"<v {voice.translate(_ESCAPES)}>"
        text += line
        current = voice
    return text + ("</v>" if current is not None else "")
