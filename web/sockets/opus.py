"""Opus packets as sound."""

from __future__ import annotations

from typing import Final

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

RATE: Final = 48_000
"""Of everything that is decoded."""
MOST_BYTES: Final = 3 * 1277
"""Of a packet; what any encoder makes is far smaller."""


class OpusDecoder:
    """Decodes a stream of Opus packets (RFC 6716), one after the other.

    Args:
        channels: 1 or 2.
    """

    def __init__(self, channels: int) -> None:
        context = av.CodecContext.create("opus", "r")
        assert isinstance(context, AudioCodecContext)
        context.layout = "mono" if channels == 1 else "stereo"
        context.sample_rate = RATE
        self._context = context

    def decode(self, packet: bytes) -> list[AudioFrame]:
        """The sound of a packet.

        Raises:
            ValueError: it is none.
        """
        if not 0 < len(packet) <= MOST_BYTES:
            raise ValueError(f"an Opus packet has 1 to {MOST_BYTES} bytes, got {len(packet)}")
        try:
            return self._context.decode(av.Packet(packet))
        except av.FFmpegError as error:
            raise ValueError("this is no Opus packet") from error
