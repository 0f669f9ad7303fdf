"""Voice activity: which sound is speech, cut into segments."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from lipstream.config import VadConfig
from lipstream.events import Remark, SoundLevel, SpeechStarted
from lipstream.models.errors import ModelError
from lipstream.pipeline import Event, Packet, Port, RecoverableError, Stage, UserError, seconds
from lipstream.stages.failures import while_running
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, Float32, Mouth, SpeechChunk
from lipstream.stages.sound.level import SILENT, LevelMeter
from lipstream.stages.speech.endpointing import Endpointing
from lipstream.stages.speech.onset import WINDOW, Heard
from lipstream.stages.speech.segmenter import Outcome, Segmenter, VoiceState
from lipstream.stages.speech.window_cutter import SoundWindow, WindowCutter
from lipstream.stages.switches import SOUND


class VoiceDetector(Protocol):
    """Speech probability of consecutive windows."""

    def load(self) -> None:
        """Load the network."""

    def reset(self) -> None:
        """Forget the past."""

    def probability(self, window: Float32) -> float:
        """Probability in [0, 1] that the (512,) float32 window at 16 kHz is speech."""


class VoiceActivity(Stage):
    """Cuts the sound into speech segments: windows of 32 ms, the network, then `Segmenter`.

    In a lossless run a window is judged once every mouth of its time is known, whatever the blocks of the source; live
    it is judged with the mouth that is known when it comes. The port "windows" has every window with its probability.

    Args:
        detector: the network; None where the sound comes in windows that have been listened to.
        config: thresholds and times.
        report_rate: `SoundLevel` events a second; 0 for none.
    """

    # Mouths first: at equal timestamps they are delivered before the sound that is judged with them.
    inputs: ClassVar[Mapping[str, Port]] = {"mouths": Port(Mouth, optional=True), "audio": Port(AudioBlock)}
    outputs: ClassVar[Mapping[str, Port]] = {"speech": Port(SpeechChunk), "windows": Port(Heard)}

    def __init__(self, detector: VoiceDetector | None, config: VadConfig, report_rate: float = 0.0) -> None:
        self._detector = detector
        self._meter = LevelMeter(report_rate) if report_rate > 0 else None
        self._cutter = WindowCutter(WINDOW)
        self._endpointing = Endpointing(config)
        self._segmenter = Segmenter(config, self._endpointing)
        self._waiting: deque[SoundWindow] = deque()
        self._given: deque[float] = deque()
        self._mouths: deque[Packet[Mouth]] = deque()
        self._probability = 0.0
        self._reached = 0
        self._peak = 0.0
        self._spoken = False

    def open(self) -> None:
        """Load the network."""
        if self._detector is None:
            return
        try:
            self._detector.load()
        except ModelError as error:
            raise UserError(str(error)) from error
        self._detector.reset()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Cut a block into windows and judge those that can be; take note of a mouth."""
        if port == "mouths":
            self._mouths.append(packet)
            return
        if self._detector is None:
            self._given.append(packet.payload.speech or 0.0)
        self._waiting.extend(self._cutter.cut(self._heard(packet.payload), packet.timestamp))
        if self.context.lossless and self.context.connected("mouths"):
            self._judge(before=packet.timestamp + 1)
        else:
            self._judge()

    def advance(self, frontier: int) -> None:
        """Judge the windows whose mouths are all known by now."""
        self._judge(before=frontier)

    def finish(self) -> None:
        """Judge what is left; end the open segment with the stream."""
        self._waiting.extend(self._cutter.finish())
        self._judge()
        if (earliest := self._segmenter.earliest) is not None:
            # How far the sound reached, for those who keep time by it.
            self.context.advance(earliest)
        self._tell(self._segmenter.finish())
        if self.context.lossless and not self._spoken and not self.context.stopping.is_set():
            self._tell_of_nothing()

    def watermark(self, frontier: int) -> int:
        """Chunks may begin as early as the oldest window held back.

        Mouths, by which the frontier may be behind or ahead of the sound, change nothing about that.
        """
        earliest = self._segmenter.earliest
        promised = max(frontier, self._reached) if earliest is None else earliest
        unjudged = self._waiting[0].timestamp if self._waiting else self._cutter.start
        return promised if unjudged is None else min(promised, unjudged)

    def _heard(self, block: AudioBlock) -> AudioBlock:
        self.context.count("audio.captured_seconds", (len(block.samples) - block.filled) / SAMPLE_RATE)
        if len(block.samples):
            self._peak = max(self._peak, float(block.samples.max()), -float(block.samples.min()))
        if self.context.switched_off(SOUND):
            return AudioBlock(np.zeros_like(block.samples), block.filled)
        return block

    def _judge(self, before: int | None = None) -> None:
        """Judge the windows that wait, or those that begin before a time (us)."""
        while self._waiting and (before is None or self._waiting[0].timestamp < before):
            self._judge_window(self._waiting.popleft())

    def _judge_window(self, window: SoundWindow) -> None:
        self._reached = window.timestamp
        while self._mouths and (self._mouths[0].timestamp <= window.timestamp or not self.context.lossless):
            mouth = self._mouths.popleft()
            self._endpointing.see(mouth.payload, mouth.timestamp)
        self._endpointing.reach(window.timestamp)
        self.context.count("audio.processed_seconds", window.valid / SAMPLE_RATE)
        heard = Heard(window.samples, window.timestamp, self._likelihood(window.samples))
        if self.context.connected("windows"):
            self.emit("windows", heard, window.timestamp, heard.end - window.timestamp)
        self._tell(self._segmenter.add(heard))
        if self._meter is not None and (level := self._meter.add(window.samples)) is not None:
            speech = self._segmenter.state in (VoiceState.SPEAKING, VoiceState.STOPPING)
            self.publish(SoundLevel(time=seconds(heard.end), level=level, speech=speech))

    def _tell_of_nothing(self) -> None:
        if self._peak < SILENT:
            self.publish(Remark(modality="audio", kind="silence", text="the sound is silent"))
        else:
            self.publish(Remark(modality="audio", kind="no_speech", text="no speech was heard"))

    def _likelihood(self, samples: Float32) -> float:
        if self._detector is None:
            probability = self._given.popleft()
            return 0.0 if self.context.switched_off(SOUND) else probability
        try:
            with while_running("audio", "voice activity"):
                self._probability = self._detector.probability(samples)
        except RecoverableError as error:
            # The sound is kept, and taken for what the sound before it was.
            self.degrade(error.modality, error.reason)
        else:
            self.recover("audio")
        return self._probability

    def _tell(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, Event):
                self._spoken = self._spoken or isinstance(outcome, SpeechStarted)
                self.publish(outcome)
            else:
                chunk = outcome.payload
                self.context.count("audio.speech_seconds", len(chunk.samples) / SAMPLE_RATE)
                self.emit("speech", chunk, outcome.timestamp, outcome.duration)
