"""The WebSocket: whose events it sends, and that nobody who reads slowly holds anything up."""

from __future__ import annotations

import asyncio
import json

import pytest
import websockets

from lipstream.pipeline import Event
from lipstream.stages.sinks.text import json_text
from lipstream.web.event_stream import NO_SESSION, TOO_MANY
from tests.web.fakes import PATIENCE, first, server, until


def test_without_a_session_it_follows_the_newest_and_goes_over_to_the_next():
    async def scenario():
        async with server() as here:
            one, other = here.browser(), here.browser()
            async with one.events("") as messages:
                hello = await first(messages, "Hello")
                assert hello == {"event": "Hello", "session": None, "state": "loading"}
                for browser in (one, other):
                    await browser.connect()
                    assert (await first(messages, "Running"))["session"] == browser.session
                    await first(messages, "TranscriptFinal")
                    await browser.end()
                    await first(messages, "End")
            await one.close()
            await other.close()

    asyncio.run(scenario())


def test_who_comes_late_gets_the_finals_of_before_but_nothing_that_is_superseded():
    async def scenario():
        async with server() as here:
            browser = here.browser()
            await browser.connect()
            async with browser.events() as messages:
                for _ in range(4):
                    await first(messages, "TranscriptFinal")
            now = here.runs.made[0].now() / 1e6
            async with browser.events() as messages:
                seen = [await anext(messages) for _ in range(150)]
            texts = [each["text"] for each in seen if each["event"] == "TranscriptFinal"]
            assert texts[:4] == ["Beep 1.", "Beep 2.", "Beep 3.", "Beep 4."]
            levels = [each for each in seen if each["event"] in ("SoundLevel", "FaceSeen")]
            assert levels and all(each["emitted"] >= now - 1.5 for each in levels)
            await browser.close()

    asyncio.run(scenario())


def test_a_session_that_is_not_there_is_said_so():
    async def scenario():
        async with server() as here, websockets.connect(f"ws{here.base[4:]}/events?session=none") as socket:
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
            assert socket.close_code == NO_SESSION

    asyncio.run(scenario())


def test_there_are_only_so_many_listeners(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lipstream.web.event_stream.MAX_CLIENTS", 1)

    async def scenario():
        async with server() as here:
            url = here.base.replace("http", "ws", 1) + "/events"
            async with websockets.connect(url) as one:
                await one.recv()
                async with websockets.connect(url) as other:
                    with pytest.raises(websockets.ConnectionClosed):
                        await other.recv()
                    assert other.close_code == TOO_MANY
            await asyncio.sleep(0)

            async def again() -> bool:
                async with websockets.connect(url) as third:
                    try:
                        return "Hello" in str(await third.recv())
                    except websockets.ConnectionClosed:
                        return False

            async with asyncio.timeout(PATIENCE):
                while not await again():
                    continue

    asyncio.run(scenario())


def test_a_client_that_does_not_read_holds_nobody_up():
    async def scenario():
        async with server() as here:
            browser = here.browser()
            await browser.connect()
            url = here.base.replace("http", "ws", 1) + f"/events?session={browser.session}"
            # A client with a tiny buffer that never reads.
            async with websockets.connect(url, max_queue=1) as lazy:
                async with browser.events() as messages:
                    for _ in range(3):
                        await first(messages, "TranscriptFinal")
                await browser.end()
                lazy.transport.abort()
            assert not here.runs.made[0].pipeline.stats().counters.get("events dropped for sinks")
            await browser.close()

    asyncio.run(scenario())


def test_a_message_is_the_line_of_the_jsonl_file():
    async def scenario():
        async with server() as here:
            browser = here.browser()
            lines: list[str] = []

            def keep(event: Event) -> None:
                lines.append(json_text(event.to_dict()))

            await until(lambda: here.runs.made)
            here.runs.made[0].pipeline.on(Event, keep)
            await browser.connect()
            async with browser.events() as messages:
                sent = [await anext(messages) for _ in range(30)]
            texts = [json.dumps(each) for each in sent if each["event"] not in ("Hello", "Running")]
            await until(lambda: len(lines) >= len(texts))
            assert texts and {json.dumps(json.loads(line)) for line in lines} >= set(texts)
            await browser.close()

    asyncio.run(scenario())
