"""Sound cut into segments of speech: where they begin, where they end, and which sound is whose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

import numpy as np

from lipstream.config import VadConfig
from lipstream.events import SpeechEnded, SpeechStarted
from lipstream.pipeline import Packet, seconds
from lipstream.stages.payloads import Float32, SpeechChunk
from lipstream.stages.speech.endpointing import Endpointing
from lipstream.stages.speech.onset import WINDOW_SECONDS, Beginning, Heard, Onset, low_threshold

Outcome = SpeechStarted | SpeechEnded | Packet[SpeechChunk]
"""What a window brings about: an event, or a piece of a segment."""

_NOTHING: Float32 = np.zeros(0, dtype=np.float32)


class VoiceState(Enum):
    """Where between silence and speech a run is."""

    QUIET = "quiet"
    """Nobody speaks."""
    STARTING = "starting"
    """Voice was heard, not yet enough to begin a segment."""
    SPEAKING = "speaking"
    """A segment is open, and voice is heard."""
    STOPPING = "stopping"
    """A segment is open, in a pause that may end it."""


class _Open:
    """The open segment.

    Attributes:
        number: of the segment, from 1.
        length: windows so far.
        silence: windows of silence at its end.
        speech_start: first voiced moment, microseconds.
        speech_end: last voiced moment so far, microseconds.
        held: windows that may come to belong to the next segment.
        sent: whether a piece of it was sent.
    """

    def __init__(self, number: int, windows: Sequence[Heard], speech_start: int) -> None:
        self.number = number
        self.length = len(windows)
        self.silence = 0
        self.speech_start = speech_start
        self.speech_end = windows[-1].end if windows else speech_start
        self.held: list[Heard] = []
        self.sent = False


class Segmenter:
    """Cuts windows into speech segments.

    A segment begins with `pre_roll` before the first voiced window, once `min_speech` of voice was heard, and ends
    after a pause. If none comes, the sound in the last `cut_lookback` before `max_segment` is held back, and the
    segment is cut where speech was least likely; nothing downstream has by then seen sound that may come to belong to
    the next segment.

    Begin and end use two thresholds (hysteresis), as Silero's own iterator does.

    Args:
        config: thresholds and times.
        endpointing: how long a pause ends a segment.
    """

    def __init__(self, config: VadConfig, endpointing: Endpointing) -> None:
        self._config = config
        self._endpointing = endpointing
        self._low = low_threshold(config.threshold)
        self._onset = Onset(config)
        self._segments = 0
        self._open: _Open | None = None
        self._newest = 0

    @property
    def state(self) -> VoiceState:
        """Where between silence and speech it is."""
        if self._open is not None:
            return VoiceState.STOPPING if self._open.silence else VoiceState.SPEAKING
        return VoiceState.STARTING if self._onset.voiced else VoiceState.QUIET

    @property
    def earliest(self) -> int | None:
        """Timestamp (us) before which no further piece begins; None if nothing is kept."""
        if self._open is None:
            return self._onset.held
        # The end of a segment may repeat the newest timestamp.
        return self._open.held[0].timestamp if self._open.held else self._newest

    def add(self, heard: Heard) -> Iterator[Outcome]:
        """Take the next window."""
        if self._open is not None:
            yield from self._continue(self._open, heard)
        elif (beginning := self._onset.add(heard)) is not None:
            yield from self._begin(beginning)

    def finish(self) -> Iterator[Outcome]:
        """End the open segment with the stream."""
        if self._open is not None:
            yield from self._end(self._open, "end_of_stream")

    def _begin(self, beginning: Beginning) -> Iterator[Outcome]:
        yield from self._start(beginning.windows, beginning.start)

    def _start(self, windows: Sequence[Heard], speech_start: int) -> Iterator[Outcome]:
        self._segments += 1
        self._open = _Open(self._segments, windows, speech_start)
        self._endpointing.begin()
        yield SpeechStarted(segment=self._open.number, start=seconds(speech_start))
        if windows:
            yield self._piece(self._open, windows)

    def _continue(self, segment: _Open, heard: Heard) -> Iterator[Outcome]:
        segment.length += 1
        if heard.probability >= self._config.threshold:
            segment.silence = 0
            segment.speech_end = heard.end
        elif heard.probability < self._low or segment.silence:
            segment.silence += 1
        elapsed = segment.length * WINDOW_SECONDS
        if elapsed > self._config.max_segment - self._config.cut_lookback:
            segment.held.append(heard)
        else:
            yield self._piece(segment, [heard])
        if segment.silence * WINDOW_SECONDS >= self._endpointing.pause(elapsed):
            yield from self._end(segment, "pause")
        elif elapsed >= self._config.max_segment:
            yield from self._cut(segment)

    def _end(self, segment: _Open, reason: str) -> Iterator[Outcome]:
        yield self._piece(segment, segment.held, last=True)
        self._open = None
        yield SpeechEnded(
            segment=segment.number,
            start=seconds(segment.speech_start),
            end=seconds(segment.speech_end),
            reason=reason,
        )

    def _cut(self, segment: _Open) -> Iterator[Outcome]:
        """Cut at the least voiced of the windows held back; what follows begins the next segment."""
        index = _least_voiced([heard.probability for heard in segment.held])
        rest = segment.held[index + 1 :]
        segment.held = segment.held[: index + 1]
        speech_end, cut = segment.speech_end, segment.held[-1].end
        # The segment's voice cannot end later than the segment itself.
        segment.speech_end = min(speech_end, cut)
        yield from self._end(segment, "max_segment")
        yield from self._start(rest, cut)
        assert self._open is not None
        self._open.silence = min(segment.silence, len(rest))
        self._open.speech_end = max(speech_end, cut)

    def _piece(self, segment: _Open, windows: Sequence[Heard], last: bool = False) -> Packet[SpeechChunk]:
        samples = [heard.samples for heard in windows]
        chunk = SpeechChunk(
            segment=segment.number,
            samples=np.concatenate(samples) if len(samples) > 1 else samples[0] if samples else _NOTHING,
            first=not segment.sent,
            last=last,
            speech_start=segment.speech_start,
            speech_end=segment.speech_end,
            silence=segment.silence * WINDOW_SECONDS,
            pause=self._endpointing.pause(segment.length * WINDOW_SECONDS),
        )
        segment.sent = True
        # An empty last chunk repeats the newest timestamp: a drifting clock may put the next window a few
        # microseconds before the end of this one, and timestamps must not go back.
        start = windows[0].timestamp if windows else self._newest
        self._newest = windows[-1].timestamp if windows else start
        return Packet(start, chunk, windows[-1].end - start if windows else 0)


def _least_voiced(likely: Sequence[float]) -> int:
    """Index of the window behind which to cut.

    Smoothed over three windows, so that a pause wins over a single weak window inside a word. The newest window is left
    to the next segment, which would else begin with nothing in it; a single window is all there is to cut behind.
    """
    if len(likely) == 1:
        return 0
    smooth = np.convolve(np.pad(likely, 1, mode="edge"), np.full(3, 1 / 3), mode="valid")[:-1]
    return len(smooth) - 1 - int(np.argmin(smooth[::-1]))
