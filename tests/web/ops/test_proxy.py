"""A server behind nginx, with the file from the documents."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import websockets

from lipstream.web.address import Address
from lipstream.web.front import front_of
from tests.commands.fakes import Captions
from tests.web.fakes import PATIENCE, Browser, Server, first, server
from tests.web.ops.certificate import certificate_in
from tests.web.ops.proxy import NEEDED, free_port, nginx
from tests.web.programs.test_openai import captions  # noqa: F401 - a fixture
from tests.web.programs.test_sockets import END, beeps, everything, pcm
from tests.web.test_uploads import files, recording

TOKEN = "a-long-enough-secret"
TRUST = ssl.create_default_context()
TRUST.check_hostname = False
TRUST.verify_mode = ssl.CERT_NONE

pytestmark = NEEDED


@asynccontextmanager
async def behind(tmp_path: Path) -> AsyncIterator[tuple[str, Server]]:
    """The public address of a server, and the server."""
    certificate, key = certificate_in(tmp_path)
    port = free_port()
    public = f"https://127.0.0.1:{port}/lipstream"
    async with server(address=Address("127.0.0.1", 0, TOKEN, front=front_of(public, "127.0.0.1"))) as here:
        upstream = f"127.0.0.1:{here.port}"
        with nginx(tmp_path, port, upstream, certificate, key) as address:
            yield address, here


def client(address: str) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {TOKEN}"}
    return httpx.AsyncClient(base_url=address, verify=False, timeout=PATIENCE, headers=headers)


def test_the_page_its_files_and_the_cookie(tmp_path: Path):
    async def scenario():
        async with behind(tmp_path) as (address, _), httpx.AsyncClient(verify=False) as http:
            assert (await http.get(f"{address}/")).status_code == 401
            page = await http.get(f"{address}/?token={TOKEN}")
            cookie = page.headers["set-cookie"]
            assert page.status_code == 200 and "Path=/lipstream/" in cookie and cookie.endswith("Secure")
            # The cookie is enough from here on, for all that the page names.
            for name in ("static/main/page.js", "static/shared/base.css", "captions", "docs", "api/status"):
                assert (await http.get(f"{address}/{name}")).status_code == 200, name
            log = (tmp_path / "access.log").read_text(encoding="utf-8")
            assert '"GET /lipstream/" 200' in log and TOKEN not in log
            moved = await http.get(address)
            assert moved.status_code == 301 and moved.headers["location"].endswith("/lipstream/")
            evil = await http.post(f"{address}/api/sessions", json={}, headers={"origin": "https://evil.example"})
            assert evil.status_code == 403

    asyncio.run(scenario())


def test_a_browsers_session_and_its_events(tmp_path: Path):
    async def scenario():
        async with behind(tmp_path) as (address, _):
            origin = address.removesuffix("/lipstream")
            browser = Browser(address, {"authorization": f"Bearer {TOKEN}", "origin": origin})
            browser.http = client(address)
            browser.http.headers["origin"] = origin
            await browser.connect()
            url = address.replace("https", "wss", 1) + f"/events?session={browser.session}"
            async with websockets.connect(url, ssl=TRUST, additional_headers=browser.headers) as socket:

                async def messages() -> AsyncIterator[dict[str, object]]:
                    async for message in socket:
                        yield json.loads(message)

                assert str((await first(messages(), "TranscriptFinal"))["text"]).startswith("Beep")
            assert (await browser.end()).status_code == 204
            await browser.close()

    asyncio.run(scenario())


def test_sound_over_a_socket(tmp_path: Path):
    async def scenario():
        async with behind(tmp_path) as (address, _):
            url = address.replace("https", "wss", 1) + f"/v1/stream?token={TOKEN}"
            async with websockets.connect(url, ssl=TRUST, max_queue=None) as socket:
                data = pcm(beeps(4))
                for at in range(0, len(data), 3200):
                    await socket.send(data[at : at + 3200])
                await socket.send(END)
                return await everything(socket)

    told = asyncio.run(scenario())
    assert len([each for each in told if each["event"] == "TranscriptFinal"]) == 4


def test_openais_client_and_its_stream(tmp_path: Path, captions: Captions, folder: Path):  # noqa: F811
    import openai  # here, as in tests/web/programs/test_openai.py

    async def scenario():
        async with behind(tmp_path) as (address, _), client(address) as http:
            api = openai.AsyncOpenAI(base_url=f"{address}/v1", api_key=TOKEN, max_retries=0, http_client=http)
            stream = await api.audio.transcriptions.create(
                file=("talk.wav", recording()), model="whisper-1", stream=True
            )
            told = [event.type async for event in stream]
            assert not [path for path in files(folder) if path.suffix == ".media"]
            return told

    assert asyncio.run(scenario())[-1] == "transcript.text.done"


def test_who_asks_is_known_by_the_proxys_word(tmp_path: Path):
    """Another machine's page may not be believed, and a proxy that is not named is not."""

    async def scenario():
        async with behind(tmp_path) as (address, here), client(address) as http:
            assert (await http.get("/metrics")).status_code == 200
            direct = f"http://127.0.0.1:{here.port}"
            async with httpx.AsyncClient(base_url=direct) as other:
                assert (await other.get("/healthz")).status_code == 200
                assert (await other.get("/api/status")).status_code == 401

    asyncio.run(scenario())
