"""The WebRTC connection of a session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidStateError, OperationError

from lipstream.web.rtc.aiortc_inside import Tap, with_loopback
from lipstream.web.rtc.offer import BadOffer
from lipstream.web.rtc.rtp_clock import PeerClock

_ANSWER_SECONDS = 10.0
_CLOSE_SECONDS = 2.0


class Connection:
    """Receives one browser's sound and picture, directly: no server outside is asked for addresses (STUN) or relays.

    Attributes:
        tracks: what the browser sends, known once its offer is answered.
    """

    def __init__(self) -> None:
        self.tracks: Sequence[MediaStreamTrack] = ()
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._taps: dict[MediaStreamTrack, Tap] = {}

    async def answer(self, offer: RTCSessionDescription) -> RTCSessionDescription:
        """Answer an offer, with all addresses of this machine in it.

        Raises:
            BadOffer: it cannot be answered.
        """
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await self._answer(offer)
        except (ValueError, KeyError, IndexError, AttributeError, AssertionError) as error:
            # aiortc trusts an offer's syntax; what a broken one raises depends on where it is broken.
            raise BadOffer("the offer is not understood") from error
        except (InvalidStateError, OperationError, TimeoutError) as error:
            raise BadOffer(f"the offer cannot be answered ({error or 'it took too long'})") from error

    async def _answer(self, offer: RTCSessionDescription) -> RTCSessionDescription:
        await self._peer.setRemoteDescription(offer)
        for transceiver in self._peer.getTransceivers():
            transceiver.direction = "recvonly"
        self.tracks = [each.receiver.track for each in self._peer.getTransceivers() if each.receiver.track is not None]
        if not self.tracks:
            raise BadOffer("the offer has neither sound nor picture to send")
        with_loopback(self._peer)
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        return self._peer.localDescription

    def listen(self, clock: PeerClock, now: Callable[[], int]) -> None:
        """Tell a clock of all packets from here on.

        Args:
            clock: what to tell.
            now: session time in microseconds; 0 while the session has not begun.
        """
        for receiver in self._peer.getReceivers():
            if receiver.track is not None:
                stream = clock.sound if receiver.track.kind == "audio" else clock.picture
                self._taps[receiver.track] = Tap(receiver, stream, now)

    def tap(self, track: MediaStreamTrack) -> Tap:
        """What listens to a track's packets."""
        return self._taps[track]

    @property
    def packets(self) -> int:
        """How many packets of media have come."""
        return sum(tap.packets for tap in self._taps.values())

    @property
    def connected(self) -> bool:
        """Whether media can come."""
        return self._peer.connectionState == "connected"

    @property
    def over(self) -> bool:
        """Whether the connection has failed or was closed, here or there."""
        return self._peer.connectionState in ("failed", "closed")

    async def close(self) -> None:
        """End the connection; the browser is told."""
        for tap in self._taps.values():
            tap.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._peer.close()
        except TimeoutError:
            return
