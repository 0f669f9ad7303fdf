"""Recordings that are sent: limits, the report, what is deleted when."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from lipstream.events import Remark, SpeechStarted
from lipstream.web.files.uploads import UploadLimits
from tests.commands.fakes import Captions, sentence
from tests.web.fakes import PATIENCE, server


@pytest.fixture
def captions(monkeypatch: pytest.MonkeyPatch) -> Captions:
    fake = Captions()
    fake.steps = [SpeechStarted(segment=1, start=0.1), sentence("Hello there.", 0.2)]
    monkeypatch.setattr("lipstream.captions._captions_graph", fake.build)
    return fake


def recording(seconds: float = 1.0) -> bytes:
    """A WAV file of silence."""
    size = round(seconds * 16_000) * 2
    head = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    form = b"\x01\x00\x01\x00" + (16_000).to_bytes(4, "little") + (32_000).to_bytes(4, "little") + b"\x02\x00\x10\x00"
    return head + form + b"data" + size.to_bytes(4, "little") + bytes(size)


async def send(base: str, body: bytes, name: str = "talk.wav", **arguments) -> httpx.Response:
    async with httpx.AsyncClient(base_url=base, timeout=PATIENCE) as client:
        return await client.post("/api/files", params={"name": name}, content=body, **arguments)


async def ask(base: str, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=base, timeout=PATIENCE) as client:
        return await client.request(method, path, headers=headers)


async def settled(base: str, name: str) -> dict[str, object]:
    async with asyncio.timeout(PATIENCE):
        while True:
            state = (await ask(base, f"/api/files/{name}")).json()
            if state["state"] in ("done", "failed"):
                return state
            await asyncio.sleep(0.05)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_recording_becomes_a_report_and_is_deleted_when_asked(captions: Captions, folder: Path):
    async def scenario():
        async with server() as here:
            taken = await send(here.base, recording(), "my <b>talk</b>/../x.wav")
            assert taken.status_code == 202
            name = taken.json()["file"]
            state = await settled(here.base, name)
            formats = state.pop("formats")
            assert state == {"state": "done", "progress": 1.0, "message": ""}
            report = await ask(here.base, f"/api/files/{name}/report")
            assert report.status_code == 200 and "Hello there." in report.text
            assert "my &lt;b&gt;talk&lt;/b&gt;/../x.wav" in report.text and "<b>talk" not in report.text
            # Beside the report, so that it is found wherever a proxy has that.
            assert 'src="media"' in report.text
            assert "default-src 'none'" in report.headers["content-security-policy"]
            whole = await ask(here.base, f"/api/files/{name}/media")
            assert whole.content == recording() and whole.headers["content-type"].startswith("audio/")
            part = await ask(here.base, f"/api/files/{name}/media", range="bytes=10-19")
            assert part.status_code == 206 and part.content == recording()[10:20]
            assert part.headers["content-range"] == f"bytes 10-19/{len(recording())}"
            assert {"txt", "srt", "vtt", "ass", "tsv", "json"} <= set(formats)
            for kind in formats:
                got = await ask(here.base, f"/api/files/{name}/captions/{kind}")
                assert got.status_code == 200 and (kind in ("emotion.csv", "rttm") or "Hello" in got.text), kind
                assert got.headers["content-disposition"].startswith("attachment")
                assert got.headers["content-type"].partition(";")[0] in ("text/plain", "application/json")
            assert f'filename="x.{kind}"' in got.headers["content-disposition"]
            unknown = await ask(here.base, f"/api/files/{name}/captions/docx")
            assert unknown.status_code == 404 and "txt, srt" in unknown.json()["message"]
            assert (await ask(here.base, f"/api/files/{name}/captions/..%2f..%2fx")).status_code == 404
            assert len(files(folder)) == 2 + len(formats)
            assert (await ask(here.base, f"/api/files/{name}", "DELETE")).status_code == 204
            assert files(folder) == []
            assert (await ask(here.base, f"/api/files/{name}/report")).status_code == 404

    asyncio.run(scenario())
    assert captions.configs[0].mode == "file" and captions.configs[0].face.report_rate > 0


def test_whoever_has_switched_emotion_off_has_none_in_a_recording_either(captions: Captions, folder: Path):
    """Regression: the page's button held for live sessions alone."""

    async def scenario():
        async with server() as here, httpx.AsyncClient(base_url=here.base, timeout=PATIENCE) as client:
            wrong = await client.post("/api/files?name=a.wav&emotion=maybe", content=recording())
            assert wrong.status_code == 400 and "emotion=true or false" in wrong.json()["message"]
            taken = await client.post("/api/files?name=a.wav&emotion=false", content=recording())
            state = await settled(here.base, taken.json()["file"])
            assert "json" in state["formats"] and "emotion.csv" not in state["formats"]

    asyncio.run(scenario())
    assert [config.emotion.enabled for config in captions.configs] == [False]


def test_the_end_of_the_server_deletes_everything(captions: Captions, folder: Path):
    async def scenario():
        async with server() as here:
            name = (await send(here.base, recording())).json()["file"]
            await settled(here.base, name)
            assert files(folder)

    asyncio.run(scenario())
    assert list(folder.iterdir()) == []


def test_a_recording_is_forgotten_after_a_while(captions: Captions, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lipstream.web.files.uploads.KEPT_SECONDS", 0.0)
    monkeypatch.setattr("lipstream.web.files.uploads._LOOK_SECONDS", 0.05)

    async def scenario():
        async with server() as here:
            name = (await send(here.base, recording())).json()["file"]
            async with asyncio.timeout(PATIENCE):
                while (await ask(here.base, f"/api/files/{name}")).status_code != 404:
                    await asyncio.sleep(0.06)
            assert files(folder) == []

    asyncio.run(scenario())


@pytest.mark.parametrize("announced", [True, False])
def test_what_is_too_large_is_refused_whether_it_says_so_or_not(folder: Path, announced: bool):
    async def pieces():
        for _ in range(40):
            yield bytes(10_000)

    async def scenario():
        async with server(limits=UploadLimits(100_000, 60.0)) as here:
            body = bytes(400_000) if announced else pieces()
            try:
                refused = await send(here.base, body)
            except httpx.WriteError:
                # The server may hang up before all of it is sent.
                pass
            else:
                assert refused.status_code == 413 and "100 kB" in refused.json()["message"]
            assert files(folder) == []

    asyncio.run(scenario())


def test_what_lasts_too_long_or_is_no_recording_is_refused_by_its_own_name(folder: Path):
    async def scenario():
        async with server(limits=UploadLimits(10_000_000, 60.0)) as here:
            long = await send(here.base, recording(90.0), "lecture.wav")
            assert long.status_code == 413
            assert long.json()["message"] == "'lecture.wav' lasts 90 seconds, and this server takes up to 60 seconds."
            text = await send(here.base, b"Just some words.\n" * 99, "notes.mp4")
            assert text.status_code == 415
            assert "notes.mp4" in text.json()["message"] and str(folder) not in text.json()["message"]
            assert (await send(here.base, b"")).status_code == 415
            assert files(folder) == []

    asyncio.run(scenario())


def test_only_so_many_are_kept(captions: Captions, folder: Path):
    async def scenario():
        async with server(limits=UploadLimits(100_000, 60.0, max_kept=1)) as here:
            name = (await send(here.base, recording())).json()["file"]
            assert (await send(here.base, recording())).status_code == 503
            await ask(here.base, f"/api/files/{name}", "DELETE")
            assert (await send(here.base, recording())).status_code == 202

    asyncio.run(scenario())


def test_a_recording_in_which_nothing_is_heard_says_so(captions: Captions, folder: Path):
    captions.steps = [Remark(modality="audio", kind="no_speech", text="no speech was heard")]

    async def scenario():
        async with server() as here:
            name = (await send(here.base, recording())).json()["file"]
            assert (await settled(here.base, name))["message"] == "No speech was heard."
            report = await ask(here.base, f"/api/files/{name}/report")
            assert "Sound: no speech was heard" in report.text

    asyncio.run(scenario())


def test_a_recording_waits_for_a_place_and_then_takes_it(captions: Captions, folder: Path):
    async def scenario():
        async with server(limit=1) as here:
            browser, other = here.browser(), here.browser()
            await browser.connect()
            name = (await send(here.base, recording())).json()["file"]
            waiting = (await ask(here.base, f"/api/files/{name}")).json()
            assert (waiting["state"], waiting["message"]) == ("waiting", "Waiting for its turn.")
            await browser.end()
            assert (await settled(here.base, name))["state"] == "done"
            await browser.close()
            await other.close()

    asyncio.run(scenario())


def test_one_that_is_being_captioned_can_be_removed_and_its_run_ends(
    captions: Captions, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    def steps():
        while True:
            yield lambda: time.sleep(0.01)

    captions.steps = steps()

    async def scenario():
        async with server() as here:
            name = (await send(here.base, recording())).json()["file"]
            async with asyncio.timeout(PATIENCE):
                while (await ask(here.base, f"/api/files/{name}")).json()["state"] != "running":
                    await asyncio.sleep(0.02)
            assert (await here.browser().post_offer(await here.browser().offer())).status_code == 503
            assert (await ask(here.base, f"/api/files/{name}/report")).status_code == 409
            await ask(here.base, f"/api/files/{name}", "DELETE")
            async with asyncio.timeout(PATIENCE):
                while files(folder) or (await ask(here.base, "/api/status")).json()["sessions"]:
                    await asyncio.sleep(0.02)

    asyncio.run(scenario())


def test_a_run_that_fails_says_so_and_keeps_nothing(captions: Captions, folder: Path):
    captions.steps = [ValueError("out of memory")]

    async def scenario():
        async with server() as here:
            name = (await send(here.base, recording())).json()["file"]
            state = await settled(here.base, name)
            assert state["state"] == "failed" and "out of memory" in state["message"]
            assert files(folder) == []

    asyncio.run(scenario())


SEGMENT = {
    "start": 0.5,
    "end": 1.4,
    "text": "Hello there.",
    "words": [{"word": "Hello", "start": 0.5, "end": 0.9}, {"word": "there.", "start": 1.0, "end": 1.4}],
}


def test_a_transcript_of_a_page_becomes_subtitles():
    async def scenario():
        async with server() as here, httpx.AsyncClient(base_url=here.base, timeout=PATIENCE) as client:
            status = (await client.get("/api/status")).json()
            assert {"srt", "vtt", "ass", "txt", "tsv"} <= set(status["formats"])
            assert status["emotion"] is True
            made = await client.post("/api/convert/srt", json={"segments": [SEGMENT]})
            assert made.text == "1\n00:00:00,500 --> 00:00:01,400\nHello there.\n\n"
            assert made.headers["content-type"].startswith("text/plain")
            for kind, body, code, said in (
                ("docx", {"segments": []}, 404, "There is no such format"),
                ("json", {"segments": []}, 404, "There is no such format"),
                ("srt", {"segments": [{"start": 1}]}, 400, "'segments.0.end': field required"),
                ("srt", {"segments": [SEGMENT | {"start": -1}]}, 400, "This is no transcript: 'segments.0.start'"),
            ):
                refused = await client.post(f"/api/convert/{kind}", json=body)
                assert refused.status_code == code and said in refused.json()["message"]

    asyncio.run(scenario())
