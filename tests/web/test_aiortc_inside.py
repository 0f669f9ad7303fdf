"""What Lipstream relies on in aiortc and aioice that they do not promise; fails where a new release has changed it."""

from __future__ import annotations

import asyncio

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

from lipstream.web.rtc.aiortc_inside import LOOPBACK, Tap, with_loopback
from lipstream.web.rtc.rtp_clock import StreamClock
from tests.web.fakes import first, server, until


def test_packets_and_sender_reports_are_heard_and_timestamps_are_those_of_the_packets():
    async def scenario():
        async with server() as here:
            browser = here.browser()
            await browser.connect()
            session_clocks = []
            async with browser.events() as messages:
                await first(messages, "TranscriptFinal")
                session_clocks = [each for each in _clocks() if each.known]
                # aiortc reports every 0.5 to 1.5 s.
                await until(lambda: all(clock.report is not None for clock in session_clocks))
            assert len(session_clocks) == 2
            await browser.end()
            await browser.close()

    made: list[StreamClock] = []
    init = Tap.__init__

    def remember(self, receiver, clock, now):
        made.append(clock)
        init(self, receiver, clock, now)

    def _clocks() -> list[StreamClock]:
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tap, "__init__", remember)
        asyncio.run(scenario())


def test_packets_without_media_do_not_set_the_clock():
    class Receiver:
        def __init__(self) -> None:
            self.handled = 0
            self._RTCRtpReceiver__codecs = {
                96: RTCRtpCodecParameters("video/VP8", 90_000, payloadType=96),
                97: RTCRtpCodecParameters("video/rtx", 90_000, payloadType=97),
            }

        async def _handle_rtp_packet(self, packet, arrival_time_ms):
            self.handled += 1

        async def _handle_rtcp_packet(self, packet): ...

    class Clock:
        def __init__(self) -> None:
            self.told: list[int] = []

        def packet(self, timestamp, now):
            self.told.append(timestamp)

    def packet(payload_type: int, timestamp: int, payload: bytes) -> RtpPacket:
        return RtpPacket(payload_type=payload_type, timestamp=timestamp, payload=payload)

    receiver, clock = Receiver(), Clock()
    tap = Tap(receiver, clock, lambda: 1_000_000)
    probe, padding, media = packet(97, 0, b"x"), packet(96, 5, b""), packet(96, 90_000, b"picture")
    for each in (probe, padding, media):
        asyncio.run(receiver._handle_rtp_packet(each, arrival_time_ms=0))
    assert clock.told == [90_000]
    assert (tap.packets, receiver.handled) == (3, 3)


def test_the_loopback_address_is_offered_even_without_a_network(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])

    async def scenario():
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        peer.addTransceiver("audio", "recvonly")
        offer = await peer.createOffer()
        with_loopback(peer)
        await peer.setLocalDescription(offer)
        assert f" {LOOPBACK} " in peer.localDescription.sdp
        await peer.close()

        async with server() as here:
            browser = here.browser()
            await browser.connect()
            async with browser.events() as messages:
                await first(messages, "TranscriptFinal")
            await browser.close()

    asyncio.run(scenario())


def test_no_server_outside_is_asked_for_addresses():
    async def scenario():
        async with server() as here:
            browser = here.browser()
            answer = (await browser.post_offer(await browser.offer())).json()
            kinds = {line.split()[7] for line in answer["sdp"].splitlines() if line.startswith("a=candidate")}
            assert kinds == {"host"}
            await browser.close()

    asyncio.run(scenario())
