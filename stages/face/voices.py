"""Where a voice is heard, told before the pictures of that time are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lipstream.pipeline import Packet, Port, Stage
from lipstream.stages.payloads import AudioBlock, VoiceHeard


class VoicesAhead(Stage):
    """Tells when a voice begins and ends, stamped earlier than that: who joins pictures with it knows what comes.

    It judges each window by itself, however short the voice, and waits for no mouth as voice activity does. Of several
    streams of sound any may have the voice.

    Args:
        threshold: probability from which on a window has a voice.
        ahead: microseconds by which packets are earlier than what they tell.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}
    outputs: ClassVar[Mapping[str, Port]] = {"voices": Port(VoiceHeard)}

    def __init__(self, threshold: float, ahead: int) -> None:
        self._threshold = threshold
        self._ahead = ahead
        self._speaking: set[str] = set()
        self._voiced = False
        self._reached = 0

    @classmethod
    def of_streams(cls, count: int) -> type[VoicesAhead]:
        """One that listens to so many streams, "audio", "audio2" and so on."""
        ports = {f"audio{number if number > 1 else ''}": Port(AudioBlock) for number in range(1, count + 1)}
        return type(cls.__name__, (cls,), {"__module__": cls.__module__, "__doc__": cls.__doc__, "inputs": ports})

    def process(self, port: str, packet: Packet[Any]) -> None:
        """See what is made of a window."""
        if (packet.payload.speech or 0.0) >= self._threshold:
            self._speaking.add(port)
        else:
            self._speaking.discard(port)
        if bool(self._speaking) != self._voiced:
            self._voiced = not self._voiced
            self._reached = max(self._reached, packet.timestamp - self._ahead)
            self.emit("voices", VoiceHeard(packet.timestamp, self._voiced), self._reached)

    def watermark(self, frontier: int) -> int:
        """As much earlier as the packets are."""
        return max(self._reached, frontier - self._ahead)
