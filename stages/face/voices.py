"""Where a voice is heard, told before the pictures of that time are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lipstream.models.speech.vad import WINDOW
from lipstream.pipeline import Packet, Port, Stage
from lipstream.stages.failures import while_loading, while_running
from lipstream.stages.payloads import AudioBlock, VoiceHeard
from lipstream.stages.speech.voice_activity import VoiceDetector
from lipstream.stages.speech.window_cutter import SoundWindow, WindowCutter


class VoicesAhead(Stage):
    """Tells when a voice begins and ends, stamped earlier than that: who joins pictures with it knows what comes.

    It hears each window by itself, however short the voice, and waits for no mouth as voice activity does.

    Args:
        detector: the network, one of its own.
        threshold: probability from which on a window has a voice.
        ahead: microseconds by which packets are earlier than what they tell.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}
    outputs: ClassVar[Mapping[str, Port]] = {"voices": Port(VoiceHeard)}

    def __init__(self, detector: VoiceDetector, threshold: float, ahead: int) -> None:
        self._detector = detector
        self._threshold = threshold
        self._ahead = ahead
        self._cutter = WindowCutter(WINDOW)
        self._voiced = False
        self._reached = 0

    def open(self) -> None:
        """Load the network."""
        with while_loading():
            self._detector.load()
        self._detector.reset()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Listen to the windows that a block completes."""
        for window in self._cutter.cut(packet.payload, packet.timestamp):
            self._listen(window)

    def finish(self) -> None:
        """Listen to what is left."""
        for window in self._cutter.finish():
            self._listen(window)

    def watermark(self, frontier: int) -> int:
        """As much earlier as the packets are; what is in no window yet has still to be told."""
        start = self._cutter.start
        return max(self._reached, (frontier if start is None else min(frontier, start)) - self._ahead)

    def _listen(self, window: SoundWindow) -> None:
        with while_running("audio", "voice activity"):
            voiced = self._detector.probability(window.samples) >= self._threshold
        if voiced != self._voiced:
            self._voiced = voiced
            self._reached = max(self._reached, window.timestamp - self._ahead)
            self.emit("voices", VoiceHeard(window.timestamp, voiced), self._reached)
