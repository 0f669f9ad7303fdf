"""Voice activity: which sound is speech, cut into segments."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from lipstream.config import VadConfig
from lipstream.events import SoundLevel, SpeechEnded, SpeechStarted
from lipstream.models.errors import ModelError
from lipstream.pipeline import Packet, Port, RecoverableError, Stage, UserError, micros, seconds
from lipstream.stages.failures import while_running
from lipstream.stages.payloads import SAMPLE_RATE, AudioWindow, Float32, Mouth, MouthState, SpeechChunk
from lipstream.stages.sound.level import LevelMeter

WINDOW = 512
"""Samples of one decision of the network."""
WINDOW_SECONDS = WINDOW / SAMPLE_RATE
LONGEST_ONSET = 0.3
"""Seconds within which, beyond `min_speech`, the voice that begins a segment must have been heard."""
SHORTEST_PAUSE = 0.1
"""The pause, in seconds, that ends a segment which has reached its maximum length."""
MOUTH_HOLDS = 0.4
"""Seconds between a mouth and the sound, live, from which on it counts as unseen."""


class VoiceDetector(Protocol):
    """Speech probability of consecutive windows."""

    def load(self) -> None:
        """Load the network."""

    def reset(self) -> None:
        """Forget the past."""

    def probability(self, window: Float32) -> float:
        """Probability in [0, 1] that the (512,) float32 window at 16 kHz is speech."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """A window and how likely it is speech."""

    samples: Float32
    timestamp: int
    probability: float

    @property
    def end(self) -> int:
        return self.timestamp + micros(WINDOW_SECONDS)


class VoiceActivity(Stage):
    """Cuts the sound into speech segments.

    A segment begins with `pre_roll` before the first voiced window, once `min_speech` of voice was heard, and ends
    after `hang_over` of silence. From `soft_segment` on ever shorter pauses end it. If there is none, then the sound
    in the last `cut_lookback` before `max_segment` is held back, and the segment is cut where speech was least likely;
    nothing downstream has by then seen sound that may come to belong to the next segment.

    Begin and end use two thresholds (hysteresis), as Silero's own iterator does.

    With mouths, `hang_over` is shorter by `lip_shut_factor` while the mouth that moved in the segment is shut and
    still, and longer by `lip_moving_factor` while it is open and moving. Where no mouth is seen, nothing changes.

    Args:
        detector: the network.
        config: thresholds and times.
        report_rate: `SoundLevel` events a second; 0 for none.
    """

    # Mouths first: at equal timestamps they are delivered before the sound that is judged with them.
    inputs: ClassVar[Mapping[str, Port]] = {"mouths": Port(Mouth, optional=True), "windows": Port(AudioWindow)}
    outputs: ClassVar[Mapping[str, Port]] = {"speech": Port(SpeechChunk)}

    def __init__(self, detector: VoiceDetector, config: VadConfig, report_rate: float = 0.0) -> None:
        self._detector = detector
        self._meter = LevelMeter(report_rate) if report_rate > 0 else None
        self._config = config
        self._low = max(0.01, config.threshold - 0.15)
        self._waiting: deque[_Heard] = deque()
        self._voiced = 0
        self._onset = 0
        self._segment = 0
        self._open = False
        self._length = 0
        self._silence = 0
        self._speech_start = 0
        self._speech_end = 0
        self._held: list[_Heard] = []
        self._first = False
        self._newest = 0
        self._probability = 0.0
        self._reached = 0
        self._mouth = MouthState.UNSEEN
        self._mouth_time = 0
        self._moved = False

    def open(self) -> None:
        """Load the network."""
        try:
            self._detector.load()
        except ModelError as error:
            raise UserError(str(error)) from error
        self._detector.reset()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Judge one window; take note of mouths."""
        if port == "mouths":
            self._mouth, self._mouth_time = packet.payload.state, packet.timestamp
            self._moved |= self._mouth is MouthState.MOVING
            return
        samples = packet.payload.samples
        self._reached = packet.timestamp
        if abs(packet.timestamp - self._mouth_time) > micros(MOUTH_HOLDS):
            self._mouth = MouthState.UNSEEN
        try:
            with while_running("audio", "voice activity"):
                self._probability = self._detector.probability(samples)
        except RecoverableError as error:
            # The sound is kept, and taken for what the sound before it was.
            self.degrade(error.modality, error.reason)
        else:
            self.recover("audio")
        self.context.count("audio.processed_seconds", packet.payload.valid / SAMPLE_RATE)
        heard = _Heard(samples, packet.timestamp, self._probability)
        if self._open:
            self._continue(heard)
        else:
            self._listen(heard)
        if self._meter is not None and (level := self._meter.add(samples)) is not None:
            self.publish(SoundLevel(time=seconds(heard.end), level=level, speech=self._open))

    def finish(self) -> None:
        """End the open segment with the stream."""
        if self._open:
            self._end("end_of_stream")

    def watermark(self, frontier: int) -> int:
        """Chunks may begin as early as the oldest window held back.

        Mouths, by which the frontier may be behind or ahead of the sound, change nothing about that.
        """
        held = self._held or self._waiting
        if held:
            return held[0].timestamp
        # The end of a segment may repeat the newest timestamp.
        return self._newest if self._open else max(frontier, self._reached)

    # No segment is open.

    def _listen(self, heard: _Heard) -> None:
        self._waiting.append(heard)
        if self._voiced and heard.timestamp - self._onset >= micros(self._config.min_speech + LONGEST_ONSET):
            # Scattered voiced moments are no speech, however many there are.
            self._voiced = 0
        if heard.probability >= self._config.threshold:
            self._onset = heard.timestamp if not self._voiced else self._onset
            self._voiced += 1
        elif heard.probability < self._low:
            self._voiced = 0
        if self._voiced and self._voiced * WINDOW_SECONDS >= self._config.min_speech:
            self._begin()
            return
        keep_from = (self._onset if self._voiced else heard.end) - micros(self._config.pre_roll)
        while self._waiting and self._waiting[0].end <= keep_from:
            self._waiting.popleft()

    def _begin(self) -> None:
        windows = list(self._waiting)
        onset = self._onset
        self._waiting.clear()
        self._voiced = 0
        self._start_segment(windows, onset)
        self._speech_end = windows[-1].end

    def _start_segment(self, windows: Sequence[_Heard], speech_start: int) -> None:
        self._segment += 1
        self._open, self._first = True, True
        self._moved = self._mouth is MouthState.MOVING
        self._length = len(windows)
        self._silence = 0
        self._held = []
        self._speech_start = speech_start
        self._speech_end = windows[-1].end if windows else speech_start
        self.publish(SpeechStarted(segment=self._segment, start=seconds(speech_start)))
        if windows:
            self._send(windows)

    # A segment is open.

    def _continue(self, heard: _Heard) -> None:
        self._length += 1
        if heard.probability >= self._config.threshold:
            self._silence = 0
            self._speech_end = heard.end
        elif heard.probability < self._low or self._silence:
            self._silence += 1
        elapsed = self._length * WINDOW_SECONDS
        if elapsed > self._config.max_segment - self._config.cut_lookback:
            self._held.append(heard)
        else:
            self._send([heard])
        if self._silence * WINDOW_SECONDS >= self._pause(elapsed):
            self._end("pause")
        elif elapsed >= self._config.max_segment:
            self._cut()

    def _pause(self, elapsed: float) -> float:
        """Seconds of silence that end a segment of this length."""
        config = self._config
        shortest = min(SHORTEST_PAUSE, config.hang_over)
        span = config.max_segment - config.cut_lookback - config.soft_segment
        over = elapsed - config.soft_segment
        ratio = 0.0 if over <= 0 else 1.0 if over >= span else over / span
        pause = config.hang_over + (shortest - config.hang_over) * ratio
        if self._mouth is MouthState.MOVING and ratio < 1:
            return max(pause, config.hang_over * config.lip_moving_factor)
        # A mouth that did not move with this voice does not know when it ends.
        if self._mouth is MouthState.SHUT and self._moved:
            return min(pause, config.hang_over * config.lip_shut_factor)
        return pause

    def _end(self, reason: str) -> None:
        self._send(self._held, last=True)
        self.publish(
            SpeechEnded(
                segment=self._segment,
                start=seconds(self._speech_start),
                end=seconds(self._speech_end),
                reason=reason,
            )
        )
        self._open, self._held = False, []

    def _cut(self) -> None:
        """Cut at the least voiced of the windows held back; what follows begins the next segment."""
        likely = np.array([heard.probability for heard in self._held])
        # Smoothed over three windows, so that a pause wins over a single weak window inside a word. The newest window
        # is left to the next segment, which would else begin with nothing in it.
        smooth = np.convolve(np.pad(likely, 1, mode="edge"), np.full(3, 1 / 3), mode="valid")[:-1]
        index = len(smooth) - 1 - int(np.argmin(smooth[::-1]))
        rest = self._held[index + 1 :]
        self._held = self._held[: index + 1]
        # The segment's voice cannot end later than the segment itself.
        self._speech_end = min(self._speech_end, self._held[-1].end)
        cut, silence, speech_end = self._held[-1].end, self._silence, self._speech_end
        self._end("max_segment")
        self._start_segment(rest, cut)
        self._silence = min(silence, len(rest))
        self._speech_end = max(speech_end, cut)

    def _send(self, windows: Sequence[_Heard], last: bool = False) -> None:
        samples = [heard.samples for heard in windows]
        chunk = SpeechChunk(
            segment=self._segment,
            samples=np.concatenate(samples) if len(samples) > 1 else samples[0] if samples else _NOTHING,
            first=self._first,
            last=last,
            speech_start=self._speech_start,
            speech_end=self._speech_end,
            silence=self._silence * WINDOW_SECONDS,
            pause=self._pause(self._length * WINDOW_SECONDS),
        )
        self._first = False
        self.context.count("audio.speech_seconds", len(chunk.samples) / SAMPLE_RATE)
        # An empty last chunk repeats the newest timestamp: a drifting clock may put the next window a few
        # microseconds before the end of this one, and timestamps must not go back.
        start = windows[0].timestamp if windows else self._newest
        self._newest = windows[-1].timestamp if windows else start
        self.emit("speech", chunk, start, windows[-1].end - start if windows else 0)


_NOTHING = np.zeros(0, dtype=np.float32)
