"""A session of a browser speaks to this machine alone."""

from __future__ import annotations

import asyncio
import sys

import ifaddr

from tests.web.fakes import first, server

ASKED = {f"socket.{name}" for name in ("bind", "connect", "getaddrinfo", "gethostbyname", "sendto", "sendmsg")}
OF_A_SOCKET = {"socket.bind", "socket.connect", "socket.sendto", "socket.sendmsg"}


class Watch:
    """Keeps the addresses that sockets are used with. An audit hook cannot be taken off again, only stop to listen."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.listening = True

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if self.listening and event in ASKED:
            self.seen.append(args[1] if event in OF_A_SOCKET else args[0])


def _own() -> set[str]:
    found = {address.ip for adapter in ifaddr.get_adapters() for address in adapter.ips}
    return {ip if isinstance(ip, str) else ip[0] for ip in found} | {"127.0.0.1", "::1", "localhost"}


def test_nothing_but_addresses_of_this_machine_is_bound_or_spoken_to():
    watch = Watch()
    sys.addaudithook(watch)

    async def scenario():
        async with server() as here:
            browser = here.browser()
            await browser.connect()
            async with browser.events() as messages:
                await first(messages, "TranscriptFinal")
            await browser.end()
            await browser.close()

    try:
        asyncio.run(scenario())
    finally:
        watch.listening = False
    hosts = {str(where[0] if isinstance(where, tuple) else where) for where in watch.seen if where}
    assert "127.0.0.1" in hosts and hosts <= _own(), hosts
