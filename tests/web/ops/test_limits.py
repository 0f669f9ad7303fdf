"""Slow, half-open and oversized connections hurt only themselves."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import websockets

from lipstream.web.answers import Refusal, steady
from lipstream.web.files.uploads import UploadLimits
from lipstream.web.http import Crowd
from tests.web.fakes import PATIENCE, Server, first, server
from tests.web.programs.test_sockets import beeps, messages, opened, pcm
from tests.web.test_uploads import files


async def dial(here: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(here.base.rpartition(":")[2]))


async def closed(reader: asyncio.StreamReader) -> bytes:
    """What came until the server hung up."""
    async with asyncio.timeout(PATIENCE):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


async def works(here: Server) -> bool:
    async with httpx.AsyncClient(base_url=here.base) as http:
        return (await http.get("/api/status")).status_code == 200


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow:"], ids=["nothing", "half"])
def test_who_does_not_finish_asking_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, sent: bytes):
    monkeypatch.setattr("lipstream.web.http.HEADER_SECONDS", 0.3)

    async def scenario():
        async with server() as here:
            reader, writer = await dial(here)
            writer.write(sent)
            assert await works(here)
            assert await closed(reader) == b""
            writer.close()

    asyncio.run(scenario())


def test_a_second_request_on_a_connection_has_the_same_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lipstream.web.http.HEADER_SECONDS", 0.5)

    async def scenario():
        async with server() as here:
            reader, writer = await dial(here)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
            writer.write(b"GET /healthz HTTP/1.1\r\nHost")
            assert (await closed(reader)).endswith(b"ok\n")
            writer.close()

    asyncio.run(scenario())


def test_headers_that_are_too_long_are_refused_and_others_are_served():
    async def scenario():
        async with server() as here:
            reader, writer = await dial(here)
            writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"x" * 100_000)
            answer = await closed(reader)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
            assert await works(here)
            writer.close()

    asyncio.run(scenario())


def test_who_does_not_read_an_answer_is_hung_up_on(monkeypatch: pytest.MonkeyPatch):
    """A recording of many megabytes is asked for, and not read."""
    monkeypatch.setattr("lipstream.web.http.READ_SECONDS", 0.5)

    async def scenario():
        async with server() as here:
            blocked = socket.create_connection(("127.0.0.1", int(here.base.rpartition(":")[2])))
            blocked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            many = b"GET /static/shared/mark.svg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            reader, writer = await asyncio.open_connection(sock=blocked, limit=1024)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            try:
                async with asyncio.timeout(PATIENCE):
                    while True:
                        writer.write(many * 200)
                        await writer.drain()
                        await asyncio.sleep(0.01)
            except ConnectionError:
                pass
            assert await works(here)
            writer.close()
            del reader

    asyncio.run(scenario())


def test_a_recording_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch, folder):
    monkeypatch.setattr("lipstream.web.answers.STALL_SECONDS", 0.5)

    async def scenario():
        async with server(limits=UploadLimits(1_000_000, 60.0)) as here:
            reader, writer = await dial(here)
            head = "POST /api/files?name=a.wav HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"
            writer.write(head.encode())

            async def trickle() -> None:
                while not writer.is_closing():
                    writer.write(b"x")
                    await asyncio.sleep(0.05)

            trickling = asyncio.ensure_future(trickle())
            answer = await reader.readuntil(b"\r\n\r\n")
            trickling.cancel()
            assert b"408" in answer.split(b"\r\n")[0]
            assert files(folder) == [] and await works(here)
            writer.close()

    asyncio.run(scenario())


def test_what_comes_at_a_pace_is_taken_however_long_it_lasts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lipstream.web.answers.STALL_SECONDS", 0.2)
    monkeypatch.setattr("lipstream.web.answers.LEAST_BYTES", 4)

    async def pieces(size: int) -> AsyncIterator[bytes]:
        for _ in range(20):
            await asyncio.sleep(0.03)
            yield bytes(size)

    async def scenario(size: int) -> int:
        return sum([len(piece) async for piece in steady(pieces(size))])

    assert asyncio.run(scenario(2)) == 40
    monkeypatch.setattr("lipstream.web.answers.LEAST_BYTES", 100)
    with pytest.raises(Refusal):
        asyncio.run(scenario(2))


def test_a_listener_that_does_not_read_is_given_up_and_the_session_goes_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lipstream.web.messages.SLOW_SECONDS", 0.3)

    async def scenario():
        async with server() as here, opened(here) as speaking:
            hello = await first(messages(speaking), "Hello")
            blocked = socket.create_connection(("127.0.0.1", int(here.base.rpartition(":")[2])))
            blocked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            url = here.base.replace("http", "ws", 1) + f"/events?session={hello['session']}"
            listening = await websockets.connect(url, sock=blocked, max_queue=1)
            listening.transport.pause_reading()
            data = pcm(beeps(2))
            # The other listener hears everything meanwhile.
            async with asyncio.timeout(PATIENCE):
                heard = 0
                while heard < 6:
                    for at in range(0, len(data), 3200):
                        await speaking.send(data[at : at + 3200])
                    await first(messages(speaking), "TranscriptFinal")
                    heard += 1
            assert await works(here)
            listening.transport.abort()

    asyncio.run(scenario())


def test_a_websocket_whose_other_end_is_gone_is_ended(monkeypatch: pytest.MonkeyPatch):
    """Nobody closes it and nobody answers: only pings tell."""
    monkeypatch.setattr("lipstream.web.server._PING_SECONDS", 0.2)
    monkeypatch.setattr("lipstream.web.server._PONG_SECONDS", 0.3)

    async def scenario():
        async with server() as here:
            reader, writer = await dial(here)
            head = "GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            writer.write(f"{head}Sec-WebSocket-Key: {'A' * 22}==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
            assert b" 101 " in await reader.readline()
            assert b"Hello" in await closed(reader)
            assert await works(here)
            writer.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/audio/transcriptions"])
def test_a_form_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch, folder, path: str):
    monkeypatch.setattr("lipstream.web.answers.STALL_SECONDS", 0.3)

    async def scenario():
        async with server() as here:
            reader, writer = await dial(here)
            head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
            writer.write(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            assert b"408" in answer.split(b"\r\n")[0]
            assert files(folder) == [] and await works(here)
            writer.close()

    asyncio.run(scenario())


def test_a_disk_that_is_full_is_said(monkeypatch: pytest.MonkeyPatch, folder):
    def full(self, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.write", full)

    async def scenario():
        async with server() as here, httpx.AsyncClient(base_url=here.base) as http:
            return await http.post("/v1/jobs", files={"file": ("a.wav", b"x" * 10)})

    refused = asyncio.run(scenario())
    assert refused.status_code == 507 and "disk" in refused.json()["error"]["message"]


def test_one_address_has_so_many_connections_and_no_more(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lipstream.web.http.MOST_FROM_ONE", 2)
    crowd = Crowd(lambda client: client == "10.0.0.1")
    assert [crowd.let_in("203.0.113.9") for _ in range(3)] == [True, True, False]
    assert crowd.let_in("203.0.113.8")
    crowd.leave("203.0.113.9")
    crowd.leave("203.0.113.9")
    assert crowd.let_in("203.0.113.9")
    assert all(crowd.let_in(proxy) for proxy in ("10.0.0.1", "127.0.0.1") for _ in range(5))


def test_a_connection_too_many_is_hung_up_on_and_leaves_room_when_it_is_gone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lipstream.web.http.MOST_FROM_ONE", 1)
    monkeypatch.setattr("lipstream.web.http.is_local", lambda host: False)

    async def scenario():
        async with server() as here:
            reader, writer = await dial(here)
            other, second = await dial(here)
            assert await closed(other) == b""
            second.close()
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in await closed(reader)
            writer.close()
            assert await works(here)

    asyncio.run(scenario())
