"""How probably each window of sound is speech, found out once for all who need to know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lipstream.models.speech.vad import WINDOW
from lipstream.pipeline import Packet, Port, RecoverableError, Stage
from lipstream.stages.failures import while_loading, while_running
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock
from lipstream.stages.speech.voice_activity import VoiceDetector
from lipstream.stages.speech.window_cutter import SoundWindow, WindowCutter


class SpeechProbability(Stage):
    """Passes sound on in windows, each with the probability that it is speech.

    In a recording both voice activity and whoever chooses the pictures to look at need it, and voice activity waits for
    mouths, which are not seen before the pictures are looked at. So it is a stage before both.

    Args:
        detector: the network.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}
    outputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}

    def __init__(self, detector: VoiceDetector) -> None:
        self._detector = detector
        self._cutter = WindowCutter(WINDOW)
        self._probability = 0.0
        self._filled = 0

    def open(self) -> None:
        """Load the network."""
        with while_loading():
            self._detector.load()
        self._detector.reset()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Listen to the windows that a block completes."""
        self._filled += packet.payload.filled
        for window in self._cutter.cut(packet.payload, packet.timestamp):
            self._listen(window)

    def finish(self) -> None:
        """Listen to what is left."""
        for window in self._cutter.finish():
            self._listen(window)

    def watermark(self, frontier: int) -> int:
        """What is in no window yet has still to come."""
        start = self._cutter.start
        return frontier if start is None else min(frontier, start)

    def _listen(self, window: SoundWindow) -> None:
        try:
            with while_running("audio", "voice activity"):
                self._probability = self._detector.probability(window.samples)
        except RecoverableError as error:
            # The sound is kept, and taken for what the sound before it was.
            self.degrade(error.modality, error.reason)
        else:
            self.recover("audio")
        filled = min(self._filled, window.valid)
        self._filled -= filled
        block = AudioBlock(window.samples[: window.valid], filled, self._probability)
        self.emit("audio", block, window.timestamp, window.valid * 1_000_000 // SAMPLE_RATE)
