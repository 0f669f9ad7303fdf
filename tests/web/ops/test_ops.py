"""What an operator looks at: metrics, probes, the log."""

from __future__ import annotations

import asyncio
import json
import logging
import threading

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from lipstream.web.address import Address
from lipstream.web.ops.journal import FIELDS
from lipstream.web.ops.logs import JsonLines
from tests.commands.fakes import Captions
from tests.web.fakes import PATIENCE, Runs, first, server, until
from tests.web.programs.test_jobs import captions, send, settled  # noqa: F401 - fixtures among them
from tests.web.programs.test_sockets import END, beeps, everything, messages, opened, pcm

TOKEN = "a-long-enough-secret"


def sample(text: str, name: str, **labels: str) -> float:
    for family in text_string_to_metric_families(text):
        for each in family.samples:
            if each.name == name and labels.items() <= each.labels.items():
                return each.value
    raise AssertionError(f"there is no {name} {labels}")


def test_metrics_tell_of_sessions_recordings_and_requests(captions: Captions, folder):  # noqa: F811
    async def scenario() -> str:
        async with server() as here, httpx.AsyncClient(base_url=here.base, timeout=PATIENCE) as http:
            async with opened(here) as socket:
                await first(messages(socket), "Running")
                text = (await http.get("/metrics")).text
                assert sample(text, "lipstream_sessions", kind="socket") == 1
                assert sample(text, "lipstream_places_taken") == sample(text, "lipstream_places") == 1
                refused = await http.post("/api/sessions", json={"type": "offer", "sdp": "v=0\r\nm=audio 9 x 0\r\n"})
                assert refused.status_code == 503
                await socket.send(pcm(beeps(1)))
                await socket.send(END)
                await everything(socket)
            job = (await send(http)).json()["id"]
            await settled(http, job)
            await http.get("/no/such/thing")
            await http.request("PROPFIND", "/")
            answer = await http.get("/metrics")
            assert answer.headers["content-type"].startswith("text/plain; version=")
            return answer.text

    text = asyncio.run(scenario())
    assert sample(text, "lipstream_sessions_begun_total", kind="socket") == 1
    assert sample(text, "lipstream_sessions_ended_total", kind="socket") == 1
    assert sample(text, "lipstream_session_seconds_total", kind="socket") > 0
    assert sample(text, "lipstream_sessions_refused_total", kind="browser") == 1
    assert sample(text, "lipstream_sessions", kind="socket") == 0
    assert sample(text, "lipstream_recordings_finished_total", kind="job", result="done") == 1
    assert sample(text, "lipstream_recording_media_seconds_total") == pytest.approx(1.0)
    assert sample(text, "lipstream_recording_run_seconds_total") > 0
    assert sample(text, "lipstream_recordings", state="done") == 1
    posted = sample(text, "lipstream_http_requests_total", route="/v1/jobs", method="POST", status="202")
    told = sample(text, "lipstream_http_requests_total", route="/v1/jobs/{name}", method="GET", status="200")
    assert posted == 1 and told >= 1
    assert sample(text, "lipstream_http_requests_total", route="other", method="GET", status="404") == 1
    assert sample(text, "lipstream_http_requests_total", method="other", status="405") == 1
    assert sample(text, "lipstream_build_info") == 1
    # Names of recordings and sessions are on none of the labels.
    assert "talk" not in text


def test_metrics_need_the_token_and_probes_do_not():
    async def scenario():
        async with (
            server(address=Address("127.0.0.1", 0, TOKEN)) as here,
            httpx.AsyncClient(base_url=here.base) as http,
        ):
            assert (await http.get("/metrics")).status_code == 401
            assert (await http.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})).status_code == 200
            health = await http.get("/healthz", headers={"host": "10.1.2.3"})
            assert (health.status_code, health.text) == (200, "ok\n")

    asyncio.run(scenario())


def test_it_is_ready_once_the_networks_are_there():
    loading = threading.Event()
    runs = Runs(before=lambda: loading.wait(PATIENCE))

    async def scenario():
        async with server(runs) as here, httpx.AsyncClient(base_url=here.base) as http:
            assert (await http.get("/healthz")).status_code == 200
            not_yet = await http.get("/readyz")
            assert not_yet.status_code == 503 and "loading" in not_yet.text
            loading.set()
            async with asyncio.timeout(PATIENCE):
                while (await http.get("/readyz")).status_code != 200:
                    await asyncio.sleep(0.02)

    asyncio.run(scenario())


def record(message: str, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("lipstream.web", logging.INFO, "x.py", 1, message, None, None)
    setattr(made, FIELDS, fields)
    return made


def test_a_record_is_one_line_of_json():
    line = JsonLines().format(record("request", route="/x", status=200, odd="a\nb\x1b"))
    told = json.loads(line)
    assert "\n" not in line and "\x1b" not in line
    assert (told["message"], told["level"], told["route"], told["status"]) == ("request", "info", "/x", 200)
    assert told["time"].endswith("+00:00")


def test_a_failure_has_its_traceback_in_the_same_line():
    try:
        raise ValueError("broken")
    except ValueError as error:
        made = logging.LogRecord(
            "x", logging.ERROR, "x.py", 1, "failed", None, (ValueError, error, error.__traceback__)
        )
    line = JsonLines().format(made)
    assert "\n" not in line and "ValueError: broken" in json.loads(line)["traceback"]


def test_the_log_tells_what_happens_and_nothing_of_what_is_said(caplog: pytest.LogCaptureFixture):
    async def scenario():
        async with server() as here, httpx.AsyncClient(base_url=here.base) as http:
            await http.get("/api/files/secret-name", params={"token": "secret-token"})
            async with opened(here, "?terms=secret-term") as socket:
                await socket.send(pcm(beeps(2)))
                await socket.send(END)
                await everything(socket)
            await until(lambda: any("session ended" in each.getMessage() for each in caplog.records))

    with caplog.at_level("INFO"):
        asyncio.run(scenario())
    mine = [each for each in caplog.records if each.name.startswith("lipstream")]
    lines = [JsonLines().format(each) for each in mine]
    told = [json.loads(line) for line in lines]
    assert {"request", "session begun", "session ended"} <= {each.get("event") for each in told}
    assert {"route": "/api/files/{name}", "status": 404}.items() <= told[0].items()
    assert not [line for line in lines if "secret" in line or "Beep" in line]
