"""Where a voice is heard, told before the pictures of that time are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lipstream.pipeline import Packet, Port, Stage, micros
from lipstream.stages.payloads import AudioBlock, VoiceHeard

_ENDED = micros(1.0)
"""Microseconds without a window after which a stream of sound has ended, though others go on."""


class VoicesAhead(Stage):
    """Tells when a voice begins and ends, stamped earlier than that: who joins pictures with it knows what comes.

    It judges each window by itself, however short the voice, and waits for no mouth as voice activity does. Of several
    streams of sound any may have the voice, as long as it goes on: where one ends, its voice does.

    Args:
        threshold: probability from which on a window has a voice.
        ahead: microseconds by which packets are earlier than what they tell.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}
    outputs: ClassVar[Mapping[str, Port]] = {"voices": Port(VoiceHeard)}

    def __init__(self, threshold: float, ahead: int) -> None:
        self._threshold = threshold
        self._ahead = ahead
        self._speaking: dict[str, int] = {}
        self._voiced = False
        self._reached = 0

    @classmethod
    def of_streams(cls, count: int) -> type[VoicesAhead]:
        """One that listens to so many streams, "audio", "audio2" and so on."""
        return cls.with_inputs(
            {f"audio{number if number > 1 else ''}": Port(AudioBlock) for number in range(1, count + 1)}
        )

    def process(self, port: str, packet: Packet[Any]) -> None:
        """See what is made of a window."""
        if (packet.payload.speech or 0.0) >= self._threshold:
            self._speaking[port] = packet.end
        else:
            self._speaking.pop(port, None)
        self._tell(packet.timestamp)

    def advance(self, frontier: int) -> None:
        """Take the voice of a stream that has ended to be over."""
        for port in [port for port, heard in self._speaking.items() if heard < frontier - _ENDED]:
            del self._speaking[port]
        self._tell(frontier)

    def _tell(self, time: int) -> None:
        if bool(self._speaking) != self._voiced:
            self._voiced = not self._voiced
            self._reached = max(self._reached, time - self._ahead)
            self.emit("voices", VoiceHeard(time, self._voiced), self._reached)

    def watermark(self, frontier: int) -> int:
        """As much earlier as the packets are."""
        return max(self._reached, frontier - self._ahead)
