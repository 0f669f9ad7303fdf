"""Sessions of browsers, over a real connection: begun, captioned, refused, ended."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import weakref

import pytest

from lipstream.config import load_config
from lipstream.pipeline import UserError
from lipstream.web.address import Address
from tests.web.fakes import PATIENCE, Runs, first, server, until


def test_a_browser_is_answered_and_gets_the_events_of_its_sound_and_picture():
    async def scenario():
        async with server() as here:
            browser = here.browser()
            await browser.connect()
            async with browser.events() as messages:
                hello = await first(messages, "Hello")
                assert hello == {"event": "Hello", "session": browser.session, "state": hello["state"]}
                if hello["state"] == "loading":
                    assert await first(messages, "Running") == {"event": "Running", "session": browser.session}
                final = await first(messages, "TranscriptFinal")
                assert final["text"] == "Beep 1." and final["words"] == [] and "emitted" in final
                await first(messages, "FaceSeen")
                assert (await browser.http.get("/api/status")).json()["sessions"] == 1
                assert (await browser.end()).status_code == 204
                assert (await first(messages, "End"))["reason"] == "stopped"
            assert (await browser.http.get("/api/status")).json()["sessions"] == 0
            await browser.close()
        assert here.runs.ears[0].beeps and here.runs.eyes[0].pictures

    asyncio.run(scenario())


@pytest.mark.parametrize(("sound", "picture"), [(True, False), (False, True)])
def test_a_browser_may_send_only_sound_or_only_a_picture(sound: bool, picture: bool):
    async def scenario():
        async with server() as here:
            browser = here.browser()
            await browser.connect(sound, picture)
            async with browser.events() as messages:
                await first(messages, "TranscriptFinal" if sound else "FaceSeen")
            assert bool(here.runs.ears[0].blocks) == sound and bool(here.runs.eyes[0].pictures) == picture
            await browser.close()

    asyncio.run(scenario())


def test_a_server_that_is_full_says_so_and_has_room_again_when_a_session_ends():
    async def scenario():
        async with server(limit=1) as here:
            one, other = here.browser(), here.browser()
            await one.connect()
            offer = await other.offer()
            refused = await other.post_offer(offer)
            assert refused.status_code == 503
            assert refused.json()["error"] == "busy" and "busy" in refused.json()["message"]
            await one.end()
            granted = await other.post_offer(offer)
            assert granted.status_code == 200
            await other.accept(granted.json())
            async with other.events() as messages:
                await first(messages, "TranscriptFinal")
            await one.close()
            await other.close()

    asyncio.run(scenario())


def test_a_page_that_is_loaded_anew_waits_for_its_old_session_to_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lipstream.web.sessions._PATIENCE_SECONDS", PATIENCE)

    async def scenario():
        async with server(limit=1) as here:
            one, other = here.browser(), here.browser()
            await one.connect()
            offer = await other.offer()
            pipeline = here.runs.made[0].pipeline
            stopping, go_on, stop = threading.Event(), threading.Event(), pipeline.stop

            def stop_slowly() -> None:
                stopping.set()
                go_on.wait(PATIENCE)
                stop()

            pipeline.stop = stop_slowly
            ending = asyncio.ensure_future(one.end())
            await until(stopping.is_set)
            granting = asyncio.ensure_future(other.post_offer(offer))
            await asyncio.sleep(0.1)
            assert not granting.done()
            go_on.set()
            assert (await granting).status_code == 200
            await ending
            await one.close()
            await other.close()

    asyncio.run(scenario())


def test_a_session_ends_when_its_browser_closes_the_connection():
    async def scenario():
        async with server() as here:
            browser = here.browser()
            await browser.connect()
            async with browser.events() as messages:
                await first(messages, "TranscriptFinal")
                await browser.peer.close()
                await first(messages, "End")
            await browser.close()

    asyncio.run(scenario())


def test_a_session_ends_when_its_browser_has_sent_nothing_for_long(monkeypatch: pytest.MonkeyPatch):
    async def scenario():
        async with server() as here:
            browser = here.browser()
            await browser.connect()
            async with browser.events() as messages:
                await first(messages, "TranscriptFinal")
                monkeypatch.setattr("lipstream.web.session.SILENT_SECONDS", 0.5)
                for sender in browser.peer.getSenders():
                    sender.replaceTrack(None)
                await first(messages, "End")
            await browser.close()

    asyncio.run(scenario())


def test_an_offer_that_is_not_followed_by_a_connection_is_let_go(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lipstream.web.session.CONNECT_SECONDS", 0.3)

    async def scenario():
        async with server() as here:
            browser = here.browser()
            assert (await browser.post_offer(await browser.offer())).status_code == 200
            async with asyncio.timeout(PATIENCE):
                while (await browser.http.get("/api/status")).json()["sessions"]:
                    await asyncio.sleep(0.05)
            await browser.close()

    asyncio.run(scenario())


def test_the_end_of_the_server_ends_its_sessions_and_tells_who_listens():
    async def scenario():
        async with server() as here:
            browser = here.browser()
            await browser.connect()
            async with browser.events() as messages:
                await first(messages, "TranscriptFinal")
                here.asked.set()
                assert (await first(messages, "End"))["reason"] == "stopped"
            await until(lambda: browser.peer.connectionState in ("closed", "failed"))
            await browser.close()
        assert all(made.pipeline.wait(PATIENCE) for made in here.runs.made)

    asyncio.run(scenario())


def test_switches_are_turned_and_wrong_ones_refused():
    async def scenario():
        async with server() as here:
            browser = here.browser()
            await browser.connect()
            address = f"/api/sessions/{browser.session}/switches"
            turned = await browser.http.post(address, json={"lips": False})
            assert turned.json() == {"sound": True, "lips": False}
            assert not here.runs.made[0].pipeline.switches.is_on("lips")
            for wrong in ({"nose": False}, {"lips": "off"}, {}, []):
                refused = await browser.http.post(address, json=wrong)
                assert refused.status_code == 400 and "message" in refused.json(), wrong
            await browser.close()

    asyncio.run(scenario())


def test_terms_are_replaced_and_bad_ones_refused_with_the_reason():
    async def scenario():
        async with server() as here:
            browser = here.browser()
            await browser.connect()
            address, reader = f"/api/sessions/{browser.session}/terms", here.runs.readers[0]
            assert (await browser.http.post(address, json={"terms": ["Ada  Lovelace", "Babbage"]})).status_code == 204
            assert reader.terms.phrases == ("Ada Lovelace", "Babbage")
            for wrong in ({}, {"terms": "Ada"}, {"terms": [1]}, {"terms": None}, {"names": ["Ada"]}):
                refused = await browser.http.post(address, json=wrong)
                assert refused.status_code == 400 and '{"terms": [...]}' in refused.json()["message"], wrong
            refused = await browser.http.post(address, json={"terms": ["Ada", "?!"]})
            assert refused.status_code == 400 and refused.json() == {
                "error": "bad terms",
                "message": "Term 2: '?!' has no letter or digit; write a word or a phrase.",
            }
            too_many = await browser.http.post(address, json={"terms": [f"name {number}" for number in range(501)]})
            assert too_many.status_code == 400 and "more than 500" in too_many.json()["message"]
            assert reader.terms.phrases == ("Ada Lovelace", "Babbage")
            assert (await browser.http.post(address, json={"terms": []})).status_code == 204
            assert reader.terms.phrases == ()
            assert (await browser.http.post("/api/sessions/nobody/terms", json={"terms": []})).status_code == 404
            await browser.close()

    asyncio.run(scenario())


def test_as_many_and_as_long_terms_as_there_may_be_are_taken_and_no_more():
    async def scenario():
        async with server() as here:
            browser = here.browser()
            await browser.connect()
            address = f"/api/sessions/{browser.session}/terms"
            # Each character is six bytes of JSON.
            most = json.dumps({"terms": ["я" * 77 + f"{number:03}" for number in range(500)]}).encode()
            assert (await browser.http.post(address, content=most)).status_code == 204
            assert len(here.runs.readers[0].terms.phrases) == 500
            refused = await browser.http.post(address, content=most + b" " * 256_000)
            assert refused.status_code == 413 and refused.json()["error"] == "too large"
            await browser.close()

    asyncio.run(scenario())


def test_terms_are_taken_only_from_a_page_of_this_server_and_from_who_has_the_token():
    async def scenario():
        token = "a-long-enough-secret"
        async with server(address=Address("127.0.0.1", 0, token)) as here:
            browser, stranger = here.browser(headers={"authorization": f"Bearer {token}"}), here.browser()
            await browser.connect()
            address, terms = f"/api/sessions/{browser.session}/terms", {"terms": ["Ada"]}
            assert (await stranger.http.post(address, json=terms)).status_code == 401
            elsewhere = await browser.http.post(address, json=terms, headers={"origin": "http://evil.example"})
            assert elsewhere.status_code == 403
            assert here.runs.readers[0].terms.phrases == ()
            await browser.close()
            await stranger.close()

    asyncio.run(scenario())


def test_terms_of_a_run_without_sound_are_refused():
    async def scenario():
        async with server(Runs(load_config("live", {"audio.enabled": False}))) as here:
            browser = here.browser()
            await browser.connect(sound=False)
            refused = await browser.http.post(f"/api/sessions/{browser.session}/terms", json={"terms": ["Ada"]})
            assert refused.status_code == 400 and "no sound in this run" in refused.json()["message"]
            await browser.close()

    asyncio.run(scenario())


def fail() -> None:
    raise UserError("the model is missing")


def test_a_server_that_can_make_no_run_at_all_ends_and_says_why():
    async def scenario():
        async with server(Runs(before=fail)):
            await asyncio.Event().wait()

    with pytest.raises(UserError, match="the model is missing"):
        asyncio.run(scenario())


def test_a_run_that_cannot_be_made_later_is_said_to_the_page_and_the_next_one_may_do():
    async def scenario():
        async with server(limit=2) as here:
            one, other = here.browser(), here.browser()
            await until(lambda: here.runs.made)
            here.runs.before = fail
            await one.connect()
            offer = await other.offer()
            refused = await other.post_offer(offer)
            assert refused.status_code == 500
            assert refused.json() == {"error": "cannot start", "message": "The model is missing."}
            here.runs.before = lambda: None
            assert (await other.post_offer(offer)).status_code == 200
            assert (await one.http.get("/api/status")).json()["sessions"] == 2
            await one.close()
            await other.close()

    asyncio.run(scenario())


def test_nothing_of_ended_sessions_is_left():
    async def scenario():
        runs = Runs()
        async with server(runs) as here, here.browser().events("") as follower:
            await first(follower, "Hello")
            for _ in range(3):
                browser = here.browser()
                await browser.connect()
                async with browser.events() as messages:
                    await first(messages, "TranscriptFinal")
                    await first(messages, "FaceSeen")
                await browser.end()
                await browser.close()
            dead = [weakref.ref(made.pipeline) for made in runs.made[:3]]
            runs.made.clear(), runs.ears.clear(), runs.readers.clear(), runs.eyes.clear()
            del browser, messages

            def gone() -> bool:
                gc.collect()
                return not any(each() for each in dead)

            await until(gone)
            await until(lambda: not [each for each in threading.enumerate() if "decoder" in each.name])

    threads = set(threading.enumerate())
    asyncio.run(scenario())
    left = [each for each in threading.enumerate() if each not in threads]
    for each in left:
        each.join(PATIENCE)
    assert not [each.name for each in left if each.is_alive() and "AnyIO" not in each.name]
