"""Recordings that programs send and come back for."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import httpx
import pytest

from lipstream.web.files.uploads import UploadLimits
from tests.commands.fakes import Captions, sentence
from tests.web.fakes import PATIENCE, server
from tests.web.test_uploads import files, recording


@pytest.fixture
def captions(monkeypatch: pytest.MonkeyPatch) -> Captions:
    fake = Captions()
    fake.steps = [sentence("Hello there.", 0.2)]
    monkeypatch.setattr("lipstream.captions._captions_graph", fake.build)
    return fake


async def send(http: httpx.AsyncClient, name: str = "talk.wav", **fields: str) -> httpx.Response:
    return await http.post("/v1/jobs", data=fields, files={"file": (name, recording())})


async def settled(http: httpx.AsyncClient, job: str) -> dict[str, object]:
    async with asyncio.timeout(PATIENCE):
        while (told := (await http.get(f"/v1/jobs/{job}")).json())["status"] not in ("completed", "failed"):
            await asyncio.sleep(0.05)
    return told


def test_a_list_of_jobs_their_results_and_their_end(captions: Captions, folder: Path):
    async def scenario():
        async with server() as here, httpx.AsyncClient(base_url=here.base, timeout=PATIENCE) as http:
            assert (await http.get("/v1/jobs")).json() == {"object": "list", "data": []}
            # What says how to answer has no meaning here, as the result is fetched in any form.
            taken = await send(http, "one.wav", language="de", response_format="diarized_json")
            second = await send(http, "two.wav")
            assert taken.status_code == second.status_code == 202
            job = taken.json()["id"]
            told = await settled(http, job)
            assert (told["status"], told["name"], told["progress"]) == ("completed", "one.wav", 1.0)
            assert {"verbose_json", "srt", "vtt", "txt", "json"} <= set(told["formats"])
            listed = (await http.get("/v1/jobs")).json()["data"]
            assert [each["name"] for each in listed] == ["one.wav", "two.wav"]
            result = (await http.get(f"/v1/jobs/{job}/result")).json()
            assert (result["task"], result["text"]) == ("transcribe", "Hello there.") and len(result["words"]) == 2
            srt = await http.get(f"/v1/jobs/{job}/result", params={"format": "srt"})
            assert "Hello there." in srt.text and 'filename="one.srt"' in srt.headers["content-disposition"]
            assert (await http.get(f"/v1/jobs/{job}/result?format=docx")).status_code == 404
            assert (await http.delete(f"/v1/jobs/{job}")).json() == {"id": job, "object": "job", "deleted": True}
            assert (await http.get(f"/v1/jobs/{job}")).status_code == 404
            await settled(http, second.json()["id"])
            await http.delete(f"/v1/jobs/{second.json()['id']}")
            assert files(folder) == []

    asyncio.run(scenario())
    assert captions.configs[0].speech.language == "de"


def test_one_that_is_not_done_has_no_result_and_can_be_deleted(captions: Captions, folder: Path):
    begun, go = threading.Event(), threading.Event()
    captions.steps = [lambda: begun.set() or go.wait(PATIENCE), *([sentence("Hello.", 0.2)] * 50)]

    async def scenario():
        async with server() as here, httpx.AsyncClient(base_url=here.base, timeout=PATIENCE) as http:
            job = (await send(http)).json()["id"]
            await asyncio.to_thread(begun.wait, PATIENCE)
            waiting = (await send(http, "two.wav")).json()
            assert waiting["status"] == "queued"
            assert (await http.get(f"/v1/jobs/{job}")).json()["status"] == "in_progress"
            assert (await http.get(f"/v1/jobs/{job}/result")).status_code == 409
            assert (await http.delete(f"/v1/jobs/{job}")).status_code == 200
            go.set()
            await settled(http, waiting["id"])

    asyncio.run(scenario())


def test_one_that_fails_says_why(captions: Captions, folder: Path):
    captions.steps = [RuntimeError("broken")]

    async def scenario():
        async with server() as here, httpx.AsyncClient(base_url=here.base, timeout=PATIENCE) as http:
            job = (await send(http)).json()["id"]
            told = await settled(http, job)
            assert told["status"] == "failed" and told["message"] and told["formats"] == []
            assert (await http.get(f"/v1/jobs/{job}/result")).json()["error"]["message"] == told["message"]

    asyncio.run(scenario())


def test_only_so_many_are_kept_and_the_next_one_is_told(captions: Captions, folder: Path):
    async def scenario():
        limits = UploadLimits(100_000, 60.0, max_kept=1)
        async with server(limits=limits) as here, httpx.AsyncClient(base_url=here.base, timeout=PATIENCE) as http:
            job = (await send(http)).json()["id"]
            refused = await send(http)
            assert refused.status_code == 503 and refused.headers["retry-after"]
            assert refused.json()["error"]["code"] == "busy"
            await http.delete(f"/v1/jobs/{job}")
            assert (await send(http)).status_code == 202

    asyncio.run(scenario())


def test_jobs_that_are_done_are_not_in_the_way_of_who_waits_for_an_answer(captions: Captions, folder: Path):
    limits = UploadLimits(100_000, 60.0, max_kept=1)

    async def scenario():
        async with server(limits=limits) as here, httpx.AsyncClient(base_url=here.base, timeout=PATIENCE) as http:
            job = (await send(http)).json()["id"]
            await settled(http, job)
            asked = await http.post("/v1/audio/transcriptions", files={"file": ("b.wav", recording())})
            assert asked.status_code == 200 and asked.json()["text"] == "Hello there."
            assert (await http.get(f"/v1/jobs/{job}/result?format=txt")).status_code == 200
            await http.delete(f"/v1/jobs/{job}")

    asyncio.run(scenario())


def test_requests_are_bounded_by_those_that_wait(captions: Captions, folder: Path):
    limits = UploadLimits(100_000, 60.0, max_kept=1)
    begun, go = threading.Event(), threading.Event()
    captions.steps = [lambda: begun.set() or go.wait(PATIENCE)]

    async def scenario():
        async with server(limits=limits) as here, httpx.AsyncClient(base_url=here.base, timeout=PATIENCE) as http:
            job = (await send(http)).json()["id"]
            await asyncio.to_thread(begun.wait, PATIENCE)
            refused = await http.post("/v1/audio/transcriptions", files={"file": ("b.wav", recording())})
            assert refused.status_code == 503 and refused.headers["retry-after"]
            assert "remove" not in refused.json()["error"]["message"]
            go.set()
            await settled(http, job)

    asyncio.run(scenario())


def test_what_is_too_large_is_refused_and_leaves_nothing(folder: Path):
    async def scenario():
        limits = UploadLimits(1000, 60.0)
        async with server(limits=limits) as here, httpx.AsyncClient(base_url=here.base, timeout=PATIENCE) as http:
            refused = await http.post("/v1/jobs", files={"file": ("a.wav", recording(200.0))})
            assert refused.status_code == 413
            over = await http.post("/v1/jobs", files={"file": ("a.wav", recording(1.0))})
            assert over.status_code == 413
            assert files(folder) == []

    asyncio.run(scenario())


def test_recordings_of_pages_are_not_in_the_list(captions: Captions, folder: Path):
    async def scenario():
        async with server() as here, httpx.AsyncClient(base_url=here.base, timeout=PATIENCE) as http:
            name = (await http.post("/api/files?name=a.wav", content=recording())).json()["file"]
            assert (await http.get("/v1/jobs")).json()["data"] == []
            assert (await http.get(f"/v1/jobs/{name}")).status_code == 404

    asyncio.run(scenario())
