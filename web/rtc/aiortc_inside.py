"""What Lipstream needs of aiortc that aiortc does not offer: when packets came, sender reports, loopback addresses.

All use of names that are not aiortc's public interface is here, and `tests/web/test_aiortc_inside.py` says what they
have to do; aiortc is therefore bound to the minor release that was tested.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any, cast

from aioice import Candidate
from aiortc import RTCPeerConnection, RTCRtpReceiver
from aiortc.codecs import is_rtx
from aiortc.rtp import RtcpSrPacket

from lipstream.web.rtc.rtp_clock import StreamClock

_MASK = (1 << 32) - 1
LOOPBACK = "127.0.0.1"


class Tap:
    """Tells a stream's clock of every packet of a receiver, before any buffer delays it.

    Args:
        receiver: aiortc's receiver of the stream.
        clock: what to tell.
        now: session time in microseconds; 0 while the session has not begun, and then nothing is told.

    Attributes:
        packets: how many have come, be the session begun or not.
    """

    def __init__(self, receiver: RTCRtpReceiver, clock: StreamClock, now: Callable[[], int]) -> None:
        self.packets = 0
        self._receiver = cast(Any, receiver)
        self._clock = clock
        self._now = now
        self._handle_rtp = self._receiver._handle_rtp_packet
        self._handle_rtcp = self._receiver._handle_rtcp_packet
        self._receiver._handle_rtp_packet = self._rtp
        self._receiver._handle_rtcp_packet = self._rtcp

    def ticks_of(self, pts: int) -> int:
        """The unwrapped RTP timestamp of a frame by its `pts`, which aiortc counts from the stream's first frame."""
        origin: int = self._receiver._RTCRtpReceiver__timestamp_mapper._origin or 0
        return self._clock.unwrapped((pts + origin) & _MASK)

    def close(self) -> None:
        """Tell nothing more."""
        del self._receiver._handle_rtp_packet, self._receiver._handle_rtcp_packet

    async def _rtp(self, packet: Any, arrival_time_ms: int) -> None:  # noqa: ANN401 - aiortc's own
        self.packets += 1
        now = self._now()
        if now and self._is_media(packet):
            self._clock.packet(packet.timestamp, now)
        await self._handle_rtp(packet, arrival_time_ms=arrival_time_ms)

    def _is_media(self, packet: Any) -> bool:  # noqa: ANN401 - aiortc's own
        """Whether a packet carries media. Browsers probe with retransmission packets whose timestamp means nothing."""
        codec = self._receiver._RTCRtpReceiver__codecs.get(packet.payload_type)
        return bool(packet.payload) and codec is not None and not is_rtx(codec)

    async def _rtcp(self, packet: Any) -> None:  # noqa: ANN401 - aiortc's own
        if isinstance(packet, RtcpSrPacket) and self._now():
            info = packet.sender_info
            self._clock.reported(info.ntp_timestamp * 1_000_000 >> 32, info.rtp_timestamp)
        await self._handle_rtcp(packet)


def with_loopback(peer: RTCPeerConnection) -> None:
    """Let a connection gather the loopback address as well: without a network there is no other.

    To be called once its transceivers are there and before its local description is set.
    """
    for transceiver in peer.getTransceivers():
        connection: Any = transceiver.receiver.transport.transport.iceGatherer._connection
        if "gather_candidates" not in vars(connection):
            connection.gather_candidates = _gatherer(connection)


def _gatherer(connection: Any) -> Callable[[], Any]:  # noqa: ANN401 - aioice's own
    gather = connection.gather_candidates

    async def gather_all() -> None:
        await gather()
        found: list[Candidate] = connection._local_candidates
        if not any(ipaddress.ip_address(candidate.host).is_loopback for candidate in found):
            found += await connection.get_component_candidates(component=1, addresses=[LOOPBACK])

    return gather_all
