"""What Lipstream relies on in aiortc and aioice that they do not promise; fails where a new release has changed it."""

from __future__ import annotations

import asyncio

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from tests.web.fakes import first, server, until
from web.aiortc_inside import LOOPBACK, Tap, with_loopback
from web.rtp_clock import StreamClock


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
